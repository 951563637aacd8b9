"""What the model of clicks learns from a few accepted objects: clicks that others of their kind take, before and after.

    python -m benchmarks.click_learning SETS [--only glas_half,isbi2012_em] [--accepted 5,15] [--objects 32]

On sets that the model never saw, a person accepts so many objects, drawn from three images, and lets it learn from them
once, by the settings of the widget. Objects of other images are clicked on as in `benchmarks/click_accuracy.py`, by the
model as it ships and by what it learnt, and so are nuclei like those that it was first trained on: what it forgot.
Every cell is kept in OUT.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from benchmarks.annotation_loop import store
from benchmarks.click_accuracy import clicked
from benchmarks.click_sets import LEARNT, UNSEEN, ClickSet, judged
from benchmarks.machine import report
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.training.evaluation import summarise
from src_models.clicking.training.examples import SMALLEST_AREA
from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.files.dataset import DataSet
from src_models.files.samples import Sample, read_sample
from src_models.labels.numbering import connected_parts
from src_models.models.checkpoint import Model, load
from src_models.teaching.learner import click_learning

SETS = {one.folder: one for one in UNSEEN}
IMAGES = 3  # that objects are accepted in
KNOWN = next(of for of in LEARNT if of.folder == "dsb2018_fluo")
COLUMNS = (
    "set",
    "accepted",
    "clicks to IoU 0.85, before",
    "after",
    "IoU after one click, before",
    "after",
    "clicks on nuclei of the first training, before",
    "after",
    "s of work",
    "what it says",
)


def main(
    sets: Annotated[Path, typer.Argument(help="Folder of the annotated sets.")],
    only: Annotated[str, typer.Option(help="Folders of sets, comma-separated.")] = ",".join(SETS),
    accepted: Annotated[str, typer.Option(help="Numbers of accepted objects.")] = "5,15",
    objects: Annotated[int, typer.Option(help="That are clicked on, of each set.")] = 32,
    model: Annotated[str, typer.Option(help="Model that learns.")] = "click",
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
    out: Annotated[Path, typer.Option(help="JSON file of the cells.")] = Path(
        "benchmarks/results/click_learning_cells.json"
    ),
) -> None:
    """Measure, cell by cell, and print the table."""
    torch.set_num_threads(threads)
    cells: dict[str, Any] = json.loads(out.read_text())["cells"] if out.exists() else {}
    parent = load(model)
    for folder, count in itertools.product(only.split(","), ("0", *accepted.split(","))):
        key, of = f"{folder}|{count}", SETS[folder]
        if key in cells:
            continue
        taught, tested = divided(sets, of)
        learnt, said = (parent, {}) if count == "0" else _learnt(parent, accept(taught, of, int(count)))
        cells[key] = {**_scores(learnt, of, tested, objects), "known": _known(learnt, sets, objects), **said}
        print(key, cells[key], flush=True)
        store(out, cells)
    _report(cells)


def divided(sets: Path, of: ClickSet) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """Return the images of a set that objects are accepted in, and those that are clicked in."""
    tested = judged(sets, of)
    others = [sample for sample in DataSet.open(sets / of.folder).samples if sample not in tested]
    source = others or tested
    taught = [source[int(at)] for at in np.linspace(0, len(source) - 1, IMAGES).round()]
    return taught, [sample for sample in tested if sample not in taught]


def accept(samples: Sequence[Sample], of: ClickSet, count: int) -> list[tuple[str, NDArray[Any], NDArray[np.int32]]]:
    """Return names, images and labels in which so many objects in all are accepted, the images in turn."""
    found = []
    for number, sample in enumerate(samples):
        image, mask = read_sample(sample)
        parts = connected_parts(mask) if of.classes else mask
        areas = np.bincount(parts.ravel())
        large = [int(label) for label in np.flatnonzero(areas >= SMALLEST_AREA) if label]
        share = len(range(number, count, len(samples)))
        chosen = np.random.default_rng(number).permutation(large)[:share]
        found.append((sample.name, image, np.where(np.isin(parts, chosen), parts, 0).astype(np.int32)))
    return found


def _learnt(model: Model, accepted: Sequence[tuple[str, Any, Any]]) -> tuple[Model, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        kept = CorrectionSet.open(folder)
        for name, image, labels in accepted:
            kept.add(mark(image, labels, source=Source(layer=name)))
        learning = click_learning(model, kept)
        began = time.process_time()
        for _ in learning.steps():
            pass
        result = learning.result()
    return result.model or model, {"seconds": time.process_time() - began, "said": result.sentence}


def _scores(model: Model, of: ClickSet, samples: Sequence[Sample], objects: int) -> dict[str, float]:
    summary = summarise(clicked(of, samples, ClickNetwork(model), objects, box=False, hurried=False))
    return {"clicks": summary.clicks[0.85], "iou": summary.iou[1], "objects": summary.objects}


def _known(model: Model, sets: Path, objects: int) -> float:
    return _scores(model, KNOWN, judged(sets, KNOWN), objects)["clicks"]


def _report(cells: dict[str, Any]) -> None:
    rows = []
    for key, cell in cells.items():
        folder, count = key.split("|")
        if count == "0":
            continue
        before = cells[f"{folder}|0"]
        pairs = [f"{each[name]:.2f}" for name in ("clicks", "iou", "known") for each in (before, cell)]
        rows.append((f"{folder}: {SETS[folder].shows}", count, *pairs, f"{cell['seconds']:.0f}", cell["said"]))
    report("click_learning", COLUMNS, rows, {})


if __name__ == "__main__":
    typer.run(main)
