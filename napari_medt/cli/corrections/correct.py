"""``napari-medt correct``: put mended labels into a set of corrections."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.options import Axes, Channels, Image, Series, Uneven
from src_models.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from src_models.corrections.correction import Bounds, CorrectionRecord, MarkMode
    from src_models.finetuning.labelled.planes import LabelledImage
    from src_models.images.planes import Planes
    from src_models.models.header import ModelHeader

__all__ = ["correct"]

_REGION = re.compile(r"(\d+):(\d+),(\d+):(\d+)")


def correct(
    image: Image,
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="The mended labels of all of its planes.")],
    folder: Annotated[
        Path, typer.Option("--set", "-o", metavar="FOLDER", help="The set of corrections; made if it is missing.")
    ],
    predicted: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The labels as the model had found them.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="The model that had found them: its name, or a path ending in .safetensors. Kept as a note; for a 3D "
            "model, slices are kept with those around them.",
            autocompletion=options.complete_model,
        ),
    ] = None,
    slices: Annotated[
        str | None,
        typer.Option(
            metavar="all|3,5-7",
            help="Planes of a stack, counted from 0; those in which there is, or was, an object, unless given. With "
            "all, empty ones are rightly empty.",
        ),
    ] = None,
    painted: Annotated[
        bool, typer.Option("--painted", help="Only what differs from --predicted is right; the rest is not known.")
    ] = False,
    region: Annotated[
        str | None, typer.Option(metavar="Y0:Y1,X0:X1", help="Only these rows and columns are right.")
    ] = None,
    axes: Axes = None,
    series: Series = None,
    channels: Channels = None,
    uneven: Uneven = "refuse",
) -> None:
    """Keep mended labels, so that a network can learn from them (napari-medt finetune).

    What was corrected before in the same plane is replaced as far as all of it is corrected again, and stays in the
    folder.
    """
    import numpy as np

    from src_models.corrections.correction_set import CorrectionSet
    from src_models.finetuning.labelled.planes import LabelledImage

    if painted and region is not None:
        raise UserError("--painted and --region exclude each other: give one of them")
    mode: MarkMode = "painted" if painted else "slice" if region is None else "region"
    part = _region(region)
    made_by, header = _model(model)
    options.check_files(image, labels, predicted)
    corrections = CorrectionSet.open(folder)
    source = options.open_image(image, axes, channels, uneven, series)
    deep = header is not None and (header.dimensions == 3 or "Z" in source.reading.axes)
    image_planes = LabelledImage(source, header.slices_kept if header is not None and deep else 0)
    console = Console()
    console.say(f"{source.title}: {source.reading.describe()}")
    console.notes(source.notes)
    mended, found = (None if path is None else _labels(path, image_planes) for path in (labels, predicted))
    planes = image_planes.planes
    for plane, now, before in _chosen(slices, planes, mended, found, painted=painted, say=console.say):
        if slices is None and len(planes) > 1 and not np.isfinite(image_planes.pixels(plane)).any():
            console.say(f"  plane {', '.join(map(str, plane))} was left out: all of its values are NaN or infinite")
            continue
        correction = image_planes.correction(
            plane, now, before, mode=mode, region=part, model_name=made_by[0], model_sha256=made_by[1]
        )
        name = corrections.add(correction)
        console.say(f"  {name}: {_described(correction.record, drawn=predicted is None)}")
    count = len(corrections)
    console.say(f"{folder} holds {count} {'correction' if count == 1 else 'corrections'}")


def _region(text: str | None) -> Bounds | None:
    if text is None:
        return None
    match = _REGION.fullmatch(text.replace(" ", ""))
    if match is None:
        raise UserError(f"--region {text!r} is not of the form Y0:Y1,X0:X1, such as 0:128,64:192")
    top, bottom, left, right = map(int, match.groups())
    return (top, bottom), (left, right)


def _labels(path: Path, image: LabelledImage) -> NDArray[Any]:
    """Read labels onto the image's voxels."""
    from src_models.files.images import read_label_file
    from src_models.files.pairs import say

    paired = image.on_image(read_label_file(path, like=image.image.reading, scan=image.image.geometry))
    say(paired.note)
    return paired.labels


def _model(name: str | None) -> tuple[tuple[str | None, str | None], ModelHeader | None]:
    """Return the name and the SHA-256 of a model, and its header."""
    if name is None:
        return (None, None), None
    from src_models.models.library import model_path
    from src_models.models.loaded import file_sha256

    header = options.check_model(name)
    return (header.name, file_sha256(model_path(name))), header


def _chosen(
    slices: str | None,
    planes: Planes,
    labels: NDArray[Any] | None,
    predicted: NDArray[Any] | None,
    *,
    painted: bool,
    say: Callable[[str], None],
) -> Iterator[tuple[tuple[int, ...], NDArray[Any], NDArray[Any] | None]]:
    """Yield planes with their labels as they are and as they were.

    Where nobody names planes, empty labels count where something was found before: else nobody knows whether they are
    rightly empty, or not drawn yet.
    """
    from src_models.images.planes import LabelPlane

    every = list(planes)
    wanted = _numbers(slices, len(every))
    several, left_out = False, 0
    for number in range(len(every)) if wanted is None else wanted:
        now, before = (
            None if array is None else LabelPlane(array, planes, every[number])[:, :] for array in (labels, predicted)
        )
        assert now is not None
        if painted and len(every) > 1:
            holds = bool(now.any() if before is None else (now != before).any())
        else:
            holds = painted or wanted is not None or bool(now.any() or (before is not None and before.any()))
        left_out += not holds
        if holds:
            several = True
            yield every[number], now, before
    if not several:
        raise UserError(_nothing(len(every), painted=painted, found=predicted is not None))
    if left_out and not painted:
        were = "plane without objects was" if left_out == 1 else "planes without objects were"
        say(f"  {left_out} {were} left out; --slices all keeps them, as rightly empty")


def _nothing(planes: int, *, painted: bool, found: bool) -> str:
    """Return why nothing is kept."""
    if painted:
        return "nothing was painted in any of these planes: mend the labels first"
    if planes > 1:
        return "the labels are empty in every plane: mend them first, or name the planes that rightly are (--slices)"
    why = "are empty, as what was found is" if found else "are empty, and without --predicted nothing was found either"
    return f"the labels {why}: mend them first, or say that there is rightly nothing in this image (--slices all)"


def _numbers(text: str | None, count: int) -> list[int] | None:
    """Return the planes that were named; None for those that hold something."""
    if text is None:
        return None
    if text.strip() == "all":
        return list(range(count))
    numbers: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if match is None:
            raise UserError(f"--slices {text!r} is not of the form 3,5-7, nor all")
        first = int(match[1])
        numbers.update(range(first, int(match[2] or first) + 1))
    beyond = sorted(number for number in numbers if number >= count)
    if beyond or not numbers:
        raise UserError(f"--slices {text!r}: the image has the planes 0 to {count - 1}")
    return sorted(numbers)


def _described(record: CorrectionRecord, *, drawn: bool) -> str:
    """Say what counts of a correction; without what a model had found, all is drawn."""
    made_by = record.made_by
    changed = made_by["click"] + made_by["brush"]
    if drawn:
        return f"{changed:,} px drawn, {made_by['network']:,} px of background"
    return f"{changed:,} px mended, {made_by['network']:,} px right as they were"
