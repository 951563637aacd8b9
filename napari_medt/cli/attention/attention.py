"""``napari-medt attention``: what a network attends to in an image, as files and as a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console, Report
from napari_medt.cli.options import (
    Axes,
    Channels,
    Device,
    Diameter,
    GreyValues,
    Image,
    Maps,
    Model,
    Overwrite,
    ResultsFolder,
    Series,
    Uneven,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_medt.cli.attention.plan import Plan
    from src_models.attention.placed_map import PlacedMap
    from src_models.files.images import ImageFile
    from src_models.images.grey.grey_range import GreyRange
    from src_models.models.checkpoint import Model as LoadedModel
    from src_models.prediction.segmentation import Segmentation

__all__ = ["attention"]

POINTING = "Asking about pixels"
MapFormat = Annotated[
    Literal["nifti", "tiff"] | None,
    typer.Option(
        "--format",
        help="How maps are written: NIfTI that lies on the scan in other programs too, as those of scans are unless "
        "you say otherwise, or OME-TIFF, as those of other images are.",
        rich_help_panel=options.RESULTS,
    ),
]


def attention(
    image: Image,
    model: Model = "nuclei",
    output: ResultsFolder = Path("results"),
    maps: Maps = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROW,COLUMN",
            help="Ask about this pixel: where attention looks from it, or the value of each gate. Repeatable.",
            rich_help_panel=POINTING,
        ),
    ] = None,
    block: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="With --at, of networks that look: this block; all unless given. Repeatable.",
            rich_help_panel=POINTING,
        ),
    ] = None,
    rollout: Annotated[
        str | None,
        typer.Option(
            metavar="BRANCH",
            help="With --at, of axial networks: all blocks of a branch, one after another.",
            rich_help_panel=POINTING,
        ),
    ] = None,
    heads: Annotated[
        str | None,
        typer.Option(
            metavar="H,W",
            help="With --at: a head along height and one along width, such as 2,5 or 2,mean.",
            rich_help_panel=POINTING,
        ),
    ] = None,
    plane: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            help="With --at: the plane the pixels lie in, a number for each further axis.",
            rich_help_panel=POINTING,
        ),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Write as well how maps of this model differ: those that mean the same in both.",
            autocompletion=options.complete_model,
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Write the range of each map, its values at the pixels, and the gates."),
    ] = None,
    map_format: MapFormat = None,
    overwrite: Overwrite = False,
    axes: Axes = None,
    series: Series = None,
    channels: Channels = None,
    grey_range: GreyValues = None,
    uneven: Uneven = "refuse",
    diameter: Diameter = None,
    device: Device = "auto",
) -> None:
    """Write what a network attends to in an image: its maps, where pixels look, differences, a table."""
    from napari_medt.cli.attention.plan import make_plan
    from napari_medt.cli.attention.results import Results
    from src_models.images.grey.grey_range import GreyRange

    headers = [options.check_model(name, device) for name in (model, *([compare] if compare else []))]
    plan = make_plan(
        headers[0],
        headers[1] if compare else None,
        maps=maps or [],
        at=at or [],
        block=block or [],
        rollout=rollout,
        heads=heads,
        plane=plane or [],
        diameter=diameter,
    )
    grey = GreyRange.of(grey_range)
    names = _names(model, compare, [header.name for header in headers])
    options.check_files(image)
    opened = options.open_image(image, axes, channels, uneven, series)
    from src_models.prediction.maps.map_formats import map_ending, scan_place

    ending = map_ending(map_format, of_scan=scan_place(opened) is not None, name=opened.title)
    _check_outputs(output, opened.name, plan, names, table, ending, overwrite=overwrite)
    positions = plan.positions(opened.reading, opened.title)
    console = Console()
    console.say(f"{opened.title}: {opened.reading.describe()}")
    console.notes(opened.notes)
    from src_models.models.checkpoint import load

    loaded = load(model)
    run = _Run(opened, diameter, device, grey)
    with console.bar(image.name) as report:
        found = run.segment(loaded, plan.maps, report)
        recorded = list(found.attention)
        if compare:
            theirs = [other for _, other in plan.compared]
            recorded += _differences(recorded, run.segment(load(compare), theirs, report), names)
        looks = run.looks(loaded, found, plan, positions) if plan.views else []
    results = Results(recorded, looks, positions)
    lines = [results.write_maps(opened, output, ending, overwrite=overwrite)]
    lines += [] if plan.views else [results.values()]
    lines += [results.write_tables(loaded, table, overwrite=overwrite)] if table else []
    lines += [results.write_matrices(run.matrices(loaded, found, plan), opened, output, overwrite=overwrite)]
    console.say(f"  read as {found.read_as}")
    for note in found.notes:
        console.say(f"  {note}", style="yellow")
    for line in chain(*lines):
        console.say(f"  {line}")


@dataclass(frozen=True, slots=True)
class _Run:
    """An image, and how models are run on it."""

    image: ImageFile
    diameter: float | None
    device: str
    grey_range: GreyRange | None

    def segment(self, model: LoadedModel, maps: list[str], report: Report) -> Segmentation:
        from src_models.prediction.segment import segment

        return segment(
            self.image.data,
            model,
            axes=self.image.reading,
            attention=maps,
            diameter=self.diameter,
            grey_range=self.grey_range,
            device=self.device,
            name=self.image.title,
            on_progress=report,
        )

    def looks(
        self, model: LoadedModel, found: Segmentation, plan: Plan, positions: list[tuple[int, ...]]
    ) -> list[tuple[tuple[int, ...], PlacedMap]]:
        """Return where each view looks from each pixel, beside the pixel's position."""
        from src_models.probing.pointer import AttentionPointer

        pointer = AttentionPointer(
            self.image.data,
            model,
            found,
            channels=self.image.reading.chosen,
            device=self.device,
            name=self.image.title,
        )
        looks = []
        for pixel, position in zip(plan.pixels, positions, strict=True):
            for view in plan.views:
                looked = pointer.point(position, view, heads=plan.heads).map
                name = plan.look_name(view, pixel)
                looks.append((position, replace(looked, name=name, description=f"{name}: weights that sum to 1")))
        return looks

    def matrices(self, model: LoadedModel, found: Segmentation, plan: Plan) -> dict[str, NDArray[np.float32]]:
        """Return the matrices of channels, of the tile of the first pixel, or of the middle."""
        from src_models.images.grey.grey_range import GreyRange
        from src_models.images.resampling import given_zoom
        from src_models.probing.channel_probe import ChannelProbe

        if not plan.matrices:
            return {}
        settings = found.provenance["settings"]
        probe = ChannelProbe(
            self.image.data,
            model,
            axes=self.image.reading,
            grey_range=GreyRange.of(settings.get("grey_range")),
            zoom=given_zoom(settings["zoom"]),
            device=self.device,
            name=self.image.title,
        )
        leading = probe.first_plane if not plan.pixels else plan.plane
        known = probe.matrices(plan.pixels[0] if plan.pixels else None, plane=leading)
        return {name: known[name] for name in plan.matrices}


