"""What networks find at equal budget: eight organs in CT slices of patients, and glands in stained tissue.

    python -m benchmarks.organ_accuracy FOLDER_WITH_THE_SETS [--rows unet attention-unet fcn] [--seeds 0] [--steps 600]

All networks see the same patches in the same order, for as many steps of as many patches, at one learning rate, and
each is kept as it was when it was best on patients (or images) that were set aside. The rows are names of
``benchmarks/named_networks.py``; one that this version of the package cannot make is left out with a word.

* ``btcv_ct``: slices of CT of the abdomen, split by patient. Where there are no patients to test, those of "val" are
  tested, and the model is chosen on every sixth of the others. Nothing is augmented: a body that is mirrored has its
  left kidney on the right. Slices have no known depth, so distances are in px, within slices.
* ``glas_half``: glands, for research only: what learnt from them is measured and never shipped. A fifth of the training
  images choose the model, test A is tested, and each image is a patient of one slice. Augmented as microscopy.

How organs that are missing count is said in ``benchmarks/volume_scores.py``. Runs that were stopped go on where they
were; finished ones are kept, and all that had the same budget is in the tables, which another budget than the usual one
names.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.budget_runs import finished, run_once
from benchmarks.histology_accuracy import prepared
from benchmarks.machine import report
from benchmarks.named_networks import NETWORKS, NamedNetwork, chosen
from benchmarks.volume_scores import organ_scores
from src_models.evaluating.evaluate import predict_sample
from src_models.files.dataset import DataSet
from src_models.files.samples import Sample
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader
from src_models.training.augmentation import AugmentationName
from src_models.training.new_model import new_header
from src_models.training.settings import TrainSettings

ORGANS = ("aorta", "gallbladder", "left kidney", "right kidney", "liver", "pancreas", "spleen", "stomach")
ROWS = ("unet", "attention-unet", "fcn", *(name for name in NETWORKS if name.startswith("guided-")))
USUAL = (600, 4, 192)  # steps, patches and their side: tables of any other budget are named after it
CHOOSING = 6  # every sixth patient of those to learn from chooses the model


@dataclass(frozen=True)
class Task:
    """A data set, and how it is learnt."""

    title: str
    table: str
    classes: tuple[str, ...]
    open: Callable[[Path, Path], DataSet]
    patient: Callable[[Sample], str]
    augment: AugmentationName
    intensity: Intensity


def patients(folder: Path, _: Path) -> DataSet:
    """Open the CT slices, with patients to learn from, to choose by and to test."""
    data = DataSet.open(folder / "btcv_ct")
    if "test" in data.splits:
        return data
    with (data.root / "manifest.csv").open(newline="", encoding="utf-8-sig") as file:
        cases = {row["file"]: int(row["case"]) for row in csv.DictReader(file)}
    learnt = sorted({cases[sample.name] for sample in data.split("train")})
    choosing = set(learnt[CHOOSING - 2 :: CHOOSING])

    def split(sample: Sample) -> str | None:
        if sample.split == "val":
            return "test"
        return "val" if cases[sample.name] in choosing else sample.split

    return replace(data, samples=tuple(replace(sample, split=split(sample)) for sample in data.samples))


def _case(sample: Sample) -> str:
    """Return the patient of a slice: its name without the number of the slice."""
    return Path(sample.name).stem.rpartition("_")[0]


TASKS = {
    "btcv_ct": Task(
        "organs in CT", "organ_accuracy", ORGANS, patients, _case, "none", Intensity(kind="window", low=0, high=255)
    ),
    "glas_half": Task(
        "glands",
        "organ_accuracy_glands",
        ("gland",),
        lambda folder, out: prepared(folder, out / "data", "glas", size=None),
        lambda sample: sample.name,
        "microscopy",
        Intensity(),
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and measure what is not there yet, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/organs"), help="where runs are kept (runs/organs)")
    parser.add_argument("--rows", nargs="+", default=list(ROWS), metavar="NETWORK", help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--sets", nargs="+", default=list(TASKS), choices=TASKS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=USUAL[0])
    parser.add_argument("--batch", type=int, default=USUAL[1])
    parser.add_argument("--patch", type=int, default=USUAL[2])
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    networks = chosen(options.rows)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.sets:
        data = TASKS[name].open(options.folder, options.out)
        for seed, (row, network) in itertools.product(options.seeds, networks.items()):
            run(data, options, name, row, network, seed)
    for name in options.sets:
        write_table(options.out, name, _budget(options))


def run(data: DataSet, options: argparse.Namespace, name: str, row: str, network: NamedNetwork, seed: int) -> None:
    """Train and measure one network on one set, unless that was done."""
    task = TASKS[name]
    settings = TrainSettings(
        steps=options.steps,
        batch=options.batch,
        patch=options.patch,
        learning_rate=options.learning_rate,
        augment=task.augment,
        validate_every=min(150, options.steps),
        seed=seed,
        device=options.device,
        workers=0,
    )
    budget = f"{options.steps}x{options.batch}x{options.patch}-{options.learning_rate:g}"
    path = options.out / f"{name}-{row}-{budget}-{seed}.safetensors"

    def header() -> ModelHeader:
        return new_header(
            data,
            architecture=network.architecture,
            name=path.stem,
            purpose=f"{network.title} on {task.title}, for a comparison",
            result="semantic",
            class_names=task.classes,
            config=network.for_images_of(options.patch),
            intensity=task.intensity,
        )

    facts = {"set": name, "row": row, **_budget(options)}

    def measured(model: Model) -> dict[str, Any]:
        parameters = sum(parameter.numel() for parameter in model.network.parameters())
        best = {key: model.header.training[key] for key in ("step", "validation_dice")}
        found = scores(model, data.split("test"), task, options.device)
        return {**facts, "seed": seed, "parameters": parameters, **best, "patients": found}

    run_once(path, data, header, settings, measured)


def scores(
    model: Model, samples: Sequence[Sample], task: Task, device: str = "cpu"
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the scores of each patient's organs, by patient and organ; an organ that is nowhere is left out."""
    found = {}
    for patient, slices in itertools.groupby(sorted(samples, key=task.patient), key=task.patient):
        pairs = [predict_sample(sample, model, device=device)[1:] for sample in slices]
        truth, prediction = (np.stack(planes) for planes in zip(*pairs, strict=True))
        organs = organ_scores(prediction, truth, classes=len(task.classes) + 1)
        found[patient] = {
            organ: asdict(score) for organ, score in zip(task.classes, organs, strict=True) if score is not None
        }
    return found


