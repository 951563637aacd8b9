"""Cut the images that ship against forgetting, from the data set that a model was trained on.

    python -m benchmarks.make_replay DATA

DATA is what benchmarks/train_nuclei.sh or benchmarks/train_cells.sh assembles; the file is called like it, as models
name the set that they learnt from. Of its training images, those with the lowest hash of their names are taken, the
same number of each domain (where it has none, of each look), and of each the window with the most objects in which
every pixel counts.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from src_models.files.dataset import DataSet
from src_models.files.samples import read_marks, read_sample
from src_models.images.grey.intensity import measure
from src_models.models.header import Intensity

SIDE = 128
EACH, EACH_OF_DOMAIN = 60, 16
TARGET = Path(__file__).resolve().parents[1] / "src_models" / "shipped" / "replay"


def main(folder: str) -> None:
    """Write the file."""
    by_kind: defaultdict[str, list[Any]] = defaultdict(list)
    samples = DataSet.open(folder).split("train")
    for sample in sorted(samples, key=lambda sample: hashlib.sha256(sample.name.encode()).digest()):
        if sample.domain and len(by_kind[sample.domain]) >= EACH_OF_DOMAIN:
            continue
        image, mask = read_sample(sample)
        kind = sample.domain or _kind(image)
        window = _window(image, mask, read_marks(sample, mask.shape))
        if window is not None and len(by_kind[kind]) < EACH:
            by_kind[kind].append((sample.name, *window))
    stored = {}
    for kind, (number, (name, image, mask)) in (
        (kind, numbered) for kind, found in by_kind.items() for numbered in enumerate(found)
    ):
        stored[f"image_{kind}{number}"], stored[f"mask_{kind}{number}"] = image, mask
        print(f"{kind}{number}: {name}, {mask.max()} objects")
    target = TARGET / f"{Path(folder).resolve().name}.npz"
    np.savez_compressed(target, **stored)
    print(f"{target}: {target.stat().st_size / 1e3:.0f} kB")


def _kind(image: Any) -> str:
    if image.ndim == 3 and (image[..., 0] != image[..., -1]).any():
        return "tissue"
    grey = image if image.ndim == 2 else image[..., 0]
    return "bright" if np.median(grey) > grey.mean() else "dark"


def _window(image: Any, mask: Any, counts: Any) -> tuple[Any, Any] | None:
    steps = [range(0, size - SIDE + 1, 32) for size in mask.shape]
    cuts = [(slice(y, y + SIDE), slice(x, x + SIDE)) for y, x in itertools.product(*steps)]
    whole_ones = [cut for cut in cuts if counts is None or counts[cut].all()]
    if not whole_ones:
        return None
    best = max(whole_ones, key=lambda cut: len(np.unique(mask[cut])))
    whole = image if image.ndim == 2 or (image[..., 0] != image[..., -1]).any() else image[..., 0]
    # Brought to its range with the percentiles of the whole image, as the network sees it.
    normal = measure(whole, Intensity(), name="image")(whole)
    labels = np.unique(mask[best], return_inverse=True)[1].reshape(SIDE, SIDE)
    return (np.clip(normal[best], 0, 1) * 255).astype(np.uint8), (labels + int(mask[best].min() > 0)).astype(np.uint8)


if __name__ == "__main__":
    main(*sys.argv[1:])
