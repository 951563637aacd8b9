"""Read MetaImage files (``.mha``, and ``.mhd`` with its values beside it) through SimpleITK.

Values that are not packed are read plane by plane when they are needed. The place is ITK's, which counts in mm to the
left, to the back and to the head as DICOM does; a sheared grid keeps its shear. Numbers are those that are meant, HU
for CT.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.geometry import UNIT, VolumeGeometry
from src_models.files.volumes.itk.simple_itk import simple_itk
from src_models.files.volumes.nrrd import lps_to_world
from src_models.files.volumes.volume import Volume
from src_models.images.axes import read_axes

__all__ = ["CONTENT", "LABELS", "METAIMAGE_SUFFIXES", "is_metaimage", "read_metaimage"]

METAIMAGE_SUFFIXES = (".mha", ".mhd")
CONTENT, LABELS = "content", "labels"  # a field of the header that says what the values are
_MODALITIES = {"MET_MOD_CT": "CT", "MET_MOD_MR": "MR", "MET_MOD_NM": "NM", "MET_MOD_PET": "PT"}
_HEAD = 8192  # bytes: headers are shorter


def is_metaimage(path: str | Path) -> bool:
    """Tell by its name whether a file is a MetaImage."""
    return str(path).lower().endswith(METAIMAGE_SUFFIXES)


def read_metaimage(path: str | Path, *, axes: str | None = None) -> Volume:
    """Open a MetaImage file.

    Parameters
    ----------
    path
        The file; of a header with its values beside it, the ``.mhd``.
    axes
        Its axes by hand, such as ``"TYX"``; ``"ZYX"`` or ``"TZYX"`` unless given.

    Raises
    ------
    ImageError
        If the file is missing, no MetaImage or damaged; has other than three or four axes; holds colours or vectors; or
        SimpleITK is not installed.
    """
    path = Path(path)
    reader = _reader(path)
    if reader.GetDimension() not in (3, 4):
        raise ImageError(f"{path}: it has {reader.GetDimension()} axes, and a scan has three, or time as a fourth")
    values = _Values(path, reader)
    grid = values.lazy() if not _is_packed(path) else values[(slice(None),) * values.ndim]
    geometry = VolumeGeometry.of_grid(_to_world(reader), values.shape[-3:], path=path)
    data = geometry.to_data(grid)
    reading = read_axes(
        data.shape,
        dtype=data.dtype,
        axes=axes or "TZYX"[-data.ndim :],
        spacing=dict(zip("ZYX", geometry.spacing, strict=True)),
        unit=UNIT,
        name=str(path),
    )
    told = {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}
    modality = _MODALITIES.get(told.get("Modality", ""))
    seconds = float(reader.GetSpacing()[3]) if values.ndim == 4 else 1.0
    return Volume(
        data,
        replace(reading, modality=modality, value_unit="HU" if modality == "CT" else ""),
        geometry,
        path,
        labels=told.get(CONTENT) == LABELS and data.dtype.kind in "iu",
        frame_seconds=seconds,
    )


def _reader(path: Path) -> Any:
    """Return a reader of ITK that has read the header of a file."""
    sitk = simple_itk(path, ImageError)
    if not path.is_file():
        raise ImageError(f"{path}: there is no such file; check the name")
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("MetaImageIO")
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        raise _damaged(path) from None
    return reader


def _damaged(path: Path) -> ImageError:
    beside = ", or its values are not beside it" if path.suffix.lower() == ".mhd" else ""
    return ImageError(f"{path}: the MetaImage is cut off or damaged{beside}; copy or export it again")


def _is_packed(path: Path) -> bool:
    """Tell whether values can only be read from their beginning."""
    with path.open("rb") as file:
        words = file.read(_HEAD).partition(b"ElementDataFile")[0].replace(b" ", b"").lower()
    return b"compresseddata=true" in words


def _to_world(reader: Any) -> NDArray[np.float64]:
    """Return the matrix (4, 4) from a place (k, j, i) to (superior, posterior, left) in mm."""
    dimension = reader.GetDimension()
    directions = np.array(reader.GetDirection()).reshape(dimension, dimension)[:3, :3]
    lps = np.eye(4)
    lps[:3, :3] = directions * np.array(reader.GetSpacing()[:3])
    lps[:3, 3] = reader.GetOrigin()[:3]
    return lps_to_world(lps)


class _Values:
    """The values of a file, slices first, read from it when they are asked for."""

    def __init__(self, path: Path, reader: Any) -> None:
        sitk = simple_itk(path, ImageError)
        types = {
            getattr(sitk, f"sitk{name}"): np.dtype(kind)
            for name, kind in (
                ("UInt8", "u1"), ("Int8", "i1"), ("UInt16", "u2"), ("Int16", "i2"), ("UInt32", "u4"), ("Int32", "i4"),
                ("UInt64", "u8"), ("Int64", "i8"), ("Float32", "f4"), ("Float64", "f8"),
            )
        }  # fmt: skip
        if reader.GetPixelIDValue() not in types:
            raise ImageError(f"{path}: its voxels hold colours or vectors, and those of a scan are single numbers")
        self.dtype = types[reader.GetPixelIDValue()]
        self.shape: tuple[int, ...] = tuple(reader.GetSize())[::-1]
        self.ndim = len(self.shape)
        self._path = path

    def lazy(self) -> Any:
        """Return them as a dask array with one plane a chunk."""
        import dask.array as da

        chunks = (*(1 for _ in self.shape[:-2]), *self.shape[-2:])
        empty = np.empty((0,) * self.ndim, self.dtype)
        lazy: Any = da.from_array(self, chunks=chunks, name=False, meta=empty)  # type: ignore[no-untyped-call]
        return lazy

    def __getitem__(self, place: tuple[Any, ...]) -> NDArray[Any]:
        sitk = simple_itk(self._path, ImageError)
        cuts = [
            range(size)[cut if isinstance(cut, slice) else slice(cut, cut + 1)]
            for cut, size in zip(place, self.shape, strict=True)
        ]
        reader = _reader(self._path)
        reader.SetExtractIndex([min(cut) for cut in cuts][::-1])
        reader.SetExtractSize([max(cut) - min(cut) + 1 for cut in cuts][::-1])
        try:
            box = sitk.GetArrayFromImage(reader.Execute())
        except RuntimeError:
            raise _damaged(self._path) from None
        steps = [slice(None, None, cut.step) if isinstance(cut, slice) else 0 for cut in place]
        return np.asarray(box[tuple(steps)])
