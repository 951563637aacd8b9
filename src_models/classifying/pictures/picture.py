"""A picture as a model of classes sees it: of its size, with its channels and its grey values.

Training and use call the same functions, so what a network meets is what it was taught on. A picture of another size is
resized until its longer side fits, with its proportions kept, and mirrored where the shorter side leaves room. Grey
values are normalised picture by picture, each by itself, also those of objects that lie in one image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.images.axes import AxesReading
from src_models.images.channels import as_channels
from src_models.images.grey.counted import look_at_counted
from src_models.images.grey.intensity import Normalisation, filled, is_finite
from src_models.images.resampling import read_resized
from src_models.models.header import ModelHeader

__all__ = ["fitted", "model_size", "prepared"]


def model_size(header: ModelHeader) -> int:
    """Return the size (px) of the pictures that a model was taught."""
    return header.tile[-1]


def prepared(
    planes: NDArray[Any],
    header: ModelHeader,
    name: str = "the picture",
    *,
    reading: AxesReading | None = None,
    normalisation: Normalisation | None = None,
) -> NDArray[np.float32]:
    """Return a picture as a model sees it: (channels, size, size).

    Parameters
    ----------
    planes
        (C, H, W), as stored.
    header
        The model's.
    name
        What to call it in errors.
    reading
        How the image that it is from is read, which tells padding and CT.
    normalisation
        How grey values become the network's, where a person chose what counts; None measures the picture itself, of
        which nothing is there to see where no value is a finite number.

    Raises
    ------
    ImageError
        If its channels are not the model's.
    """
    picture = fitted(as_channels(planes, header, name), model_size(header))
    if normalisation is None:
        if not is_finite(picture) and not np.isfinite(picture).any():
            return np.zeros(picture.shape, np.float32)
        normalisation = look_at_counted(picture, header.intensity, reading, name=name).normalisation
    return normalisation(picture)


def fitted(planes: NDArray[Any], size: int) -> NDArray[Any]:
    """Bring a picture (C, H, W) to (C, size, size): the longer side fits, the shorter one is mirrored at both ends.

    >>> fitted(np.arange(4.0).reshape(1, 1, 4), 4)[0, :, 1].tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    height, width = planes.shape[1:]
    if height == width == size:
        return planes
    longer = max(height, width)
    shape = tuple(max(1, round(side * size / longer)) for side in (height, width))
    if shape != (height, width):
        known = filled(planes)
        region = tuple(slice(0, side) for side in shape)
        planes = read_resized(lambda part: known[(slice(None), *part)], (height, width), shape, region)
    missing = [((size - side) // 2, size - side - (size - side) // 2) for side in shape]
    return np.pad(planes, [(0, 0), *missing], mode="symmetric")