def _names(model: str, compare: str | None, named: list[str]) -> tuple[str, str] | None:
    """Return what to call both models: as they call themselves, or as they were asked for if that is the same."""
    from src_models.models.library import model_path

    if compare is None:
        return None
    return (named[0], named[1]) if named[0] != named[1] else (model_path(model).stem, model_path(compare).stem)


def _check_outputs(
    output: Path,
    stem: str,
    plan: Plan,
    names: tuple[str, str] | None,
    table: Path | None,
    ending: str,
    *,
    overwrite: bool,
) -> None:
    """Refuse before the work what could not be written after it."""
    from napari_medt.cli.attention.results import gates_path
    from src_models.attention.map_files import map_path
    from src_models.attention.matrix_files import matrix_path
    from src_models.attention.words import difference_name
    from src_models.errors import OutputError

    if table and table.suffix.lower() != ".csv":
        raise OutputError(f"{table}: the table is a CSV file; give it a name that ends in .csv")
    wanted = [*plan.maps, *(plan.look_name(view, pixel) for view in plan.views for pixel in plan.pixels)]
    if names:
        wanted += [difference_name(*pair, names) for pair in plan.compared]
    files = [map_path(output, stem, name, ending) for name in wanted] + ([table, gates_path(table)] if table else [])
    files += [matrix_path(output, stem, name) for name in plan.matrices]
    options.check_outputs(*files, folders=[output], overwrite=overwrite)


def _differences(maps: list[PlacedMap], other: Segmentation, names: tuple[str, str] | None) -> list[PlacedMap]:
    """Return the differences of all maps that mean the same; a map may come in parts, each of which has its like."""
    from src_models.attention.difference import difference
    from src_models.attention.words import like_pairs

    ours, theirs = ({placed.name: placed for placed in found} for found in (maps, other.attention))
    return [
        difference(ours[one], theirs[another], models=names) for one, another in like_pairs(list(ours), list(theirs))
    ]
