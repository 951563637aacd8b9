"""What the site's pages take from elsewhere when they are read: parts of the README, and the public names.

A line ``<!-- README: WORDS -->`` on a page of the site becomes the README's section of that heading, its links led
from where the page lies; ``<!-- README: first -->`` what comes before the first heading, and
``<!-- public names -->`` the reference of all that :mod:`src_models` offers.
"""

from __future__ import annotations

import inspect
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import src_models

if TYPE_CHECKING:
    from sphinx.application import Sphinx

REPOSITORY = Path(__file__).resolve().parents[2]
SITE = "docs/site"
RESULTS = "benchmarks/results"
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#]+)(#[^)]*)?(?=\))")

# Where a reader of the site finds what a link to the repository means.
PLACES = {
    "README.md#figures": f"{SITE}/figures.md",
    "README.md": f"{SITE}/index.md",
    RESULTS: f"{SITE}/results.md",
}

ROOMS = {
    "attention": "Attention maps",
    "auditing": "Whether maps are true",
    "classifying": "Classes",
    "clicking": "Clicks",
    "corrections": "Corrections",
    "errors": "Errors",
    "evaluating": "How good a model is",
    "files": "Files",
    "finetuning": "Learning from corrections",
    "models": "Models",
    "prediction": "Segmentation",
    "probing": "Where a pixel looks",
    "progress": "Progress",
    "teaching": "Learning of any model",
    "training": "Training",
}


def section(readme: str, heading: str) -> str:
    """Return a section of the README without its heading; ``first`` is what comes before all of them."""
    parts = re.split(r"(?m)^## +(.*)$", readme)
    named = {"first": parts[0].partition("\n\n")[2], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    text = re.sub(r"(?m)^<img [^>]*>\n+", "", named[heading])
    return text.strip() + "\n"


def led_from(text: str, page: str, base: str = "") -> str:
    """Return text with its relative links, which begin in folder ``base``, led from the folder of a page."""

    def lead(found: re.Match[str]) -> str:
        target, anchor = posixpath.normpath(posixpath.join(base, found[1])), found[2] or ""
        if target + anchor in PLACES:
            target, anchor = PLACES[target + anchor], ""
        elif target in PLACES:
            target, anchor = PLACES[target], ""
        return posixpath.relpath(target, posixpath.dirname(page) or ".") + anchor

    return LINK.sub(lead, text)


def public_names() -> str:
    """Return the reference of the public names, by the rooms they live in."""
    rooms: dict[str, list[str]] = {}
    for name in src_models.__all__:
        if not name.startswith("_"):
            room = getattr(src_models, name).__module__.split(".")[1]
            rooms.setdefault(room, []).append(name)
    order = sorted(rooms, key=lambda room: ROOMS.get(room, room.capitalize()))
    return "\n".join(
        f"## {ROOMS.get(room, room.capitalize())}\n\n" + "\n".join(map(entry, rooms[room])) for room in order
    )


def entry(name: str) -> str:
    """Return the directive that documents one public name."""
    thing = getattr(src_models, name)
    if inspect.isclass(thing):
        lines = [f".. autoclass:: src_models.{name}", "   :members:"]
    else:
        lines = [f".. autofunction:: src_models.{name}"]
    return "```{eval-rst}\n" + "\n".join(lines) + "\n```\n"


def read(app: Sphinx, docname: str, content: list[str]) -> None:
    """Fill in what a page takes from elsewhere, and give a title to tables that have none."""
    page, text = f"{docname}.md", content[0]
    if docname.startswith(RESULTS):
        text = f"# {posixpath.basename(docname).replace('_', ' ').capitalize()}\n\n{text}"
    if not (REPOSITORY / page).is_file():
        return  # a notebook
    text = led_from(text, page, posixpath.dirname(page))
    if docname.startswith(SITE):
        readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
        text = re.sub(r"<!-- README: (.*?) -->", lambda found: led_from(section(readme, found[1]), page), text)
        if "<!-- public names -->" in text:
            text = text.replace("<!-- public names -->", public_names())
    content[0] = text


def escape_stars(_app: Sphinx, _what: str, _name: str, _thing: Any, _options: Any, lines: list[str]) -> None:
    """Keep the star of a shape such as (N, *cells), which reStructuredText takes for the start of emphasis."""
    lines[:] = [re.sub(r"(\(|, )\*(?=\w)", r"\1\\*", line) for line in lines]


def front_door(app: Sphinx, exception: Exception | None) -> None:
    """Lead who opens the site's folder to its first page."""
    if exception is None and app.builder.format == "html":
        door = f'<meta charset="utf-8"><meta http-equiv="refresh" content="0; url={app.config.root_doc}.html">'
        link = f'<title>napari-medt</title><a href="{app.config.root_doc}.html">napari-medt</a>'
        (Path(app.outdir) / "index.html").write_text(f"<!doctype html>{door}{link}\n", encoding="utf-8")
        (Path(app.outdir) / ".nojekyll").touch()  # else folders whose names begin with _ are not served


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", read)
    app.connect("autodoc-process-docstring", escape_stars)
    app.connect("build-finished", front_door)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
