"""What the widget "Correct and learn" has done in worker threads: marking, ranking, comparing. No viewer and no Qt.

Each function is called in one thread at a time; corrections and versions are read from their folder each time, so that
what another process added is seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.names import fitting
from src_models.errors import UserError
from src_models.models.loaded import file_sha256, load_model

if TYPE_CHECKING:
    from src_models.corrections.correction import MarkMode, SlicesAround, Source
    from src_models.corrections.correction_set import CorrectionItem
    from src_models.finetuning.candidates import Candidate
    from src_models.finetuning.kinds.guess import Guess
    from src_models.finetuning.parts import LearningPart
    from src_models.finetuning.versions import ModelVersion
    from src_models.images.axes import AxesReading
    from src_models.images.region import Region
    from src_models.progress import Progress

__all__ = [
    "CorrectionFolder",
    "Kept",
    "Marked",
    "checksum",
    "default_folder",
    "keep",
    "kind_of",
    "merge",
    "parts_of",
    "rank",
    "read_folder",
    "use_version",
    "versions_folder",
    "withdraw",
    "write_note",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marked:
    """A plane that a person marked as corrected, as it was then.

    Parameters
    ----------
    folder
        The set of corrections that it goes to.
    data, region
        The image, and the plane in it.
    predicted
        What was found in the plane, (H, W).
    changed
        Where its labels differ from that, as flat indices, and what they hold there.
    background
        The number that background was painted with.
    source
        What it is.
    mode, part
        What counts; rows and columns, where that is a region.
    objects
        What is known of the objects that were clicked, in whichever plane.
    model_name, model_sha256
        The model that `predicted` comes from.
    deep
        How many slices are kept around this one, for a 3D model to learn from; 0 for none.
    """

    folder: Path
    data: Any
    region: Region
    predicted: NDArray[Any]
    changed: tuple[NDArray[np.intp], NDArray[Any]]
    background: int
    source: Source
    mode: MarkMode
    part: tuple[tuple[int, int], tuple[int, int]] | None = None
    objects: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    model_name: str | None = None
    model_sha256: str | None = None
    deep: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """A correction that is on disk.

    Parameters
    ----------
    marked
        What was marked.
    name
        Its name in the set.
    items
        All corrections that count now, oldest first.
    background
        Rows and columns where background was painted that counts: it is background from now on.
    checksum
        Of the plane's labels once it is.
    """

    marked: Marked
    name: str
    items: tuple[CorrectionItem, ...]
    background: tuple[NDArray[np.intp], ...]
    checksum: int


@dataclass(frozen=True, slots=True)
class CorrectionFolder:
    """What a folder of corrections holds.

    Parameters
    ----------
    folder
        The folder.
    items
        The corrections that count, oldest first; of a model of classes, the classes that were given.
    versions
        What was learnt from them, oldest first.
    active
        Name of the version in use; None for the model that they began with.
    base
        The file of that model, where it is known.
    """

    folder: Path
    items: tuple[Any, ...]
    versions: tuple[ModelVersion, ...]
    active: str | None
    base: Path | None

    def version(self, name: str | None) -> ModelVersion | None:
        """Return a version by its name."""
        return next((version for version in self.versions if version.name == name), None)

    def version_at(self, path: Path | None) -> ModelVersion | None:
        """Return the version that a file is."""
        return next((version for version in self.versions if version.path == path), None)


def default_folder(image_name: str) -> Path:
    """Return where corrections of an image go when nobody says otherwise."""
    import platformdirs

    name = "".join(letter if letter.isalnum() or letter in " -_.()" else "_" for letter in image_name).strip(" .")
    return platformdirs.user_documents_path() / "napari-medt corrections" / fitting(name or "image")


def versions_folder(folder: Path) -> Path:
    """Return where the versions learnt from a set of corrections lie."""
    return folder / "models"


def read_folder(
    folder: Path, models: Sequence[Path] = (), items: Callable[[Path], tuple[Any, ...]] | None = None
) -> CorrectionFolder:
    """Look at a folder of corrections, which need not exist.

    Parameters
    ----------
    folder
        The folder.
    models
        Model files among which the one that its versions began with may be, besides the file that it was.
    items
        Reads what there is to learn from in the folder; None reads corrections of pixels.

    Raises
    ------
    DataSetError
        If it holds other things, or cannot be read.
    """
    from src_models.finetuning.versions import ModelVersions

    versions = ModelVersions(versions_folder(folder))
    found = tuple(versions.list())
    own = {version.sha256 for version in found}
    roots = [version.parent_sha256 for version in found if version.parent_sha256 not in own]
    known = [*models, *([] if versions.base is None else [versions.base])]
    base = next((path for path in known if roots and file_sha256(path) == roots[0]), None)
    return CorrectionFolder(folder, (items or _corrections)(folder), found, versions.active, base)


def use_version(
    folder: Path,
    name: str | None,
    models: Sequence[Path] = (),
    items: Callable[[Path], tuple[Any, ...]] | None = None,
) -> CorrectionFolder:
    """Use a version from now on, or the model that they began with, and look at the folder again.

    Raises
    ------
    UserError
        If there is no such version, or the disk does not take it.
    """
    from src_models.finetuning.versions import ModelVersions

    versions = ModelVersions(versions_folder(folder))
    if versions.active != name:
        versions.activate(name)
    return read_folder(folder, models, items)


def _corrections(folder: Path) -> tuple[CorrectionItem, ...]:
    from src_models.corrections.correction_set import CorrectionSet

    return CorrectionSet.open(folder).items


def withdraw(folder: Path, name: str, models: Sequence[Path] = ()) -> CorrectionFolder:
    """Leave a correction out from now on, and look at the folder again.

    Raises
    ------
    UserError
        If it is not there any more, or the disk does not take it.
    """
    from src_models.corrections.correction_set import CorrectionSet

    CorrectionSet.open(folder).withdraw(name)
    return read_folder(folder, models)


def merge(folder: Path, other: Path, models: Sequence[Path] = ()) -> tuple[CorrectionFolder, int]:
    """Add the corrections of another set, or the images and masks of any tool, which stay as they are.

    Returns
    -------
    CorrectionFolder
        The folder as it is then.
    int
        How many are new.

    Raises
    ------
    UserError
        If the other folder holds nothing to learn from, it does not fit, or the disk does not take it.
    """
    from src_models.corrections.correction_set import CorrectionSet
    from src_models.finetuning.whole_images import open_corrections

    if not any((other / name).exists() for name in ("manifest.csv", "images", "masks")):
        raise UserError(
            f"{other} holds no corrections: choose a folder that was named under Kept in, or one of images/ and masks/"
        )
    added = CorrectionSet.open(folder).merge(open_corrections(other))
    return read_folder(folder, models), len(added)


def write_note(folder: Path, name: str, text: str) -> None:
    """Keep a person's words on a version."""
    from src_models.finetuning.versions import ModelVersions

    ModelVersions(versions_folder(folder)).note(name, text)