def _budget(options: argparse.Namespace) -> dict[str, float]:
    """Return what all rows of a table have in common."""
    return {key: getattr(options, key) for key in ("steps", "batch", "patch", "learning_rate")}


def write_table(out: Path, name: str, budget: dict[str, float]) -> None:
    """Write a row for each network: Dice (per cent) and HD95 (px) of each organ, means over patients, then seeds."""
    runs = [one for one in finished(out) if {"set": name, **budget}.items() <= one.items()]
    if not runs:
        print(f"{name}: nothing is measured with {budget}")
        return
    task = TASKS[name]
    rows = []
    for row in (row for row in NETWORKS if any(one["row"] == row for one in runs)):
        seeds = [one for one in runs if one["row"] == row]
        means = [_means(one["patients"], task.classes) for one in seeds]
        cells = [_cell([mean[organ] for mean in means if organ in mean]) for organ in task.classes]
        overall = [_over_organs(list(mean.values())) for mean in means]
        alone = f"{100 * statistics.mean(one[2] for one in overall):.0f} %"
        size = f"{seeds[0]['parameters'] / 1e6:.2f} M"
        rows.append([row, size, len(seeds), _cell(overall), alone, *cells])
    many = len({patient for one in runs for patient in one["patients"]})
    begun = f"{task.title}: {budget['steps']} steps of {budget['batch']} x {budget['patch']} px, {many} tested"
    columns = (begun, "parameters", "seeds", "mean: Dice, %, and HD95", "slices of one alone", *task.classes)
    own = (budget["steps"], budget["batch"], budget["patch"])
    named = task.table if own == USUAL else "_".join([task.table, "x".join(map(str, own))])
    report(named, columns, rows, {"set": name, "tested": many, **budget})


Mean = tuple[float, float, float]


def _means(found: dict[str, dict[str, dict[str, float]]], organs: Sequence[str]) -> dict[str, Mean]:
    """Return the means over those patients that have an organ, or were said to have it."""
    means = {}
    for organ in organs:
        there = [patient[organ] for patient in found.values() if organ in patient]
        if there:
            means[organ] = tuple(statistics.mean(one[key] for one in there) for key in ("dice", "hd95", "alone"))
    return means


def _over_organs(means: list[Mean]) -> Mean:
    dice, hd95, alone = (statistics.mean(values) for values in zip(*means, strict=True))
    return dice, hd95, alone


def _cell(seeds: list[Mean]) -> str:
    if not seeds:
        return "nobody has it"
    dice, hd95 = ([one[place] for one in seeds] for place in (0, 1))
    spread = f" ± {100 * statistics.stdev(dice):.1f}" if len(seeds) > 1 else ""
    return f"{100 * statistics.mean(dice):.1f}{spread}, {statistics.mean(hd95):.1f} px"


if __name__ == "__main__":
    main()
