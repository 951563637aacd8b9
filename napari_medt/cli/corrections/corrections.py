"""``napari-medt corrections``: what a set of corrections holds; putting sets together; taking one back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli.console import Console
from napari_medt.cli.corrections.given_classes import list_given_classes
from napari_medt.cli.options import JsonFile, Overwrite
from src_models.errors import DataSetError

if TYPE_CHECKING:
    from rich.table import Table

    from src_models.corrections.correction_set import CorrectionItem, CorrectionSet
    from src_models.finetuning.whole_images import WholeImages

__all__ = ["corrections"]


def corrections(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The set of corrections.")],
    merge: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="OTHER", help="Add those of another set, or images/ and masks/ of any tool; it stays. Repeatable."
        ),
    ] = None,
    withdraw: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Leave a correction out from now on. Repeatable.")
    ] = None,
    json: JsonFile = None,
    overwrite: Overwrite = False,
) -> None:
    """List the corrections of a set, after merging and withdrawing what was asked for.

    A set may hold corrected labels, or classes that were given to objects.
    """
    from src_models.classifying.class_corrections import is_class_correction_set
    from src_models.corrections.correction_set import CorrectionSet
    from src_models.disk.atomic import check_new

    if json is not None:
        check_new(json, overwrite=overwrite)
    if is_class_correction_set(folder):
        list_given_classes(folder, merge or [], withdraw or [], json, overwrite=overwrite)
        return
    others = [_other(other) for other in merge or []]
    kept = CorrectionSet.open(folder) if others else _existing(folder)
    console = Console()
    for other in others:
        added = kept.merge(other)
        console.say(f"{other.root}: {len(added)} added, {len(other) - len(added)} were here already")
    for name in withdraw or []:
        kept.withdraw(name)
        console.say(f"{name} is left out from now on")
    if kept.items:
        console.show(_table(kept))
    replaced = len(kept.history) - len(kept)
    console.say(
        f"{len(kept)} {'correction counts' if len(kept) == 1 else 'corrections count'}, {replaced} replaced or "
        f"withdrawn; SHA-256 {kept.sha256}"
    )
    if json is not None:
        _write(json, kept, overwrite=overwrite)
        console.say(f"list: {json}")


def _existing(folder: Path) -> CorrectionSet:
    from src_models.corrections.correction_set import CorrectionSet

    if not (folder / "manifest.csv").is_file():
        raise DataSetError(f"{folder}: there is no set of corrections; make one with napari-medt correct, or in napari")
    return CorrectionSet.open(folder)


def _other(folder: Path) -> CorrectionSet | WholeImages:
    from src_models.finetuning.whole_images import WholeImages, open_corrections

    found = open_corrections(folder)
    return found if isinstance(found, WholeImages) else _existing(folder)


def _table(kept: CorrectionSet) -> Table:
    from rich.table import Table

    table = Table("Name", "Image", "Plane", "What counts", "Clicked", "Painted", "As found", "Model", "Marked")
    table.columns[0].overflow = "fold"
    for column in table.columns[4:7]:
        column.justify = "right"
    for item in kept.items:
        record = item.record
        leading = record.source.axes[: len(record.source.plane)]
        table.add_row(
            item.name,
            record.source.layer,
            " ".join(f"{letter}={index}" for letter, index in zip(leading, record.source.plane, strict=False)),
            _what_counts(item),
            *(f"{record.made_by.get(maker, 0):,}" for maker in ("click", "brush", "network")),
            record.model_name or "",
            record.time[:10],
        )
    return table


def _what_counts(item: CorrectionItem) -> str:
    record = item.record
    if record.mode == "region":
        (top, bottom), (left, right) = record.region
        return f"a region in {top}:{bottom},{left}:{right}"
    return {"slice": "all of it", "painted": "what was painted"}[record.mode]


def _write(path: Path, kept: CorrectionSet, *, overwrite: bool) -> None:
    from json import dumps

    from src_models.disk.atomic import atomic_path

    items: list[dict[str, Any]] = [
        {"name": item.name, "replaced": item.replaced, "record": dataclasses.asdict(item.record)}
        for item in kept.history
    ]
    content = {"folder": str(kept.root), "sha256": kept.sha256, "items": items}
    with atomic_path(path, overwrite=overwrite) as beside:
        beside.write_text(dumps(content, indent=1), encoding="utf-8")
