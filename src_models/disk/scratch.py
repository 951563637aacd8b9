"""Working arrays: in memory while small, on disk (an uncompressed zarr in a temporary folder) when large."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

__all__ = ["Scratch"]

IN_MEMORY_BYTES = 256 * 2**20
_CHUNK = 1024


class Scratch:
    """Makes working arrays; the files go when this object goes, after a ``with`` block, or by :meth:`close`."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._made = 0

    def zeros(self, shape: Sequence[int], dtype: DTypeLike) -> Any:
        """Return an array of zeros: NumPy's up to 256 MiB, zarr's beyond. Both are read and written by slices."""
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        if size <= IN_MEMORY_BYTES:
            return np.zeros(shape, dtype)
        import zarr

        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="napari-medt-")
        self._made += 1
        chunks = tuple(min(n, _CHUNK if axis >= len(shape) - 2 else 1) for axis, n in enumerate(shape))
        return zarr.create_array(
            f"{self._folder.name}/{self._made}.zarr", shape=tuple(shape), dtype=dtype, chunks=chunks, compressors=None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Remove the files."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
