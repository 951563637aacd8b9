"""Prediction of a whole volume by a 3D Attention U-Net, against MONAI's sliding_window_inference.

The same network, tile and overlap, from grey values to labels and probabilities. Each measurement runs in a process of
its own, so that peak memory is its own. Seconds are those of the clock, so run it on a machine that does nothing else;
both take turns, and medians are told.

Run as ``python -m benchmarks.volume_prediction`` (``--side 160 --rounds 3`` are the defaults).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

WIDTHS = (8, 16, 32, 64)
CLASSES = ("background", "liver", "spleen", "left kidney", "right kidney", "aorta", "stomach", "bones")
TILE, OVERLAP = 64, 16
KINDS = ("MONAI sliding_window_inference", "ours")


def main() -> None:
    """Measure in subprocesses, print and write the table."""
    from benchmarks.machine import report

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child")
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(_child(arguments.child, arguments.side)))
        return
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for _ in range(arguments.rounds):
        for kind in KINDS:
            found[kind].append(_run(kind, arguments.side))
            print(kind, found[kind][-1], flush=True)
    taken = {kind: statistics.median(run["seconds"] for run in runs) for kind, runs in found.items()}
    peaks = {kind: statistics.median(run["peak_mib"] for run in runs) for kind, runs in found.items()}
    of_both = statistics.median(
        own["seconds"] / other["seconds"] for other, own in zip(*(found[kind] for kind in KINDS), strict=True)
    )
    relative = dict(zip(KINDS, (1.0, of_both), strict=True))
    rows = [[kind, f"{taken[kind]:.1f}", f"{relative[kind]:.2f}", f"{peaks[kind]:.0f}"] for kind in KINDS]
    size = f"{arguments.side}³ voxels, {len(CLASSES)} classes, tile {TILE}³, overlap {OVERLAP}"
    differs = found[KINDS[1]][0]["mean"] - found[KINDS[0]][0]["mean"]
    notes = {"rounds": arguments.rounds, "runs": found, "difference of the mean probability": differs}
    report("volume_prediction", (size, "seconds", "times MONAI's", "peak MiB"), rows, notes)


def _run(kind: str, side: int) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.volume_prediction", "--child", kind]
    done = subprocess.run([*command, "--side", str(side)], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _child(kind: str, side: int) -> dict[str, float]:
    import torch

    from src_models.models.architectures import create
    from src_models.models.checkpoint import Model
    from src_models.models.header import Intensity, ModelHeader

    torch.manual_seed(0)
    config = {"in_channels": 1, "classes": len(CLASSES), "widths": WIDTHS, "dimensions": 3}
    header = ModelHeader(
        name="organs",
        purpose="",
        architecture="attention-unet",
        config=config,
        classes=CLASSES,
        channels=("grey",),
        dimensions=3,
        intensity=Intensity(kind="window", low=0, high=1),
        tile=(TILE,) * 3,
        overlap=(OVERLAP,) * 3,
    )
    model = Model(create("attention-unet", **config).eval(), header)
    work = _ours if kind == KINDS[1] else _monai
    work(model, TILE)  # everything is imported and warm
    before = _peak_mib()
    start = time.perf_counter()
    mean = work(model, side)
    return {"seconds": time.perf_counter() - start, "peak_mib": _peak_mib() - before, "mean": mean}


def _volume(side: int) -> np.ndarray:
    return np.random.default_rng(0).random((side,) * 3, np.float32)


def _ours(model: Any, side: int) -> float:
    from src_models.prediction.segment import segment

    found = segment(_volume(side), model, axes="ZYX", device="cpu")
    assert found.probabilities is not None
    return float(found.probabilities[1].mean(dtype=np.float64))


def _monai(model: Any, side: int) -> float:
    import torch
    from monai.inferers import sliding_window_inference

    volume = torch.from_numpy(_volume(side))[None, None]
    with torch.inference_mode():
        logits = sliding_window_inference(
            volume.clamp(0, 1), (TILE,) * 3, 1, model.network, overlap=OVERLAP / TILE, mode="gaussian"
        )
        found = torch.softmax(logits, 1)
        labels = found.argmax(1).to(torch.uint8).numpy()
    return float(found[0, 1].mean(dtype=torch.float64)) + 0 * int(labels[0, 0, 0, 0])


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
