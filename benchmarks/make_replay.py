"""Cut the images that ship against forgetting, from the data set that the models `nuclei` were trained on.

    python -m benchmarks.make_replay DATA

DATA is what benchmarks/train_nuclei.sh assembles from the sets of Data Science Bowl 2018 (CC0). Of its training images,
those with the lowest hash of their names are taken, the same number of each kind, and of each the window with the most
objects.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from src_models.files.dataset import DataSet, read_sample
from src_models.images.intensity import measure
from src_models.models.header import Intensity

SIDE = 128
EACH = 60
TARGET = Path(__file__).resolve().parents[1] / "src_models" / "shipped" / "replay" / "nuclei_data.npz"


def main(folder: str) -> None:
    """Write the file."""
    by_kind: defaultdict[str, list[Any]] = defaultdict(list)
    samples = DataSet.open(folder).split("train")
    for sample in sorted(samples, key=lambda sample: hashlib.sha256(sample.name.encode()).digest()):
        image, mask = read_sample(sample)
        if min(mask.shape) < SIDE:
            continue
        kind = _kind(image)
        if len(by_kind[kind]) < EACH:
            by_kind[kind].append((sample.name, *_window(image, mask)))
    stored = {}
    for kind, (number, (name, image, mask)) in (
        (kind, numbered) for kind, found in by_kind.items() for numbered in enumerate(found)
    ):
        stored[f"image_{kind}{number}"], stored[f"mask_{kind}{number}"] = image, mask
        print(f"{kind}{number}: {name}, {mask.max()} objects")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TARGET, **stored)
    print(f"{TARGET}: {TARGET.stat().st_size / 1e3:.0f} kB")


def _kind(image: Any) -> str:
    if image.ndim == 3 and (image[..., 0] != image[..., -1]).any():
        return "tissue"
    grey = image if image.ndim == 2 else image[..., 0]
    return "bright" if np.median(grey) > grey.mean() else "dark"


def _window(image: Any, mask: Any) -> tuple[Any, Any]:
    steps = [range(0, size - SIDE + 1, 32) for size in mask.shape]
    cuts = [(slice(y, y + SIDE), slice(x, x + SIDE)) for y, x in itertools.product(*steps)]
    best = max(cuts, key=lambda cut: len(np.unique(mask[cut])))
    whole = image if image.ndim == 2 or (image[..., 0] != image[..., -1]).any() else image[..., 0]
    # Brought to its range with the percentiles of the whole image, as the network sees it.
    normal = measure(whole, Intensity(), name="image")(whole)
    labels = np.unique(mask[best], return_inverse=True)[1].reshape(SIDE, SIDE)
    return (np.clip(normal[best], 0, 1) * 255).astype(np.uint8), (labels + int(mask[best].min() > 0)).astype(np.uint8)


if __name__ == "__main__":
    main(*sys.argv[1:])