def keep(marked: Marked) -> Kept:
    """Write a marked plane into its set of corrections.

    Raises
    ------
    UserError
        If nothing counts, labels do not fit, or the disk does not take it; then the set is as it was.
    """
    from src_models.corrections.correction import mark
    from src_models.corrections.correction_set import CorrectionSet

    labels = np.array(marked.predicted, dtype=marked.changed[1].dtype)
    places, values = marked.changed
    np.put(labels, places, values)
    background = labels == marked.background
    present = set(np.unique(labels).tolist()) if marked.objects else set()
    objects = [entry for entry in marked.objects if entry["value"] in present]
    prompts = [{"object": entry["value"], **prompt} for entry in objects for prompt in entry.get("prompts", [])]
    correction = mark(
        _plane(marked.data, marked.region),
        np.where(background, 0, labels),
        marked.predicted,
        source=marked.source,
        mode=marked.mode,
        region=marked.part,
        background=background,
        clicked=[entry["value"] for entry in objects],
        prompts=prompts,
        model_name=marked.model_name,
        model_sha256=marked.model_sha256,
        around=_around(marked) if marked.deep else None,
    )
    corrections = CorrectionSet.open(marked.folder)
    name = corrections.add(correction)
    if marked.part is not None:
        inside = np.zeros_like(background)
        (top, bottom), (left, right) = marked.part
        inside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
        background &= inside
    after = np.where(background, 0, labels).astype(labels.dtype)
    return Kept(marked, name, corrections.items, np.nonzero(background), checksum(after))


def checksum(labels: NDArray[Any]) -> int:
    """Return what tells labels of a plane from others."""
    return zlib.crc32(np.ascontiguousarray(labels).data)


def parts_of(model: Path) -> list[LearningPart]:
    """Return the parts of a model that can learn, each with what it costs."""
    from src_models.finetuning.parts import learning_parts

    return learning_parts(load_model(model).network)


def kind_of(folder: Path, model: Path) -> Guess:
    """Return what the newest corrections in a folder mean, for the model in a file.

    Raises
    ------
    UserError
        If either cannot be read.
    """
    from src_models.finetuning.kinds.guess import guess_of_folder

    return guess_of_folder(folder, model)


def rank(
    data: Any, axes: AxesReading, model: Path, folder: Path, *, source: str, device: str, threads: int, name: str
) -> Generator[Progress, None, list[Candidate]]:
    """Rank what should be corrected next.

    Raises
    ------
    UserError
        If the folder holds other things, or the model does not fit the image.
    """
    from src_models.computing.execution import computing_threads
    from src_models.corrections.correction_set import CorrectionSet
    from src_models.finetuning.candidates import rank_steps

    with computing_threads(threads or None):
        corrections = CorrectionSet.open(folder)
        return (
            yield from rank_steps(
                data,
                load_model(model),
                axes=axes,
                corrections=corrections,
                source=source,
                device=device,
                name=name,
            )
        )


def _plane(data: Any, region: Region) -> NDArray[Any]:
    """Return a plane of an image, (H, W) or (H, W, C)."""
    plane = np.asarray(region.cut(data))
    axes = region.sub_axes
    return np.moveaxis(plane, axes.index("C"), -1) if "C" in axes else plane


def _around(marked: Marked) -> SlicesAround:
    """Return the slices around a plane.

    Raises
    ------
    UserError
        If it is no slice of a stack.
    """
    from src_models.corrections.correction import SlicesAround
    from src_models.corrections.volumes import span_around

    region = marked.region
    axis = region.letters.find("Z")
    place = region.index[axis] if axis >= 0 else None
    if not isinstance(place, int):
        raise UserError(
            "the chosen model sees in 3D and learns from slices of a stack: view the stack along Z, slice by slice, or "
            "choose a 2D model"
        )
    span = span_around(place, region.shape[axis], marked.deep)
    index = tuple(span if at == axis else cut for at, cut in enumerate(region.index))
    stack = replace(region, index=index)
    slices = np.asarray(stack.cut(marked.data))
    order = [stack.sub_axes.index(letter) for letter in "ZYXC" if letter in stack.sub_axes]
    return SlicesAround(np.transpose(slices, order), place - span.start)
