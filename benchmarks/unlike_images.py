"""Which images a model calls unlike those it learnt from, and how it resizes them: sets it should know, and others.

Run as ``python -m benchmarks.unlike_images FOLDER_WITH_THE_SETS [--model nuclei] [--most 20]``. Nobody gives a size, so
the automatic one is seen at work, too: the zooms it chose, and how many objects were found.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.machine import report
from src_models.files.dataset import DataSet
from src_models.files.samples import read_sample
from src_models.models.checkpoint import load
from src_models.prediction.segment import segment

LIKE = ("dsb2018_fluo", "dsb2018_histo")
UNLIKE = (
    "usiigaci_phase",
    "isbi2012_em",
    "sem_axon_myelin",
    "tem_axon_srf",
    "btcv_ct",
    "phase_microbes",
    "glas_half",
)


def main() -> None:
    """Segment images of every set, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--most", type=int, default=20, help="images of a set")
    arguments = parser.parse_args()
    model = load(arguments.model)
    rows = []
    for name in (*LIKE, *UNLIKE):
        data = DataSet.open(arguments.folder / name)
        samples = [sample for sample in data.samples if sample.split == "val"] if name in LIKE else list(data.samples)
        found = []
        for sample in samples[:: max(1, len(samples) // arguments.most)][: arguments.most]:
            image, labels = read_sample(sample)
            found.append(segment(image, model, axes="YXC" if image.ndim > labels.ndim else "YX", device="cpu"))
        certainties = [each.certainty or 0 for each in found]
        zooms = sorted({round(each.zoom, 2) for each in found})
        rows.append(
            [
                name,
                "like" if name in LIKE else "unlike",
                len(found),
                sum(any("unlike those" in sentence for sentence in each.advice) for each in found),
                sum(bool(each.advice) for each in found),
                " / ".join(f"{value:.2f}" for value in np.percentile(certainties, [5, 50, 95])),
                ", ".join(f"{zoom:g}" for zoom in zooms),
                max(int(each.labels.max()) for each in found),
            ]
        )
        print(rows[-1], flush=True)
    columns = (
        "set",
        "it is",
        "images",
        "called unlike",
        "any advice",
        "certainty (5, 50, 95 %)",
        "zooms",
        "most objects",
    )
    suffix = "" if arguments.model == "nuclei" else f"_{Path(arguments.model).stem}"
    report(f"unlike_images{suffix}", columns, rows, {"model": model.header.name, "sha256": model.sha256})


if __name__ == "__main__":
    main()
