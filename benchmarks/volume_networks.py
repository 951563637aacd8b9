"""What 3D networks find in volumes at equal budget: organs of head and neck in CT, and parts of the hippocampus in MR.

    python -m benchmarks.volume_networks FOLDER_WITH_THE_SETS [--sets mri_hippocampus_msd] [--rows unet attention-unet]

All networks see the same patches in the same order, for as many steps of as many patches, and each is kept as it was
when it was best on volumes that were set aside from those to learn from (every sixth); the split "val" is tested.
Volumes are learnt from and tested on their files' own voxels. Widths are small, so that a CPU does it in minutes.

* ``openkbp_ct``: CT with voxels of about 4.5 x 4.5 x 2.5 mm and clinical contours of seven organs. An organ that is not
  drawn in a patient is unknown there (the manifest's column ``organs``): it is not learnt from, and not tested. The row
  ``attention-unet, undrawn as background`` learns it as background instead, for comparison. No flips: left is left.
* ``mri_hippocampus_msd``: MR, 1 mm, two classes, all drawn.

A class is scored where it was drawn: Dice over the volume, and the 95th percentile of the distances (mm) between both
surfaces, the larger of the two directions (MONAI). Where a class was not found at all, its Dice is 0 and its distance
the volume's diagonal. Figures are means over patients, then over classes. Runs that were stopped go on where they were.
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.budget_runs import finished, run_once
from benchmarks.machine import report
from src_models.evaluating.evaluate import predict_sample
from src_models.files.dataset import DataSet
from src_models.files.samples import Sample, open_sample
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader
from src_models.training.augmentation import AugmentationName
from src_models.training.new_model import new_header
from src_models.training.settings import TrainSettings

CHOOSING = 6  # every sixth of the volumes to learn from chooses the model
NETWORK = {"upsampling": "transposed", "decoder_convolutions": 1}  # as `napari-medt train` makes it
UNDRAWN = "attention-unet, undrawn as background"
ROWS = {"unet": "unet", "attention-unet": "attention-unet", UNDRAWN: "attention-unet"}


@dataclass(frozen=True)
class Task:
    """A data set, and how it is learnt."""

    title: str
    classes: tuple[str, ...]
    augment: AugmentationName
    intensity: Intensity
    steps: int
    batch: int
    patch: int
    drawn: str | None = None


TASKS = {
    "mri_hippocampus_msd": Task(
        "hippocampus in MR", ("anterior", "posterior"), "mr", Intensity(), steps=300, batch=4, patch=32
    ),
    "openkbp_ct": Task(
        "organs of head and neck in CT",
        ("brainstem", "spinal cord", "right parotid", "left parotid", "oesophagus", "larynx", "mandible"),
        "ct-sided",
        Intensity(kind="window", low=-160, high=240),
        steps=300,
        batch=2,
        patch=40,
        drawn="organs",
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and measure what is not there yet, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/volumes"), help="where runs are kept (runs/volumes)")
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=ROWS)
    parser.add_argument("--sets", nargs="+", default=list(TASKS), choices=TASKS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, help="instead of each set's own")
    parser.add_argument("--widths", nargs="+", type=int, default=[16, 32, 64, 128])
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="32-true")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    for seed, name, row in itertools.product(options.seeds, options.sets, options.rows):
        if row != UNDRAWN or TASKS[name].drawn:
            run(options, name, row, seed)
    for name in options.sets:
        write_table(options.out, name, budget(options, name))


def opened(folder: Path, name: str) -> DataSet:
    """Open a set, with volumes to learn from, to choose by ("val") and to test ("test", its own "val")."""
    data = DataSet.open(folder / name, drawn=TASKS[name].drawn)
    choosing = {sample.name for sample in data.split("train")[CHOOSING - 2 :: CHOOSING]}

    def split(sample: Sample) -> str | None:
        if sample.split == "val":
            return "test"
        return "val" if sample.name in choosing else sample.split

    return replace(data, samples=tuple(replace(sample, split=split(sample)) for sample in data.samples))


def all_drawn(data: DataSet) -> DataSet:
    """Return the set as if all that is not drawn were not there, but for what is tested."""
    samples = (replace(one, drawn=None) if one.split == "train" else one for one in data.samples)
    return replace(data, samples=tuple(samples))


def budget(options: argparse.Namespace, name: str) -> dict[str, Any]:
    """Return what all rows of a table have in common."""
    task = TASKS[name]
    shared = {"steps": options.steps or task.steps, "batch": task.batch, "patch": task.patch}
    chosen = {key: getattr(options, key) for key in ("learning_rate", "widths", "precision")}
    return {"set": name, **shared, **chosen}


def run(options: argparse.Namespace, name: str, row: str, seed: int) -> None:
    """Train and measure one network on one set, unless that was done."""
    task, facts = TASKS[name], budget(options, name)
    data = opened(options.folder, name)
    learnt = all_drawn(data) if row == UNDRAWN else data
    settings = TrainSettings(
        steps=facts["steps"],
        batch=task.batch,
        patch=task.patch,
        learning_rate=options.learning_rate,
        augment=task.augment,
        validate_every=min(100, facts["steps"]),
        seed=seed,
        device=options.device,
        precision=options.precision,
        workers=0,
    )
    shape = f"{facts['steps']}x{task.batch}x{task.patch}-{'-'.join(map(str, options.widths))}-{options.precision}"
    path = options.out / f"{name}-{row.replace(', ', '-').replace(' ', '-')}-{shape}-{seed}.safetensors"

    def header() -> ModelHeader:
        return new_header(
            learnt,
            architecture=ROWS[row],
            name=path.stem,
            purpose=f"{ROWS[row]} in 3D on {task.title}, for a comparison",
            result="semantic",
            class_names=task.classes,
            config={"widths": options.widths, **NETWORK},
            intensity=task.intensity,
        )

    begun = time.process_time()

    def measured(model: Model) -> dict[str, Any]:
        parameters = sum(parameter.numel() for parameter in model.network.parameters())
        best = {key: model.header.training[key] for key in ("step", "validation_dice")}
        spent = {"cpu_minutes": round((time.process_time() - begun) / 60, 1)}
        found = scores(model, data.split("test"), task, options.device)
        return {**facts, "row": row, "seed": seed, "parameters": parameters, **best, **spent, "patients": found}

    run_once(path, learnt, header, settings, measured)


def scores(
    model: Model, samples: Sequence[Sample], task: Task, device: str = "cpu"
) -> dict[str, dict[str, dict[str, float]]]:
    """Return Dice and HD95 of each class that was drawn, by volume and class."""
    found = {}
    for sample in samples:
        _, truth, prediction = predict_sample(sample, model, device=device)
        spacing = open_sample(sample).reading.spacing
        drawn = set(sample.drawn or range(1, len(task.classes) + 1)) & set(np.unique(truth).tolist())
        found[sample.name] = {
            task.classes[number - 1]: class_scores(prediction == number, truth == number, [spacing[a] for a in "ZYX"])
            for number in sorted(drawn - {0})
        }
    return found


def class_scores(prediction: NDArray[np.bool_], truth: NDArray[np.bool_], spacing: Sequence[float]) -> dict[str, float]:
    """Return Dice, and HD95 in mm, of one class in one volume (z, y, x), in which it is."""
    from monai.metrics.hausdorff_distance import compute_hausdorff_distance

    dice = 2 * (prediction & truth).sum() / (prediction.sum() + truth.sum())
    if not prediction.any():
        return {"dice": 0.0, "hd95": math.dist([0, 0, 0], np.multiply(truth.shape, spacing))}
    pair = (torch.from_numpy(mask)[None, None] for mask in (prediction, truth))
    hd95 = compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=list(spacing))
    return {"dice": float(dice), "hd95": float(hd95)}


def write_table(out: Path, name: str, budget: dict[str, Any]) -> None:
    """Write a row for each network: Dice (per cent) and HD95 (mm) of each class, means over patients, then seeds."""
    runs = [one for one in finished(out) if budget.items() <= one.items()]
    if not runs:
        print(f"{name}: nothing is measured with {budget}")
        return
    task, rows = TASKS[name], []
    for row in (row for row in ROWS if any(one["row"] == row for one in runs)):
        seeds = [one for one in runs if one["row"] == row]
        means = [_means(one["patients"], task.classes) for one in seeds]
        overall = [tuple(statistics.mean(column) for column in zip(*mean.values(), strict=True)) for mean in means]
        cells = [_cell([mean[each] for mean in means if each in mean]) for each in task.classes]
        size = f"{seeds[0]['parameters'] / 1e6:.2f} M"
        minutes = f"{statistics.mean(one['cpu_minutes'] for one in seeds):.1f}"
        rows.append([row, size, len(seeds), minutes, _cell(overall), *cells])
    tested = len({patient for one in runs for patient in one["patients"]})
    size = " x ".join([str(budget["patch"])] * 3)
    begun = f"{task.title}: {budget['steps']} steps of {budget['batch']} x ({size}), {tested} tested"
    columns = (begun, "parameters", "seeds", "CPU minutes", "mean: Dice, %, and HD95", *task.classes)
    report(f"volume_networks_{name}", columns, rows, {"tested": tested, **budget})


def _means(found: dict[str, dict[str, dict[str, float]]], classes: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Return the means over those volumes in which a class was drawn."""
    means = {}
    for name in classes:
        there = [volume[name] for volume in found.values() if name in volume]
        if there:
            means[name] = tuple(statistics.mean(one[key] for one in there) for key in ("dice", "hd95"))
    return means


def _cell(seeds: Sequence[tuple[float, ...]]) -> str:
    if not seeds:
        return "drawn in none"
    dice, hd95 = ([one[place] for one in seeds] for place in (0, 1))
    spread = f" ± {100 * statistics.stdev(dice):.1f}" if len(seeds) > 1 else ""
    return f"{100 * statistics.mean(dice):.1f}{spread}, {statistics.mean(hd95):.1f} mm"


if __name__ == "__main__":
    main()
