"""``napari-medt export-labels``: the outlines of labels for ImageJ, QuPath, and as COCO."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.options import Overwrite

__all__ = ["export_labels"]


def export_labels(
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="Labels in any format that `segment` or another program writes.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="NAME.zip|NAME.geojson|NAME.json",
            help="What to write: regions for ImageJ's ROI Manager, objects for QuPath, or COCO JSON.",
        ),
    ],
    image: Annotated[
        Path | None,
        typer.Option(metavar="IMAGE", help="The image that the labels lie on; outlines are in its pixels."),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help='What numbers are called, such as {"1": "spleen"}; as the file of the labels says unless given.',
            rich_help_panel=options.OBJECTS,
        ),
    ] = None,
    table: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="TABLE.csv",
            help="Classes and measurements of objects, as `classify --labels` and `measure` write them. Repeatable.",
            rich_help_panel=options.OBJECTS,
        ),
    ] = None,
    kind: Annotated[
        Literal["detection", "annotation"],
        typer.Option(
            "--as",
            help="What objects become in QuPath: detections, which may be many, or annotations, which can be edited.",
            rich_help_panel=options.OBJECTS,
        ),
    ] = "detection",
    overwrite: Overwrite = False,
) -> None:
    """Write the outlines of labels for another program.

    Outlines run along the edges of pixels, so ImageJ and QuPath fill exactly the pixels that the labels have. Objects
    with holes or several parts stay one object. Slices and frames, classes and measurements go with them.
    """
    from src_models.disk.atomic import check_new
    from src_models.files.exchange import export
    from src_models.files.exchange.formats import format_of
    from src_models.measuring.measured_file import label_names

    tables = table or []
    options.check_files(labels, image, names, *tables)
    format_of(output)
    check_new(output, overwrite=overwrite)
    options.check_outputs(folders=[output.parent], overwrite=overwrite)
    done = export.export_labels(
        labels,
        output,
        image=image,
        names=None if names is None else label_names(names),
        tables=tables,
        kind=kind,
        overwrite=overwrite,
    )
    console = Console()
    console.say(f"{labels}: {done.read_as}")
    console.notes(done.notes)
    console.say(f"  {done.outlines:,} {'outline' if done.outlines == 1 else 'outlines'} -> {output}")
