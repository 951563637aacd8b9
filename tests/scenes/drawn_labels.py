"""Labels with all that makes outlines hard: holes, parts, touching neighbours, islands, the border, thin lines."""

from __future__ import annotations

import numpy as np


def drawn_labels(shape=(60, 80)):
    """Return labels (y, x) with the numbers 1, 2, 3, 7, 300 and 70000."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.uint32)
    labels[(y - 20) ** 2 + (x - 20) ** 2 < 15**2] = 1
    labels[(y - 20) ** 2 + (x - 20) ** 2 < 8**2] = 0
    labels[(y - 20) ** 2 + (x - 20) ** 2 < 4**2] = 1  # an island in the hole
    labels[(y - 20) ** 2 + (x - 42) ** 2 < 8**2] = 2
    labels[(y - 20) ** 2 + (x - 54) ** 2 < 8**2] = 3  # touches 2
    labels[40:50, 10:20] = 7
    labels[50:55, 20:25] = 7  # by a corner
    labels[55:, 60:] = 300  # at the border
    labels[45, 30:50] = 70_000
    return labels


def drawn_stack():
    """Return labels (t, z, y, x) of which each plane differs."""
    plane = drawn_labels()
    return np.stack([[np.roll(plane, 2 * z + t, axis=1) for z in range(3)] for t in range(2)])


def ious(labels, again):
    """Return intersection over union of each object of either."""
    numbers = (set(np.unique(labels)) | set(np.unique(again))) - {0}
    return {
        int(number): np.count_nonzero((labels == number) & (again == number))
        / np.count_nonzero((labels == number) | (again == number))
        for number in numbers
    }
