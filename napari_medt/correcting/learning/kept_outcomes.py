"""What models have found is kept for the session: nobody waits twice for the same answer.

An answer is known again by the pixels that it is of, not by their layer: an image that was changed is another one, and
one that was opened anew is the same.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.models.loaded import file_sha256
from src_models.prediction.jobs import RegionResult, RegionRun, continue_numbers, segmentation_steps

if TYPE_CHECKING:
    from src_models.images.region import Region
    from src_models.progress import Progress

__all__ = ["Compared", "KeptOutcomes", "compare_steps"]

_MOST_BYTES = 2**29
_STRIP = 256  # rows, or planes, that are read at a time


class KeptOutcomes:
    """Answers of models, each by the model file's SHA-256, the settings, the part of the image and its pixels.

    Its methods may be called in any thread.

    Parameters
    ----------
    most_bytes
        How much memory labels and maps may take; those that were not asked for the longest go first.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._kept: OrderedDict[_Key, RegionResult] = OrderedDict()

    @property
    def nbytes(self) -> float:
        """How much memory is taken."""
        with self._lock:
            return sum(_size(outcome) for outcome in self._kept.values())

    def steps(self, job: RegionRun, *, exactly: bool = True) -> Generator[Progress, None, RegionResult]:
        """Run a job, as :func:`src_models.prediction.jobs.segmentation_steps` does, or return what is known.

        Parameters
        ----------
        job
            The run.
        exactly
            Whether the answer is of this part of the image; else it may be of a larger one that holds it.
        """
        sha256 = file_sha256(job.settings.model)
        if sha256 is None:
            return (yield from segmentation_steps(job))
        outcome = self._find(job, sha256, exactly=exactly)
        if outcome is None:
            digest = _digest(job)
            outcome = yield from segmentation_steps(replace(job, previous=None))
            self._keep(_Key(sha256, _settings(job), repr(job.region), digest), outcome)
        job, labels = replace(job, region=outcome.job.region), outcome.labels
        if outcome.segmentation.result == "instances" and job.previous is not None:
            labels = continue_numbers(labels, job.previous, job.region)
        return replace(outcome, job=job, labels=labels)

    def _find(self, job: RegionRun, sha256: str, *, exactly: bool) -> RegionResult | None:
        with self._lock:
            known = [
                each for each in self._kept.items() if (each[0].sha256, each[0].settings) == (sha256, _settings(job))
            ]
        for key, outcome in reversed(known):
            region = outcome.job.region
            fits = region == job.region if exactly else _holds(region, job.region)
            if fits and key.digest == _digest(replace(job, region=region)):
                with self._lock:
                    if key in self._kept:
                        self._kept.move_to_end(key)
                return outcome
        return None

    def _keep(self, key: _Key, outcome: RegionResult) -> None:
        if _size(outcome) > self._most_bytes:
            return
        with self._lock:
            self._kept[key] = outcome
            while sum(_size(each) for each in self._kept.values()) > self._most_bytes:
                self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Compared:
    """A plane, segmented before and after learning."""

    before: RegionResult
    after: RegionResult


def compare_steps(before: RegionRun, after: RegionRun, kept: KeptOutcomes) -> Generator[Progress, None, Compared]:
    """Segment a plane with two models, as far as that is not known."""
    one = yield from kept.steps(before, exactly=False)
    other = yield from kept.steps(after, exactly=False)
    return Compared(one, other)


@dataclass(frozen=True, slots=True)
class _Key:
    sha256: str
    settings: str
    region: str
    digest: bytes


def _settings(job: RegionRun) -> str:
    return repr(replace(job.settings, model=Path()))  # a model is its file's content, wherever that lies


def _holds(region: Region, other: Region) -> bool:
    """Whether a part of an array holds all of another part of the like."""
    if replace(region, index=()) != replace(other, index=()):
        return False
    for cut, inside in zip(region.index, other.index, strict=True):
        if isinstance(cut, int) or isinstance(inside, int):
            if cut != inside:
                return False
        elif inside.start < cut.start or inside.stop > cut.stop:
            return False
    return True


def _digest(job: RegionRun) -> bytes:
    """Return what tells the pixels of a job from others; they are read strip by strip."""
    digest, data = hashlib.blake2b(digest_size=16), job.region.cut(job.data)
    digest.update(repr((data.shape, str(data.dtype))).encode())
    for start in range(0, len(data), _STRIP):
        digest.update(np.ascontiguousarray(data[start : start + _STRIP]).data)
    return digest.digest()


def _size(outcome: RegionResult) -> float:
    """Return the bytes that an outcome takes; what lies on disk is too large to be kept."""
    arrays: list[Any] = [outcome.labels, *(placed.data for placed in outcome.segmentation.attention)]
    return sum(array.nbytes if isinstance(array, np.ndarray) else math.inf for array in arrays)
