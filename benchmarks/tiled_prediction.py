"""Tiled prediction: against MONAI's sliding_window_inference, and its cost from 1k x 1k to 16k x 16k.

Each measurement runs in a process of its own, so that peak memory is its own.

Run as ``python -m benchmarks.tiled_prediction`` (``--large`` adds 16,384 x 16,384, which takes a while).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

WIDTHS = (16, 32, 64, 128, 192)
TILE, OVERLAP = 512, 64
ROUND_SIZE = 2048
SIZES = (1024, 2048, 4096)


def main() -> None:
    """Measure in subprocesses, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--child", nargs=2)
    arguments = parser.parse_args()
    if arguments.child:
        kind, size = arguments.child
        print(json.dumps(_child(kind, int(size))))
        return
    _against_monai()
    _by_size((*SIZES, 8192, 16384) if arguments.large else SIZES)


def _against_monai() -> None:
    from benchmarks.machine import report

    own, other = _run("ours", ROUND_SIZE), _run("monai", ROUND_SIZE)
    megapixels = ROUND_SIZE**2 / 1e6
    rows = [
        [name, f"{megapixels / r['seconds']:.2f}", f"{r['peak_mib']:.0f}", f"{other['seconds'] / r['seconds']:.2f}"]
        for name, r in (("MONAI sliding_window_inference", other), ("ours", own))
    ]
    columns = (f"{ROUND_SIZE} x {ROUND_SIZE}, tile {TILE}, overlap {OVERLAP}", "Mpx/s", "peak MiB", "throughput")
    report("tiling_against_monai", columns, rows, {"difference": own["mean"] - other["mean"]})


def _by_size(sizes: tuple[int, ...]) -> None:
    from benchmarks.machine import report

    rows = []
    for size in sizes:
        found = _run("segment", size)
        per_pixel = found["seconds"] / size**2 * 1e6
        rows.append([f"{size} x {size}", f"{found['seconds']:.0f}", f"{per_pixel:.2f}", f"{found['peak_mib']:.0f}"])
        print(rows[-1], flush=True)
    report("cost_by_size", ("dask image to zarr labels", "seconds", "µs per px", "peak MiB above import"), rows)


def _run(kind: str, size: int) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.tiled_prediction", "--child", kind, str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _child(kind: str, size: int) -> dict[str, float]:
    import torch

    from src_models.models.architectures import create
    from src_models.models.checkpoint import Model, load
    from src_models.models.header import ModelHeader

    torch.manual_seed(0)
    config = {"in_channels": 1, "classes": 3, "widths": WIDTHS, "upsampling": "transposed", "decoder_convolutions": 1}
    network = create("attention-unet", **config).eval()
    header = ModelHeader(
        name="speed",
        purpose="",
        architecture="attention-unet",
        config=config,
        classes=("background", "interior", "boundary"),
        channels=("grey",),
        tile=(TILE, TILE),
        overlap=(OVERLAP, OVERLAP),
    )
    model = load("nuclei") if kind == "segment" else Model(network, header)
    work = {"ours": _ours, "monai": _monai, "segment": _segment}[kind]
    work(model, 256)  # everything is imported and warm
    before = _peak_mib()
    start = time.perf_counter()
    mean = work(model, size)
    return {"seconds": time.perf_counter() - start, "peak_mib": _peak_mib() - before, "mean": mean}


def _image(size: int) -> np.ndarray:
    return np.random.default_rng(0).random((size, size), np.float32)


def _ours(model: Any, size: int) -> float:
    from src_models.prediction.segment import segment

    found = segment(_image(size), model, result="semantic")
    assert found.probabilities is not None
    return float(found.probabilities[1].astype(np.float32).mean())


def _monai(model: Any, size: int) -> float:
    import torch
    from monai.inferers import sliding_window_inference

    image = torch.from_numpy(_image(size))[None, None]
    low, high = np.percentile(image, (0.5, 99.8))
    with torch.inference_mode():
        logits = sliding_window_inference(
            (image - low) / (high - low), (TILE, TILE), 1, model.network, overlap=OVERLAP / TILE, mode="gaussian"
        )
        found = torch.softmax(logits, 1)
        labels = found.argmax(1).to(torch.uint8).numpy()
    return float(found[0, 1].mean()) + 0 * int(labels[0, 0, 0])


def _segment(model: Any, size: int) -> float:
    """Segment a lazy image of nuclei-like spots into zarr, without ever holding it whole."""
    import dask.array as da
    import zarr

    from src_models.prediction.segment import segment

    block = _spots()
    count = -(-size // len(block))
    image = da.tile(da.from_array(block, chunks=block.shape), (count, count))[:size, :size]
    with tempfile.TemporaryDirectory() as folder:
        chunks = (min(size, 1024),) * 2
        out = zarr.create_array(str(Path(folder) / "labels.zarr"), shape=image.shape, dtype=np.int32, chunks=chunks)
        segment(image, model, labels_out=out)
        return float(np.asarray(out[:256, :256]).max())


def _spots() -> np.ndarray:
    from scipy import ndimage

    random = np.random.default_rng(1)
    points = np.zeros((512, 512), np.float32)
    points[random.integers(0, 512, 250), random.integers(0, 512, 250)] = 1
    blobs = ndimage.gaussian_filter(points, 6, mode="wrap")
    return (blobs / blobs.max() * 200 + random.normal(20, 4, blobs.shape)).clip(0, 255).astype(np.uint8)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
