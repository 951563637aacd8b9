"""Images of any size for networks that need sizes which divide.

>>> import torch
>>> padded_to_multiple(torch.arange(3.0).view(1, 1, 1, 3), 4)[0, 0, 0].tolist()
[0.0, 1.0, 2.0, 2.0]
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["cropped_like", "padded_to_multiple"]


def padded_to_multiple(image: Tensor, multiple: int, *, fewest: int = 1) -> Tensor:
    """Return an image (N, C, *S) continued at its far ends by its last row, column (and slice).

    Parameters
    ----------
    image
        Returned itself if nothing is missing.
    multiple
        What each spatial size becomes a multiple of.
    fewest
        At least so many times `multiple`.
    """
    missing = [max(-(-size // multiple), fewest) * multiple - size for size in image.shape[2:]]
    if not any(missing):
        return image
    return F.pad(image, [amount for extra in reversed(missing) for amount in (0, extra)], mode="replicate")


def cropped_like(result: Tensor, image: Tensor) -> Tensor:
    """Return what of a result (N, K, *S) lies over an image (N, C, *S) that was continued at its far ends."""
    return result[(slice(None), slice(None), *(slice(0, size) for size in image.shape[2:]))]
