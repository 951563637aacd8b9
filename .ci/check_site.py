"""Check the built documentation site as a browser would, without its builder's word for anything.

Every link and picture must lead to a file of the site, and to a place in it; nothing may be fetched from elsewhere to
show a page; the public names and the notebook's pictures must be there. The argument is the site's folder.
"""

from __future__ import annotations

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import src_models

FETCHED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("image", "href")}
ADDRESSES = ("http://", "https://", "//")
ONLY_NAMED = {"canonical", "author", "license"}  # what a <link> may name without a browser fetching it


class Page(HTMLParser):
    """The names of places on a page, and where it leads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        for name in ("href", "src"):
            if (tag, name) in FETCHED and name in values and values.get("rel") not in ONLY_NAMED:
                self.fetched.append(values[name])
            if name in values:
                self.links.append(values[name])


@cache
def page(path: Path) -> Page:
    return Page(path)


def broken(site: Path) -> list[str]:
    """Return what leads nowhere, or is fetched from elsewhere."""
    found = []
    for path in sorted(site.rglob("*.html")):
        if "_static" in path.parts:
            continue
        found += [f"{path}: fetches {link}" for link in page(path).fetched if link.startswith(ADDRESSES)]
        for link in page(path).links:
            if not link or link in ("#", "#top") or link.startswith((*ADDRESSES, "mailto:", "data:")):
                continue
            target, place = urldefrag(link)
            file = unquote(target.partition("?")[0])  # what follows tells versions of a file apart
            there = (path.parent / file).resolve() if file else path
            if not there.is_relative_to(site) or not there.is_file():
                found.append(f"{path}: no {link}")
            elif place and there.suffix == ".html" and unquote(place) not in page(there).places:
                found.append(f"{path}: no such place as {link}")
    return found


def main(site: Path) -> None:
    wrong = broken(site)
    reference = page(site / "docs/site/api.html").places
    wrong += [
        f"no word on src_models.{name}"
        for name in src_models.__all__
        if f"src_models.{name}" not in reference | {"src_models.__version__"}
    ]
    drawn = [link for link in page(site / "docs/attention.html").links if link.endswith((".jpeg", ".jpg"))]
    if len(drawn) != 3:
        wrong.append(f"the notebook shows {len(drawn)} of its 3 pictures")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(list(site.rglob('*.html')))} pages, every link of which leads somewhere")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
