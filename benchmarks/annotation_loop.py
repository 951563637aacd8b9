"""How much a few corrected tiles mend a model on images of kinds that it was not trained on.

    python -m benchmarks.annotation_loop SETS [--only phase,axons] [--tiles 0,1,3,5,10] [--unet FILE] [--out FILE]

A simulated annotator segments tiles of 256 x 256 px with the shipped model `nuclei`, mends them (the truth is what they
become), and lets the model learn, once, from all of them. Foreground Dice is measured on images of which no tile was
corrected. Beside it: the same network from random weights on the same tiles; the plain U-Net, pretrained on the same
images as `nuclei`, on the same tiles; `nuclei` on tiles that were ranked by uncertainty and novelty instead of drawn at
random; and a random forest on scikit-image's multi-scale features, as ilastik and
napari-convpaint train one. Every cell is kept in OUT as it is done, and a second run goes on where the first was.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from skimage.feature import multiscale_basic_features
from skimage.measure import label

import src_models as sm
from benchmarks.correction_sets import SETS, TILE, Pool, Tile, open_pool
from benchmarks.machine import machine, report
from src_models.atomic import atomic_path
from src_models.checkpoint import Model
from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.dataset import DataSet, read_sample
from src_models.finetuning.candidates import rank_steps
from src_models.finetuning.learning import Learning
from src_models.finetuning.settings import FinetuneSettings

Mask = Any
Segmenter = Callable[[Any], Mask]

METHODS = ("corrected", "ranked", "random forest", "scratch", "plain U-Net")
SEED = 0
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
    for name in only.split(","):
        pool = open_pool(name, sets)
        for count in map(int, tiles.split(",")):
            for method in methods.split(","):
                key = f"{name}|{count}|{method}"
                if key in cells or (method == "plain U-Net" and unet is None) or (count == 0 and method != METHODS[0]):
                    continue
                cells[key] = _cell(pool, count, method, settings, unet, nuclei)
                print(key, cells[key], flush=True)
                _store(out, cells)
    _report(cells, steps)


def _cell(
    pool: Pool, count: int, method: str, settings: FinetuneSettings, unet: Path | None, nuclei: Path | None
) -> dict[str, float]:
    shipped = sm.load("nuclei")
    drawn = np.random.default_rng(SEED).permutation(len(pool.tiles))[:count]
    order = _ranked(pool, shipped, count) if method == "ranked" else drawn
    tiles = [pool.tiles[number] for number in order]
    began = time.perf_counter()
    if method == "random forest":
        segment = _forest(tiles)
        return {"dice": _dice(pool, segment), "seconds": time.perf_counter() - began}
    own = {"corrected": shipped, "ranked": shipped, "scratch": _untrained(shipped)}
    start = own.get(method) or sm.load(str(unet))
    if count == 0:
        result = {"dice": _dice(pool, lambda image: foreground(start, image)), "seconds": 0.0}
        return {**result, "original": _original(start, nuclei)} if nuclei else result
    with tempfile.TemporaryDirectory() as folder:
        corrections, effort = _corrected(tiles, shipped, Path(folder))
        began = time.perf_counter()
        learning = Learning(start, corrections, settings)
        for _ in learning.steps():
            pass
        seconds = time.perf_counter() - began
    best = learning.best() or start
    result = {"dice": _dice(pool, lambda image: foreground(best, image)), "seconds": seconds, **effort}
    if nuclei and method == METHODS[0]:
        result["original"] = _original(best, nuclei)
    return result


def _corrected(tiles: list[Tile], model: Model, folder: Path) -> tuple[CorrectionSet, dict[str, float]]:
    """Keep tiles as corrected; a stroke is counted for each piece that was wrong."""
    corrections, strokes, pixels = CorrectionSet.open(folder), 0, 0
    for number, tile in enumerate(tiles):
        predicted = sm.segment(tile.image, model, axes=_axes(tile.image)).labels
        wrong = (predicted > 0) != (tile.labels > 0)
        sizes = np.bincount(label(wrong).ravel())[1:]
        strokes, pixels = strokes + int((sizes >= 12).sum()), pixels + int(wrong.sum())
        source = Source(layer=tile.image_name, axes="TYX", plane=(number,))
        corrections.add(mark(tile.image, tile.labels, predicted, source=source, model_name="nuclei"))
    return corrections, {"strokes": strokes, "pixels": pixels}


def _ranked(pool: Pool, model: Model, count: int) -> list[int]:
    """Return the tiles of whole size that the plugin would lead a person to first."""
    whole = [number for number, tile in enumerate(pool.tiles) if tile.labels.shape == (TILE, TILE)]
    stack = np.stack([pool.tiles[number].image for number in whole])
    steps = rank_steps(stack, model, axes="T" + _axes(stack[0]), tile=TILE, most=count)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return [whole[candidate.plane[0]] for candidate in finished.value]


def foreground(model: Model, image: Any) -> Mask:
    """Return where a model finds objects."""
    return sm.segment(image, model, axes=_axes(image), result="semantic").labels > 0


def _dice(pool: Pool, segment: Segmenter) -> float:
    return float(np.mean([_overlap(segment(image), truth) for _, image, truth in pool.tests]))


def _original(model: Model, nuclei: Path) -> float:
    """Return the mean Dice on every third validation image of the model's first training."""
    found = []
    for sample in DataSet.open(nuclei).split("val")[::3]:
        image, mask = read_sample(sample)
        found.append(_overlap(foreground(model, image), mask > 0))
    return float(np.mean(found))


def _overlap(one: Mask, other: Mask) -> float:
    return 2 * int((one & other).sum()) / max(1, int(one.sum()) + int(other.sum()))


def _untrained(model: Model) -> Model:
    torch.manual_seed(SEED)
    return Model(sm.create(model.header.architecture, **model.header.config).eval(), model.header)


def _forest(tiles: list[Tile]) -> Segmenter:
    from sklearn.ensemble import RandomForestClassifier

    features = np.concatenate([_features(tile.image).reshape(tile.labels.size, -1) for tile in tiles])
    truth = np.concatenate([(tile.labels > 0).ravel() for tile in tiles])
    drawn = np.random.default_rng(SEED).permutation(len(truth))[:60_000]
    forest = RandomForestClassifier(100, min_samples_leaf=5, n_jobs=1, random_state=SEED)
    forest.fit(features[drawn], truth[drawn])

    def segment(image: Any) -> Mask:
        found = _features(image)
        return forest.predict(found.reshape(-1, found.shape[-1])).reshape(found.shape[:2])

    return segment


def _features(image: Any) -> Any:
    return multiscale_basic_features(image, sigma_min=0.5, sigma_max=16, channel_axis=-1 if image.ndim == 3 else None)


def _axes(image: Any) -> str:
    return "YXC" if image.ndim == 3 else "YX"


def _store(out: Path, cells: dict[str, Any]) -> None:
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
