"""``napari-medt corrections`` of a set of classes that were given to objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medt.cli.console import Console

if TYPE_CHECKING:
    from rich.table import Table

    from src_models.classifying.class_corrections import ClassCorrectionSet

__all__ = ["list_given_classes"]


def list_given_classes(
    folder: Path, merge: Sequence[Path], withdraw: Sequence[str], json: Path | None, *, overwrite: bool
) -> None:
    """List the pictures of a set, after merging and withdrawing what was asked for; as the command has the parameters.

    Raises
    ------
    UserError
        If a set cannot be read, or holds no such picture.
    """
    from src_models.classifying.class_corrections import ClassCorrectionSet

    kept, console = ClassCorrectionSet.open(folder), Console()
    for other in merge:
        theirs = ClassCorrectionSet.open(other)
        added = kept.add([theirs.read(item.file) for item in theirs.items])
        console.say(f"{other}: {len(added)} added, {len(theirs) - len(added)} were here already")
    for name in withdraw:
        kept.withdraw(name)
        console.say(f"{name} is left out from now on")
    if kept.items:
        console.show(_table(kept))
    judging = sum(item.split == "val" for item in kept.items)
    counts = ", ".join(f"{count} {name}" for name, count in kept.counts.items())
    console.say(
        f"{len(kept)} {'picture counts' if len(kept) == 1 else 'pictures count'} ({counts}), {judging} of them held "
        f"out to judge by, {len(kept.history) - len(kept)} replaced or withdrawn; SHA-256 {kept.sha256}"
    )
    if json is not None:
        _write(json, kept, overwrite=overwrite)
        console.say(f"list: {json}")


def _table(kept: ClassCorrectionSet) -> Table:
    from rich.table import Table

    table = Table("Name", "Class", "Found before", "Image", "Plane", "Place", "Side", "By", "Given")
    table.columns[0].overflow = "fold"
    for item in kept.items:
        record = item.record
        leading = record.source.axes[: len(record.source.plane)]
        table.add_row(
            item.file,
            record.class_name,
            record.found or "",
            record.source.layer,
            " ".join(f"{letter}={index}" for letter, index in zip(leading, record.source.plane, strict=False)),
            f"y {record.position[0]:.0f}, x {record.position[1]:.0f}",
            "judges" if item.split == "val" else "teaches",
            record.by or "",
            record.time[:10],
        )
    return table


def _write(path: Path, kept: ClassCorrectionSet, *, overwrite: bool) -> None:
    from json import dumps

    from src_models.disk.atomic import atomic_path

    items = [dataclasses.asdict(item) for item in kept.history]
    content = {"folder": str(kept.root), "sha256": kept.sha256, "items": items}
    with atomic_path(path, overwrite=overwrite) as beside:
        beside.write_text(dumps(content, indent=1), encoding="utf-8")
