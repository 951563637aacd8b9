"""Which images are meant by files, folders and patterns that a person named.

Examples
--------
>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     for name in ("b.tif", "a.png", "notes.txt"):
...         Path(folder, name).touch()
...     found = list_images([folder])
>>> [path.name for path in found.images], [path.name for path in found.passed_over]
(['a.png', 'b.tif'], ['notes.txt'])
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from src_models.disk.names import fitting
from src_models.errors import ImageError
from src_models.files.images import image_stem, image_title, list_series, looks_like_image
from src_models.files.series.image_series import ImageSeries, choose, wanted_images

__all__ = ["ImageList", "OneImage", "each_image", "list_images", "others_in_file"]

ALL = "all"
_NAMED = 5  # images, in a sentence

# What this package writes beside an image, or a person who labelled it: no image to be segmented.
_RESULTS = ("_labels", "_attention_")


@dataclass(frozen=True, slots=True)
class ImageList:
    """The images that were meant.

    Parameters
    ----------
    images
        Files, zarr folders and folders of DICOM slices, each once, in the order in which they were named.
    passed_over
        What lay in the folders, or matched the patterns, and is no image.
    results
        What lay there and holds labels, or attention, of one of the images.
    """

    images: tuple[Path, ...]
    passed_over: tuple[Path, ...] = ()
    results: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class OneImage:
    """One image: a file or folder, and which of several images in it.

    Parameters
    ----------
    path
        The file or folder.
    series
        Which of several; None where there is one.
    error
        Why the image that was asked for is not there.
    """

    path: Path
    series: ImageSeries | None = None
    error: ImageError | None = None

    @property
    def name(self) -> str:
        """What the names of its results begin with."""
        return image_stem(self.path, self.series)

    @property
    def title(self) -> str:
        """What to call it in messages."""
        return image_title(self.path, self.series)


def each_image(paths: Sequence[Path], series: str | None = None) -> list[OneImage]:
    """Return every image in files and folders, one after the other.

    Parameters
    ----------
    paths
        Files and folders that are images. What is wrong with one is said when it is opened.
    series
        Number or name of the one image that is taken of each; None and ``"all"`` take all, but for thumbnails and the
        like that are there beside an image.
    """
    every = series is None or series.strip().lower() == ALL
    found: list[OneImage] = []
    for path in paths:
        try:
            images = list_series(path)
        except ImageError:
            images = ()
        if not images:  # it is damaged
            found.append(OneImage(path))
            continue
        try:
            chosen = wanted_images(images) if every else (choose(images, series, path),)
        except ImageError as error:
            found.append(OneImage(path, error=error))
            continue
        found += [OneImage(path, image if len(images) > 1 else None) for image in chosen]
    return found


def others_in_file(path: Path, layer: str) -> str:
    """Return a sentence on the other images in a layer's file; an empty one if there are none, or nobody can tell."""
    try:
        images = wanted_images(list_series(path))
    except ImageError:  # of another kind than we read, or gone
        return ""
    if len(images) < 2:
        return ""
    names = ", ".join(image.name for image in images[:_NAMED])
    more = f" and {len(images) - _NAMED} more" if len(images) > _NAMED else ""
    return (
        f"{path.name} holds {len(images)} images ({names}{more}), and layer {layer!r} may show the first one alone. To "
        "choose among them, open the file by File > Open with Plugin, with napari-medt."
    )


