"""How many clicks objects take: on the sets that the model of clicks learnt from, and on sets that it never saw.

A simulated person clicks on every object until it is right, at most 20 times; a careful one in the middle of the
largest error, a hurried one anywhere in its inner half. Of a set that was learnt from, the images that were set aside
count. CT is looked at in the window of soft tissue.

Run as ``python -m benchmarks.click_accuracy FOLDER_WITH_THE_SETS [--model NAME] [--most 10] [--images N]``.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.click_sets import LEARNT, UNSEEN, ClickSet, parts
from benchmarks.machine import report
from src_models.checkpoint import load
from src_models.clicking.evaluation import ClickSummary, ObjectScore
from src_models.clicking.evaluator import by_label, click_data_set
from src_models.clicking.network import ClickNetwork
from src_models.ct_windows import ct_window
from src_models.dataset import DataSet, Sample

CLASSES = {"sem_axon_myelin": {1: "myelin", 2: "axon"}}
COLUMNS = ("person", "objects", "NoC@80", "NoC@85", "NoC@90", "never 80/85/90", "IoU after 1/3/5/10 clicks")


def main() -> None:
    """Click through every set, print and write the tables."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--model", default="click", help="name or path")
    arguments.add_argument("--most", type=int, default=10, help="objects of each image, evenly spread")
    arguments.add_argument("--images", type=int, help="images of each set, evenly spread; all unless given")
    given = arguments.parse_args()
    model = load(given.model)
    network = ClickNetwork(model)
    rows, by_class, found = [], [], {}
    for of in (*LEARNT, *UNSEEN):
        samples = judged(given.data, of)
        if given.images is not None and given.images < len(samples):
            samples = [samples[int(at)] for at in np.linspace(0, len(samples) - 1, given.images).round()]
        for person in ("careful", "hurried"):
            scores = clicked(given.data, of, samples, network, most=given.most, hurried=person == "hurried")
            summaries = by_label(scores)
            images = "set aside" if of in LEARNT else "never learnt from"
            rows.append([f"{of.folder}: {of.shows}", images, *numbers(person, summaries["all"])])
            print(rows[-1], flush=True)
            if of.ct or of.folder in CLASSES:
                classes = [name for name in summaries if name != "all"]
                by_class += [[of.folder, name, *numbers(person, summaries[name])] for name in classes]
            found[f"{of.folder}, {person}"] = {name: dataclasses.asdict(one) for name, one in summaries.items()}
    notes = {"model": model.header.name, "sha256": model.sha256, "most": given.most, "summaries": found}
    report("click_accuracy", ("set", "images", *COLUMNS), rows, notes)
    report(
        "click_accuracy_by_class",
        ("set", "class", *COLUMNS),
        by_class,
        {"model": model.header.name, "sha256": model.sha256},
    )


def judged(data: Path, of: ClickSet) -> Sequence[Sample]:
    """Return the samples that were not learnt from; of a set of which none was, its test images if it has any."""
    if of in LEARNT:
        return parts(data, of)[1]
    folder = DataSet.open(data / of.folder)
    tests = [sample for sample in folder.samples if (sample.split or "").startswith("test")]
    return tests or folder.samples


def clicked(
    data: Path, of: ClickSet, samples: Sequence[Sample], network: ClickNetwork, *, most: int, hurried: bool
) -> list[ObjectScore]:
    """Click on the objects of samples."""
    folder = DataSet.open(data / of.folder)
    window = ct_window("soft tissue").intensity if of.ct else None

    def names(sample: Sample) -> Mapping[int, str]:
        return CLASSES.get(of.folder) or folder.class_names(sample)

    return click_data_set(
        samples,
        network,
        classes=of.classes,
        most=most,
        hurried=hurried,
        intensity=lambda _: window,
        class_names=names,
    )


def numbers(person: str, one: ClickSummary) -> list[str]:
    """Return the cells of a row from the person on."""
    return [
        person,
        str(one.objects),
        *(f"{clicks:.2f}" for clicks in one.clicks.values()),
        " ".join(f"{share:.0%}" for share in one.failures.values()),
        " ".join(f"{iou:.3f}" for iou in one.iou.values()),
    ]


if __name__ == "__main__":
    main()
