"""``napari-medt track``: objects of a time series followed from frame to frame, with divisions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.options import Overwrite

__all__ = ["track"]


def track(
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="Labels of a time series; their numbers may be new in each frame.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="TABLE.csv", help="A row for each object and frame.")
    ] = Path("tracks.csv"),
    tracked: Annotated[
        Path | None,
        typer.Option(
            "--labels", metavar="FILE.tif", help="Write labels, too, with the same number for an object in each frame."
        ),
    ] = None,
    farthest: Annotated[
        float | None,
        typer.Option(
            metavar="DISTANCE",
            min=0,
            help="How far an object goes from frame to frame, in the unit of the file (pixels where it tells none); "
            "the diameter of the objects unless given.",
        ),
    ] = None,
    gap: Annotated[
        int, typer.Option(metavar="FRAMES", min=0, help="In how many frames on end an object may be missed.")
    ] = 1,
    divisions: Annotated[bool, typer.Option("--divisions/--no-divisions", help="Whether objects divide.")] = True,
    overwrite: Overwrite = False,
) -> None:
    """Follow the objects in labels of a time series.

    The table has the number of each object's track, the track that it divided from, frame (from 0), number in the
    labels, place and size in pixels.
    """
    options.check_files(labels)
    options.check_outputs(output, tracked, overwrite=overwrite)
    from src_models.files.labels import write_labels
    from src_models.tracking.from_file import track_file
    from src_models.tracking.linking import relabelled, write_tracks

    console = Console()
    file, data, found = track_file(labels, farthest=farthest, gap=gap, divisions=divisions)
    console.say(f"{labels}: {file.reading.describe()}")
    console.notes(file.notes)
    unit = "px" if file.reading.unit == "pixel" else file.reading.unit
    write_tracks(output, found, overwrite=overwrite)
    console.say(f"  {found.count:,} tracks, {found.divisions:,} divisions (up to {found.farthest:.3g} {unit} a frame)")
    console.say(f"  -> {output}")
    if tracked is not None:
        write_labels(tracked, relabelled(data, found), reading=file.reading, overwrite=overwrite)
        console.say(f"  -> {tracked}")
