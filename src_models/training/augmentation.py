"""What training does to a patch so that the network meets more than the data set holds (MONAI transforms).

Recipes: ``"microscopy"`` (any orientation, scale, contrast, blur, noise, colour balance, and bright-on-dark against
dark-on-bright) and ``"ct"`` (left-right flips and small rotations, since a body has an up and a down; noise, blur,
scanner contrast); ``"light"`` (orientation, and a little contrast and noise) for learning from a few images that are
like those to come; and ``"varied"`` (colours, contrast, sharpness and scale besides) for learning from so few that
those to come look otherwise. ``"ct-sided"`` is ``"ct"`` without flips, for classes that are left or right; ``"mr"`` is
for magnetic resonance, where grey values have no scale and a coil's field makes one side brighter: left stays left too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from monai.data.meta_obj import get_track_meta, set_track_meta
from monai.transforms.compose import Compose
from monai.transforms.intensity.dictionary import (
    RandAdjustContrastd,
    RandBiasFieldd,
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandScaleIntensityd,
    RandShiftIntensityd,
)
from monai.transforms.inverse import InvertibleTransform
from monai.transforms.spatial.dictionary import RandAffined, RandFlipd, RandRotate90d
from monai.transforms.transform import Randomizable, RandomizableTransform
from monai.utils.misc import MAX_SEED
from torch import Tensor

__all__ = ["AugmentationName", "augmentation"]

AugmentationName = Literal["microscopy", "ct", "ct-sided", "mr", "light", "varied", "flip", "none"]
BOTH = ("image", "labels")


class RandInvert(RandomizableTransform):
    """Turn bright on dark into dark on bright: ``1 - x``."""

    def __init__(self, prob: float) -> None:
        RandomizableTransform.__init__(self, prob)

    def __call__(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Invert ``data["image"]`` with the chosen probability."""
        self.randomize(None)
        return {**data, "image": 1 - data["image"]} if self._do_transform else data


