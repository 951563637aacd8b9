"""An audit as a page to read: Markdown with pictures beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from src_models.auditing.report.chart import curve_panels, draw_chart
from src_models.auditing.report.table import BLOCK_COLUMNS, COLUMNS, INFLUENCE_COLUMNS, block_rows, influence_rows, rows
from src_models.auditing.results import Audit
from src_models.disk.atomic import atomic_path, check_new

__all__ = ["FILES", "markdown_table", "section", "write_page", "write_picture"]

PAGE, CURVES, MAPS = "audit.md", "audit_curves.png", "audit_maps.png"
FILES = (PAGE, CURVES, MAPS)


def write_page(folder: str | Path, audit: Audit, maps: NDArray[np.uint8], *, overwrite: bool = False) -> Path:
    """Write ``audit.md`` and its two pictures into a folder.

    Parameters
    ----------
    folder
        Made if it is missing.
    audit
        Of one image, or the mean over many.
    maps
        The picture of the maps, from :func:`src_models.auditing.report.overlay.draw_maps`.
    overwrite
        Whether existing files may be replaced.

    Raises
    ------
    OutputError
        If a file exists and `overwrite` is False, or cannot be written.
    """
    folder = Path(folder)
    for name in FILES:
        check_new(folder / name, overwrite=overwrite)
    chart = draw_chart(curve_panels(audit), f"{audit.model} on {audit.name}")
    write_picture(folder / CURVES, chart, overwrite=overwrite)
    write_picture(folder / MAPS, maps, overwrite=overwrite)
    title = f"# Are the maps of {audit.model} true?\n\n"
    text = title + section(audit, {"curves": CURVES, "maps": MAPS})
    with atomic_path(folder / PAGE, overwrite) as beside:
        beside.write_text(text, encoding="utf-8")
    return folder / PAGE


def section(audit: Audit, pictures: Mapping[str, str]) -> str:
    """Return an audit in Markdown.

    Parameters
    ----------
    audit
        What to tell.
    pictures
        Paths of the pictures "maps" and "curves", as the page names them.
    """
    parts = [
        f"![Maps of {audit.model}]({pictures['maps']})",
        "\n".join(f"* {sentence}" for sentence in audit.summary),
        f"![Curves of {audit.model} on {audit.name}]({pictures['curves']})",
        markdown_table(COLUMNS, rows(audit)),
    ]
    if audit.looks:
        parts.append(markdown_table(BLOCK_COLUMNS, block_rows(audit)))
    if audit.influences:
        parts.append(markdown_table(INFLUENCE_COLUMNS, influence_rows(audit)))
    return "\n\n".join(parts) + "\n"


def markdown_table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in cells)])


def write_picture(path: Path, picture: NDArray[np.uint8], *, overwrite: bool) -> None:
    """Write a PNG atomically."""
    with atomic_path(path, overwrite) as beside:
        Image.fromarray(picture).save(beside, format="png")
