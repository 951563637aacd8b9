"""Processes that work until they are killed, for :mod:`test_killed`.

This one imports napari and torch once and makes a copy of itself for each line that it reads: ``NUMBER KIND FOLDER``.
A copy works at its kind of work and writes a line of JSON for all that it has done and that must not be lost. When it
is gone, its end is written.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import select
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (256, 256)


def main() -> None:
    """Copy this process for each line of the standard input."""
    import napari.layers
    import torch

    import napari_medt.unsaved.labels_autosave
    import src_models.finetuning.learning  # noqa: F401

    torch.set_num_threads(1)
    napari.layers.Labels(np.zeros(SHAPE, np.uint16))  # which imports more
    assert threading.active_count() == 1, "a copy has one thread, and may wait for the others for ever"
    assert napari_medt.unsaved.labels_autosave
    print(json.dumps({"ready": True}), flush=True)
    numbers: dict[int, int] = {}
    orders, listening = "", True
    while listening or numbers:
        if listening and select.select([0], [], [], 0.01)[0]:
            read = os.read(0, 65536).decode()
            listening, orders = bool(read), orders + read
        while "\n" in orders:
            line, orders = orders.split("\n", 1)
            number, kind, folder = line.split(" ", 2)
            pid = os.fork()
            if pid == 0:
                work(int(number), kind, Path(folder))
            numbers[pid] = int(number)
        while numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            tell(numbers.pop(pid), ended=os.waitstatus_to_exitcode(status))
        if not listening:
            time.sleep(0.01)


def tell(number: int, **what: Any) -> None:
    """Write a line in one piece, with the time; lines of several processes do not mix."""
    line = json.dumps({"number": number, "pid": os.getpid(), "at": time.monotonic(), **what})
    os.write(1, f"{line}\n".encode())


def work(number: int, kind: str, folder: Path) -> None:
    """Work until killed."""
    try:
        random.seed(number)
        {"painting": paint, "marking": correct, "saving": save, "learning": learn}[kind](number, folder)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(1)


def place(dab: int) -> tuple[int, int]:
    """Return the pixel in the middle of a dab; no dab reaches to that of another."""
    return 4 * (dab // 64 % 64) + 2, 4 * (dab % 64) + 2


def paint(number: int, folder: Path) -> None:
    """Paint dab after dab, each in a colour of its own."""
    from napari.layers import Labels

    from napari_medt.unsaved.labels_autosave import LabelsAutosave

    layer = Labels(np.zeros(SHAPE, np.uint16), name="painted")
    layer.brush_size = 3
    autosave = LabelsAutosave(layer, folder / "journals" / "painted", lambda: {"image": "cells.tif"})
    tell(number, begun=True)
    for dab in range(4096):
        assert autosave.problem is None  # and so that it stays: the layer does not hold it
        layer.paint(place(dab), dab + 1)
        tell(number, done=dab)
        time.sleep(random.uniform(0.001, 0.02))


def marked(value: int) -> Any:
    """Return a correction of one of three planes, whose labels are all of one value and its image of the plane's."""
    from src_models.corrections.correction import Source, mark

    plane = value % 3
    source = Source(layer="stack", axes="ZYX", plane=(plane,))
    return mark(np.full((64, 64), plane, np.uint16), np.full((64, 64), value), source=source)


def correct(number: int, folder: Path) -> None:
    """Mark one plane after the other; from the fourth on they replace earlier ones."""
    from src_models.corrections.correction_set import CorrectionSet

    corrections = CorrectionSet.open(folder / "set")
    tell(number, begun=True)
    for value in itertools.count(1):
        name = corrections.add(marked(value))
        tell(number, done=value, name=name)


def save(number: int, folder: Path) -> None:
    """Write versions of a model, each with all weights of one value, and notes on them."""
    import torch

    from src_models.finetuning.versions import ModelVersions
    from src_models.models.checkpoint import Model, load

    model = load(folder.parent / "model.safetensors")
    versions = ModelVersions(folder / "models")
    path = versions.new_path("model")
    tell(number, begun=True)
    for value in itertools.count(1):
        with torch.no_grad():
            for parameter in model.network.parameters():
                parameter.fill_(value)
        versions.keep(Model(model.network, model.header), path)
        tell(number, done=value, file=path.name)
        versions.note(path.stem, f"note {value}")
        versions.activate(path.stem)
        if value % 5 == 0:
            path = versions.new_path(path.stem)


def learn(number: int, folder: Path) -> None:
    """Learn from corrections, and keep the best on disk, anew with each step so that more moments are met."""
    from src_models.corrections.correction_set import CorrectionSet
    from src_models.finetuning.learning import Learning
    from src_models.finetuning.settings import FinetuneSettings
    from src_models.finetuning.versions import ModelVersions
    from src_models.models.checkpoint import load

    settings = FinetuneSettings(
        steps=1000, seconds=1e6, batch=1, patch=32, learning_rate=0.05, validate_every=1, patience=999, seed=number
    )
    model = load(folder.parent / "model.safetensors")
    learning = Learning(model, CorrectionSet.open(folder.parent / "corrections"), settings)
    versions = ModelVersions(folder / "models")
    path = versions.new_path(model.header.name)
    for update in learning.steps():
        if not update.step:
            tell(number, begun=True)
        best = learning.best()
        if best is not None:
            versions.keep(best, path)
            tell(number, done=update.step, dice=update.best_dice, file=path.name)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
