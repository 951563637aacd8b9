"""What the channels mean that the network of a package gives: by its description, or by a person's word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from src_models.errors import ModelFileError
from src_models.models.header import Result
from src_models.models.packages.logits import Meaning

__all__ = ["Activation", "Meant", "meaning_of"]

#: ``"softmax"``: probabilities of classes that exclude each other. ``"sigmoid"``: each channel is a probability.
Activation = Literal["softmax", "sigmoid", "none"]

_BACKGROUND = re.compile(r"back ?ground|^bg$", re.IGNORECASE)
_BOUNDARY = re.compile(r"bound|border|edge|contour|outline|membrane", re.IGNORECASE)
_NOTHING = re.compile(r"(channel|class|label|output|probabilit(y|ies)|c|ch)?[ _-]?\d*", re.IGNORECASE)
_NO_CLASS = re.compile(r"distance|flow|affinit|embedding|offset|gradient|ray|depth", re.IGNORECASE)
_SAY = "say what its channels are with `napari-medt convert PACKAGE -o NAME.safetensors --classes NAMES`"
_FORMS = "such as background,cell, or foreground,boundary, or background,interior,boundary"


@dataclass(frozen=True, slots=True)
class Meant:
    """What a network's outputs are to us.

    Parameters
    ----------
    meaning, order
        As of :func:`src_models.models.packages.logits.to_logits`.
    classes
        Names of the classes, the background first.
    result
        Whether objects are told apart, by boundaries, or pixels have classes.
    """

    meaning: Meaning
    order: tuple[int, ...]
    classes: tuple[str, ...]
    result: Result


def meaning_of(channels: Sequence[str], activation: Activation, said: Sequence[str] = ()) -> Meant:
    """Tell what a network's channels mean.

    Parameters
    ----------
    channels
        Their names.
    activation
        What the description or the graph says of their values.
    said
        Names that a person gives them: one for each, or, of channels that know nothing of each other, one for the
        background before them.

    Raises
    ------
    ModelFileError
        If neither tells, or names do not fit.
    """
    count = len(channels)
    names = list(said) or list(channels)
    if said and len(said) == count + 1 and _BACKGROUND.search(said[0]) and activation != "softmax":
        names = names[1:]
    if len(names) != count:
        raise ModelFileError(f"its output has {count} channels, and {len(names)} names are given ({', '.join(names)})")
    foreign = next((name for name in names if _NO_CLASS.search(name)), None)
    if foreign is not None:
        raise ModelFileError(
            f"its output has the channel {foreign!r}, which is no class: networks that give probabilities of classes, "
            "of the foreground or of boundaries are taken"
        )
    known = not all(_NOTHING.fullmatch(name) for name in names)
    if activation == "softmax" or (activation == "none" and said and count > 1 and _background(names) is not None):
        return _exclusive(names, "classes" if activation == "softmax" else "logits", known)
    if activation == "none" and not said:
        raise ModelFileError(f"its description does not say that its output is probabilities; {_SAY}, {_FORMS}")
    return _independent(names, activation, known)


def _background(names: Sequence[str]) -> int | None:
    places = [place for place, name in enumerate(names) if _BACKGROUND.search(name)]
    return places[0] if len(places) == 1 else None


def _exclusive(names: Sequence[str], meaning: Meaning, known: bool) -> Meant:
    first = _background(names) if known else 0
    if first is None or len(names) == 1:
        raise ModelFileError(
            f"its description does not say which of its channels ({', '.join(names)}) is the background; {_SAY}, "
            f"{_FORMS}"
        )
    others = [place for place in range(len(names)) if place != first]
    edges = [place for place in others if _BOUNDARY.search(names[place])]
    if len(others) == 2 and len(edges) == 1:
        (inside,) = set(others) - set(edges)
        return Meant(meaning, (first, inside, edges[0]), ("background", "interior", "boundary"), "instances")
    classes = [names[place] if known else f"class {place}" for place in others]
    return Meant(meaning, (first, *others), ("background", *classes), "semantic")


def _independent(names: Sequence[str], activation: Activation, known: bool) -> Meant:
    count = len(names)
    if count > 1 and not known:
        raise ModelFileError(f"its description does not say what its {count} channels are; {_SAY}, {_FORMS}")
    if _background(names) is not None:
        raise ModelFileError(
            f"one of its channels ({', '.join(names)}) is the background, and yet they do not exclude each other; "
            "its description is not understood"
        )
    edges = [place for place, name in enumerate(names) if _BOUNDARY.search(name)]
    if count == 2 and len(edges) == 1 and activation == "sigmoid":
        return Meant("boundary", (1 - edges[0], edges[0]), ("background", "interior", "boundary"), "instances")
    meaning: Meaning = "each" if activation == "sigmoid" else "logit of each"
    classes = names if known else ["foreground"]
    return Meant(meaning, tuple(range(count)), ("background", *classes), "semantic")
