"""Beginning a residual network with weights in torchvision's names, which torchvision and timm publish.

Published networks take photographs of which ImageNet's mean was taken off, divided by its standard deviation; ours take
images from 0 to 1. The first layer's filters and the first norm's mean take that over, so that away from the border an
image is to the network what the photograph was. At the border, photographs are continued by grey and images by black.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from src_models.errors import ModelFileError
from src_models.nets.resnet import ResNet

__all__ = ["begin_resnet"]

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's red, green and blue, from 0 to 1
_FIRST, _OFFSET = "conv1.weight", "bn1.running_mean"


@torch.no_grad()
def begin_resnet(network: ResNet, tensors: Mapping[str, Tensor], *, image_channels: int) -> None:
    """Give a residual network published weights, in place.

    Parameters
    ----------
    network
        It may have another number of input channels than three.
    tensors
        Named as torchvision names them; those of a classifier are left out.
    image_channels
        How many of the network's first channels are the image's. Where they are not three, each begins with an equal
        share of the filters for red, green and blue together. The others begin without effect.

    Raises
    ------
    ModelFileError
        If tensors are missing, of another shape or not finite.
    """
    places = network.state_dict()
    first = tensors.get(_FIRST)
    if first is None or first.ndim != 4 or first.shape[1] != len(MEAN):
        raise ModelFileError("this has no first layer (conv1.weight) of a residual network for red, green and blue")
    given = {name: tensors[name] for name in places if name in tensors}
    given.update({name: torch.tensor(0) for name in places if name.endswith("num_batches_tracked")})
    scaled = first / first.new_tensor(DEVIATION)[:, None, None]
    if _OFFSET in given:
        given[_OFFSET] = given[_OFFSET] + (scaled * scaled.new_tensor(MEAN)[:, None, None]).sum((1, 2, 3))
    given[_FIRST] = _for_channels(scaled, image_channels, network.conv1.in_channels)
    for name, place in places.items():
        found = given.get(name)
        if found is None or found.shape != place.shape or not torch.isfinite(found).all():
            raise ModelFileError(
                f"its {name} is missing, of another shape or not finite: choose the backbone that these weights are of"
            )
    network.load_state_dict(given)


def _for_channels(first: Tensor, image: int, own: int) -> Tensor:
    """Return filters of the first layer for `image` of `own` channels."""
    if image != len(MEAN):
        first = first.sum(1, keepdim=True).expand(-1, image, -1, -1) / image
    return torch.cat([first, first.new_zeros(len(first), own - image, *first.shape[2:])], dim=1)
