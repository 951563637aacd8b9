"""What the model ``ct-organs`` finds in patients from whom it did not learn.

    python -m benchmarks.ct_organs SETS DATA [--model ct-organs]

SETS holds ``ct_totalseg``, DATA is what ``benchmarks/ct_organ_set.py`` writes. Dice and the 95th percentile of the
distances between outlines (mm, within slices) of each organ:

* in each patient of ``btcv_ct`` who is kept for tests, in the slices with an organ, drawn by experts;
* in the abdomen of ``ct_totalseg`` as the file has it, 512 x 512 x 20 voxels, which the model resamples to its own
  spacing and back; masks by a model (TotalSegmentator).
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.ct_organ_set import ORGANS, SPACING, masks_of_a_model
from benchmarks.machine import report
from benchmarks.volume_scores import OrganScore, organ_scores
from src_models.evaluating.evaluate import predict_sample
from src_models.files.dataset import DataSet
from src_models.models.checkpoint import Model, load
from src_models.models.library import find_model
from src_models.prediction.segment import segment

ABDOMEN = "abdomen_512"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="ct-organs", help="its name, or its file")
    options = parser.parse_args(arguments)
    model = load(options.model if options.model.endswith(".safetensors") else find_model(options.model))
    patients = {
        name: (organ_scores(*pair, classes=len(ORGANS) + 1), SPACING)
        for name, pair in by_experts(DataSet.open(options.data), model).items()
    }
    abdomen, spacing = by_a_model(options.sets / "ct_totalseg", model)
    patients[ABDOMEN] = (organ_scores(*abdomen, classes=len(ORGANS) + 1), spacing)
    write(patients)


def by_experts(data: DataSet, model: Model) -> dict[str, tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Return what is found and what experts drew, (slices, y, x) both, of each patient who is kept for tests."""
    slices = defaultdict(list)
    for sample in data.split("test"):
        patient = sample.name.rpartition("_")[0]
        if patient != ABDOMEN:
            slices[patient].append(predict_sample(sample, model, device="cpu")[1:])
    pairs = {}
    for patient, planes in slices.items():
        truth, found = (np.stack(each) for each in zip(*planes, strict=True))
        pairs[patient] = (np.where(truth_may_have(found), found, 0), truth)
    return pairs


def truth_may_have(found: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell where classes were found that experts drew; bones and lungs are not drawn there, and so not judged."""
    return ~np.isin(found, [ORGANS.index(name) + 1 for name in ("bones", "lungs")])


def by_a_model(folder: Path, model: Model) -> tuple[tuple[NDArray[np.int32], NDArray[np.int32]], float]:
    """Return what is found in the abdomen and what a model drew, and the size of its pixels (mm)."""
    scan, organs = masks_of_a_model(folder, ABDOMEN)
    found = segment(scan.data, model, axes=scan.reading, device="cpu").labels
    return (np.asarray(found, np.int32), organs.astype(np.int32)), scan.reading.spacing["X"]


def write(patients: dict[str, tuple[list[OrganScore | None], float]]) -> None:
    """Write a row for each organ and one for the mean over organs."""
    columns = ("organ", *(f"{name}: Dice, %, and HD95" for name in patients))
    rows = [
        [organ, *(_cell(scores[number], spacing) for scores, spacing in patients.values())]
        for number, organ in enumerate(ORGANS)
    ]
    means = [statistics.mean(score.dice for score in scores if score) for scores, _ in patients.values()]
    rows.append(["mean", *(f"{100 * mean:.1f}" for mean in means)])
    report("ct_organs", columns, rows, {})


def _cell(score: OrganScore | None, spacing: float) -> str:
    return "neither has it" if score is None else f"{100 * score.dice:.1f}, {score.hd95 * spacing:.1f} mm"


if __name__ == "__main__":
    main()
