"""Objects told apart by the distance to their edge, as a share of the largest in each object.

At the edge of an object the distance is near 0 and in its middle it is 1, whatever its size; between two objects that
touch there is a valley, which a watershed follows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.labels.instances import finished, outermost, peaks
from src_models.models.header import InstanceSettings

__all__ = ["distance_of_labels", "edge_distance", "labels_from_distance"]


def edge_distance(labels: NDArray[Any]) -> NDArray[np.float32]:
    """Return the distance (px) of each pixel of an object to the nearest one outside of it; 0 in the background.

    Parameters
    ----------
    labels
        Integer labels of any dimension. What lies beyond the array's edge is not known, and no outside.
    """
    from scipy import ndimage

    inside = (labels > 0) & ~outermost(labels)
    distance = ndimage.distance_transform_edt(inside).astype(np.float32) + 1 if not inside.all() else np.inf
    return np.where(labels > 0, np.minimum(distance, sum(labels.shape)), 0).astype(np.float32)


def distance_of_labels(labels: NDArray[Any]) -> NDArray[np.float32]:
    """Return what a network learns: the distance to the edge as a share of the object's largest, (1, *S).

    Examples
    --------
    >>> distance_of_labels(np.array([[0, 1, 1, 1, 2, 2, 2, 0]])).tolist()
    [[[0.0, 0.5, 1.0, 0.5, 0.5, 1.0, 0.5, 0.0]]]
    """
    from scipy import ndimage

    distance = edge_distance(labels)
    ids, flat = np.unique(labels, return_inverse=True)
    numbers = flat.reshape(labels.shape)
    largest = np.asarray(ndimage.maximum(distance, numbers, np.arange(len(ids))), np.float32)
    return np.asarray(distance / np.maximum(largest, np.float32(1))[numbers], np.float32)[None]


def labels_from_distance(
    chance: NDArray[np.float32], distance: NDArray[np.float32], settings: InstanceSettings
) -> NDArray[np.int32]:
    """Separate objects by a watershed on the predicted distance.

    Parameters
    ----------
    chance
        Probability of being an object, (*S).
    distance
        As of :func:`distance_of_labels`, (*S).
    settings
        Thresholds and sizes.

    Returns
    -------
    ndarray of int32, shape (*S)
        Objects numbered from 1; 0 is background.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    foreground = chance > settings.foreground
    smooth = ndimage.gaussian_filter(distance, settings.smoothing) if settings.smoothing > 0 else distance
    seeds, _ = ndimage.label(peaks(smooth, foreground, settings.depth), np.ones((3,) * foreground.ndim))
    return finished(watershed(-smooth, seeds, mask=foreground), settings)
