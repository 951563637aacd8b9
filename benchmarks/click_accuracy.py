"""How many clicks objects take: on the sets that the model of clicks learnt from, and on sets that it never saw.

A simulated person clicks in the middle of the largest error until an object is right, at most 20 times; once from a
click on, and once from a box around it on. Of a set that was learnt from, the images that were set aside count. CT is
looked at in the window of soft tissue, where its values are HU. Where MobileSAM is installed (see
:mod:`benchmarks.mobile_sam`), the same person clicks on the same objects with it.

Run as ``python -m benchmarks.click_accuracy FOLDER_WITH_THE_SETS``, on one core in about fifteen minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.click_sets import LEARNT, UNSEEN, ClickSet, judged
from benchmarks.machine import report
from benchmarks.mobile_sam import ABSENT, MobileSam
from src_models.clicking.answering import answers
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.training.evaluation import ObjectScore, summarise
from src_models.clicking.training.evaluator import click_data_set
from src_models.files.samples import Sample, read_sample
from src_models.images.grey.ct_windows import ct_window
from src_models.models.checkpoint import load

COLUMNS = (
    "set",
    "images",
    "objects",
    "clicks to IoU 0.85",
    "aim",
    "to 0.9",
    "never 0.85",
    "IoU after 1/3/5/10",
    "clicks that make it worse",
    "that disobey / change nothing near / spoil what was right",
    "IoU after a box",
    "1/3 clicks after it",
    "that make it worse",
    "MobileSAM's clicks to IoU 0.85",
    "its IoU after a box",
)
T = TypeVar("T")
RIGHT = 0.9  # no column asks for more
OF_A_SLICE = 2  # objects of each slice of a volume


def main() -> None:
    """Click through every set, print and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--model", default="click", help="name or path")
    arguments.add_argument("--objects", type=int, default=64, help="of each set, evenly spread over its images")
    arguments.add_argument("--sets", nargs="*", help="folders of sets; all unless given")
    arguments.add_argument("--hurried", action="store_true", help="click anywhere in the error's inner half")
    arguments.add_argument(
        "--without-spreading", action="store_true", help="take no click further than the network does"
    )
    arguments.add_argument("--name", default="click_accuracy", help="of the files of results")
    arguments.add_argument("--no-peer", action="store_true", help="leave MobileSAM out where it is installed")
    given = arguments.parse_args()
    if given.without_spreading:
        answers.spread = lambda grid, *_: grid
    model = load(given.model)
    network = ClickNetwork(model)
    peer = None if given.no_peer else mobile_sam()
    rows: list[list[str]] = []
    found = {}
    for of in (*LEARNT, *UNSEEN):
        if given.sets and of.folder not in given.sets:
            continue
        samples = judged(given.data, of)
        clicks, boxes = clicked_both_ways(of, samples, network, given)
        learnt = any(line.startswith(of.folder) for line in model.header.training.get("data", ()))
        rows.append([f"{of.folder}: {of.shows}", "set aside" if learnt else "never learnt from"])
        rows[-1] += [*numbers(of, clicks, boxes), "", ""]
        if peer is not None:
            rows[-1][-2:] = peer_numbers(*clicked_both_ways(of, samples, network, given, peer))
        print(rows[-1], flush=True)
        found[rows[-1][0]] = {
            how: {"summary": dataclasses.asdict(summarise(scores)), "ious": [score.ious for score in scores]}
            for how, scores in (("clicks", clicks), ("box", boxes))
        }
    notes = {"model": model.header.name, "sha256": model.sha256, "hurried": given.hurried, "sets": found}
    report(given.name, COLUMNS, rows, notes)


def mobile_sam() -> MobileSam | None:
    """Return MobileSAM, or None, and say so, where it is not installed."""
    try:
        return MobileSam()
    except ModuleNotFoundError as error:
        print(f"{ABSENT} ({error})", flush=True)
        return None


def clicked_both_ways(
    of: ClickSet,
    samples: Sequence[Sample],
    network: ClickNetwork,
    given: argparse.Namespace,
    peer: MobileSam | None = None,
) -> tuple[list[ObjectScore], list[ObjectScore]]:
    """Click on the same objects from a click on, and from a box on."""
    clicks, boxes = (
        clicked(of, samples, network, given.objects, box=box, hurried=given.hurried, peer=peer) for box in (False, True)
    )
    return clicks, boxes


def clicked(
    of: ClickSet,
    samples: Sequence[Sample],
    network: ClickNetwork,
    most: int,
    *,
    box: bool,
    hurried: bool,
    peer: MobileSam | None = None,
) -> list[ObjectScore]:
    """Click on some objects of samples; of classes that are told apart, on as many of each."""
    window = ct_window("soft tissue").intensity if of.ct else None
    share = -(-most // max(len(of.only), 1))
    scores = []
    for number in of.only or (None,):
        holding = [sample for sample in samples if number is None or number in read_sample(sample)[1]]
        chosen = _some(holding, share)
        found = click_data_set(
            chosen,
            network,
            classes=of.classes,
            only=None if number is None else [number],
            most=OF_A_SLICE if of.ct else -(-share // len(chosen)),
            hurried=hurried,
            box=box,
            right=RIGHT,
            intensity=lambda *_: window,
            peer=None if peer is None else peer.session,
        )
        scores += _some(found, share)
    return scores


def peer_numbers(clicks: Sequence[ObjectScore], boxes: Sequence[ObjectScore]) -> list[str]:
    """Return what the table tells of a peer."""
    return [f"{summarise(clicks).clicks[0.85]:.2f}", f"{summarise(boxes).iou[1]:.3f}"]


def numbers(of: ClickSet, clicks: Sequence[ObjectScore], boxes: Sequence[ObjectScore]) -> list[str]:
    """Return the cells of a row from the number of objects on."""
    one, boxed = summarise(clicks), summarise(boxes)
    return [
        str(one.objects),
        f"{one.clicks[0.85]:.2f}",
        f"{of.aim:.1f}" if of.aim else "",
        f"{one.clicks[0.9]:.2f}",
        f"{one.failures[0.85]:.0%}",
        " ".join(f"{iou:.3f}" for iou in one.iou.values()),
        f"{one.worse:.0%}",
        " ".join(f"{share:.0%}" for share in one.broken.values()),
        f"{boxed.iou[1]:.3f}",
        " ".join(f"{np.mean([score.iou_after(1 + more) for score in boxes]):.3f}" for more in (1, 3)),
        f"{boxed.worse:.0%}",
    ]


def _some(of: Sequence[T], most: int) -> list[T]:
    """Return some of a sequence, evenly spread."""
    if len(of) <= most:
        return list(of)
    return [of[int(at)] for at in np.linspace(0, len(of) - 1, most).round()]


if __name__ == "__main__":
    main()
