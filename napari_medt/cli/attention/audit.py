"""``napari-medt audit``: whether attention maps are true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.options import Channels, Device, GreyValues, JsonFile, Maps, Model, Overwrite, Seed, Series
from src_models.errors import DataSetError, UserError

if TYPE_CHECKING:
    from rich.table import Table

    from napari_medt.cli.attention.audit_classes import ClassAudit
    from src_models.auditing.results import Audit
    from src_models.images.grey.grey_range import GreyRange
    from src_models.models.checkpoint import Model as LoadedModel

__all__ = ["audit"]


@dataclass(frozen=True, slots=True)
class _Case:
    """An image with its labels, read when it is its turn: `read` gives image, axes and labels or None."""

    name: str
    read: Callable[[], tuple[Any, Any, Any]]


def audit(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IMAGE_OR_DATASET",
            help="An image, or a folder with images/, masks/ and manifest.csv; for a model of classes, a set of these.",
        ),
    ],
    model: Model = "nuclei",
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Objects that people drew in the image, for the pointing game; of a model of classes, those it tells.",
        ),
    ] = None,
    maps: Maps = None,
    json: JsonFile = None,
    report: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write a page with pictures here.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Of a data set, so many images of the split val, evenly spread; of a model of classes, so many "
            "pictures (12 unless given), of each class alike.",
        ),
    ] = None,
    seed: Seed = 0,
    series: Series = None,
    overwrite: Overwrite = False,
    channels: Channels = None,
    grey_range: GreyValues = None,
    device: Device = "auto",
) -> None:
    """Measure whether attention maps are true: what they mark is removed, weights are made random."""
    header = options.check_model(model, device)
    from src_models.images.grey.grey_range import GreyRange

    grey = GreyRange.of(grey_range)
    if header.use == "classify":
        from napari_medt.cli.attention.audit_classes import ClassAudit

        options.check_files(source, labels)
        asked = ClassAudit(
            source,
            labels=labels,
            limit=limit,
            series=series,
            channels=channels,
            grey_range=grey,
            device=device,
        )
        _audit_classes(asked, model, maps, seed, json, report, overwrite=overwrite)
        return
    cases = list(_cases(source, labels, limit, series, channels))
    options.check_files(source, labels)
    _check_outputs(json, report, overwrite=overwrite)
    from src_models.models.checkpoint import load

    loaded = load(model)
    console = Console()
    audits = _audit_all(console, cases, loaded, maps=maps, grey_range=grey, device=device, seed=seed)
    from src_models.auditing.report.averaging import average

    found = average(list(audits.values()), str(source)) if _is_data_set(source) else next(iter(audits.values()))
    _show(console, found)
    if json:
        console.say(f"figures: {_write_json(found, audits, json, overwrite=overwrite)}")
    if report:
        case = next(case for case in cases if case.name in audits)
        console.say(f"page: {_write_report(found, case, loaded, report, device=device, overwrite=overwrite)}")


def _audit_classes(
    asked: ClassAudit,
    model: str,
    maps: list[str] | None,
    seed: int,
    json: Path | None,
    report: Path | None,
    *,
    overwrite: bool,
) -> None:
    """Audit a model of classes."""
    _check_outputs(json, report, overwrite=overwrite)
    from src_models.models.checkpoint import load

    loaded, console = load(model), Console()
    found, pictures = asked.run(console, loaded, maps, seed)
    _show(console, found)
    if json:
        console.say(f"figures: {_write_json(found, {}, json, overwrite=overwrite)}")
    if report:
        from src_models.auditing.report.class_overlay import draw_class_maps
        from src_models.auditing.report.page import write_page

        drawn = draw_class_maps(pictures, loaded, [one.name for one in found.maps])
        console.say(f"page: {write_page(report, found, drawn, overwrite=overwrite)}")


def _is_data_set(source: Path) -> bool:
    return (source / "images").is_dir()


def _check_outputs(json: Path | None, report: Path | None, *, overwrite: bool) -> None:
    """Refuse what cannot be written before the work, not after it."""
    pages: list[Path] = []
    if report:
        from src_models.auditing.report.page import FILES

        pages = [report / name for name in FILES]
    options.check_outputs(json, *pages, overwrite=overwrite)


def _cases(
    source: Path, labels: Path | None, limit: int | None, series: str | None, channels: str | None
) -> Iterator[_Case]:
    """List what is to be audited: the image, or images of the split val."""
    if not _is_data_set(source):
        if limit is not None:
            raise UserError(f"{source} is one image; --limit is for the folder of a data set")
        yield _Case(str(source), lambda: _read_image(source, labels, series, channels))
        return
    if series is not None:
        raise UserError(f"{source} is a data set, whose files hold one image each; leave out --series")
    if labels is not None:
        raise DataSetError(f"{source} is a data set and has its own masks; leave out --labels")
    if channels is not None:
        raise DataSetError(f"{source} is a data set; --channels is for one image")
    from src_models.files.dataset import DataSet

    samples = DataSet.open(source).split("val")
    count = min(limit or len(samples), len(samples))
    for number in range(count):
        sample = samples[number * (len(samples) - 1) // max(count - 1, 1)]
        yield _Case(sample.name, lambda sample=sample: _read_sample(sample))  # type: ignore[misc]


def _read_image(source: Path, labels: Path | None, series: str | None, channels: str | None) -> tuple[Any, Any, Any]:
    from src_models.files.images import read_label_file
    from src_models.files.pairs import pair, say

    image = options.open_image(source, None, channels, series=series)
    if labels is None:
        return image.data, image.reading, None
    paired = pair(image, read_label_file(labels, like=image.reading, scan=image.geometry))
    say(paired.note)
    return image.data, image.reading, paired.labels


def _read_sample(sample: Any) -> tuple[Any, Any, Any]:
    from src_models.files.samples import open_sample

    opened = open_sample(sample)
    return opened.image, opened.reading, opened.mask


def _audit_all(
    console: Console,
    cases: list[_Case],
    model: LoadedModel,
    *,
    maps: list[str] | None,
    grey_range: GreyRange | None,
    device: str,
    seed: int,
) -> dict[str, Audit]:
    """Audit behind a progress bar; of many images, those in which the model finds nothing are left out."""
    from src_models.auditing.auditor import audit as run
    from src_models.auditing.view import NothingFoundError

    audits: dict[str, Audit] = {}
    for number, case in enumerate(cases):
        image, axes, labels = case.read()
        with console.bar(case.name) as show:
            try:
                audits[case.name] = run(
                    image,
                    model,
                    labels=labels,
                    maps=maps,
                    axes=axes,
                    grey_range=grey_range,
                    device=device,
                    seed=seed + number,
                    name=case.name,
                    on_progress=show,
                )
            except NothingFoundError as error:
                if len(cases) == 1:
                    raise
                console.say(f"left out: {error}")
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

    console.show(_table(f"{found.model} on {found.name}", COLUMNS, rows(found)))
    if found.looks:
        console.show(_table("where pixels inside objects look", BLOCK_COLUMNS, block_rows(found)))
    if found.influences:
        console.show(_table("which positions act on a pixel", INFLUENCE_COLUMNS, influence_rows(found)))
    for sentence in found.summary:
        console.say(f"* {sentence}")


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
    if audits and found.images > 1:
        content["by_image"] = {name: one.to_dict() for name, one in audits.items()}
    with atomic_path(path, overwrite) as beside:
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def _write_report(found: Audit, case: _Case, model: LoadedModel, folder: Path, *, device: str, overwrite: bool) -> Path:
    """Write the page; its maps are those of the first image that was audited."""
    from src_models.auditing.report.overlay import draw_maps
    from src_models.auditing.report.page import write_page

    image, axes, _ = case.read()
    names = list(dict.fromkeys(one.name.partition(" map ")[0] for one in found.maps))
    maps = draw_maps(image, model, names, axes=axes, device=device, name=case.name)
    return write_page(folder, found, maps, overwrite=overwrite)
