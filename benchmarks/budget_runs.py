"""Runs of a comparison at equal budget: each is trained and measured once, and goes on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from src_models.disk.atomic import atomic_path
from src_models.files.dataset import DataSet
from src_models.models.checkpoint import Model, load
from src_models.models.header import ModelHeader
from src_models.training.settings import TrainSettings
from src_models.training.training import train

__all__ = ["finished", "run_once"]


def run_once(
    path: Path,
    data: DataSet,
    header: Callable[[], ModelHeader],
    settings: TrainSettings,
    measure: Callable[[Model], dict[str, Any]],
    *,
    encoder_weights: Path | None = None,
) -> None:
    """Train and measure one network, unless that was done.

    Parameters
    ----------
    path
        Of the model; what was measured lies beside it in a JSON file of the same name, which is written last.
    data
        What to learn from.
    header
        Makes the header of the network, if it is needed.
    settings
        How to train.
    measure
        Returns what there is to tell of the trained model.
    encoder_weights
        What the encoder begins with.
    """
    result = path.with_suffix(".json")
    if result.exists():
        return
    train(data, header(), path, settings, encoder_weights=encoder_weights, resume=True)
    content = measure(load(path))
    with atomic_path(result, overwrite=True) as beside:
        beside.write_text(json.dumps(content))
    print(path.stem, {key: value for key, value in content.items() if not isinstance(value, dict)}, flush=True)


def finished(folder: Path) -> list[dict[str, Any]]:
    """Return what was measured of all runs in a folder, in the order of their names."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
