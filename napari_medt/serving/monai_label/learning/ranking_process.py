"""How sure a model is of images, looked at in a process of its own while people label.

Of each image a sample is looked at: a few of its slices, and of a large one its middle. So a scan takes seconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from napari_medt.serving.answers import Refusal
from napari_medt.serving.store.served_image import open_image
from src_models.errors import UserError
from src_models.images.axes import AxesReading, read_axes
from src_models.progress import finish

__all__ = ["main", "sample", "scores_of"]

_NICE = 10  # after those who wait, and after learning
_SLICES, _SIDE = 5, 768
_LOOKED_AT = 3  # of an image's tiles, those that the model is least sure of


def main() -> None:
    """Look at the images that the first line of the standard input names, and tell of each how unsure the model is."""
    with suppress(OSError, AttributeError):
        os.nice(_NICE)
    order = json.loads(sys.stdin.readline())
    Thread(target=_end_with_server, daemon=True).start()
    lines, sys.stdout = sys.stdout, sys.stderr
    for key, score in scores_of(order):
        lines.write(json.dumps({"key": key, "score": score}) + "\n")
        lines.flush()


def scores_of(order: Mapping[str, Any]) -> Generator[tuple[str, float | None]]:
    """Yield keys of images with how unsure a model is of each (nats); None of one that it cannot look at.

    Parameters
    ----------
    order
        ``model``, a path, and ``images``: a list of ``key``, ``path`` and ``of_client``.
    """
    from src_models.computing.execution import computing_threads
    from src_models.finetuning.candidates import rank_steps
    from src_models.models.checkpoint import load

    with computing_threads(1):
        model = load(order["model"])
        for each in order["images"]:
            try:
                image = open_image(Path(each["path"]), "the image", of_client=each["of_client"])
                data, reading = sample(image.data, image.reading)
                ranked = finish(rank_steps(data, model, axes=reading, most=1000))
                unsure = sorted((tile.uncertainty for tile in ranked), reverse=True)[:_LOOKED_AT]
                yield each["key"], float(np.mean(unsure)) if unsure else None
            except (UserError, Refusal):
                yield each["key"], None


def sample(data: Any, reading: AxesReading) -> tuple[np.ndarray[Any, Any], AxesReading]:
    """Return some slices of an image, evenly spread, and of large planes the middle; and how that is read."""
    cut: list[Any] = []
    for letter, size in zip(reading.axes, reading.shape, strict=True):
        if letter == "Z":
            cut.append(np.unique(np.linspace(0, size - 1, min(size, _SLICES) + 2)[1:-1].round().astype(int)).tolist())
        elif letter in "YX" and size > _SIDE:
            start = (size - _SIDE) // 2
            cut.append(slice(start, start + _SIDE))
        else:
            cut.append(slice(None))
    part = np.asarray(data[tuple(cut)])
    spacing = {letter: size for letter, size in reading.spacing.items() if letter in reading.axes}
    read = read_axes(part.shape, dtype=part.dtype, axes=reading.axes, spacing=spacing, unit=reading.unit)
    return part, read


def _end_with_server() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)  # in the midst of an image: nothing is written here


if __name__ == "__main__":
    main()
