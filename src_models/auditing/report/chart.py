"""Curves drawn with Pillow: a few panels side by side, with axes, labels and one legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from src_models.auditing.results import Audit

__all__ = ["Panel", "curve_panels", "draw_chart"]

Points = tuple[Sequence[float], Sequence[float]]

FINE = 2  # drawn so many times as large, and reduced: lines get smooth edges
WIDTH, HEIGHT = 420, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 34, 48
LEGEND = 20
INK, GRID = (40, 40, 40), (225, 225, 225)
GREY = (150, 150, 150)
# Told apart with every kind of colour vision (Okabe and Ito 2008); chance is grey.
COLOURS = ((0, 114, 178), (230, 159, 0), (0, 158, 115), (213, 94, 0), (204, 121, 167), (86, 180, 233), (0, 0, 0))


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes.

    Parameters
    ----------
    title, across, up
        What it shows, and what its axes are.
    lines
        Points (x, y) by name, both from 0 to 1; equal names have equal colours in all panels.
    """

    title: str
    across: str
    up: str
    lines: Mapping[str, Points]


def curve_panels(audit: Audit) -> list[Panel]:
    """Return the panels of an audit: deletion, insertion, and correlation while layers are re-initialised."""
    orders = [audit.random, *audit.references, *(one.order for one in audit.maps)]
    up = "survival of the result" if audit.told is None else "probability of the class"
    deletion = {order.name: (order.deletion.fractions, order.deletion.scores) for order in orders}
    insertion = {order.name: (order.insertion.fractions, order.insertion.scores) for order in orders}
    alike = {}
    for one in audit.maps:
        values = [1.0, *(0.0 if value is None else value for value in one.randomisation.correlations)]
        alike[one.name] = (np.linspace(0, 1, len(values)).tolist(), values)
    return [
        Panel("Deletion: lower is better", "share of the pixels removed", up, deletion),
        Panel("Insertion: higher is better", "share of the pixels shown", up, insertion),
        Panel(
            "Random weights: lower is better",
            "share of the layers re-initialised, from the output",
            "size of rank correlation",
            alike,
        ),
    ]


def draw_chart(panels: Sequence[Panel], heading: str = "") -> NDArray[np.uint8]:
    """Draw panels side by side.

    Parameters
    ----------
    panels
        At least one.
    heading
        A line above them.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    colours = _colours(names)
    per_row = max(1, len(panels) * WIDTH // 210)
    legend = LEGEND * -(-len(names) // per_row) + 8
    size = (len(panels) * WIDTH, LEGEND + 6 + HEIGHT + legend)
    chart = Image.new("RGB", (size[0] * FINE, size[1] * FINE), (255, 255, 255))
    draw = ImageDraw.Draw(chart)
    _text(draw, (12, 6), heading, size=15)
    for number, panel in enumerate(panels):
        _draw_panel(draw, panel, (number * WIDTH, LEGEND + 6), colours)
    for number, name in enumerate(names):
        row, column = divmod(number, per_row)
        left, top = 12 + column * 210, LEGEND + 6 + HEIGHT + row * LEGEND
        _line(draw, [(left, top + 8), (left + 24, top + 8)], colours[name], 3)
        _text(draw, (left + 30, top), name)
    return np.asarray(chart.resize(size, Image.Resampling.LANCZOS))


def _colours(names: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    others = [name for name in names if name != "random"]
    chosen = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(others)}
    return {**chosen, "random": GREY}


def _draw_panel(
    draw: ImageDraw.ImageDraw,
    panel: Panel,
    corner: tuple[int, int],
    colours: Mapping[str, tuple[int, int, int]],
) -> None:
    left, top = corner[0] + LEFT, corner[1] + TOP
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return left + x * width, top + (1 - min(max(y, 0), 1)) * height

    for share in np.linspace(0, 1, 5):
        _line(draw, [place(0, share), place(1, share)], GRID, 1)
        _line(draw, [place(share, 0), place(share, 1)], GRID, 1)
        _text(draw, (left - 6, place(0, share)[1]), f"{share:g}", anchor="rm")
        _text(draw, (place(share, 0)[0], top + height + 5), f"{share:g}", anchor="ma")
    _line(draw, [place(0, 1), place(0, 0), place(1, 0)], INK, 1)
    for name, (across, up) in panel.lines.items():
        _line(draw, [place(x, y) for x, y in zip(across, up, strict=True)], colours[name], 2)
    _text(draw, (left, corner[1] + 10), f"{panel.title}   ({panel.up})")
    _text(draw, (left + width / 2, top + height + 22), panel.across, anchor="ma")


def _line(
    draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], colour: tuple[int, int, int], width: int
) -> None:
    draw.line([(x * FINE, y * FINE) for x, y in points], colour, width * FINE, joint="curve")


def _text(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, *, size: int = 12, anchor: str = "la"
) -> None:
    font = ImageFont.load_default(size * FINE)
    draw.text((place[0] * FINE, place[1] * FINE), text, INK, font, anchor=anchor)