class RandGrey(RandomizableTransform):
    """Replace colours by their mean."""

    def __init__(self, prob: float) -> None:
        RandomizableTransform.__init__(self, prob)

    def __call__(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Make ``data["image"]`` (C, *S) grey with the chosen probability."""
        self.randomize(None)
        image = data["image"]
        return {**data, "image": image.mean(0, keepdim=True).expand_as(image)} if self._do_transform else data


class Recipe(Compose):
    """MONAI's transforms one after the other, as ``Compose`` has them but at half the price.

    Every value is the one that ``Compose`` gives for the same seed. The random generators that are there are seeded
    again for each patch, since to make twenty new ones takes as long as a good part of the transforms, and what is done
    to it is not written down, since no one reads it.
    """

    def __init__(self, transforms: Sequence[Any]) -> None:
        super().__init__(transforms)
        super().set_random_state(seed=0)  # until then all share one generator

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> Recipe:
        """Seed all that is random here."""
        if seed is None:
            super().set_random_state(seed, state)
            return self
        self.R.seed(seed)
        for transform in self.transforms:
            if isinstance(transform, Randomizable):
                own = int(self.R.randint(MAX_SEED, dtype="uint32"))
                for generator in _generators(transform):
                    generator.seed(own)
        return self

    def __call__(self, *data: Any, **options: Any) -> Any:
        """Transform ``{"image": (C, *S), "labels": (1, *S)}``."""
        with _nothing_tracked():
            return super().__call__(*data, **options)


def _generators(transform: Randomizable) -> Iterator[np.random.RandomState]:
    yield transform.R
    for part in vars(transform).values():
        if isinstance(part, Randomizable):
            yield from _generators(part)


_tracking = threading.Lock()
_untracked: list[bool] = []  # of each block that is open, in any thread, whether MONAI tracked before it


@contextmanager
def _nothing_tracked() -> Iterator[None]:
    """Let MONAI, which keeps this for the whole process, record nothing of what is done to an image."""
    with _tracking:
        _untracked.append(get_track_meta() if not _untracked else _untracked[0])
        set_track_meta(False)
    try:
        yield
    finally:
        with _tracking:
            before = _untracked.pop()
            if not _untracked:
                set_track_meta(before)


def augmentation(name: AugmentationName, dimensions: int) -> Recipe:
    """Make a recipe: a MONAI transform of ``{"image": (C, *S), "labels": (1, *S)}``.

    Parameters
    ----------
    name
        ``"microscopy"``, ``"ct"``, ``"ct-sided"``, ``"mr"``, ``"light"``, ``"varied"``, ``"flip"`` (left-right alone)
        or ``"none"``.
    dimensions
        2 or 3.
    """
    if name == "none":
        return Recipe([])
    if name == "flip":
        return Recipe([RandFlipd(BOTH, prob=0.5, spatial_axis=dimensions - 1)])
    return Recipe(_RECIPES[name](dimensions))


def _affine(rotation: float, stretch: float, dimensions: int) -> RandAffined:
    angles: Any = rotation if dimensions == 2 else (rotation, 0.0, 0.0)
    return RandAffined(
        BOTH,
        prob=0.5,
        rotate_range=angles,
        scale_range=(stretch,) * dimensions,
        shear_range=(0.1,) * dimensions if dimensions == 2 else None,
        mode=("bilinear", "nearest"),
        padding_mode="reflection",
    )


def _microscopy(dimensions: int) -> list[RandomizableTransform | InvertibleTransform]:
    # Orientation in the plane only: along z a microscope's resolution differs.
    plane = (dimensions - 2, dimensions - 1)
    return [
        RandRotate90d(BOTH, prob=0.75, spatial_axes=plane),
        *(RandFlipd(BOTH, prob=0.5, spatial_axis=axis) for axis in range(dimensions)),
        _affine(np.pi / 4, 0.15, dimensions),
        RandGrey(prob=0.15),
        RandAdjustContrastd("image", prob=0.4, gamma=(0.5, 1.8)),
        RandGaussianSmoothd("image", prob=0.2, sigma_x=(0.4, 1.4), sigma_y=(0.4, 1.4), sigma_z=(0.4, 1.0)),
        RandScaleIntensityd("image", factors=0.25, prob=0.4),
        RandScaleIntensityd("image", factors=0.15, prob=0.3, channel_wise=True),
        RandShiftIntensityd("image", offsets=0.1, prob=0.3),
        RandGaussianNoised("image", prob=0.3, std=0.08),
        RandInvert(prob=0.15),
    ]


def _ct(dimensions: int) -> list[RandomizableTransform | InvertibleTransform]:
    return [RandFlipd(BOTH, prob=0.5, spatial_axis=dimensions - 1), *_ct_sided(dimensions)]


def _ct_sided(dimensions: int) -> list[RandomizableTransform | InvertibleTransform]:
    return [
        _affine(np.pi / 12, 0.2, dimensions),
        RandAdjustContrastd("image", prob=0.2, gamma=(0.7, 1.4)),
        RandGaussianSmoothd("image", prob=0.15, sigma_x=(0.4, 1.0), sigma_y=(0.4, 1.0), sigma_z=(0.4, 1.0)),
        RandScaleIntensityd("image", factors=0.1, prob=0.3),
        RandShiftIntensityd("image", offsets=0.05, prob=0.3),
        RandGaussianNoised("image", prob=0.3, std=0.05),
    ]


def _mr(dimensions: int) -> list[RandomizableTransform | InvertibleTransform]:
    return [
        _affine(np.pi / 12, 0.2, dimensions),
        RandBiasFieldd("image", prob=0.3, degree=2, coeff_range=(-0.2, 0.2)),
        RandAdjustContrastd("image", prob=0.3, gamma=(0.6, 1.6)),
        RandGaussianSmoothd("image", prob=0.15, sigma_x=(0.4, 1.0), sigma_y=(0.4, 1.0), sigma_z=(0.4, 1.0)),
        RandScaleIntensityd("image", factors=0.2, prob=0.3),
        RandShiftIntensityd("image", offsets=0.1, prob=0.3),
        RandGaussianNoised("image", prob=0.3, std=0.05),
    ]


def _light(dimensions: int) -> list[RandomizableTransform | InvertibleTransform]:
    return [
        RandRotate90d(BOTH, prob=0.75, spatial_axes=(dimensions - 2, dimensions - 1)),
        RandFlipd(BOTH, prob=0.5, spatial_axis=dimensions - 1),
        RandAdjustContrastd("image", prob=0.3, gamma=(0.7, 1.4)),
        RandScaleIntensityd("image", factors=0.15, prob=0.3),
        RandGaussianNoised("image", prob=0.2, std=0.04),
    ]


def _varied(dimensions: int) -> list[RandomizableTransform | InvertibleTransform]:
    return [
        RandRotate90d(BOTH, prob=0.75, spatial_axes=(dimensions - 2, dimensions - 1)),
        RandFlipd(BOTH, prob=0.5, spatial_axis=dimensions - 1),
        _affine(0.5, 0.15, dimensions),
        RandGrey(prob=0.1),
        RandAdjustContrastd("image", prob=0.5, gamma=(0.6, 1.6)),
        RandGaussianSmoothd("image", prob=0.15, sigma_x=(0.4, 1.0), sigma_y=(0.4, 1.0), sigma_z=(0.4, 1.0)),
        RandScaleIntensityd("image", factors=0.2, prob=0.4),
        RandScaleIntensityd("image", factors=0.2, prob=0.5, channel_wise=True),
        RandShiftIntensityd("image", offsets=0.1, prob=0.3),
        RandGaussianNoised("image", prob=0.2, std=0.05),
    ]


_RECIPES = {
    "microscopy": _microscopy, "ct": _ct, "ct-sided": _ct_sided, "mr": _mr, "light": _light, "varied": _varied,
}  # fmt: skip
