"""What training does to a picture so that a network meets more than the set holds (MONAI transforms).

The names are those of :mod:`src_models.training.augmentation`, and mean the same, but that sizes are changed less: how
large an object is often tells its class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.transforms.intensity.array import (
    RandAdjustContrast,
    RandGaussianNoise,
    RandGaussianSmooth,
    RandScaleIntensity,
    RandShiftIntensity,
)
from monai.transforms.spatial.array import RandAffine, RandFlip, RandRotate90

from src_models.training.augmentation import AugmentationName, Recipe

__all__ = ["class_augmentation"]


def class_augmentation(name: AugmentationName, size: int) -> Recipe:
    """Make a recipe: a MONAI transform of a picture (C, size, size).

    Parameters
    ----------
    name
        ``"microscopy"``: any orientation, a little scale, place, contrast, brightness, colour balance, blur and noise.
        ``"ct"``: left-right, small rotations, contrast, blur and noise. ``"light"``: orientation, and a little contrast
        and brightness. ``"flip"``: left-right alone. ``"none"``.
    size
        Of the pictures (px).
    """
    if name == "none":
        return Recipe([])
    if name == "flip":
        return Recipe([RandFlip(prob=0.5, spatial_axis=1)])
    recipes: dict[str, Any] = {"microscopy": _microscopy, "ct": _ct, "light": _light}
    return Recipe(recipes.get(name, _microscopy)(size))


def _affine(rotation: float, stretch: float, shift: float, shear: float = 0.0) -> RandAffine:
    return RandAffine(
        prob=0.75,
        rotate_range=(rotation,),
        scale_range=(stretch, stretch),
        translate_range=(shift, shift),
        shear_range=(shear, shear) if shear else None,
        mode="bilinear",
        padding_mode="reflection",
    )


def _orientation() -> list[Any]:
    return [RandRotate90(prob=0.75), RandFlip(prob=0.5, spatial_axis=0)]


def _microscopy(size: int) -> list[Any]:
    return [
        *_orientation(),
        _affine(np.pi / 4, 0.1, size / 18),
        RandAdjustContrast(prob=0.4, gamma=(0.7, 1.4)),
        RandScaleIntensity(factors=0.2, prob=0.4),
        RandScaleIntensity(factors=0.15, prob=0.4, channel_wise=True),
        RandShiftIntensity(offsets=0.1, prob=0.3),
        RandGaussianSmooth(prob=0.15, sigma_x=(0.3, 1.0), sigma_y=(0.3, 1.0)),
        RandGaussianNoise(prob=0.2, std=0.04),
    ]


def _ct(size: int) -> list[Any]:
    return [
        RandFlip(prob=0.5, spatial_axis=1),
        _affine(np.pi / 12, 0.15, size / 18),
        RandAdjustContrast(prob=0.2, gamma=(0.7, 1.4)),
        RandGaussianSmooth(prob=0.15, sigma_x=(0.4, 1.0), sigma_y=(0.4, 1.0)),
        RandScaleIntensity(factors=0.1, prob=0.3),
        RandShiftIntensity(offsets=0.05, prob=0.3),
        RandGaussianNoise(prob=0.3, std=0.05),
    ]


def _light(size: int) -> list[Any]:
    return [
        *_orientation(),
        RandAdjustContrast(prob=0.3, gamma=(0.8, 1.25)),
        RandScaleIntensity(factors=0.15, prob=0.3),
        RandGaussianNoise(prob=0.2, std=0.03),
    ]
