"""What a person may choose of a round of learning, in a client's table of options."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from napari_medt.serving.answers import Refusal
from src_models.finetuning.settings import FULL, FinetuneSettings
from src_models.models.architectures import find_architecture
from src_models.models.header import ModelHeader

__all__ = ["learning_options", "settings_of"]

# What is taken, and the most of it: a client neither names files nor devices, nor asks for more than a machine has.
_WHOLE = {"steps": 100_000, "batch": 64, "patch": 1024, "validate_every": 10_000, "patience": 1000, "seed": 2**31 - 1}
_REAL = {"seconds": 86_400.0, "learning_rate": 1.0, "replay": 0.99}
_CHANGES = "what_changes"


def learning_options(header: ModelHeader) -> dict[str, Any]:
    """Return the options of a model's learning, each as a client shows it: a list of words is a choice."""
    usual = FinetuneSettings()
    options: dict[str, Any] = {"seconds": usual.seconds, "steps": usual.steps, "learning_rate": usual.learning_rate}
    parts = [FULL, *(part.name for part in find_architecture(header.architecture).parts if part.name != FULL)]
    return options | ({_CHANGES: parts} if len(parts) > 1 and header.use == "segment" else {})


def settings_of(chosen: Mapping[str, Any], header: ModelHeader) -> dict[str, Any]:
    """Return settings of learning from what a client sent; what it does not know is left out.

    Raises
    ------
    Refusal
        If a value cannot be (400).
    """
    settings: dict[str, Any] = {"steps": FinetuneSettings().steps}
    for name, most in (*_WHOLE.items(), *_REAL.items()):
        if chosen.get(name) in (None, ""):
            continue
        number = _number(chosen[name])
        if number is None or not 0 <= number <= most or (name in _WHOLE and number != int(number)):
            kind = "a whole number" if name in _WHOLE else "a number"
            raise Refusal(400, f"{name} is {str(chosen[name])[:40]!r}, and must be {kind} up to {most:g}")
        settings[name] = int(number) if name in _WHOLE else number
    part = chosen.get(_CHANGES) or FULL
    parts = learning_options(header).get(_CHANGES, [FULL])
    if part not in parts:
        raise Refusal(400, f"{_CHANGES} is {str(part)[:40]!r}, and must be one of {', '.join(parts)}")
    if part != FULL:
        settings["part"] = part
    FinetuneSettings(**settings)
    return settings


def _number(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
