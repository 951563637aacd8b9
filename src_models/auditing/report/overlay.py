"""Maps laid over the part of an image that was audited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from src_models.auditing.measures.cells import to_pixels
from src_models.auditing.recorded import record_maps
from src_models.auditing.view import view_of
from src_models.images.axes import AxesReading
from src_models.models.checkpoint import Model

__all__ = ["coloured", "draw_maps", "row_of_panels", "stretched"]

PANEL, GAP, LINE = 320, 8, 20
BACKGROUND, TEXT = (255, 255, 255), (40, 40, 40)
# Black, purple, orange, yellow: rising brightness, so that it can be read without colour.
RAMP = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64)


def draw_maps(
    image: Any,
    model: Model,
    names: Sequence[str],
    *,
    axes: str | AxesReading | None = None,
    plane: tuple[int, ...] | None = None,
    device: str = "auto",
    name: str = "the image",
) -> NDArray[np.uint8]:
    """Draw the part that an audit looks at: the network's input, what it finds there, and maps over it.

    Parameters
    ----------
    image, model, axes, plane, device, name
        As in :func:`src_models.audit`.
    names
        Names of maps of the model.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    view = view_of(image, model, axes=axes, plane=plane, device=device, name=name)
    shape = tuple(view.picture.shape[1:])
    grey = stretched(view.picture.cpu().numpy().mean(0))
    panels = [("input", np.repeat(grey[..., None], 3, axis=-1))]
    panels.append(("found by the network", coloured(view.foreground(view.picture[None])[0].cpu().numpy(), grey)))
    for title, map_ in record_maps(view.network, view.picture[None], names).items():
        panels.append((title, coloured(stretched(to_pixels(map_.values, map_.stride, shape)), grey)))
    return row_of_panels(panels)


def stretched(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Bring values to 0 to 1; 0.5 % at either end are cut off."""
    low, high = np.percentile(values, (0.5, 99.5))
    return np.asarray(np.clip((values - low) / max(high - low, 1e-9), 0, 1), np.float64)


def coloured(values: NDArray[np.floating], grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colour values from 0 to 1 and mix in a little of the image."""
    steps = np.linspace(0, 1, len(RAMP))
    colours = np.stack([np.interp(values, steps, RAMP[:, channel]) for channel in range(3)], axis=-1) / 255
    return 0.75 * colours + 0.25 * grey[..., None]


def row_of_panels(panels: Sequence[tuple[str, NDArray[np.float64]]]) -> NDArray[np.uint8]:
    """Draw pictures (H, W, 3), 0 to 1, side by side, each under its title."""
    height = round(PANEL * panels[0][1].shape[0] / panels[0][1].shape[1])
    row = Image.new("RGB", (len(panels) * (PANEL + GAP) - GAP, height + LINE), BACKGROUND)
    draw, font = ImageDraw.Draw(row), ImageFont.load_default(13)
    for number, (title, values) in enumerate(panels):
        left = number * (PANEL + GAP)
        draw.text((left, 2), title, TEXT, font)
        picture = Image.fromarray(np.asarray(values * 255, np.uint8))
        row.paste(picture.resize((PANEL, height), Image.Resampling.NEAREST), (left, LINE))
    return np.asarray(row)
