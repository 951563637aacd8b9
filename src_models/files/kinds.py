"""Of what kind an image file is: by what is in it, whatever it is called."""

from __future__ import annotations

from pathlib import Path

from src_models.errors import ImageError
from src_models.files.exchange.formats import program_of
from src_models.files.slides.foreign_slides import check_slide
from src_models.files.tiff import is_tiff

__all__ = ["PICTURES", "kind_of"]

#: How files of pictures begin.
PICTURES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG"}
_KINDS = "TIFF, PNG, JPEG, zarr, OME-Zarr, NIfTI, NRRD and DICOM"
# What people have that is not read, by its suffix: what it is called.
_FOREIGN = {
    **dict.fromkeys((".hdr", ".img"), "Analyze, or NIfTI in two files"),
    **dict.fromkeys((".mgz", ".mgh"), "FreeSurfer's"),
    **dict.fromkeys((".par", ".rec"), "Philips PAR/REC"),
    ".mnc": "MINC",
}


def kind_of(path: Path) -> str:
    """Return what a file or folder is by its content, if it is no scan: TIFF, PNG, JPEG or zarr.

    Raises
    ------
    ImageError
        If it is none of these, or cannot be read.
    """
    from src_models.files.zarr import is_zarr

    if path.is_dir():
        if is_zarr(path):
            return "zarr"
        raise ImageError(f"{path}: it is a folder and no zarr; name the image files in it")
    check_slide(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
        if is_tiff(path):
            return "TIFF"
    except OSError as error:
        raise ImageError(f"{path}: it cannot be read ({error.strerror})") from error
    for magic, kind in PICTURES.items():
        if start.startswith(magic):
            return kind
    if not start:
        raise ImageError(f"{path}: the file is empty (0 bytes); copy or export it again")
    program = program_of(path)
    if program is not None:
        raise ImageError(
            f"{path}: these are labels as {program} has them, and no image; measure, evaluate and correct take them as "
            "labels, and so do the masks of a data set"
        )
    foreign = _FOREIGN.get(path.suffix.lower())
    if foreign:
        raise ImageError(
            f"{path}: it is called as a scan of another kind ({foreign}), which is not read; convert it to NIfTI "
            "(.nii.gz), with 3D Slicer or nibabel"
        )
    raise ImageError(f"{path}: its content is no image of a kind that is read ({_KINDS}), whatever its name says")
