"""``napari-medt audit``: whether attention maps are true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from src_models.errors import DataSetError, UserError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from src_models.auditing.results import Audit
    from src_models.models.checkpoint import Model

__all__ = ["audit"]

Device = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True, slots=True)
class _Case:
    """An image with its labels, read when it is its turn: `read` gives image, axes and labels or None."""

    name: str
    read: Callable[[], tuple[Any, Any, Any]]


def audit(
    source: Annotated[
        Path,
        typer.Argument(metavar="IMAGE_OR_DATASET", help="An image, or a folder with images/, masks/ and manifest.csv."),
    ],
    model: Annotated[str, typer.Option(help="Name of a shipped or local model, or a path.")],
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Objects that people drew in the image, for the pointing game.")
    ] = None,
    maps: Annotated[
        list[str] | None, typer.Option("--map", metavar="NAME", help="A map; may be repeated. Default: the usual ones.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures here.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write a page with pictures here.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Of a data set, so many images of the split val, evenly spread.")
    ] = None,
    device: Annotated[Device, typer.Option(help="What to run on.")] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn at random.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Measure whether attention maps are true: what they mark is removed, weights are made random."""
    from rich.console import Console

    from src_models.models.checkpoint import load

    _check_outputs(json, report, overwrite=overwrite)
    cases = list(_cases(source, labels, limit))
    loaded = load(model)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    audits = _audit_all(console, cases, loaded, maps=maps, device=device, seed=seed)
    from src_models.auditing.report.averaging import average

    found = average(list(audits.values()), str(source)) if _is_data_set(source) else next(iter(audits.values()))
    _show(console, found)
    if json:
        console.print(f"figures: {_write_json(found, audits, json, overwrite=overwrite)}")
    if report:
        case = next(case for case in cases if case.name in audits)
        console.print(f"page: {_write_report(found, case, loaded, report, device=device, overwrite=overwrite)}")


def _is_data_set(source: Path) -> bool:
    return (source / "images").is_dir()


def _check_outputs(json: Path | None, report: Path | None, *, overwrite: bool) -> None:
    """Refuse what cannot be written before the work, not after it."""
    from src_models.disk.atomic import check_new, check_writable

    if json:
        check_new(json, overwrite=overwrite)
        check_writable(json.parent)
    if report:
        from src_models.auditing.report.page import FILES

        for name in FILES:
            check_new(report / name, overwrite=overwrite)
        check_writable(report)


def _cases(source: Path, labels: Path | None, limit: int | None) -> Iterator[_Case]:
    """List what is to be audited: the image, or images of the split val."""
    if not _is_data_set(source):
        if limit is not None:
            raise UserError(f"{source} is one image; --limit is for the folder of a data set")
        yield _Case(str(source), lambda: _read_image(source, labels))
        return
    if labels is not None:
        raise DataSetError(f"{source} is a data set and has its own masks; leave out --labels")
    from src_models.files.dataset import DataSet

    samples = DataSet.open(source).split("val")
    count = min(limit or len(samples), len(samples))
    for number in range(count):
        sample = samples[number * (len(samples) - 1) // max(count - 1, 1)]
        yield _Case(sample.name, lambda sample=sample: _read_sample(sample))  # type: ignore[misc]


def _read_image(source: Path, labels: Path | None) -> tuple[Any, Any, Any]:
    from src_models.files.images import read_image, read_labels

    image = read_image(source)
    return image.data, image.reading, None if labels is None else read_labels(labels)


def _read_sample(sample: Any) -> tuple[Any, Any, Any]:
    from src_models.files.dataset import read_sample

    image, mask = read_sample(sample)
    return image, "ZYX"[-mask.ndim :] + ("C" if image.ndim > mask.ndim else ""), mask


def _audit_all(
    console: Console, cases: list[_Case], model: Model, *, maps: list[str] | None, device: str, seed: int
) -> dict[str, Audit]:
    """Audit behind a progress bar; of many images, those in which the model finds nothing are left out."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from src_models.auditing.auditor import audit as run
    from src_models.auditing.view import NothingFoundError

    audits: dict[str, Audit] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        for number, case in enumerate(cases):
            task = bar.add_task(case.name, total=None)

            def show(progress: Any, task: Any = task, name: str = case.name) -> None:
                description = f"{name}: {progress.message}"
                bar.update(task, completed=progress.done, total=progress.total, description=description)

            image, axes, labels = case.read()
            try:
                audits[case.name] = run(
                    image,
                    model,
                    labels=labels,
                    maps=maps,
                    axes=axes,
                    device=device,
                    seed=seed + number,
                    name=case.name,
                    on_progress=show,
                )
            except NothingFoundError as error:
                if len(cases) == 1:
                    raise
                console.print(f"left out: {error}")
            bar.remove_task(task)
    if not audits:
        raise UserError(f"the model {model.header.name!r} finds nothing in the middle of any of {len(cases)} images")
    return audits


def _show(console: Console, found: Audit) -> None:
    from src_models.auditing.report.table import (
        BLOCK_COLUMNS,
        COLUMNS,
        INFLUENCE_COLUMNS,
        block_rows,
        influence_rows,
        rows,
    )

    console.print(_table(f"{found.model} on {found.name}", COLUMNS, rows(found)))
    if found.looks:
        console.print(_table("where pixels inside objects look", BLOCK_COLUMNS, block_rows(found)))
    if found.influences:
        console.print(_table("which positions act on a pixel", INFLUENCE_COLUMNS, influence_rows(found)))
    for sentence in found.summary:
        console.print(f"* {sentence}")


def _table(title: str, columns: tuple[str, ...], cells: list[tuple[str, ...]]) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(title=title, box=SIMPLE, title_justify="left", padding=(0, 1, 0, 0))
    for number, heading in enumerate(columns):
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    return table


def _write_json(found: Audit, audits: dict[str, Audit], path: Path, *, overwrite: bool) -> Path:
    import json

    from src_models.disk.atomic import atomic_path

    content = found.to_dict()
    if found.images > 1:
        content["by_image"] = {name: one.to_dict() for name, one in audits.items()}
    with atomic_path(path, overwrite) as beside:
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def _write_report(found: Audit, case: _Case, model: Model, folder: Path, *, device: str, overwrite: bool) -> Path:
    """Write the page; its maps are those of the first image that was audited."""
    from src_models.auditing.report.overlay import draw_maps
    from src_models.auditing.report.page import write_page

    image, axes, _ = case.read()
    names = list(dict.fromkeys(one.name.partition(" map ")[0] for one in found.maps))
    maps = draw_maps(image, model, names, axes=axes, device=device, name=case.name)
    return write_page(folder, found, maps, overwrite=overwrite)
