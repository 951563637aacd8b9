"""Photographs that say that they are to be turned when they are shown (EXIF orientation, TIFF's tag 274).

Images are read as they are stored, as napari, Fiji and scikit-image show them; what their file says is told in a
remark. A mask lies on the stored image, or on the image as browsers and many annotation tools show it: where only one
of the two files says that it is to be turned, the sizes tell which is meant, or the pair is refused.

Examples
--------
>>> upright(np.array([[1, 2, 3], [4, 5, 6]]), 6).tolist()
[[4, 1], [5, 2], [6, 3]]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError

__all__ = ["AS_STORED", "EXIF_TAG", "as_stored", "lay_on_image", "orientation_remarks", "read_orientation", "upright"]

EXIF_TAG = 274
AS_STORED = 1
_TRANSPOSED = (5, 6, 7, 8)
_ROWS_FLIPPED, _COLUMNS_FLIPPED = (3, 4, 7, 8), (2, 3, 6, 7)  # after transposing
_SHOWN = {
    2: "mirrored",
    3: "turned by 180°",
    4: "mirrored upside down",
    5: "mirrored and turned to the left",
    6: "turned to the right",
    7: "mirrored and turned to the right",
    8: "turned to the left",
}


def orientation_remarks(orientation: Any) -> tuple[str, ...]:
    """Return what a person should know of how an image lies, in a few words; nothing where it lies as stored."""
    if orientation not in _SHOWN:
        return ()
    return (f"as stored, which other programs show {_SHOWN[orientation]} (EXIF)",)


def read_orientation(path: Path) -> int:
    """Return the orientation that a PNG, JPEG or TIFF says, from 1 (as stored) to 8; 1 for all else."""
    from PIL import Image

    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start[:2] in (b"II", b"MM"):
            import tifffile

            with tifffile.TiffFile(path) as tiff:
                found = tiff.pages.first.tags.valueof(EXIF_TAG, default=AS_STORED)
        elif start.startswith((b"\x89PNG", b"\xff\xd8\xff")):
            with Image.open(path) as picture:
                found = picture.getexif().get(EXIF_TAG, AS_STORED)
        else:
            return AS_STORED
    except Exception:  # damage is told when the pixels are read
        return AS_STORED
    return int(found) if found in _SHOWN else AS_STORED


def upright(data: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn a stored image (..., rows, columns) to how it is shown."""
    if orientation in _TRANSPOSED:
        data = np.swapaxes(data, -1, -2)
    data = data[..., ::-1, :] if orientation in _ROWS_FLIPPED else data
    return data[..., ::-1] if orientation in _COLUMNS_FLIPPED else data


def as_stored(data: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn an image (..., rows, columns) as it is shown back to how it is stored."""
    data = data[..., ::-1] if orientation in _COLUMNS_FLIPPED else data
    data = data[..., ::-1, :] if orientation in _ROWS_FLIPPED else data
    return np.swapaxes(data, -1, -2) if orientation in _TRANSPOSED else data


def lay_on_image(mask: NDArray[Any], mask_path: Path, image_path: Path, shape: tuple[int, int]) -> NDArray[Any]:
    """Return a mask as it lies on its image as stored.

    Parameters
    ----------
    mask
        (..., rows, columns) as stored.
    mask_path, image_path
        Its file, and that of the image.
    shape
        Rows and columns of the image as stored.

    Returns
    -------
    NDArray
        The mask, turned where its size tells that it was drawn on the image as it is shown. One that fits neither way
        is returned as it is.

    Raises
    ------
    ImageError
        If one file says that it is to be turned, the other says otherwise, and the mask fits both ways.
    """
    of_image, of_mask = read_orientation(image_path), read_orientation(mask_path)
    if of_image == of_mask:
        return mask
    turned = as_stored(upright(mask, of_mask), of_image)
    fitting = [one for one in (mask, turned) if one.shape[-2:] == shape]
    if len(fitting) == 2 and not np.array_equal(mask, turned):
        says = " and ".join(
            f"{path} is shown {_SHOWN[orientation]}"
            for path, orientation in ((image_path, of_image), (mask_path, of_mask))
            if orientation in _SHOWN
        )
        raise ImageError(
            f"{mask_path}: it cannot be told whether this mask lies on {image_path} as that is stored or as it is "
            f"shown ({says}, by EXIF); save both files turned as they are meant, without an orientation"
        )
    return fitting[0] if fitting else mask
