"""How an attention map looks and what it tells as a layer: colours over the image, a colour bar, words for its values.

The colours run from clear to bright: where a map is low the image shows through, where it is high the map is seen. They
are stretched over what the map holds, in the layer and in its thumbnail alike; the colour bar says the numbers.
"""

from __future__ import annotations

import math
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.attention.words import DIFFERENCE, LOOKS, RECEIVED, RELEVANCE, STRENGTH, MapWords

if TYPE_CHECKING:
    import napari.layers
    from napari.utils import Colormap

    from src_models.attention.placed_map import PlacedMap

__all__ = [
    "attention_colors",
    "contrast_limits",
    "legend",
    "map_appearance",
    "sample",
    "show_legend",
    "stretch",
    "tell_values",
]

_MOST = 2**16  # cells that limits are taken from
_TAILS = (1, 99)  # percentiles
_LOOK_TAIL = 99.8  # the few largest weights, often those of the place itself, would leave all others clear
_LEAST = 1e-6  # that limits lie apart
_SHADES = 64
_CLEAR = 1.5  # power of the colours' opacity: what is middling tints the image less than it would at 1
_CLEARNESS = dict.fromkeys(LOOKS, 1.0)  # where few values are large, none is to be missed
_BAR, _BAR_TEXT = (16.0, 100.0), 8.0  # px and points: in a view of a grid, too, the map is seen beside it


@cache
def attention_colors(kind: str = "") -> Colormap:
    """Return the colours of a kind of map: clear, then green, then yellow, which stain and fluorescence seldom are."""
    from napari.utils.colormaps import Colormap, ensure_colormap

    colors = np.array(ensure_colormap("viridis").map(np.linspace(0.15, 1, _SHADES)))
    colors[:, 3] = np.linspace(0, 1, _SHADES) ** _CLEARNESS.get(kind, _CLEAR)
    return Colormap(colors, name="attention, few places" if kind in _CLEARNESS else "attention")


def contrast_limits(placed: PlacedMap) -> tuple[float, float]:
    """Return what is clear and what is brightest in a map, as round numbers about the bulk of its values.

    Weights of one place begin at 0. Round numbers seldom differ from one plane, or place, to the next, and can be read
    off a colour bar.
    """
    values = sample(placed.data)
    if placed.kind in LOOKS:
        return 0.0, _round_above(max(float(np.percentile(values, _LOOK_TAIL)), _LEAST))
    if placed.kind == RELEVANCE:  # where nothing speaks for a class, nothing is bright
        return 0.0, _round_above(max(1.0, float(values.max())))
    low, high = map(float, np.percentile(values, _TAILS))
    return _rounded(low, max(high, low + _LEAST))


def map_appearance(placed: PlacedMap) -> dict[str, Any]:
    """Return the keywords of a layer that shows a map over its image."""
    return {
        "rgb": False,
        "multiscale": False,
        "colormap": attention_colors(placed.kind),
        "contrast_limits": contrast_limits(placed),
        "opacity": 0.8,
        "blending": "translucent",
    }


def stretch(layer: napari.layers.Image, placed: PlacedMap, before: tuple[float, float] | None) -> tuple[float, float]:
    """Give a layer the limits of a map, unless a person has set others than it had `before`; return the map's."""
    limits = contrast_limits(placed)
    chosen = before is not None and tuple(layer.contrast_limits) != tuple(before)
    if not chosen and tuple(layer.contrast_limits) != limits:  # each change is drawn
        layer.contrast_limits_range = _whole(placed.kind, limits)
        layer.contrast_limits = limits
    return limits


def legend(layer: napari.layers.Image, placed: PlacedMap, words: MapWords) -> None:
    """Make a new layer of a map say what it is: name and colour bar once it is seen, its values in the status bar."""
    layer.contrast_limits_range = _whole(placed.kind, tuple(layer.contrast_limits))
    layer.help = f"{words.name}: {words.meaning}"
    tell_values(layer, words)

    def show(_: Any = None) -> None:
        if layer.visible and not layer.colorbar.visible:  # only then: making one takes a while
            show_legend(layer)
            layer.events.visible.disconnect(show)

    layer.events.visible.connect(show)
    show()


def show_legend(layer: napari.layers.Image) -> None:
    """Show a layer's name and colour bar on the canvas."""
    bar = layer.colorbar
    bar.position, bar.size, bar.font_size = "bottom_right", _BAR, _BAR_TEXT
    bar.visible = True
    layer.name_overlay.visible = True


def tell_values(layer: napari.layers.Image, words: MapWords) -> None:
    """Make napari's status bar say what the value under the pointer means, while the layer is selected."""
    inner: Any = getattr(layer, "__wrapped__", layer)  # a viewer hands plugins its layers behind proxies
    status = type(inner).get_status

    def get_status(*args: Any, **kwargs: Any) -> dict[str, str]:
        told: dict[str, str] = status(inner, *args, **kwargs)
        with suppress(ValueError):  # beside the map there is no value
            reading = words.reading(float(told["value"]))
            for key in ("value", "coordinates"):
                told[key] += f" ({reading})"
        return told

    inner.get_status = get_status


def sample(data: Any) -> NDArray[np.float32]:
    """Return values from all over a map, few enough to be looked at at once."""
    shape = np.shape(data)
    steps = max(1, math.ceil((math.prod(shape) / _MOST) ** (1 / max(sum(size > 1 for size in shape), 1))))
    return np.asarray(data[tuple(slice(None, None, steps if size > 1 else 1) for size in shape)], np.float32)


def _whole(kind: str, limits: tuple[float, ...]) -> tuple[float, float]:
    """Return what a person can set limits within: shares lie between 0 and 1."""
    most = {RECEIVED: 4.0, RELEVANCE: 4.0, STRENGTH: 4.0, DIFFERENCE: 0.0, **dict.fromkeys(LOOKS, 0.0)}.get(kind, 1.0)
    return min(0.0, limits[0]), max(most, limits[1])


def _rounded(low: float, high: float) -> tuple[float, float]:
    """Widen a range, by less than an eighth at either end, to multiples of 1, 2 or 5 times a power of ten."""
    step = _round_above((high - low) / 20)
    digits = max(0, -math.floor(math.log10(step)))
    return round(math.floor(low / step + 1e-6) * step, digits), round(math.ceil(high / step - 1e-6) * step, digits)


def _round_above(number: float) -> float:
    """Return the next of 1, 2, 5, 10, 20 and so on, and of 0.5, 0.2, 0.1 and so on."""
    power = 10.0 ** math.floor(math.log10(number))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= number * (1 - 1e-6)))
