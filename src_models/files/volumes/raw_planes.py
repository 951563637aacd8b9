"""Values that lie in a file as they are in memory, read plane by plane when they are asked for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.rescaling import Rescaling, value_type

__all__ = ["damaged", "lazy_planes"]


def damaged(path: Path, kind: str, error: Exception) -> ImageError:
    """Return the error that says of a file that it cannot be read as what it is."""
    reason = getattr(error, "strerror", None) or error
    return ImageError(f"{path}: the {kind} is cut off or damaged ({reason}); copy or export it again")


def lazy_planes(
    path: Path,
    shape: tuple[int, ...],
    stored: np.dtype[Any],
    offset: int,
    *,
    kind: str,
    rescaling: Rescaling | None = None,
) -> Any:
    """Return values as a dask array with one plane a chunk.

    Parameters
    ----------
    path
        The file that they lie in.
    shape
        Of the values, slices first.
    stored
        Their type in the file.
    offset
        Where they begin, in bytes.
    kind
        What the file is, for words.
    rescaling
        From what is stored to what is meant.

    Raises
    ------
    ImageError
        If the file is too short. A file that goes later raises it when planes are read.
    """
    import dask.array as da

    length = offset + math.prod(shape) * stored.itemsize
    if offset < 0 or path.stat().st_size < length:
        raise ImageError(
            f"{path}: the file is cut off ({path.stat().st_size} bytes, and its header asks for {length}); "
            "copy or export it again"
        )
    rescaling = rescaling or Rescaling()
    limits = np.iinfo(stored) if stored.kind in "iu" else None
    low, high = (float(limits.min), float(limits.max)) if limits else (0.0, 0.0)
    planes = _Planes(path, shape, stored, offset, rescaling, value_type(stored, low, high, [rescaling]), kind)
    chunks = (1,) * (len(shape) - 2) + shape[-2:]
    lazy: Any = da.from_array(planes, chunks=chunks, name=False, meta=np.empty((0,) * len(shape), planes.dtype))  # type: ignore[no-untyped-call]
    return lazy


class _Planes:
    """The values of a file, slices first, read from it when they are asked for."""

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        stored: np.dtype[Any],
        offset: int,
        rescaling: Rescaling,
        dtype: np.dtype[Any],
        kind: str,
    ) -> None:
        from nibabel.arrayproxy import ArrayProxy

        # nibabel's own rescaling makes float64 of everything, so its proxy is told that there is none.
        self._proxy = ArrayProxy(path, (shape[::-1], stored, offset, 1.0, 0.0), mmap=False)  # type: ignore[no-untyped-call]
        self._path, self._rescaling, self._kind = path, rescaling, kind
        self.shape, self.ndim, self.dtype = shape, len(shape), dtype

    def __getitem__(self, place: tuple[Any, ...]) -> NDArray[Any]:
        try:
            stored = np.asarray(self._proxy[place[::-1]]).T
        except Exception as error:  # the file has gone, or was written anew meanwhile
            raise damaged(self._path, self._kind, error) from error
        return self._rescaling(stored, self.dtype)
