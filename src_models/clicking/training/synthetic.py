"""Images of things that do not exist, with labels: so many shapes and contrasts that real ones are among them.

That is domain randomisation (Tobin et al. 2017, arXiv 1703.06907).

>>> import numpy as np
>>> image, labels = synthetic_image(np.random.default_rng(0), size=96)
>>> image.shape, image.dtype, labels.shape, bool(labels.max() > 0)
((96, 96, 3), dtype('float32'), (96, 96), True)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

__all__ = ["synthetic_image"]

TILED = 0.3  # share of images whose objects touch everywhere, as organs and the cells of a tissue do

Random = np.random.Generator
Picture = NDArray[np.float32]


def synthetic_image(random: Random, size: int = 256) -> tuple[Picture, NDArray[np.int32]]:
    """Make an image and the labels of its objects.

    Parameters
    ----------
    random
        Decides everything.
    size
        Rows and columns.

    Returns
    -------
    image : ndarray of float32, shape (size, size, 3)
        About 0 to 1; grey in two of three cases.
    labels : ndarray of int32, shape (size, size)
        Later objects lie over earlier ones; 0 is the background.
    """
    tiled = random.random() < TILED
    labels = _tissue(random, size) if tiled else _objects(random, size)
    channels = 3 if random.random() < 1 / 3 else 1
    planes = [_plane(random, labels, tiled) for _ in range(channels)]
    if channels == 3:  # colours of one scene have much in common
        shared = planes[0]
        planes = [0.6 * shared + 0.4 * plane for plane in planes]
    image = np.stack(planes * (3 // channels), axis=-1)
    return image.astype(np.float32), labels


def _objects(random: Random, size: int) -> NDArray[np.int32]:
    """Draw objects of one or two kinds, of about one size."""
    labels = np.zeros((size, size), np.int32)
    kinds = random.choice(len(_SHAPES), size=random.integers(1, 3))
    typical = size * np.exp(random.uniform(np.log(0.04), np.log(0.4)))
    most = int(np.clip(0.6 * (size / typical) ** 2, 1, 60))
    for number in range(1, int(random.integers(1, most + 1)) + 1):
        radius = typical / 2 * np.exp(random.normal(0, 0.3))
        centre = random.uniform(-0.05 * size, 1.05 * size, 2)
        shape = _SHAPES[int(random.choice(kinds))]
        labels[shape(random, size, centre, max(radius, 2.0))] = number
    return labels


def _tissue(random: Random, size: int) -> NDArray[np.int32]:
    """Divide the image among regions around random centres, with bent borders; some of them are background."""
    count = int(np.exp(random.uniform(np.log(3), np.log(80))))
    centres = random.uniform(-0.1 * size, 1.1 * size, (count, 2))
    bend = size / np.sqrt(count) * random.uniform(0, 0.15)
    places = np.moveaxis(np.mgrid[:size, :size].astype(float), 0, -1)
    places += bend * np.stack([_waves(random, size), _waves(random, size)], axis=-1)
    labels = 1 + cKDTree(centres).query(places)[1].astype(np.int32)
    gone = random.random(count + 1) < random.uniform(0, 0.5)
    gone[int(labels[size // 2, size // 2])] = False
    return np.where(gone[labels], 0, labels).astype(np.int32)


def _waves(random: Random, size: int) -> NDArray[np.float64]:
    coarse = ndimage.zoom(random.normal(size=(8, 8)), size / 8, order=3, mode="nearest", grid_mode=True)
    return np.asarray(coarse[:size, :size])


def _ellipse(random: Random, size: int, centre: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    along, across, _ = _turned(random, size, centre)
    stretch = np.exp(random.normal(0, 0.35))
    return np.asarray((along / stretch) ** 2 + (across * stretch) ** 2 < radius**2)


def _blob(random: Random, size: int, centre: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    """Draw an outline whose distance from the centre is a sum of a few waves."""
    along, across, angle = _turned(random, size, centre)
    edge = np.ones_like(angle)
    for wave in range(2, 7):
        edge += random.normal(0, 0.35 / wave) * np.cos(wave * angle + random.uniform(0, 2 * np.pi))
    return np.asarray(np.hypot(along, across) < radius * np.clip(edge, 0.3, 2))


def _tube(random: Random, size: int, centre: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    """Draw a bent band: a vessel, a fibre, a rod."""
    along, across, _ = _turned(random, size, centre)
    bent = across - random.normal(0, 0.25) * along**2 / max(radius, 1) / 3
    width = max(radius * random.uniform(0.15, 0.4), 1.5)
    return np.asarray((np.abs(along) < 2 * radius) & (np.abs(bent) < width))


def _ring(random: Random, size: int, centre: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    """Draw a ring, such as myelin or a membrane."""
    along, across, _ = _turned(random, size, centre)
    distance = np.hypot(along, across * random.uniform(0.7, 1.4))
    return np.asarray((distance < radius) & (distance > radius * random.uniform(0.4, 0.8)))


def _polygon(random: Random, size: int, centre: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    """Draw what lies within three to seven straight edges."""
    along, across, _ = _turned(random, size, centre)
    inside = np.ones((size, size), bool)
    sides = int(random.integers(3, 8))
    for side in range(sides):
        angle = 2 * np.pi * (side + random.uniform(-0.2, 0.2)) / sides
        inside &= along * np.cos(angle) + across * np.sin(angle) < radius * random.uniform(0.6, 1)
    return inside


Shape = Callable[[Random, int, NDArray[np.float64], float], NDArray[np.bool_]]
_SHAPES: tuple[Shape, ...] = (_ellipse, _blob, _tube, _ring, _polygon)


def _turned(random: Random, size: int, centre: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return coordinates along and across a random direction from a centre, and the angle."""
    y, x = np.mgrid[:size, :size] - centre[:, None, None]
    turn = random.uniform(0, np.pi)
    along, across = y * np.cos(turn) + x * np.sin(turn), x * np.cos(turn) - y * np.sin(turn)
    return along, across, np.arctan2(across, along)


