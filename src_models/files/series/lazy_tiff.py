"""Large tiled TIFFs, read tile by tile and level by level, by tifffile's view of them as zarr."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from src_models.errors import ImageError
from src_models.files.series.image_series import ImageSeries

if TYPE_CHECKING:
    import dask.array as da

__all__ = ["LAZY_BYTES", "is_lazy", "lazy_levels"]

LAZY_BYTES = 32 * 2**20  # smaller images are read whole, which is faster
_CHUNK = 1024  # px; tiles are read in squares of at least about this, so that few are read twice


def is_lazy(tiff: tifffile.TiffFile, image: ImageSeries) -> bool:
    """Tell whether an image is opened tile by tile: it is stored in tiles, and large."""
    series = tiff.series[image.place[0]]
    return bool(series.keyframe.is_tiled) and int(series.nbytes) > LAZY_BYTES


def lazy_levels(path: Path, tiff: tifffile.TiffFile, image: ImageSeries) -> tuple[da.Array, ...]:
    """Open the levels of an image, the finest first; nothing is read before it is computed.

    Parameters
    ----------
    path
        The file, which stays open as long as one of the arrays lives.
    tiff
        It, opened for its metadata.
    image
        One of its images.

    Raises
    ------
    ImageError
        If a tile lies beyond the end of its file.
    """
    series = tiff.series[image.place[0]]
    levels = [number for number, level in enumerate(series.levels) if level.axes == series.axes]
    for number in levels:
        _check_tiles(path, series.levels[number])
    return tuple(_lazy(_Tiles(path, image, level)) for level in levels)


def _check_tiles(path: Path, level: tifffile.TiffPageSeries) -> None:
    """Refuse a file that was cut short, as one that is read whole is."""
    for page in level.pages:
        if page is None:  # not stored: zeros
            continue
        handle = page.parent.filehandle
        end = max((at + count for at, count in zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
        size = handle.size if not handle.closed else os.path.getsize(handle.path)  # noqa: PTH202
        if end > size:
            raise ImageError(
                f"{path}: the TIFF is truncated or damaged (a tile lies beyond the end of the file); copy or export "
                "it again"
            )


class _Tiles:
    """One level of an image, of which the tiles that a region needs are read, from whatever thread."""

    def __init__(self, path: Path, image: ImageSeries, level: int) -> None:
        import zarr

        self.path = path
        tiff = tifffile.TiffFile(path)
        weakref.finalize(self, tiff.close)
        series = tiff.series[image.place[0]]
        self._array = zarr.open_array(series.aszarr(level=level, maxworkers=1), mode="r")
        self._axis, self._position = image.place[1:] or (None, None)
        self.shape = self._kept(self._array.shape)
        self.chunks = self._kept(self._array.chunks)
        self.ndim, self.dtype = len(self.shape), self._array.dtype

    def _kept(self, numbers: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(number for axis, number in enumerate(numbers) if axis != self._axis)

    def __getitem__(self, region: Any) -> Any:
        region = region if isinstance(region, tuple) else (region,)
        if self._axis is not None:
            region = (*region[: self._axis], self._position, *region[self._axis :])
        try:
            return self._array[region]
        except Exception as error:  # each codec has its own way to fail
            raise ImageError(f"{self.path}: a tile cannot be read ({error}); copy or export it again") from error


def _lazy(tiles: _Tiles) -> da.Array:
    import dask.array as da

    chunks = tuple(
        min(size, chunk * max(1, _CHUNK // chunk)) if chunk > 4 else chunk
        for size, chunk in zip(tiles.shape, tiles.chunks, strict=True)
    )
    meta = np.empty((0,) * tiles.ndim, tiles.dtype)
    lazy: da.Array = da.from_array(tiles, chunks=chunks, name=False, meta=meta)  # type: ignore[no-untyped-call]
    if not lazy.dtype.isnative:
        lazy = lazy.astype(lazy.dtype.newbyteorder("="))  # type: ignore[no-untyped-call]
    return lazy
