"""``napari-medt attention``: what a network attends to in an image, as files and as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from src_models.attention.words import map_words

if TYPE_CHECKING:
    from napari_medt.cli.attention.plan import Plan
    from src_models.attention.placed_map import PlacedMap
    from src_models.files.images import ImageFile
    from src_models.models.checkpoint import Model
    from src_models.prediction.segmentation import Segmentation
    from src_models.progress import Progress

__all__ = ["attention"]

Device = Literal["auto", "cpu", "cuda", "mps"]


def attention(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="TIFF, OME-TIFF, PNG, JPEG, zarr or OME-Zarr.")],
    model: Annotated[str, typer.Option(help="Name of a shipped or local model, or a path.")],
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the maps; made if it is missing.")],
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="NAME",
            help=f"Record this map, such as 'gate 2' ({map_words('gate 2').name.lower()}) or 'global 2.1 received' "
            f"({map_words('global 2.1 received').name.lower()}); all unless given. Repeatable.",
        ),
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROW,COLUMN",
            help="Ask about this pixel: where axial attention looks from it, or the value of each gate. Repeatable.",
        ),
    ] = None,
    block: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With --at, of axial networks: this block; all unless given. Repeatable."),
    ] = None,
    rollout: Annotated[
        str | None,
        typer.Option(metavar="BRANCH", help="With --at, of axial networks: all blocks of a branch, one after another."),
    ] = None,
    heads: Annotated[
        str | None,
        typer.Option(metavar="H,W", help="With --at: a head along height and one along width, such as 2,5 or 2,mean."),
    ] = None,
    plane: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="With --at: the plane the pixels lie in, a number for each further axis."),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Write as well how maps of this model differ: those that mean the same in both."
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Write the range of each map, its values at the pixels, and the gates."),
    ] = None,
    diameter: Annotated[
        float | None, typer.Option(min=0.1, help="Size of the objects in pixels; estimated unless given.")
    ] = None,
    device: Annotated[Device, typer.Option(help="What to run on.")] = "auto",
    axes: Annotated[str | None, typer.Option(help="Axes of the image by hand, such as ZYX or CYX.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Write what a network attends to in an image: its maps, where pixels look, differences, a table."""
    from rich.console import Console

    from napari_medt.cli.attention.plan import make_plan
    from napari_medt.cli.attention.results import Results
    from src_models.files.images import image_stem, read_image
    from src_models.models.header import read_header

    headers = [read_header(_model_path(name)) for name in (model, *([compare] if compare else []))]
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
    names = _names(model, compare, [header.name for header in headers])
    _check_outputs(output, image_stem(image), plan, names, table, overwrite=overwrite)
    opened = read_image(image, axes=axes)
    positions = plan.positions(opened.reading, str(image))
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"{image}: {opened.reading.describe()}")
    from src_models.models.checkpoint import load

    loaded = load(model)
    run = _Run(opened, diameter, device)
    with _progress(console, image.name) as report:
        found = run.segment(loaded, plan.maps, report)
        recorded = list(found.attention)
        if compare:
            theirs = [other for _, other in plan.compared]
            recorded += _differences(recorded, run.segment(load(compare), theirs, report), names)
        looks = run.looks(loaded, found, plan, positions) if plan.views else []
    results = Results(recorded, looks, positions)
    lines = [results.write_maps(opened, output, overwrite=overwrite)]
    lines += [] if plan.views else [results.values()]
    lines += [results.write_tables(loaded, table, overwrite=overwrite)] if table else []
    for line in chain(*lines):
        console.print(f"  {line}")


@dataclass(frozen=True, slots=True)
class _Run:
    """An image, and how models are run on it."""

    image: ImageFile
    diameter: float | None
    device: str

    def segment(self, model: Model, maps: list[str], report: Callable[[Progress], None]) -> Segmentation:
        from src_models.prediction.segment import segment

        return segment(
            self.image.data,
            model,
            axes=self.image.reading,
            attention=maps,
            diameter=self.diameter,
            device=self.device,
            name=str(self.image.path),
            on_progress=report,
        )

    def looks(
        self, model: Model, found: Segmentation, plan: Plan, positions: list[tuple[int, ...]]
    ) -> list[tuple[tuple[int, ...], PlacedMap]]:
        """Return where each view looks from each pixel, beside the pixel's position."""
        from src_models.probing.pointer import AttentionPointer

        pointer = AttentionPointer(self.image.data, model, found, device=self.device, name=str(self.image.path))
        looks = []
        for pixel, position in zip(plan.pixels, positions, strict=True):
            for view in plan.views:
                looked = pointer.point(position, view, heads=plan.heads).map
                name = plan.look_name(view, pixel)
                looks.append((position, replace(looked, name=name, description=f"{name}: weights that sum to 1")))
        return looks


def _model_path(model: str) -> Path:
    from src_models.models.library import find_model

    return Path(model) if model.endswith(".safetensors") or "/" in model else find_model(model)


def _names(model: str, compare: str | None, named: list[str]) -> tuple[str, str] | None:
    """Return what to call both models: as they call themselves, or as they were asked for if that is the same."""
    if compare is None:
        return None
    return (named[0], named[1]) if named[0] != named[1] else (_model_path(model).stem, _model_path(compare).stem)


def _check_outputs(
    output: Path, stem: str, plan: Plan, names: tuple[str, str] | None, table: Path | None, *, overwrite: bool
) -> None:
    """Refuse before the work what could not be written after it."""
    from napari_medt.cli.attention.results import gates_path
    from src_models.attention.map_files import map_path
    from src_models.attention.words import difference_name
    from src_models.disk.atomic import check_new, check_writable
    from src_models.errors import OutputError

    if table and table.suffix.lower() != ".csv":
        raise OutputError(f"{table}: the table is a CSV file; give it a name that ends in .csv")
    wanted = [*plan.maps, *(plan.look_name(view, pixel) for view in plan.views for pixel in plan.pixels)]
    if names:
        wanted += [difference_name(*pair, names) for pair in plan.compared]
    for path in [map_path(output, stem, name) for name in wanted] + ([table, gates_path(table)] if table else []):
        check_new(path, overwrite=overwrite)
    for folder in (output, *([table.parent] if table else [])):
        check_writable(folder)


@contextmanager
def _progress(console: Any, title: str) -> Iterator[Callable[[Progress], None]]:
    """Show a bar, and give what moves it."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def report(progress: Progress) -> None:
            description = f"{title}: {progress.message}"
            bar.update(task, completed=progress.done, total=progress.total, description=description)

        yield report


def _differences(maps: list[PlacedMap], other: Segmentation, names: tuple[str, str] | None) -> list[PlacedMap]:
    """Return the differences of all maps that mean the same; a map may come in parts, each of which has its like."""
    from src_models.attention.difference import difference
    from src_models.attention.words import like_pairs

    ours, theirs = ({placed.name: placed for placed in found} for found in (maps, other.attention))
    return [
        difference(ours[one], theirs[another], models=names) for one, another in like_pairs(list(ours), list(theirs))
    ]