def _plane(random: Random, labels: NDArray[np.int32], tiled: bool) -> Picture:
    """Paint one channel: background, objects, the camera's blur and noise."""
    size = len(labels)
    image = random.uniform(0, 1) + random.uniform(0, 0.25) * _texture(random, size)
    contrast = random.choice([-1, 1]) * random.uniform(0.12, 0.8)
    spread = random.uniform(0, 1 if tiled else 0.25) * abs(contrast)  # what touches is told apart by its own grey
    inside = image + contrast
    values = random.normal(0, spread + 1e-6, labels.max() + 1)
    values[0] = 0
    filled = np.where(labels > 0, inside + random.uniform(0, 0.3) * abs(contrast) * _texture(random, size), image)
    filled += values[labels]
    if random.random() < (0.6 if tiled else 0.3):  # an outline that is darker or brighter than what it encloses
        edge = ndimage.grey_dilation(labels, 3) != ndimage.grey_erosion(labels, 3)
        filled += random.uniform(-0.6, 0.6) * contrast * edge
    slope = random.uniform(-0.2, 0.2, 2)  # uneven light
    ramp = np.linspace(-1, 1, size)
    filled += slope[0] * ramp[:, None] + slope[1] * ramp[None, :]
    blurred = ndimage.gaussian_filter(filled, random.uniform(0, 1.8))
    noisy = blurred + random.normal(0, random.uniform(0, 0.12), blurred.shape)
    low, high = np.percentile(noisy, (0.5, 99.8))
    return np.asarray((noisy - low) / max(high - low, 1e-6), np.float32)


def _texture(random: Random, size: int) -> NDArray[np.float64]:
    """Return noise of one or several scales, mean 0 and standard deviation 1."""
    total = np.zeros((size, size))
    for _ in range(int(random.integers(1, 4))):
        sigma = np.exp(random.uniform(np.log(0.5), np.log(size / 8)))
        coarse = max(4, int(size / max(1, sigma / 2)))
        noise = ndimage.zoom(random.normal(size=(coarse, coarse)), size / coarse, order=1)[:size, :size]
        noise = np.pad(noise, [(0, size - n) for n in noise.shape], mode="edge")
        total += noise / max(float(noise.std()), 1e-9) * random.uniform(0.3, 1)
    return total / max(float(total.std()), 1e-9)
