"""Pack the pictures that ship against forgetting, from the set of classes that a model was trained on.

    python -m benchmarks.make_class_replay DATA [TARGET]

The file is called like DATA, as models name the set that they learnt from, and has the form of MedMNIST. Of each class,
the training pictures with the lowest hash of their names are taken to learn from again, and of the validation pictures
some to watch what is forgotten.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from src_models.classifying.pictures.picture import fitted
from src_models.files.class_sets.opening import open_class_set
from src_models.files.split_by_name import fraction_of

EACH = {"train": 8, "val": 8}  # pictures of each class
TARGET = Path(__file__).resolve().parents[1] / "src_models" / "shipped" / "replay"


def main(folder: str, target: str = "") -> None:
    """Write the file."""
    data = open_class_set(folder)
    stored: dict[str, object] = {"class_names": np.array(data.classes)}
    for split, each in EACH.items():
        chosen = []
        for label in range(len(data.classes)):
            own = [sample for sample in data.split(split) if sample.label == label]
            chosen += sorted(own, key=lambda sample: fraction_of(sample.name))[:each]
        pictures = [fitted(data.picture(sample, data.size), data.size) for sample in chosen]
        stored[f"{split}_images"] = np.stack(pictures).transpose(0, 2, 3, 1)
        stored[f"{split}_labels"] = np.array([sample.label for sample in chosen])
    path = Path(target) if target else TARGET / f"{Path(folder).resolve().name}.npz"
    np.savez_compressed(path, **stored)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(*sys.argv[1:])
