"""One round of learning at a time, each in a process of its own; several models learn one after the other.

Who stops a round need not wait for its end: the next one may be ordered at once, and begins when the process is gone.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from napari_medt.serving.answers import Refusal
from napari_medt.serving.monai_label.learning.learning_process import STOP, Order
from napari_medt.serving.monai_label.learning.training_task import TrainingTask
from src_models.errors import UserError

__all__ = ["Trainer"]

_log = logging.getLogger(__name__)
_PROCESS = "napari_medt.serving.monai_label.learning.learning_process"
_PATIENCE = 20.0  # s that a round is waited for when the server ends

Prepare = Callable[[str, Mapping[str, Any]], Order]


class Trainer:
    """Learns in the background.

    Parameters
    ----------
    prepare
        Returns what a model is to learn, given its name and what the client chose; called in a thread of its own.
    learnt
        Told the name of a model and the file of what was learnt.
    """

    def __init__(self, prepare: Prepare, learnt: Callable[[str, Path], None]) -> None:
        self._prepare, self._learnt = prepare, learnt
        self._lock = Lock()
        self._task: TrainingTask | None = None
        self._thread: Thread | None = None
        self._process: subprocess.Popen[str] | None = None
        self._stats: dict[str, dict[str, Any]] = {}
        self._closing = False

    @property
    def task(self) -> dict[str, Any] | None:
        """The last order, whether it runs or has ended; None where there never was one. The disk is not touched."""
        return None if self._task is None else self._task.to_json()

    @property
    def running(self) -> bool:
        """Whether something learns that nobody stopped."""
        return self._task is not None and self._task.running

    @property
    def stats(self) -> dict[str, dict[str, Any]]:
        """How far each model is or was, what was ordered last at first; the disk is not touched."""
        own = {} if self._task is None else self._task.stats
        return own | {name: stats for name, stats in self._stats.items() if name not in own}

    def start(self, models: Sequence[str], request: Mapping[str, Any]) -> dict[str, Any]:
        """Let models learn.

        Parameters
        ----------
        models
            Their names.
        request
            What the client chose: for each model, or for all.

        Returns
        -------
        dict
            The task.

        Raises
        ------
        Refusal
            If something learns already (429), or no model can.
        """
        if not models:
            raise Refusal(404, "no model that is served here can learn: start the server with one (--model)")
        with self._lock:
            if self.running:
                raise Refusal(429, "a model learns already: wait until it has ended, or stop it first")
            if self._task is not None:
                self._stats = self._task.stats | self._stats
            before, task = self._thread, TrainingTask(tuple(models), dict(request))
            self._task = task
            self._thread = Thread(target=self._run, args=(task, before), name="learning", daemon=True)
            told = task.to_json()  # as it begins: Slicer takes one that has ended at once for complete
            self._thread.start()
            return told

    def stop(self) -> dict[str, Any]:
        """End what learns, and keep the best; returns the task.

        Raises
        ------
        Refusal
            If there never was one (404).
        """
        with self._lock:
            task = self._task
            if task is None:
                raise Refusal(404, "nothing has been learnt yet, so there is nothing to stop")
            if task.running:
                task.say("stopped: the best found so far is kept")
                task.close("STOPPED")
                self._tell_to_stop()
            return task.to_json()

    def close(self) -> None:
        """End what learns, since the server ends, and wait for it."""
        with self._lock:
            self._closing = True
            if self._task is not None:
                self._task.close("STOPPED")
            self._tell_to_stop()
            thread = self._thread
        if thread is not None:
            thread.join(_PATIENCE)

    def _tell_to_stop(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, ValueError):  # it has ended by itself
                self._process.stdin.write(STOP + "\n")
                self._process.stdin.flush()

    def _run(self, task: TrainingTask, before: Thread | None) -> None:
        if before is not None:
            before.join()
        failed = 0
        for model in task.models:
            if not task.running:
                break
            failed += not self._one(task, model)
        task.close("ERROR" if failed == len(task.models) else "DONE")

    def _one(self, task: TrainingTask, model: str) -> bool:
        """Let one model learn; returns whether it went well, also where nothing was gained."""
        try:
            chosen = task.request.get(model, task.request)
            order = self._prepare(model, chosen if isinstance(chosen, Mapping) else {})
            task.begin(model, int(order.settings.get("steps", 1)))
            try:
                return self._learn(task, model, order)
            finally:
                task.end(model)
        except Refusal as refusal:
            task.say(f"{model}: {refusal.sentence}")
        except UserError as error:
            task.say(f"{model}: {error}")
        except Exception as error:
            lines = "".join(traceback.format_tb(error.__traceback__))  # its message may hold the name of a patient
            _log.error("not foreseen while a model was to learn: %s\n%s", type(error).__name__, lines)
            task.say(f"{model}: something went wrong that was not foreseen ({type(error).__name__}); see the log")
        return False

    def _learn(self, task: TrainingTask, model: str, order: Order) -> bool:
        process = subprocess.Popen(
            [sys.executable, "-m", _PROCESS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl+C is the server's to hear
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            with suppress(OSError):  # it died at once, which its end tells
                process.stdin.write(order.to_json() + "\n")
                process.stdin.flush()
            with self._lock:
                self._process = process
                if not task.running:
                    self._tell_to_stop()
            went_well = None
            for line in process.stdout:
                told = self._told(task, model, _for_clients(json.loads(line), order))
                went_well = told if told is not None else went_well
            with self._lock:
                self._process = None
            with suppress(OSError):
                process.stdin.close()
        if went_well is None:
            task.say(
                f"{model}: learning ended unexpectedly (code {process.returncode}); what was learnt before is kept"
            )
        return bool(went_well)

    def _told(self, task: TrainingTask, model: str, told: Mapping[str, Any]) -> bool | None:
        """Note what the process tells; returns whether it went well, once it has ended."""
        if "step" in told:
            task.progress(model, told["done"], told["best"])
        elif "trouble" in told:
            task.say(f"{model} waits: {told['trouble']}")
        elif "ended" in told:
            if told["version"] is not None:
                self._learnt(model, Path(told["version"]))
                task.say(f"{model}: {told['ended']} It is called {Path(told['version']).stem} from now on.")
            else:
                task.say(f"{model}: {told['ended']}")
            return True
        elif "refused" in told:
            task.say(f"{model}: {told['refused']}")
            return False
        else:
            _log.error("not foreseen while a model learnt: %s", told.get("failed"))
            task.say(f"{model}: something went wrong that was not foreseen; see the server's log")
            return False
        return None


def _for_clients(told: Mapping[str, Any], order: Order) -> dict[str, Any]:
    """Return what is told without the place of the set, which is no business of clients."""
    sentences = ("ended", "refused", "trouble")
    return {
        name: text.replace(order.folder, "the submitted labels") if name in sentences else text
        for name, text in told.items()
    }
