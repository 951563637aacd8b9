"""Held-out images as other images of their kind could look: stained, lit and enlarged otherwise.

A part of a plane that judges a network which learnt the rest of that plane says whether the plane was learnt, and not
whether other images will be. A network that fits one stain, one contrast and one scale gains on the first and loses on
the second; on altered copies it loses, too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from src_models.training.patches import TrainingImage

__all__ = ["altered"]

# Factors of the channels, in turn, of images in colour, and of those in grey.
BALANCES: tuple[tuple[float, ...], ...] = ((0.8, 1.0, 1.2), (1.2, 0.85, 0.9))
LIGHTS: tuple[tuple[float, ...], ...] = ((0.75,), (1.3,))
GAMMAS = (0.6, 1.6)
ZOOMS = (0.75, 1.33)
SMALLEST = 32  # px along each side; less is not made smaller


def altered(images: Sequence[TrainingImage]) -> tuple[TrainingImage, ...]:
    """Return copies of images with another balance of their channels, another contrast, and at another scale.

    Parameters
    ----------
    images
        Normalised, so that most of what they hold lies between 0 and 1.
    """
    return tuple(copy for image in images for copy in _copies(image))


def _copies(image: TrainingImage) -> Iterator[TrainingImage]:
    planes = image.image.astype(np.float32)
    for factors in BALANCES if image.colour else LIGHTS:
        yield _with(image, planes * np.resize(np.asarray(factors, np.float32), len(planes))[:, None, None])
    for gamma in GAMMAS:
        yield _with(image, planes.clip(0) ** np.float32(gamma))
    for zoom in ZOOMS:
        if min(image.labels.shape) * zoom >= SMALLEST:
            yield _zoomed(image, zoom)


def _with(image: TrainingImage, planes: NDArray[np.float32]) -> TrainingImage:
    return dataclasses.replace(image, image=planes.astype(np.float16))


def _zoomed(image: TrainingImage, zoom: float) -> TrainingImage:
    from scipy import ndimage

    planes = ndimage.zoom(image.image.astype(np.float32), (1, zoom, zoom), order=1, grid_mode=True, mode="nearest")
    labels = ndimage.zoom(image.labels, zoom, order=0, grid_mode=True, mode="nearest")
    return dataclasses.replace(image, image=planes.astype(np.float16), labels=labels, focus=None)
