"""A round of learning in a process of its own, so that the server answers meanwhile.

``python -m napari_medt.serving.monai_label.learning.learning_process`` reads what to do as a line of JSON, and tells
how far it is in lines of JSON. The line "stop" ends it, and so does the end of the server that began it, however it
ends: either way the best network found so far is on disk.

Examples
--------
>>> Order.from_json(Order(model="nuclei.safetensors", folder="set").to_json()).folder
'set'
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING, Any

from src_models.errors import UserError

if TYPE_CHECKING:
    from src_models.finetuning.kinds.label_kind import LabelKind
    from src_models.finetuning.round import Learner, LearningRound, Learnt
    from src_models.finetuning.settings import FinetuneSettings
    from src_models.models.checkpoint import Model

__all__ = ["STOP", "Order", "main", "told_of"]

STOP = "stop"
_NICE = 5  # who waits for a segmentation comes first
_ROOM_EVERY, _ROOM_TIMES = 5.0, 12  # s, and how often it is looked whether there is room on the disk again


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be learnt.

    Parameters
    ----------
    model
        The file to begin with.
    folder
        The set of corrections.
    settings
        Of :class:`~src_models.finetuning.settings.FinetuneSettings`, those that are not as usual.
    meaning, names
        What the numbers of the set mean; None lets the model decide.
    threads
        To compute with; 0 for all cores but one.
    """

    model: str
    folder: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    meaning: str | None = None
    names: tuple[str, ...] = ()
    threads: int = 0

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        """Read it back."""
        fields = json.loads(text)
        return cls(**{**fields, "names": tuple(fields["names"])})


def main() -> None:
    """Learn as the first line of the standard input says."""
    with suppress(OSError, AttributeError):  # Windows has no such thing
        os.nice(_NICE)
    order = Order.from_json(sys.stdin.readline())
    lines, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no line of ours
    with closing(told_of(order, sys.stdin)) as steps, suppress(OSError):  # the server is gone: the best is on disk
        for told in steps:
            lines.write(json.dumps(told) + "\n")
            lines.flush()


def told_of(order: Order, orders: IO[str], *, wait: Callable[[float], None] = time.sleep) -> Generator[dict[str, Any]]:
    """Learn, and yield how far it is and how it ended.

    Parameters
    ----------
    order
        What to do.
    orders
        Read in a thread: "stop", or its end, ends learning.
    wait
        Waits (s) for room on the disk.

    Yields
    ------
    dict
        ``step``, ``done`` (0 to 1), ``best`` (0 to 1), ``left`` (s) after steps; ``trouble`` where it waits; at last
        ``ended`` with a sentence, and ``version`` with the file of what was learnt, or None; or ``refused`` with a
        sentence; or ``failed`` with the lines of code, which is a bug.
    """
    try:
        steps = _round(order)
        Thread(target=_listen, args=(orders, steps), daemon=True).start()
        yield from _steps(steps, wait)
    except UserError as error:
        yield {"refused": str(error)}
    except Exception as error:
        # Not its message: it may hold the name of a file, and that of a patient.
        yield {"failed": f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"}


def _round(order: Order) -> LearningRound:
    from src_models.finetuning.kinds.label_kind import LabelKind
    from src_models.finetuning.round import LearningRound
    from src_models.finetuning.settings import FinetuneSettings

    settings = FinetuneSettings(**order.settings)
    kind = None if order.meaning is None else LabelKind(order.meaning, order.names)  # type: ignore[arg-type]
    begin = partial(_begun, settings=settings, kind=kind)
    return LearningRound(Path(order.model), Path(order.folder), settings, order.threads, kind, begin)


def _begun(model: Model, folder: Path, *, settings: FinetuneSettings, kind: LabelKind | None) -> Learner:
    """Return what learns from a set: of planes, from some of each image."""
    from src_models.finetuning.labelled.sampled import SampledCorrections
    from src_models.teaching.learner import learner

    planes = model.header.dimensions == 2
    given = SampledCorrections.open(folder) if planes else folder
    further: dict[str, Any] = {} if model.header.use == "click" else {"kind": kind}
    learning: Any = learner(model, given, settings, **further)
    return learning


def _listen(orders: IO[str], learning: LearningRound) -> None:
    for line in orders:
        if line.strip() == STOP:
            break
    learning.stop()


def _steps(learning: LearningRound, wait: Callable[[float], None]) -> Generator[dict[str, Any]]:
    from src_models.finetuning.round import Trouble

    steps, waited = learning.steps(), 0
    while True:
        try:
            update = next(steps)
        except StopIteration as end:
            yield _ended(end.value)
            return
        if isinstance(update, Trouble):
            yield {"trouble": update.message}
            waited += 1
            wait(_ROOM_EVERY)
            learning.resume() if waited < _ROOM_TIMES else learning.stop()
        else:
            yield {"step": update.step, "done": update.done, "best": _best(update), "left": update.seconds_left}


def _best(update: Any) -> float:
    """Return the best score so far: Dice, or of clicks the mean IoU."""
    if hasattr(update, "best_dice"):
        return float(update.best_dice)
    return float(sum(update.best) / len(update.best))


def _ended(learnt: Learnt) -> dict[str, Any]:
    version = None if learnt.version is None else str(learnt.version.path)
    return {"ended": learnt.sentence, "version": version}


if __name__ == "__main__":
    main()
