"""How much a few corrected tiles mend a model on images of kinds that it was not trained on.

    python -m benchmarks.annotation_loop SETS [--only phase,axons] [--tiles 0,1,3,5,10] [--unet FILE] [--out FILE]

A simulated annotator works in rounds: tiles of 256 x 256 px are segmented with the model as it is, mended (the truth is
what they become), and learnt from, together with those of earlier rounds; the next round goes on with what was learnt.
Foreground Dice is measured on images of which no tile was corrected. Beside the shipped model `nuclei`, on tiles drawn
at random, stand: the same on tiles that it ranked by uncertainty and novelty; the same network from random weights; the
plain U-Net, pretrained on the same images as `nuclei`; and a random forest on scikit-image's multi-scale features, as
ilastik and napari-convpaint train one. Every cell is kept in OUT as it is done; what is whole there is not done again.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from skimage.feature import multiscale_basic_features
from skimage.measure import label

import src_models as sm
from benchmarks.correction_sets import SETS, TILE, Pool, open_pool
from benchmarks.machine import machine, report
from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.disk.atomic import atomic_path
from src_models.files.dataset import DataSet
from src_models.files.samples import read_sample
from src_models.finetuning.candidates import rank_steps
from src_models.finetuning.learning import Learning
from src_models.finetuning.settings import FinetuneSettings
from src_models.images.channels import as_channels
from src_models.images.grey.intensity import measure
from src_models.models.checkpoint import Model

Mask = Any
Segmenter = Callable[[Any], Mask]

METHODS = ("corrected", "ranked", "random forest", "scratch", "plain U-Net")
SEED = 0
SMALLEST_STROKE = 12  # px; fewer wrong pixels in one piece are not worth a stroke
LOOKED_AT = 40  # tiles that are ranked
_CELLS = Path("benchmarks/results/annotation_loop_cells.json")


def main(
    sets: Annotated[Path, typer.Argument(help="Folder of the annotated sets.")],
    only: Annotated[str, typer.Option(help="Names of sets, comma-separated.")] = ",".join(SETS),
    tiles: Annotated[str, typer.Option(help="Numbers of corrected tiles.")] = "0,1,3,5,10",
    methods: Annotated[str, typer.Option(help="What is compared.")] = ",".join(METHODS),
    unet: Annotated[Path | None, typer.Option(help="Plain U-Net trained like `nuclei`.")] = None,
    nuclei: Annotated[Path | None, typer.Option(help="The set that `nuclei` was trained on, for forgetting.")] = None,
    steps: Annotated[int, typer.Option(help="Steps of learning; the same for all networks.")] = 100,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
    out: Annotated[Path, typer.Option(help="JSON file of the cells.")] = Path(
        "benchmarks/results/annotation_loop_cells.json"
    ),
) -> None:
    """Measure, cell by cell, and print the table."""
    torch.set_num_threads(threads)
    cells: dict[str, Any] = json.loads(out.read_text())["cells"] if out.exists() else {}
    settings = FinetuneSettings(steps=steps, seconds=3600, patience=steps, seed=SEED)
    counts = sorted(map(int, tiles.split(",")))
    for name, method in itertools.product(only.split(","), methods.split(",")):
        if all(f"{name}|{count}|{method}" in cells for count in counts) or (method == "plain U-Net" and unet is None):
            continue
        pool = open_pool(name, sets)
        rounds = _forests(pool, counts) if method == "random forest" else _rounds(pool, counts, method, settings, unet)
        for count, measured, model in rounds:
            cell = dict(measured)
            if nuclei and model is not None and method == METHODS[0]:
                cell["original"] = _original(model, nuclei)
            cells[f"{name}|{count}|{method}"] = cell
            print(name, count, method, cell, flush=True)
            store(out, cells)
    _report(cells, steps)


Round = tuple[int, dict[str, float], Model | None]


def _rounds(
    pool: Pool, counts: list[int], method: str, settings: FinetuneSettings, unet: Path | None
) -> Iterator[Round]:
    """Let a network learn from more and more tiles, and yield how good it is after each round."""
    shipped = sm.load("nuclei")
    model = sm.load(str(unet)) if method == "plain U-Net" else shipped
    if method == "scratch":
        model, settings = untrained(shipped, pool.tiles), replace(settings, replay=0.0)
    left = [int(number) for number in np.random.default_rng(SEED).permutation(len(pool.tiles))]
    effort = np.zeros(2, int)
    with tempfile.TemporaryDirectory() as folder:
        corrections = CorrectionSet.open(folder)
        for count in counts:
            wanted = count - len(corrections)
            order = _ranked(pool, left, model, corrections, wanted) if method == "ranked" else left
            chosen = order[:wanted]
            left = [number for number in left if number not in chosen]
            effort += _correct(pool, chosen, model, corrections)
            began = time.perf_counter()
            if count:
                learning = Learning(model, corrections, settings)
                for _ in learning.steps():
                    pass
                model = learning.best() or model
            seconds = time.perf_counter() - began
            dice = _dice(pool, lambda image, model=model: foreground(model, image))
            yield count, {"dice": dice, "seconds": seconds, "strokes": int(effort[0]), "pixels": int(effort[1])}, model


def _forests(pool: Pool, counts: list[int]) -> Iterator[Round]:
    drawn = np.random.default_rng(SEED).permutation(len(pool.tiles))
    for count in filter(None, counts):
        began = time.perf_counter()
        segment = forest([pool.tiles[number] for number in drawn[:count]])
        seconds = time.perf_counter() - began
        yield count, {"dice": _dice(pool, segment), "seconds": seconds}, None


def _correct(pool: Pool, chosen: list[int], model: Model, corrections: CorrectionSet) -> tuple[int, int]:
    """Keep tiles as corrected; return how many pieces were wrong, each a stroke, and how many pixels."""
    strokes = pixels = 0
    for number in chosen:
        tile = pool.tiles[number]
        predicted = sm.segment(tile.image, model, axes=axes_of(tile.image)).labels
        wrong = (predicted > 0) != (tile.labels > 0)
        sizes = np.bincount(label(wrong).ravel())[1:]
        strokes, pixels = strokes + int((sizes >= SMALLEST_STROKE).sum()), pixels + int(wrong.sum())
        source = Source(layer=tile.image_name, axes="TYX", plane=(number,))
        corrections.add(mark(tile.image, tile.labels, predicted, source=source, model_name=model.header.name))
    return strokes, pixels


def _ranked(pool: Pool, left: list[int], model: Model, corrections: CorrectionSet, count: int) -> list[int]:
    """Return the tiles that the plugin would lead a person to first, of those of whole size among the first ones."""
    whole = [number for number in left if pool.tiles[number].labels.shape == (TILE, TILE)][:LOOKED_AT]
    stack = np.stack([pool.tiles[number].image for number in whole])
    steps = rank_steps(stack, model, axes="T" + axes_of(stack[0]), corrections=corrections, tile=TILE, most=count)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return [whole[candidate.plane[0]] for candidate in finished.value]


def foreground(model: Model, image: Any) -> Mask:
    """Return where a model finds objects."""
    return sm.segment(image, model, axes=axes_of(image), result="semantic").labels > 0


def _dice(pool: Pool, segment: Segmenter) -> float:
    return float(np.mean([overlap(segment(image), truth) for _, image, truth in pool.tests]))


def _original(model: Model, nuclei: Path) -> float:
    """Return the mean Dice on every third validation image of the model's first training, seen as they are."""
    found, model = [], at_own_scale(model)
    for sample in DataSet.open(nuclei).split("val")[::3]:
        image, mask = read_sample(sample)
        found.append(overlap(foreground(model, image), mask > 0))
    return float(np.mean(found))


