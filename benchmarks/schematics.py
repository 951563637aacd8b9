"""Boxes and arrows, written as SVG: enough to draw what a network does.

A drawing lies on a light card with a border, so that it reads on a light page as on a dark one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Literal

__all__ = ["Box", "Kind", "Schematic"]

Kind = Literal["image", "convolution", "attention", "merge", "result"]

CARD, BORDER, INK, QUIET = "#ffffff", "#d0d7de", "#1f2328", "#57606a"
# Fill and outline: what is drawn alike is alike in each picture.
COLOURS: dict[Kind, tuple[str, str]] = {
    "image": ("#eaeef2", "#57606a"),
    "convolution": ("#dbeafe", "#1d4ed8"),
    "attention": ("#fde68a", "#b45309"),
    "merge": ("#dcfce7", "#15803d"),
    "result": ("#f3e8ff", "#7e22ce"),
}
WORDS: dict[Kind, str] = {
    "image": "image",
    "convolution": "convolutions, layers",
    "attention": "attention",
    "merge": "add, join",
    "result": "result",
}
FONT, LINE, LEGEND = 13, 16, 34
LETTER = 0.56  # width of a letter, in heights, at most
MARGIN = 6


@dataclass(frozen=True)
class Box:
    """A box, by its middle."""

    x: float
    y: float
    width: float
    height: float

    def towards(self, other: tuple[float, float]) -> tuple[float, float]:
        """Return where a line from the middle to a place leaves the box."""
        dx, dy = other[0] - self.x, other[1] - self.y
        reach = min((side / 2 / abs(step) for side, step in ((self.width, dx), (self.height, dy)) if step), default=0.0)
        return self.x + dx * reach, self.y + dy * reach


@dataclass
class Schematic:
    """A drawing.

    Parameters
    ----------
    title
        For who does not see it.
    width, height
        Of what is drawn, in px; the legend comes below.
    """

    title: str
    width: int
    height: int
    boxes: list[Box] = field(default_factory=list)
    _kinds: list[Kind] = field(default_factory=list)
    _drawn: list[str] = field(default_factory=list)

    def box(self, kind: Kind, x: float, y: float, words: str, *, width: float = 110, height: float = 40) -> Box:
        """Draw a box around a place, with words in it, line by line.

        Raises
        ------
        ValueError
            If the words do not fit, or the box lies over another or beyond the edge.
        """
        made, lines = Box(x, y, width, height), words.split("\n")
        if max(len(line) for line in lines) * FONT * LETTER > width or len(lines) * LINE > height:
            raise ValueError(f"{words!r} does not fit into {width} x {height} px")
        self._check(made, words)
        fill, outline = COLOURS[kind]
        self._drawn.append(
            f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" height="{height:g}" rx="6" '
            f'fill="{fill}" stroke="{outline}" stroke-width="1.5"/>'
        )
        for number, line in enumerate(lines):
            self.text(x, y + (number - (len(lines) - 1) / 2) * LINE, line)
        self.boxes.append(made)
        if kind not in self._kinds:
            self._kinds.append(kind)
        return made

    def _check(self, made: Box, words: str) -> None:
        if not (
            made.width / 2 <= made.x <= self.width - made.width / 2
            and made.height / 2 <= made.y <= self.height - made.height / 2
        ):
            raise ValueError(f"{words!r} lies beyond the edge")
        for other in self.boxes:
            apart = (abs(made.x - other.x), abs(made.y - other.y))
            if apart[0] < (made.width + other.width) / 2 and apart[1] < (made.height + other.height) / 2:
                raise ValueError(f"{words!r} lies over another box")

    def arrow(self, start: Box, end: Box, *by: tuple[float, float], words: str = "", dashed: bool = False) -> None:
        """Draw an arrow from a box to a box, by places on the way, with words beside its middle."""
        inner = [*by]
        first = inner[0] if inner else (end.x, end.y)
        last = inner[-1] if inner else (start.x, start.y)
        places = [start.towards(first), *inner, end.towards(last)]
        path = " L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self._drawn.append(
            f'<path d="M{path}" fill="none" stroke="{QUIET}" stroke-width="1.5"{dashes} marker-end="url(#head)"/>'
        )
        if words:
            middle = len(places) // 2
            (ax, ay), (bx, by_) = places[middle - 1], places[middle]
            self.text((ax + bx) / 2, (ay + by_) / 2 - 9, words, quiet=True)

    def text(self, x: float, y: float, words: str, *, quiet: bool = False) -> None:
        """Write a line around a place."""
        colour, size = (QUIET, FONT - 2) if quiet else (INK, FONT)
        self._drawn.append(
            f'<text x="{x:g}" y="{y + size * 0.35:.1f}" font-size="{size}" fill="{colour}">{escape(words)}</text>'
        )

    def svg(self) -> str:
        """Return the file's text."""
        height = self.height + LEGEND
        size = f'width="{self.width + 2 * MARGIN}" height="{height + 2 * MARGIN}"'
        view = f'viewBox="{-MARGIN} {-MARGIN} {self.width + 2 * MARGIN} {height + 2 * MARGIN}"'
        card = (
            f'<rect x="{1 - MARGIN}" y="{1 - MARGIN}" width="{self.width + 2 * MARGIN - 2}" '
            f'height="{height + 2 * MARGIN - 2}" rx="10" fill="{CARD}" stroke="{BORDER}"/>'
        )
        head = (
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            f'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{QUIET}"/></marker></defs>'
        )
        lettering = 'text-anchor="middle" font-family="Helvetica, Arial, sans-serif"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img" {lettering}>',
            f"<title>{escape(self.title)}</title>",
            head,
            card,
            *self._drawn,
            *self._legend(),
            "</svg>",
        ]
        return "\n".join(lines) + "\n"

    def _legend(self) -> list[str]:
        lines, x, y = [], 14.0, self.height + LEGEND / 2
        for kind, (fill, outline) in COLOURS.items():
            if kind in self._kinds:
                lines.append(
                    f'<rect x="{x:g}" y="{y - 6:g}" width="16" height="12" rx="3" fill="{fill}" stroke="{outline}"/>'
                )
                lines.append(
                    f'<text x="{x + 22:g}" y="{y + 4:g}" font-size="{FONT - 2}" fill="{QUIET}" text-anchor="start">'
                    f"{WORDS[kind]}</text>"
                )
                x += 46 + len(WORDS[kind]) * (FONT - 2) * LETTER
        return lines
