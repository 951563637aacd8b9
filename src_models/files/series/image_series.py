"""One of several images in a file or folder, and choosing it by number or name.

Examples
--------
>>> found = numbered([Found("left", (20, 30), "YX"), Found("right", (40, 30), "YX")])
>>> choose(found, "right", Path("cells.tif")).number
1
>>> choose(found, None, Path("cells.tif"))
Traceback (most recent call last):
    ...
src_models.files.series.image_series.SeveralImagesError: cells.tif: it holds 2 images: 0 'left' (Y=20, X=30), 1 'right' (Y=40, X=30); say which one is meant, by number or name (--series in the shell, series=... in Python), or save them as files of their own
"""  # noqa: E501 (the message is one line)

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src_models.errors import ImageError

__all__ = ["Found", "ImageSeries", "SeveralImagesError", "choose", "numbered", "wanted_images"]

_LISTED = 8  # in a message
_LONGEST = 60  # letters of a name that becomes part of a file's


@dataclass(frozen=True, slots=True)
class Found:
    """An image as it was found in a file.

    Parameters
    ----------
    name
        What the file calls it; may be empty.
    shape, axes
        Of the stored image, and what the file calls its axes; None and empty where that takes opening it.
    place
        How the reader of this kind of file finds it again.
    beside
        Whether it is there beside the image proper: a thumbnail, or the label of a slide.
    """

    name: str
    shape: tuple[int, ...] | None = None
    axes: str = ""
    place: tuple[Any, ...] = ()
    beside: bool = False


@dataclass(frozen=True, slots=True)
class ImageSeries(Found):
    """One of the images in a file or folder.

    Parameters
    ----------
    name, shape, axes, place, beside
        As of :class:`Found`; the name is not empty.
    number, count
        Its place among the images, from 0, and how many there are.
    label
        What tells it apart in names of files; empty for the one image proper.
    """

    number: int = 0
    count: int = 1
    label: str = ""

    def describe(self) -> str:
        """Return the image as it stands in a list, such as ``"1 'right' (Y=40, X=30)"``."""
        if self.shape is None:
            size = ""
        elif len(self.axes) == len(self.shape):
            size = ", ".join(f"{axis}={length}" for axis, length in zip(self.axes, self.shape, strict=True))
        else:
            size = " x ".join(map(str, self.shape))
        return f"{self.number} {self.name!r}" + (f" ({size})" if size else "")


class SeveralImagesError(ImageError):
    """A file holds several images, and it was not said which one is meant.

    Parameters
    ----------
    path
        The file or folder.
    images
        What it holds.
    """

    def __init__(self, path: Path, images: Sequence[ImageSeries]) -> None:
        super().__init__(
            f"{path}: it holds {len(images)} images: {_listed(images)}; say which one is meant, by number or name "
            "(--series in the shell, series=... in Python), or save them as files of their own"
        )
        self.path, self.images = path, tuple(images)


def numbered(found: Sequence[Found]) -> tuple[ImageSeries, ...]:
    """Give images a number, name those without a name, and find what tells them apart in file names.

    That is the name, where all of them are short and differ also without what a file's name cannot have, else the
    number. The one image that has only thumbnails and the like beside it needs nothing.
    """
    names = [" ".join(one.name.split()) or f"image {number}" for number, one in enumerate(found)]
    labels = [re.sub(r"[^\w.+-]+", "_", name).strip("_.") for name in names]
    count = Counter(label.casefold() for label in labels)
    if not all(label and count[label.casefold()] == 1 and len(label) <= _LONGEST for label in labels):
        labels = [str(number) for number in range(len(labels))]
    beside = [one.beside for one in found]
    if all(beside):
        beside = [False] * len(beside)
    if beside.count(False) == 1:
        labels[beside.index(False)] = ""
    return tuple(
        ImageSeries(name, one.shape, one.axes, one.place, aside, number, len(names), label)
        for number, (one, name, label, aside) in enumerate(zip(found, names, labels, beside, strict=True))
    )


def wanted_images(images: Sequence[ImageSeries]) -> tuple[ImageSeries, ...]:
    """Return the images proper, without thumbnails and labels of slides."""
    return tuple(image for image in images if not image.beside)


def choose(images: Sequence[ImageSeries], series: int | str | None, path: Path) -> ImageSeries:
    """Return the image that is meant.

    Parameters
    ----------
    images
        What the file holds.
    series
        Number (from 0; also as text) or name; a text of digits is a number. None means the one image proper.
    path
        The file, for errors.

    Raises
    ------
    SeveralImagesError
        If `series` is None and the file holds several images.
    ImageError
        If there is no such image, or several are called so.
    """
    if series is None:
        proper = wanted_images(images)
        if len(proper) != 1:
            raise SeveralImagesError(path, proper)
        return proper[0]
    text = str(series).strip()
    if re.fullmatch(r"-?\d+", text):
        found = [image for image in images if image.number == int(text)]
    else:
        found = [image for image in images if image.name == text]
        found = found or [image for image in images if image.name.casefold() == text.casefold()]
    if len(found) != 1:
        wrong = f"{len(found)} of its images are called" if found else "it holds no image"
        advice = "choose by number" if found else "choose one of these by number, counted from 0, or name"
        raise ImageError(f"{path}: {wrong} {text!r}; {advice}: {_listed(images)}")
    return found[0]


def _listed(images: Sequence[ImageSeries]) -> str:
    more = f", and {len(images) - _LISTED} more" if len(images) > _LISTED else ""
    return ", ".join(image.describe() for image in images[:_LISTED]) + more