def at_own_scale(model: Model) -> Model:
    """Return a model that sees images as they are, as those of the first training were seen while it learnt."""
    return replace(model, header=replace(model.header, image_zoom=1.0))


def overlap(one: Mask, other: Mask) -> float:
    return 2 * int((one & other).sum()) / max(1, int(one.sum()) + int(other.sum()))


def untrained(model: Model, tiles: Sequence[Any]) -> Model:
    """Return the network with random weights, and norms that know the statistics of a few tiles."""
    torch.manual_seed(SEED)
    network = sm.create(model.header.architecture, **model.header.config).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the mean over all that is seen
    header = replace(model.header, estimates_diameter=False)
    with torch.no_grad():
        for number, tile in enumerate(tiles[:4]):
            planes = as_channels(np.moveaxis(np.atleast_3d(tile.image), -1, 0), header, str(number))
            network(torch.from_numpy(measure(planes, header.intensity)(planes).astype(np.float32))[None])
    return Model(network.eval(), header)


def forest(tiles: Sequence[Any], classes_of: Callable[[Any], Any] = lambda labels: labels > 0) -> Segmenter:
    """Teach a random forest tiles (what has `image` and `labels`), and return what segments with it.

    Parameters
    ----------
    tiles
        The tiles.
    classes_of
        Of labels: what the forest tells apart.
    """
    from sklearn.ensemble import RandomForestClassifier

    features = np.concatenate([_features(tile.image).reshape(tile.labels.size, -1) for tile in tiles])
    truth = np.concatenate([classes_of(tile.labels).ravel() for tile in tiles])
    drawn = np.random.default_rng(SEED).permutation(len(truth))[:60_000]
    forest = RandomForestClassifier(100, min_samples_leaf=5, n_jobs=1, random_state=SEED)
    forest.fit(features[drawn], truth[drawn])

    def segment(image: Any) -> Mask:
        found = _features(image)
        return forest.predict(found.reshape(-1, found.shape[-1])).reshape(found.shape[:2])

    return segment


def _features(image: Any) -> Any:
    return multiscale_basic_features(image, sigma_min=0.5, sigma_max=16, channel_axis=-1 if image.ndim == 3 else None)


def axes_of(image: Any) -> str:
    return "YXC" if image.ndim == 3 else "YX"


def store(out: Path, cells: dict[str, Any]) -> None:
    with atomic_path(out, overwrite=True) as beside:
        beside.write_text(json.dumps({"machine": machine(), "cells": cells}, indent=1))


def _report(cells: dict[str, Any], steps: int) -> None:
    """Write the table: foreground Dice on untouched images, and what the corrections of the first column took."""
    columns = ("images", "tiles", *METHODS, "pieces that were wrong", "s to learn", "Dice on the first training's val")
    rows = []
    for name, count in dict.fromkeys(tuple(key.split("|")[:2]) for key in cells):
        found = [cells.get(f"{name}|{count}|{method}", {}) for method in METHODS]
        own = found[0]
        dice = [f"{cell['dice']:.3f}" if cell else "" for cell in found]
        original = f"{own['original']:.3f}" if "original" in own else ""
        rows.append((name, count, *dice, own.get("strokes", ""), f"{own['seconds']:.0f}" if own else "", original))
    report("annotation_loop", columns, rows, {"steps": steps, "seed": SEED})


if __name__ == "__main__":
    typer.run(main)
