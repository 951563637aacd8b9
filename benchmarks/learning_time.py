"""How long a round of learning takes on a corrected image of 512 x 512 px, and how far it comes, with the defaults.

    python -m benchmarks.learning_time SETS [--threads 2]

A section of neurites in electron microscopy is corrected whole, and each part of `nuclei` learns from it as the widget
and `napari-medt finetune` let it: until it is as good as it gets, or the time that they give is over. Beside it, what a
random forest on scikit-image's features takes to learn the same image and to segment it.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from skimage.measure import label

import src_models as sm
from benchmarks.annotation_loop import forest
from benchmarks.correction_sets import Tile, open_pool
from benchmarks.machine import report
from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.finetuning.learning import Learning
from src_models.finetuning.parts import learning_parts
from src_models.finetuning.settings import FinetuneSettings


def main(
    sets: Annotated[Path, typer.Argument(help="Folder of the annotated sets.")],
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
) -> None:
    """Measure, and print the table."""
    torch.set_num_threads(threads)
    name, image, mask = open_pool("membranes", sets).tests[0]
    labels = label(mask, connectivity=1)
    model = sm.load("nuclei")
    found = sm.segment(image, model, axes="YX").labels
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        corrections = CorrectionSet.open(folder)
        corrections.add(mark(image, labels, found, source=Source(layer=name), model_name="nuclei"))
        for part in learning_parts(model.network):
            began = time.perf_counter()
            learning = Learning(model, corrections, FinetuneSettings(part=part.name))
            for _ in learning.steps():
                pass
            result = learning.result()
            took = time.perf_counter() - began
            rows.append(
                (part.title, f"{took:.1f}", result.steps, f"{result.start_dice:.2f}", f"{result.best_dice:.2f}")
            )
    began = time.perf_counter()
    forest([Tile(name, (0, 0), image, labels)])(image)
    rows.append(("random forest", f"{time.perf_counter() - began:.1f}", "", "", ""))
    report(
        "learning_time", ("what learns", "s", "steps", "held-out Dice before", "after"), rows, {"shape": image.shape}
    )


if __name__ == "__main__":
    typer.run(main)
