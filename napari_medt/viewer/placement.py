"""Where a layer made from an image layer has to lie so that it covers exactly the pixels it came from.

napari takes a data position x of a layer to the world by ``affine @ (R H S x + t)`` with its rotation R, shear H, scale
S and translation t. A result lies at ``s x + o`` in pixels of its image (cell size s, first cell's centre o). Put one
into the other, its scale is ``S s`` and its translation ``R H S o + t``; rotation, shear and affine stay the image's.
This is exact for every image layer; no matrix has to be taken apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.files.pairs import Grid

if TYPE_CHECKING:
    import napari.layers

__all__ = ["grid_of", "placement"]


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
    linear = np.asarray(image.rotate) @ _shear_matrix(image.shear, image.ndim) @ np.diag(image.scale)
    return {
        "scale": np.asarray(image.scale) * cell,
        "translate": linear @ origin + np.asarray(image.translate),
        "rotate": np.array(image.rotate),
        "shear": np.array(image.shear),
        "affine": np.array(image.affine.affine_matrix),
        "units": image.units,
        "axis_labels": image.axis_labels,
    }


def grid_of(place: Mapping[str, Any], shape: Sequence[int]) -> Grid:
    """Return where the pixels of a layer lie in the world, to be compared with those of another.

    Parameters
    ----------
    place
        As :func:`placement` gives it. Lengths are brought to millimetres; axes without a length stay as they are.
    shape
        Of the layer's array.
    """
    ndim = len(place["scale"])
    own, world = np.eye(ndim + 1), np.array(place["affine"], dtype=float)
    own[:-1, :-1] = np.asarray(place["rotate"]) @ _shear_matrix(place["shear"], ndim) @ np.diag(place["scale"])
    own[:-1, -1] = place["translate"]
    world[:-1] *= [[_millimetres(unit)] for unit in place["units"]]
    lengths = all(unit.is_compatible_with("mm") for unit in place["units"])
    return Grid(world @ own, tuple(shape), "mm" if lengths else "")


def _millimetres(unit: Any) -> float:
    return float((1 * unit).to("mm").magnitude) if unit.is_compatible_with("mm") else 1.0


def _shear_matrix(given: Any, ndim: int) -> NDArray[np.float64]:
    """Return the shear as a matrix; napari gives an upper triangular one as the values above its diagonal."""
    shear = np.asarray(given, dtype=float)
    if shear.ndim == 2:
        return shear
    matrix = np.eye(ndim)
    matrix[np.triu_indices(ndim, k=1)] = shear
    return matrix