def list_images(sources: Sequence[str | Path]) -> ImageList:
    """Find the images that are meant.

    Parameters
    ----------
    sources
        Any mixture of: files, which are taken as they are, even if they are missing or no images; zarr folders and
        folders of DICOM slices, which are images, also where the slices lie further in and no other image does; other
        folders, of which the images that lie in them are taken, not those of folders further in; and patterns such as
        ``"plate/*.tif"`` or ``"**/*.png"``. Hidden files are left out.

    Raises
    ------
    ImageError
        If a folder holds no images, or nothing matches a pattern.
    """
    named: list[Path] = []
    found: list[Path] = []
    order: list[Path] = []
    passed_over: list[Path] = []
    for source in sources:
        inside = _inside(source)
        if inside is None:
            named.append(Path(source))
            order.append(Path(source))
            continue
        images = [path for path in inside if _is_image(path)]
        if not images:
            raise ImageError(_nothing(source))
        found += images
        order += images
        passed_over += [path for path in inside if path not in set(images)]
    results = _results(found, named)
    images = [path for path in order if path not in set(results)]
    return ImageList(tuple(_once(images)), tuple(_once(passed_over)), tuple(_once(results)))


def _inside(source: str | Path) -> list[Path] | None:
    """Return what lies in a folder or matches a pattern; None of what is one image."""
    if not _is_pattern(source):
        return _content(Path(source)) if _is_plain_folder(Path(source)) else None
    matches = _without_parts([Path(name) for name in sorted(_matching(str(source)))])
    inside: list[Path] = []
    for match in matches:
        if not _is_plain_folder(match):
            inside.append(match)
        elif "**" not in str(source):  # which matches what lies in the folders as well
            inside += _content(match)
    return inside


def _matching(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207 (Path.glob takes no pattern that begins at the root)


def _is_pattern(source: str | Path) -> bool:
    return glob.has_magic(str(source)) and not os.path.lexists(source)


def _is_plain_folder(path: Path) -> bool:
    return path.is_dir() and not _is_image(path)


def _is_image(path: Path) -> bool:
    return looks_like_image(path) or _leads_to_slices(path)


def _leads_to_slices(path: Path) -> bool:
    """Tell whether a folder holds no images itself, but further in DICOM slices: the root of a CD or of an export."""
    from src_models.files.volumes.dicom.folders import has_dicom_below

    try:
        return path.is_dir() and not any(map(looks_like_image, _content(path))) and has_dicom_below(path)
    except OSError:
        return False


def _content(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _without_parts(matches: list[Path]) -> list[Path]:
    """Leave out what lies inside a folder that is one image: chunks of a zarr, slices of a scan."""
    whole = {match for match in matches if match.is_dir() and _is_image(match)}
    return [match for match in matches if not whole & set(match.parents)]


def _once(paths: Iterable[Path]) -> list[Path]:
    """Leave out paths that came before, also by another way of writing them."""
    first: dict[Path, Path] = {}
    for path in paths:
        first.setdefault(path.parent.resolve() / path.name, path)
    return list(first.values())


def _results(found: Sequence[Path], named: Sequence[Path]) -> list[Path]:
    """Return those that hold labels or attention of another one in the same folder, unless they were named."""
    images = {
        (path.parent.resolve(), stem): path
        for path in [*found, *named]
        for stem in (image_stem(path), fitting(image_stem(path), "_labels.nii.gz"))
    }
    kept = set(named)
    return [path for path in found if path not in kept and _belongs(path, images)]


def _belongs(path: Path, images: Mapping[tuple[Path, str], Path]) -> bool:
    folder, stem = path.parent.resolve(), image_stem(path)
    begins = [stem[: stem.rfind(word)] for word in _RESULTS if word in stem]
    if any((folder, begin) in images for begin in begins):
        return True
    return any(
        place == folder and begin.startswith(f"{name}_") and begin in _names_inside(image)
        for begin in begins
        for (place, name), image in images.items()
    )


def _names_inside(path: Path) -> set[str]:
    """Return what names of results of the images in a file begin with."""
    try:
        return {image_stem(path, image) for image in list_series(path)}
    except ImageError:
        return set()


def _nothing(source: str | Path) -> str:
    if _is_pattern(source):
        return f"{source}: no image matches this pattern; check it, or name a folder"
    return (
        f"{source}: this folder holds no images (TIFF, PNG, JPEG, zarr, NIfTI, NRRD, DICOM); name another one, or a "
        "pattern such as 'FOLDER/**/*.tif' for folders in it"
    )
