"""Read NIfTI files (NIfTI-1 and NIfTI-2; ``.nii`` and ``.nii.gz``).

A plain ``.nii`` is read plane by plane when it is needed. A ``.nii.gz`` can be read only from its beginning, so it is
unpacked into memory at once.

The place is taken from the header's sform where its code is not 0, else from its qform, as nibabel and most programs
do; with neither, only the size of the voxels is known, and the volume's middle lies at 0. Units are brought to mm; a
header that does not say its unit, or one that there is not, means mm. Where sform and qform disagree, that is noted.

Relatives of NIfTI that are no images, or spread over two files, are refused by their name.
"""

from __future__ import annotations

import gzip
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.geometry import UNIT, VolumeGeometry
from src_models.files.volumes.raw_planes import damaged, lazy_planes
from src_models.files.volumes.rescaling import Rescaling, value_type
from src_models.files.volumes.volume import Volume
from src_models.images.axes import read_axes

__all__ = ["NIFTI_SUFFIXES", "is_nifti", "nifti_to_world", "read_nifti", "world_to_nifti"]

NIFTI_SUFFIXES = (".nii.gz", ".nii")
_MAGIC = {b"n+1\0": 344, b"n+2\0": 4}  # and where it stands in the header
_GZIP = b"\x1f\x8b"
_PAIR_MAGIC = {b"ni1\0": 344, b"ni2\0": 4}  # of a header whose values lie in a second file
_SPACE, _TIME = 0x07, 0x38  # the bits of xyzt_units
_MILLIMETRES = {0: 1.0, 1: 1e3, 2: 1.0, 3: 1e-3}  # by their code: unknown, m, mm, µm
_SECONDS = {8: 1.0, 16: 1e-3, 24: 1e-6}
_LABEL_INTENT = 1002
_CIFTI_INTENTS = range(3000, 3100)
_DISAGREE = 0.1  # voxels
_log = logging.getLogger(__name__)
# NIfTI counts x to the right and y to the anterior, and its first axis is x.
_MIRRORED = np.diag([-1.0, -1.0, 1.0, 1.0])
_REVERSED = np.eye(4)[[2, 1, 0, 3]]


def is_nifti(path: str | Path) -> bool:
    """Tell by its name whether a file is NIfTI."""
    return str(path).lower().endswith(NIFTI_SUFFIXES)


