"""Which grey values of a layer count, as a person chose: kept as long as the layer lives, for every widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

from napari_medt.viewer.reading import reading_event
from src_models.images.grey_range import GreyRange

if TYPE_CHECKING:
    import napari.layers

__all__ = ["AS_SHOWN", "GreyChoice", "choose_grey", "chosen_grey", "grey_range_of"]

GreyChoice = GreyRange | Literal["as shown"] | None  # None leaves it to the model

AS_SHOWN: Literal["as shown"] = "as shown"

_chosen: WeakKeyDictionary[napari.layers.Image, GreyRange | Literal["as shown"]] = WeakKeyDictionary()


def choose_grey(layer: napari.layers.Image, choice: GreyChoice) -> None:
    """Have these grey values of a layer count: a range, its contrast limits, or what the model does."""
    if choice is None:
        _chosen.pop(layer, None)
    else:
        _chosen[layer] = choice
    reading_event(layer)()


def chosen_grey(layer: napari.layers.Image) -> GreyChoice:
    """Return what a person chose for a layer; None where nobody did."""
    return _chosen.get(layer)


def grey_range_of(layer: napari.layers.Image) -> GreyRange | None:
    """Return the grey values of a layer that count now; None where that is left to the model."""
    choice = chosen_grey(layer)
    if choice == AS_SHOWN:
        low, high = (float(limit) for limit in layer.contrast_limits)
        return GreyRange(low, high) if low < high else None
    return choice if isinstance(choice, GreyRange) else None
