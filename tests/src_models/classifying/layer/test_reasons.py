"""Which places speak for the class of an object: the map lies where the network looked."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from src_models.classifying.layer.layer_run import ClassRun, class_steps
from src_models.classifying.layer.reasons import reason_for
from src_models.errors import UserError
from src_models.images.region import Region
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, save
from src_models.models.header import Intensity, ModelHeader
from src_models.progress import finish

SIZE = 64


@pytest.fixture(scope="module")
def bright_path(tmp_path_factory):
    """A model whose class "bright" is spoken for by bright places alone."""
    config = {"in_channels": 1, "classes": 2}
    network = create("resnet18", **config).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.weight.zero_()
                module.weight[:, 0] = 1.0 / module.weight[0, 0].numel()  # the mean of what lies around
        last = next(module for module in network.modules() if isinstance(module, torch.nn.Linear))
        last.weight.zero_()
        last.bias.zero_()
        last.weight[1, 0] = 1.0
    header = ModelHeader(
        name="bright",
        purpose="Tests",
        architecture="resnet18",
        config=config,
        classes=("dark", "bright"),
        channels=("grey",),
        intensity=Intensity(kind="window", low=0.0, high=1.0),
        tile=(SIZE, SIZE),
        overlap=(0, 0),
        result="class",
    )
    return save(Model(network, header), tmp_path_factory.mktemp("models") / "bright.safetensors")


def run(path, image, letters="YX", index=None, **how):
    region = Region(letters, index or tuple(slice(0, size) for size in image.shape), image.shape, rgb=False)
    asked = ClassRun(model=path, data=image, region=region, layer_id=1, layer_name="image", **how)
    return finish(class_steps(asked))


def brightest(reason):
    """Return where the map is highest, in pixels of the cut-out: the middle of all that is as high."""
    rows, columns = np.nonzero(reason.values >= reason.values.max() * (1 - 1e-6))
    return reason.translate[0] + rows.mean() * reason.scale[0], reason.translate[1] + columns.mean() * reason.scale[1]


@pytest.mark.parametrize("zoom", [1.0, 2.0])
def test_over_an_object_the_map_is_high_where_what_speaks_for_it_is(bright_path, zoom):
    image, labels = np.zeros((150, 200), np.float32), np.zeros((150, 200), np.int32)
    labels[60:80, 80:100] = 7
    spot = (70 + round(24 / zoom), 90 - round(24 / zoom))  # below the middle of the object, to the left
    image[spot[0] - 2 : spot[0] + 3, spot[1] - 2 : spot[1] + 3] = 1.0
    result = run(bright_path, image, looked_at="objects", labels=labels, zoom=zoom)
    reason = reason_for(result, 7, "bright")
    assert (reason.own, reason.name) == (7, "bright")
    assert np.abs(np.subtract(brightest(reason), spot)).max() <= 16 / zoom  # half a cell of the network
    first = np.array(reason.translate) - np.array(reason.scale) / 2
    np.testing.assert_allclose(np.array(reason.values.shape) * reason.scale, SIZE / zoom)
    np.testing.assert_allclose(first + SIZE / zoom / 2, (69.5, 89.5), atol=0.5)  # around the middle of the object


def test_over_a_tile_and_over_a_plane_of_a_stack_it_lies_there(bright_path):
    image = np.zeros((2, 64, 128), np.float32)
    image[1, 46:51, 110:115] = 1.0
    whole = (slice(0, 2), slice(0, 64), slice(0, 128))
    tiles = run(bright_path, image, "ZYX", whole, looked_at="tiles", tile=64)
    reason = reason_for(tiles, 4, "bright")
    assert reason.region.index == (1, slice(0, 64), slice(0, 128))
    assert np.abs(np.subtract(brightest(reason), (48, 112))).max() <= 16
    assert np.array(reason.translate).tolist() == [0, 64]
    planes = run(bright_path, image, "ZYX", whole, looked_at="image")
    reason = reason_for(planes, 2, "bright")
    assert reason.region.index[0] == 1
    assert reason.values.shape == (32, 64)  # without the room that was added above and below
    np.testing.assert_allclose((reason.scale, reason.translate), ((2, 2), (0.5, 0.5)))


def test_of_a_class_that_the_model_does_not_know_there_is_nothing_to_tell(bright_path):
    result = run(bright_path, np.zeros((64, 64), np.float32), looked_at="image")
    with pytest.raises(UserError, match="does not know the class 'odd'"):
        reason_for(result, 1, "odd")
