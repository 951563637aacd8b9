"""The TIFF files of a set of corrections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from src_models.corrections.correction import CorrectionRecord
from src_models.errors import DataSetError
from src_models.images.channels import looks_like_alpha

__all__ = ["channels_in", "read_tiff", "unsigned", "write_slices", "write_tiff"]


def unsigned(array: NDArray[Any]) -> NDArray[Any]:
    """Return labels in the smallest type that holds them."""
    highest = int(array.max(initial=0))
    return array.astype(np.uint8 if highest < 2**8 else np.uint16 if highest < 2**16 else np.uint32)


def write_tiff(path: Path, array: NDArray[Any], record: CorrectionRecord) -> None:
    """Write a plane, (H, W) or (H, W, C), with the size of its pixels."""
    placed: dict[str, Any] = {}
    if array.ndim == 3:  # all channels in one page, which other programs take for one image
        placed["planarconfig"] = "contig"
    photometric = "rgb" if array.ndim == 3 and _are_colours(array) else "minisblack"
    y, x = record.source.spacing
    centimetre = {"nm": 1e7, "µm": 1e4, "mm": 10.0, "cm": 1.0}.get(record.source.unit)
    if centimetre:
        placed |= {"resolution": (centimetre / x, centimetre / y), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, array, photometric=photometric, compression="zlib", metadata=None, **placed)


def _are_colours(array: NDArray[Any]) -> bool:
    """Whether channels, (H, W, C), are red, green and blue; of four, dyes would be asked for when they are read."""
    transparent = array.shape[2] == 4 and looks_like_alpha(np.moveaxis(array, -1, 0))
    return (array.shape[2] == 3 or transparent) and array.dtype.itemsize <= 2


def write_slices(path: Path, array: NDArray[Any]) -> None:
    """Write slices, (D, H, W) or (D, H, W, C)."""
    axes = {"axes": "ZYX" if array.ndim == 3 else "ZYXS"}
    tifffile.imwrite(path, array, photometric="minisblack", compression="zlib", metadata=axes)


def read_tiff(path: Path) -> NDArray[Any]:
    """Read what was written.

    Raises
    ------
    DataSetError
        If the file is missing or damaged.
    """
    try:
        return np.asarray(tifffile.imread(path))
    except FileNotFoundError:
        raise DataSetError(f"{path} is missing; put it back, or withdraw the correction") from None
    except Exception as error:  # tifffile raises several kinds
        raise DataSetError(f"{path} is damaged ({error}); withdraw the correction and make it again") from error


def channels_in(path: Path) -> int:
    """Return how many channels a plane has, without reading its pixels."""
    with tifffile.TiffFile(path) as file:
        shape = file.series[0].shape
    return int(shape[2]) if len(shape) == 3 else 1
