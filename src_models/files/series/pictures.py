"""The images in a PNG, JPEG or GIF: frames of a film make one image, pictures of several sizes are several."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from src_models.errors import ImageError
from src_models.files.series.image_series import Found, ImageSeries, numbered

__all__ = ["picture_images"]

# Multi-Picture JPEG: what a camera adds to the picture itself, such as a preview or a map of its brightness.
_BESIDE = ("thumbnail", "undefined")
_TYPE_TAG, _ENTRIES = "MPType", 0xB002


def picture_images(path: Path, kind: str) -> tuple[tuple[ImageSeries, ...], range | None]:
    """Return the pictures in a file, the place of each its index; and the frames where it is a film.

    Parameters
    ----------
    path
        The file.
    kind
        What it is, for errors.

    Returns
    -------
    images, frames
        Of a film one image, and the indices of its frames; else the pictures, and None.

    Raises
    ------
    ImageError
        If it is damaged.
    """
    try:
        with Image.open(path) as picture:
            count = int(getattr(picture, "n_frames", 1))
            shape = (picture.height, picture.width)
            if count == 1:
                return numbered([Found(path.stem, shape, "YX", (0,))]), None
            if picture.format != "MPO":
                return numbered([Found(path.stem, shape, "YX", (0,))]), range(_first_frame(picture), count)
            types = [str(entry.get("Attribute", {}).get(_TYPE_TAG, "")) for entry in picture.mpinfo[_ENTRIES]]  # type: ignore[attr-defined]
            found = []
            for index in range(count):
                picture.seek(index)
                shape = (picture.height, picture.width)
                beside = index > 0 and any(word in types[index].lower() for word in _BESIDE)
                found.append(Found(f"picture {index}", shape, "YX", (index,), beside))
            return numbered(found), None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path}: the {kind} is too large to open safely; convert it to TIFF or OME-Zarr") from error
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, EOFError ...
        raise ImageError(f"{path}: the {kind} is truncated or damaged ({error}); copy or export it again") from error


def _first_frame(picture: Image.Image) -> int:
    """Return the first frame of a film: an APNG may begin with a still picture that is none of them."""
    return 1 if getattr(picture, "default_image", False) else 0