def nifti_to_world(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn an affine of NIfTI into one from arrays with slices first to napari's world.

    Parameters
    ----------
    affine
        (4, 4): from (i, j, k) to (right, anterior, superior).

    Returns
    -------
    NDArray
        (4, 4): from (k, j, i) to (superior, posterior, left), in the same unit.
    """
    return np.asarray(_REVERSED @ _MIRRORED @ affine @ _REVERSED)


def world_to_nifti(to_world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn an affine from arrays with slices first to napari's world into one of NIfTI (both (4, 4))."""
    return np.asarray(_MIRRORED @ _REVERSED @ to_world @ _REVERSED)


def read_nifti(path: str | Path, *, axes: str | None = None) -> Volume:
    """Open a NIfTI file.

    Parameters
    ----------
    path
        The file.
    axes
        Its axes by hand, such as ``"TYX"``; ``"ZYX"`` or ``"TZYX"`` unless given.

    Raises
    ------
    ImageError
        If the file is missing, no NIfTI, damaged or cut off; has more than four axes, or values that are no numbers;
        holds no image (CIFTI); or if its affine is unusable.
    """
    path = Path(path)
    _check_content(path)
    image = _load(path)
    header = image.header
    _check_kind(image, path)
    shape = _shape(image.shape, path)
    stored = header.get_data_dtype()
    if stored.names:
        raise ImageError(f"{path}: its voxels are colours, and a scan has grey values; save one of the colours alone")
    read_axes(shape, dtype=stored, axes=axes or "TZYX"[-len(shape) :], name=str(path))
    geometry = _geometry(header, shape[-3:], path)
    for note in geometry.notes:
        _log.warning("%s", note)
    grid = _values(image, shape, path)
    data = geometry.to_data(grid)
    reading = read_axes(
        data.shape,
        dtype=data.dtype,
        axes=axes or "TZYX"[-data.ndim :],
        spacing=dict(zip("ZYX", geometry.spacing, strict=True)),
        unit=UNIT,
        name=str(path),
    )
    labels = int(header["intent_code"]) == _LABEL_INTENT and data.dtype.kind in "iu"
    return Volume(data, reading, geometry, path, labels=labels, frame_seconds=_frame_seconds(header))


def _check_content(path: Path) -> None:
    """Refuse what is no NIfTI, whatever its name says."""
    try:
        with path.open("rb") as file:
            start = file.read(348)
        packed = start.startswith(_GZIP)
        if packed and path.suffix.lower() != ".gz":
            raise ImageError(f"{path}: its content is packed by gzip; rename it to {path.name}.gz")
        if packed:
            with gzip.open(path) as unpacked:
                start = unpacked.read(348)
    except FileNotFoundError as error:
        raise ImageError(f"{path}: there is no such file; check the name") from error
    except (OSError, EOFError) as error:
        raise damaged(path, "NIfTI", error) from error
    if not start:
        raise ImageError(f"{path}: the file is empty (0 bytes); copy or export it again")
    if any(start[place : place + 4] == magic for magic, place in _PAIR_MAGIC.items()):
        raise ImageError(
            f"{path}: it is the header of a NIfTI in two files (.hdr and .img), whose values lie in the other; save "
            "both as one .nii.gz"
        )
    if not any(start[place : place + 4] == magic for magic, place in _MAGIC.items()):
        raise ImageError(f"{path}: its content is no NIfTI, whatever its name says; export it again as NIfTI")
    if path.suffix.lower() == ".gz" and not packed:
        raise ImageError(f"{path}: its content is not packed; rename it to {path.name.removesuffix('.gz')}")


def _load(path: Path) -> Any:
    """Read the header."""
    import nibabel

    try:
        return nibabel.load(path, mmap=False)  # a file that another program writes anew must not end the process
    except Exception as error:  # nibabel has a kind of error for each field
        raise damaged(path, "NIfTI", error) from error


def _check_kind(image: Any, path: Path) -> None:
    """Refuse what has the form of a NIfTI and is none of its images."""
    from nibabel.nifti1 import Nifti1Image
    from nibabel.nifti2 import Nifti2Image

    intent = int(getattr(image, "nifti_header", image.header)["intent_code"])  # nibabel knows CIFTI by its name alone
    if type(image) not in (Nifti1Image, Nifti2Image) or intent in _CIFTI_INTENTS:
        raise ImageError(
            f"{path}: it is CIFTI, which holds values on the surface of the brain and no image; open the volume that "
            "it was made from (.nii.gz)"
        )
    if min(image.shape, default=0) < 1:
        raise ImageError(f"{path}: it is empty (shape {image.shape}); convert it again from the original scan")


def _shape(stored: tuple[int, ...], path: Path) -> tuple[int, ...]:
    """Return the shape with slices first and without axes of length 1 in front of the three of space."""
    shape = stored + (1,) * (3 - len(stored))
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 4:
        raise ImageError(
            f"{path}: it has {len(shape)} axes (shape {stored}), and a scan has three, or four with time; "
            "save one of its parts as a file of its own"
        )
    return shape[::-1]


def _geometry(header: Any, shape: tuple[int, ...], path: Path) -> VolumeGeometry:
    try:
        known = bool(int(header["sform_code"]) or int(header["qform_code"]))
        affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    except Exception as error:  # quaternions and sizes that cannot be, each refused by nibabel in its own way
        raise ImageError(
            f"{path}: its place in the patient cannot be read ({error}); convert it again from the original scan"
        ) from error
    unit = int(header["xyzt_units"]) & _SPACE
    to_mm = _MILLIMETRES.get(unit, 1.0)
    notes = _form_notes(header, affine, shape, to_mm, path)
    if unit not in _MILLIMETRES:
        notes.append(f"{path}: its unit of length has the code {unit}, which there is not; it was taken as mm.")
    to_world = nifti_to_world(affine)
    to_world[:3] *= to_mm
    stored = bytes(header.binaryblock)
    return VolumeGeometry.of_grid(to_world, shape, path=path, nifti_header=stored, known=known, notes=notes)


def _form_notes(
    header: Any, affine: NDArray[np.float64], shape: tuple[int, ...], to_mm: float, path: Path
) -> list[str]:
    """Say where sform and qform put a scan in different places."""
    if not (int(header["sform_code"]) and int(header["qform_code"])):
        return []
    ends = np.array([[*place, 1.0] for place in np.ndindex(2, 2, 2)]) * [*(np.array(shape[::-1]) - 1), 1.0]
    try:
        apart = np.linalg.norm(ends @ (np.asarray(header.get_qform()) - affine)[:3].T, axis=1).max()
    except Exception:  # the sform counts, so a qform that cannot be is of no interest
        return []
    voxel = np.linalg.norm(affine[:3, :3], axis=0).min()
    if not apart > _DISAGREE * voxel:
        return []
    far = f"up to {apart * to_mm:.3g} mm apart"
    return [f"{path}: its sform and its qform put it in different places ({far}); the sform was taken, as is usual."]


def _frame_seconds(header: Any) -> float:
    step = float(header["pixdim"][4]) * _SECONDS.get(int(header["xyzt_units"]) & _TIME, 0.0)
    return step if math.isfinite(step) and step > 0 else 1.0


def _values(image: Any, shape: tuple[int, ...], path: Path) -> Any:
    """Return the values with slices first: in memory of a packed file, else lazily."""
    proxy = image.dataobj
    rescaling = Rescaling(float(proxy.slope), float(proxy.inter))
    if path.suffix.lower() == ".gz":
        try:
            values = np.asarray(proxy.get_unscaled()).T.reshape(shape)
        except Exception as error:  # gzip, zlib and nibabel each have their own way to meet the end of a file
            raise damaged(path, "NIfTI", error) from error
        whole = values.dtype.kind in "iu"
        low, high = (float(values.min()), float(values.max())) if whole else (0.0, 0.0)
        return rescaling(values, value_type(values.dtype, low, high, [rescaling]))
    stored = image.header.get_data_dtype()
    return lazy_planes(path, shape, stored, image.dataobj.offset, kind="NIfTI", rescaling=rescaling)
