"""What five corrected tiles teach: thin lines, objects and classes, against a random forest and a network from scratch.

    python -m benchmarks.learning_targets SETS [--only membranes,glands] [--draws 0,1] [--seconds 60] [--threads 2]

`nuclei` learns from five tiles of 256 x 256 px at once, by the settings of the widget, for so many seconds of work
(`src_models/training/rounds/work.py`), so that what else the machine does changes nothing. Beside it stand the same
network from random weights, and a random forest on scikit-image's multi-scale features of the same tiles. On images of
which no tile was shown, pooled over their pixels, is measured: the Dice score of the foreground, or the mean over the
classes; of objects, also their AP at 0.5, where the forest's are the connected parts of its foreground; and, where
objects are learnt as before, the foreground's Dice on images like those of the first training. Every cell is kept in
OUT. Those of the first training are seen as they are, and, where what was learnt is seen resized, so as well.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

import src_models as sm
from benchmarks.annotation_loop import at_own_scale, axes_of, foreground, forest, overlap, store, untrained
from benchmarks.learning_subjects import SUBJECTS, Subject, Task, numbered, open_task
from benchmarks.machine import report
from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.files.dataset import DataSet
from src_models.files.samples import read_sample
from src_models.finetuning.learning import Learning
from src_models.finetuning.settings import FinetuneSettings
from src_models.labels.metrics import average_precision
from src_models.models.checkpoint import Model

METHODS = ("learnt", "random forest", "scratch")
STEPS_PER_SECOND = 6  # as in the widget
FIRST_TRAINING = ("dsb2018_fluo", "dsb2018_histo")
EVERY = 12  # of their validation images

Labeller = Callable[[Any], Any]


def main(
    sets: Annotated[Path, typer.Argument(help="Folder of the annotated sets.")],
    only: Annotated[str, typer.Option(help="Names of subjects, comma-separated.")] = ",".join(SUBJECTS),
    draws: Annotated[str, typer.Option(help="Numbers of draws of the tiles.")] = "0",
    tiles: Annotated[int, typer.Option(help="Corrected tiles.")] = 5,
    methods: Annotated[str, typer.Option(help="What is compared.")] = ",".join(METHODS),
    model: Annotated[str, typer.Option(help="Model that learns.")] = "nuclei",
    seconds: Annotated[float, typer.Option(help="Work for learning.")] = 60.0,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
    out: Annotated[Path, typer.Option(help="JSON file of the cells.")] = Path(
        "benchmarks/results/learning_targets_cells.json"
    ),
) -> None:
    """Measure, cell by cell, and print the table."""
    torch.set_num_threads(threads)
    cells: dict[str, Any] = json.loads(out.read_text())["cells"] if out.exists() else {}
    parent = sm.load(model)
    settings = FinetuneSettings(seconds=seconds, steps=round(STEPS_PER_SECOND * seconds))
    for name, draw, method in itertools.product(only.split(","), draws.split(","), methods.split(",")):
        key = f"{name}|{draw}|{method}"
        if key in cells:
            continue
        task, subject = open_task(name, sets, int(draw)), SUBJECTS[name]
        task = Task(task.tiles[:tiles], task.tests)
        cells[key] = _cell(task, subject, method, parent, settings, sets)
        print(key, cells[key], flush=True)
        store(out, cells)
    _report(cells, tiles, seconds)


def _cell(
    task: Task, subject: Subject, method: str, parent: Model, settings: FinetuneSettings, sets: Path
) -> dict[str, Any]:
    if method == "random forest":
        began = time.process_time()
        classify = forest(task.tiles, (lambda labels: labels) if subject.classes else (lambda labels: labels > 0))
        objects = classify if subject.classes else lambda image: numbered(classify(image))
        return {**_scores(task, subject, objects), "seconds": time.process_time() - began}
    began_with = parent
    if method == "scratch":
        began_with, settings = untrained(parent, task.tiles), replace(settings, replay=0.0)
    before = None if subject.classes or method == "scratch" else _scores(task, subject, _labeller(parent))
    with tempfile.TemporaryDirectory() as folder:
        learning = _learning(began_with, _corrected(task, parent, Path(folder)), subject, settings)
        began = time.process_time()
        for _ in learning.steps():
            pass
        spent, result = time.process_time() - began, learning.result()
    learnt = result.model or began_with
    cell = {**_scores(task, subject, _labeller(learnt)), "seconds": spent, "steps": result.steps}
    if before is not None:
        cell["before"] = before["dice"]
        cell["known before"], cell["known"] = _known(parent, sets), _known(at_own_scale(learnt), sets)
        cell["zoom"], cell["known, resized"] = learnt.header.image_zoom, _known(learnt, sets)
    return {**cell, "said": result.sentence}


def _learning(model: Model, corrections: CorrectionSet, subject: Subject, settings: FinetuneSettings) -> Learning:
    """Begin to learn what the labels of a subject mean."""
    if not subject.classes:
        return Learning(model, corrections, settings)
    asked: dict[str, Any] = {"kind": "classes", "class_names": subject.classes}
    return Learning(model, corrections, settings, **asked)


def _corrected(task: Task, model: Model, folder: Path) -> CorrectionSet:
    """Keep tiles as corrected: what the model found, and what it became."""
    corrections = CorrectionSet.open(folder)
    for number, tile in enumerate(task.tiles):
        found = sm.segment(tile.image, model, axes=axes_of(tile.image)).labels
        source = Source(layer=tile.name, axes="TYX", plane=(number,))
        corrections.add(mark(tile.image, tile.labels, found, source=source, model_name=model.header.name))
    return corrections


def _labeller(model: Model) -> Labeller:
    return lambda image: sm.segment(image, model, axes=axes_of(image)).labels


def _scores(task: Task, subject: Subject, labels_of: Labeller) -> dict[str, float]:
    """Return Dice pooled over the pixels of all tests, the mean over the classes, and the mean AP at 0.5 of objects."""
    found = [np.asarray(labels_of(test.image)) for test in task.tests]
    truths = [test.labels for test in task.tests]
    if subject.classes:
        whole, all_found = (np.concatenate([each.ravel() for each in arrays]) for arrays in (truths, found))
        dice = [overlap(all_found == k, whole == k) for k in range(1, len(subject.classes) + 1) if (whole == k).any()]
        return {"dice": float(np.mean(dice))}
    joined = [np.concatenate([each.ravel() > 0 for each in arrays]) for arrays in (found, truths)]
    precise = [float(average_precision(truth, each, [0.5])[0]) for truth, each in zip(truths, found, strict=True)]
    return {"dice": overlap(*joined), "ap": float(np.mean(precise))}


def _known(model: Model, sets: Path) -> float:
    """Return the mean Dice on some validation images of the sets that the model was first trained on."""
    scores = []
    for name in FIRST_TRAINING:
        for sample in DataSet.open(sets / name).split("val")[::EVERY]:
            image, mask = read_sample(sample)
            scores.append(overlap(foreground(model, image), mask > 0))
    return float(np.mean(scores))


def _report(cells: dict[str, Any], tiles: int, seconds: float) -> None:
    """Write the table: the mean over the draws."""
    columns = (
        "images",
        "draws",
        *METHODS,
        "AP at 0.5, each",
        "before",
        "steps",
        "first training's val, before, after, and resized as what was learnt",
    )
    rows = []
    for name in dict.fromkeys(key.split("|")[0] for key in cells):
        each = [_of(cells, name, method) for method in METHODS]
        own = each[0]
        draws = max(len(found) for found in each)
        known = " ".join(filter(None, (_mean(own, each) for each in ("known before", "known", "known, resized"))))
        precise = " / ".join(filter(None, (_mean(found, "ap") for found in each)))
        steps = f"{np.mean([cell['steps'] for cell in own]):.0f}" if own else ""
        rows.append(
            (name, draws, *(_mean(found, "dice") for found in each), precise, _mean(own, "before"), steps, known)
        )
    report("learning_targets", columns, rows, {"tiles": tiles, "seconds of work": seconds})


def _of(cells: dict[str, Any], name: str, method: str) -> list[dict[str, Any]]:
    return [cell for key, cell in cells.items() if key.split("|")[::2] == [name, method]]


def _mean(found: list[dict[str, Any]], what: str) -> str:
    values = [cell[what] for cell in found if what in cell]
    return f"{np.mean(values):.3f}" if values else ""


if __name__ == "__main__":
    typer.run(main)
