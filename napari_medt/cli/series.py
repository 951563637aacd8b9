"""``napari-medt series``: which series a folder of DICOM files holds, before one of them is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.options import JsonFile, Overwrite

if TYPE_CHECKING:
    from rich.table import Table

    from src_models.files.volumes.dicom_preview.series_preview import SeriesPreview

__all__ = ["series"]

_SIZE = 256  # px


def series(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Folder of DICOM slices, or one above such folders, such as the root of a CD."
        ),
    ],
    json: JsonFile = None,
    thumbnails: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write a picture of each series, its middle slice, as PNG; made if it is missing."
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """List the series in a folder of DICOM files: what each is, and whether it can be opened.

    Other commands take one of them by its number or name (--series). Names of patients are not told; where a folder
    holds scans of several, they are patient 1, 2 and so on.
    """
    from src_models.files.volumes.dicom_preview.series_preview import no_series, preview_series

    console = Console()
    previews = preview_series(folder)
    pictures = [None if thumbnails is None else thumbnails / _picture_name(one) for one in previews]
    options.check_outputs(json, *pictures, overwrite=overwrite)
    drawn = [_draw(one, path, overwrite) for one, path in zip(previews, pictures, strict=True)]
    console.show(_table(previews))
    for one in previews:
        name = f"{one.image.number} {one.image.name!r}"
        if one.refusal:
            told = "opens only with --uneven resample" if one.uneven else "cannot be opened"
            console.say(f"  {name} {told}: {one.refusal}", style="yellow")
        console.notes(f"{name}: {note}" for note in one.notes)
    console.notes(filter(None, [no_series(previews)]))
    if json is not None:
        _write_json(json, previews, drawn, overwrite)
        console.say(f"  -> {json}")
    if thumbnails is not None:
        console.say(f"  -> {thumbnails}: {len(list(filter(None, drawn)))} pictures")


def _picture_name(one: SeriesPreview) -> str:
    return f"series_{one.image.number}.png"


def _draw(one: SeriesPreview, path: Path | None, overwrite: bool) -> Path | None:
    """Write the picture of a series; return its path if there is one."""
    if path is None:
        return None
    from PIL import Image

    from src_models.disk.atomic import atomic_path
    from src_models.files.volumes.dicom_preview.thumbnail import thumbnail

    grey = thumbnail(one, _SIZE)
    if grey is None:
        return None
    with atomic_path(path, overwrite) as beside:
        Image.fromarray(grey).save(beside, "PNG")
    return path


def _table(previews: Sequence[SeriesPreview]) -> Table:
    from rich.table import Table

    from src_models.files.volumes.dicom_preview.series_preview import spacing_words

    of_patients = any(one.patient is not None for one in previews)
    columns = ("Number", "Name", "Modality", "Body part", "Slices", "Size", "Spacing", "Study", "Opens")
    table = Table(*columns, *(("Patient",) if of_patients else ()))
    for one in previews:
        rows, across = one.middle.shape
        row = [
            str(one.image.number),
            one.image.name,
            one.modality,
            one.header.body_part,
            str(one.slices),
            f"{across} x {rows}",
            "" if one.spacing is None else spacing_words(one.spacing),
            " ".join(filter(None, (one.header.date, one.header.time))),
            "resampled" if one.uneven else "yes" if one.opens else "no",
        ]
        table.add_row(*row, *((str(one.patient),) if of_patients else ()))
    return table


def _write_json(path: Path, found: Sequence[SeriesPreview], drawn: Sequence[Path | None], overwrite: bool) -> None:
    from json import dumps

    from src_models.disk.atomic import atomic_path

    def content(one: SeriesPreview, picture: Path | None) -> dict[str, Any]:
        rows, columns = one.middle.shape
        return {
            "number": one.image.number,
            "name": one.image.name,
            "series_number": one.header.number,
            "modality": one.middle.modality,
            "body_part": one.header.body_part,
            "study": {"date": one.header.date, "time": one.header.time, "description": one.header.study},
            "patient": one.patient,
            "shape": [one.slices, rows, columns],
            "spacing_mm": one.spacing,
            "windows": [{"name": name, "low": low, "high": high} for name, low, high in one.header.windows],
            "folder": str(one.folder),
            "opens": "resampled" if one.uneven else one.opens,
            "why_not": one.refusal,
            "notes": list(one.notes),
            "thumbnail": None if picture is None else str(picture),
        }

    listed = [content(one, picture) for one, picture in zip(found, drawn, strict=True)]
    with atomic_path(path, overwrite) as beside:
        beside.write_text(dumps(listed, indent=1) + "\n", encoding="utf-8")
