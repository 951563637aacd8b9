"""The report on many images: one HTML file, pictures within, that any browser shows without a network."""

from __future__ import annotations

import base64
import html
import json
import logging
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src_models.disk.atomic import atomic_path
from src_models.progress import Progress

if TYPE_CHECKING:
    from src_models.files.image_list import OneImage
    from src_models.prediction.batches.folder_run import ImageRow

__all__ = ["NAME", "report_steps"]

NAME = "report.html"
_COLUMNS = ("Picture", "Image", "Found", "Objects", "Seconds", "What to know")
_NEWLINE = "\n"
_OURS = '<meta name="generator" content="napari-medt">'

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .5rem .7rem; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
img { display: block; max-width: 256px; }
.failed { border-left: 4px solid #c62828; }
small { opacity: .8; }
"""

_log = logging.getLogger(__name__)


def report_steps(rows: Sequence[ImageRow], folder: Path, model: str) -> Generator[Progress, None, Path]:
    """Write the report into the folder of the results, over an earlier one of the same kind.

    Parameters
    ----------
    rows
        What has become of each image. Those without labels, and those whose picture cannot be drawn, have none.
    folder
        Where the labels are, and their records.
    model
        What the model is called.

    Yields
    ------
    Progress
        After every picture.

    Returns
    -------
    Path
        The report: ``report.html``, or, where a file of that name is somebody else's, ``report_2.html`` and so on.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    lines = []
    for number, row in enumerate(rows, start=1):
        lines.append(_line(row))
        yield Progress(0, 0, f"writing the report ({number} of {len(rows)})")
    path = _free(folder)
    with atomic_path(path, overwrite=path.exists()) as beside:
        beside.write_text(_page(rows, lines, folder, model), encoding="utf-8")
    return path


def _free(folder: Path) -> Path:
    """Return a name that nothing has but perhaps an earlier report."""
    path, number = folder / NAME, 1
    while path.exists() and not _is_report(path):
        number += 1
        path = folder / f"report_{number}.html"
    return path


def _is_report(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return _OURS in file.read(400)
    except (OSError, ValueError):
        return False


def _page(rows: Sequence[ImageRow], lines: Sequence[str], folder: Path, model: str) -> str:
    states = [row.state for row in rows]
    counts = ", ".join(
        f"{states.count(state)} {words}"
        for state, words in (("done", "segmented"), ("passed over", "segmented before"), ("failed", "failed"))
        if state in states
    )
    title = html.escape(f"{len(rows)} images segmented with {model}" if len(rows) != 1 else f"1 image and {model}")
    place = html.escape(str(folder.absolute()))
    titles = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
{_OURS}
<title>{title}</title>
<style>{_STYLE}</style></head><body>
<h1>{title}</h1>
<p>{html.escape(counts)}. Results are in {place}. Outlines are yellow, on the middle plane of a stack.</p>
<table><thead><tr>{titles}</tr></thead><tbody>
{_NEWLINE.join(lines)}
</tbody></table></body></html>
"""


def _line(row: ImageRow) -> str:
    """Return an image's line of the table."""
    record = {} if row.labels is None else _record(row.labels)
    found = record.get("found", {}).get("objects", "")
    seconds = record.get("seconds", "")
    picture = _picture(row.image, row.labels) if row.labels is not None else None
    shown = "" if picture is None else f'<img alt="{html.escape(row.image.name)} with outlines" src="{picture}">'
    failed = row.state == "failed"
    said = row.said if failed else record.get("summary", row.said)
    notes = [record.get("size", ""), *record.get("advice", ()), *record.get("notes", ())]
    cells = [
        f"<td>{shown}</td>",
        f"<td>{html.escape(row.image.name)}<br><small>{html.escape(str(row.image.path.name))}</small></td>",
        f"<td>{'Failed: ' if failed else ''}{html.escape(str(said))}</td>",
        f'<td class="number">{html.escape(str(found))}</td>',
        f'<td class="number">{f"{seconds:.1f}" if isinstance(seconds, int | float) else ""}</td>',
        f"<td>{'<br>'.join(html.escape(str(note)) for note in notes if note)}</td>",
    ]
    return f"<tr{' class=failed' if failed else ''}>{''.join(cells)}</tr>"


def _record(labels: Path) -> dict[str, Any]:
    """Return what the record beside labels says; nothing where there is none."""
    from src_models.prediction.record import record_path

    try:
        record = json.loads(record_path(labels).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and isinstance(record.get("found"), dict) else {}


def _picture(image: OneImage, labels: Path) -> str | None:
    """Return a picture as a page holds it; None where it cannot be drawn, which the results do not depend on."""
    from src_models.files.images import read_image, read_label_file
    from src_models.prediction.batches.report.thumbnail import draw_thumbnail, png

    try:
        series = None if image.series is None else image.series.number
        opened = read_image(image.path, series=series)
        mask = read_image(labels) if labels.suffix == ".zarr" else read_label_file(labels, scan=opened.geometry)
        content = png(draw_thumbnail(opened, mask))
    except Exception:
        _log.warning("no picture of %s", image.title, exc_info=True)
        return None
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
