"""Slides in formats that are not read, told by name with what to do."""

from __future__ import annotations

from pathlib import Path

from src_models.errors import ImageError

__all__ = ["SLIDE_SUFFIXES", "check_slide", "dicom_slide"]

#: Names of slides that are read: TIFF by its content.
SLIDE_SUFFIXES = (".svs", ".ndpi", ".scn", ".bif", ".qptiff")
_FOREIGN = {
    ".mrxs": "a slide by 3DHISTECH (MIRAX)",
    ".vsi": "a slide by Olympus (VSI)",
    ".czi": "an image or slide by Zeiss (CZI)",
    ".vms": "a slide by Hamamatsu in several files (VMS)",
    ".vmu": "a slide by Hamamatsu in several files (VMU)",
    ".svslide": "a slide by Sakura",
    ".isyntax": "a slide by Philips (iSyntax)",
}
_READ = "SVS, NDPI, SCN, BIF, QPTIFF, other tiled TIFF and OME-Zarr are read"
_CONVERT = (
    "convert it with QuPath or bioformats2raw to OME-TIFF or OME-Zarr, which keep its levels and the size of a pixel"
)
#: VL Whole Slide Microscopy Image Storage (DICOM PS3.4, B.5).
_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def check_slide(path: Path) -> None:
    """Refuse a slide of a kind that is not read, by its name: some of them begin as a JPEG does, and are none.

    Raises
    ------
    ImageError
        That says what it is, and how to convert it.
    """
    what = _FOREIGN.get(path.suffix.lower())
    if what is not None and path.is_file():
        raise ImageError(f"{path}: it is called as {what}, which is not read ({_READ}); {_CONVERT}")


def dicom_slide(sop_class: str) -> str | None:
    """Return what to say of a DICOM file that holds a whole slide, to follow its name; None of another file."""
    if sop_class != _WHOLE_SLIDE:
        return None
    return f"holds a whole slide, or one level of it (DICOM WSI), which is not read ({_READ}); {_CONVERT}"
