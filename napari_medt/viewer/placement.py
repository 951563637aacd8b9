"""Where a layer made from an image layer has to lie so that it covers exactly the pixels it came from.

napari takes a data position x of a layer to the world by ``affine @ (R H S x + t)`` with its rotation R, shear H, scale
S and translation t. A result lies at ``s x + o`` in pixels of its image (cell size s, first cell's centre o). Put one
into the other, its scale is ``S s`` and its translation ``R H S o + t``; rotation, shear and affine stay the image's.
This is exact for every image layer; no matrix has to be taken apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import napari.layers

__all__ = ["placement"]


def placement(
    image: napari.layers.Layer, scale: Sequence[float] | None = None, translate: Sequence[float] | None = None
) -> dict[str, Any]:
    """Return the placement of a layer that lies at `scale` and `translate` in pixels of an image layer.

    Parameters
    ----------
    image
        The layer that the result came from.
    scale
        Size of the result's cells in pixels of the image, one number for each axis of the layer; 1 where left out.
    translate
        Position of the first cell's centre in pixels of the image; 0 where left out.

    Returns
    -------
    dict
        ``scale, translate, rotate, shear, affine, units, axis_labels``: keywords of napari's layers, and attributes.
    """
    cell = np.ones(image.ndim) if scale is None else np.asarray(scale, dtype=float)
    origin = np.zeros(image.ndim) if translate is None else np.asarray(translate, dtype=float)
    linear = np.asarray(image.rotate) @ _shear_matrix(image) @ np.diag(image.scale)
    return {
        "scale": np.asarray(image.scale) * cell,
        "translate": linear @ origin + np.asarray(image.translate),
        "rotate": np.array(image.rotate),
        "shear": np.array(image.shear),
        "affine": np.array(image.affine.affine_matrix),
        "units": image.units,
        "axis_labels": image.axis_labels,
    }


def _shear_matrix(layer: napari.layers.Layer) -> NDArray[np.float64]:
    """Return the shear as a matrix; napari gives an upper triangular one as the values above its diagonal."""
    shear = np.asarray(layer.shear, dtype=float)
    if shear.ndim == 2:
        return shear
    matrix = np.eye(layer.ndim)
    matrix[np.triu_indices(layer.ndim, k=1)] = shear
    return matrix
