"""Whether an object that is carried through a stack is found where it is, and ends where it ends.

A simulated person clicks on the object in the slice that holds most of it and carries it on. Once that is one click.
Once it is up to three, until the slice is right (IoU 0.85), and after the carry the person mends, up to five clicks in
all: the slice with most errors is clicked in the middle of its largest one, or, where there is no object any more, told
to be beyond the end; and what the click changed is followed from there, as the window does, or (last column, and before
there was that) the object is carried anew. What makes the whole worse is undone, as a person would, and counts as a
click.

Ends that are the stack's own do not count. The rule for ends was chosen on every other stack; the others check it.

Run as ``python -m benchmarks.carrying_accuracy FOLDER_WITH_THE_SETS [--stacks 5]``.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.carrying_sets import Case, made_up, organs
from benchmarks.machine import report
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.session import ClickSession
from src_models.clicking.training.simulation import next_click
from src_models.errors import UserError
from src_models.models.checkpoint import load

COLUMNS = (
    "object",
    "stacks",
    "rule",
    "ends within 1, one click",
    "Dice, one click",
    "ends within 1, first slice right",
    "Dice, first slice right",
    "Dice, five clicks",
    "Dice, five clicks, carried anew",
)
CLICKS, FIRST, RIGHT = 5, 3, 0.85


@dataclass(frozen=True)
class Score:
    """What carrying one object gave: Dice of the volume, and by how many slices each end is off, beyond it above 0."""

    kind: str
    name: str
    chosen_on: bool
    one: float
    one_ends: list[int]
    first: float
    first_ends: list[int]
    five: float
    anew: float


def main() -> None:
    """Carry every object, print and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--model", default="click", help="name or path")
    arguments.add_argument("--stacks", type=int, default=5, help="of each kind and half, at the most")
    given = arguments.parse_args()
    model = load(given.model)
    network = ClickNetwork(model)
    scores: dict[tuple[str, bool], list[Score]] = defaultdict(list)
    for case in _cases(given.data):
        group = scores[case.kind, case.chosen_on]
        if len(group) < given.stacks:
            group.append(carried(case, network))
            print(group[-1], flush=True)
    rows = [
        [kind, str(len(group)), "chosen on these" if chosen else "checked on these", *numbers(group)]
        for (kind, chosen), group in sorted(scores.items())
    ]
    for chosen in (True, False):
        group = [score for (_, half), part in scores.items() if half == chosen for score in part]
        rows.append(["all", str(len(group)), "chosen on these" if chosen else "checked on these", *numbers(group)])
    found = [dataclasses.asdict(score) for group in scores.values() for score in group]
    report("carrying_accuracy", COLUMNS, rows, {"model": model.header.name, "sha256": model.sha256, "objects": found})


def carried(case: Case, network: ClickNetwork) -> Score:
    """Click on an object, carry it, and mend it."""
    session = ClickSession(case.image, network, axes="ZYX", plane=(case.middle,), intensity=case.intensity)
    truth = case.truth[case.middle]
    _click(session, truth, case.middle)
    one = _carry(session, case.middle)
    session.undo()
    clicks = 1
    while clicks < FIRST and _iou(session.mask, truth) < RIGHT and _click(session, truth, case.middle):
        clicks += 1
    first = _carry(session, case.middle)
    stored = session.to_dict()
    five = _mended(session, case, clicks, first, anew=False)
    session.restore(stored)
    anew = _mended(session, case, clicks, first, anew=True)
    return Score(
        case.kind,
        case.name,
        case.chosen_on,
        dice(one, case.truth),
        _ends(case, one),
        dice(first, case.truth),
        _ends(case, first),
        dice(five, case.truth),
        dice(anew, case.truth),
    )


def numbers(scores: list[Score]) -> list[str]:
    """Return the cells of a row from the first carry on."""

    def within(ends: list[list[int]]) -> str:
        off = [abs(end) <= 1 for both in ends for end in both]
        return f"{np.mean(off):.0%} of {len(off)}" if off else "-"

    return [
        within([score.one_ends for score in scores]),
        f"{np.mean([score.one for score in scores]):.3f}",
        within([score.first_ends for score in scores]),
        f"{np.mean([score.first for score in scores]):.3f}",
        f"{np.mean([score.five for score in scores]):.3f}",
        f"{np.mean([score.anew for score in scores]):.3f}",
    ]


def volume(session: ClickSession, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the object in all slices."""
    whole = np.zeros(shape, bool)
    for plane, known in session.state.planes.items():
        whole[plane[-1]][known.answer.region] = known.answer.mask
    return whole


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Return the Dice coefficient of two masks."""
    return float(2 * (found & truth).sum() / max(int(found.sum()) + int(truth.sum()), 1))


def _cases(data: Path) -> Iterator[Case]:
    yield from made_up()
    yield from organs(data)


def _iou(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float((found & truth).sum() / max(int((found | truth).sum()), 1))


def _click(session: ClickSession, truth: NDArray[np.bool_], at: int) -> bool:
    """Click in the middle of the largest error of a slice; False where there is none."""
    known = session.state.planes.get((at,))
    found = np.zeros_like(truth)
    if known is not None:
        found[known.answer.region] = known.answer.mask
    click = next_click(truth, found)
    if click is None:
        return False
    session.give(click, (at,))
    return True


def _carry(session: ClickSession, at: int) -> NDArray[np.bool_]:
    known = session.state.planes[at,]
    if known.answer.extent is not None:
        for _ in session.carry((at,)):
            pass
    return volume(session, (session.image.depth, *session.shape))


def _mended(
    session: ClickSession, case: Case, clicks: int, found: NDArray[np.bool_], *, anew: bool
) -> NDArray[np.bool_]:
    """Mend the object until all clicks are given, and return it."""
    while clicks < CLICKS and _mend(session, case, found, anew=anew):
        clicks += 1
        mended = volume(session, case.image.shape)
        if dice(mended, case.truth) < dice(found, case.truth):
            session.undo()
        found = volume(session, case.image.shape)
    return found


def _mend(session: ClickSession, case: Case, found: NDArray[np.bool_], *, anew: bool) -> bool:
    """Mend the slice with most errors; False where nothing is wrong, or the person would not know how to."""
    worst = int((found ^ case.truth).sum((1, 2)).argmax())
    try:
        if not case.truth[worst].any():
            first, last = case.slices(case.truth)
            session.end_here((min(max(worst, first), last),))
            return True
        if not _click(session, case.truth[worst], worst):
            return False
    except UserError:
        return False
    if anew:
        _carry(session, worst)
    for _ in session.follow():
        pass
    return True


def _ends(case: Case, found: NDArray[np.bool_]) -> list[int]:
    """Return by how many slices each end that is not the stack's is off."""
    if not found.any():
        return [len(found)]
    (first, last), (low, high) = case.slices(case.truth), case.slices(found)
    return [*([first - low] if first > 0 else []), *([high - last] if last < len(found) - 1 else [])]


if __name__ == "__main__":
    main()
