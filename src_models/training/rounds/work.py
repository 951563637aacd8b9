"""Time to learn, counted in work: what other programs take of the processor does not shorten learning.

On a CPU, work is the time that the learning thread itself computed. The threads that compute with it are busy or waited
for meanwhile, so that on an idle machine this is the time of a clock; a window, a preview or another program that uses
the processor adds nothing to it. On a graphics card it is the time of a clock.

Examples
--------
>>> budget = WorkBudget(steps=100, seconds=50)
>>> with budget.working():
...     pass  # a step
>>> budget.progress(step=50)
0.5
>>> words_of_time_left(130, idle=50)
'This computer is busy: about 2 min 10 s more instead of 50 s.'
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Clocks", "WorkBudget", "clocks_of", "is_busy", "words_of_time", "words_of_time_left"]

MOST_TIMES = 6  # times the planned time, after which learning ends whatever was done
RECENT = 20  # spells of work that tell how busy the machine is
BUSY = 1.3  # times the planned time, from which on a person is told
_WORTH_TELLING = 5.0  # s

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Clocks:
    """What counts work, and what a person's clock shows (s)."""

    work: Clock
    wall: Clock


def clocks_of(device: str) -> Clocks:
    """Return the clocks for learning on a type of device, such as ``"cpu"``."""
    wall = time.monotonic
    return Clocks(getattr(time, "thread_time", wall) if device == "cpu" else wall, wall)


class WorkBudget:
    """How much work learning may do, and how much of it is done.

    Parameters
    ----------
    steps
        Steps at most.
    seconds
        Work at most: time on an idle machine.
    clocks
        What counts; by default, as for a CPU.
    """

    def __init__(self, steps: int, seconds: float, clocks: Clocks | None = None) -> None:
        self.clocks = clocks or clocks_of("cpu")
        self._steps, self._seconds = steps, seconds
        self._work = self._wall = 0.0
        self._recent: deque[tuple[float, float]] = deque(maxlen=RECENT)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count what is done inside the ``with`` block, in one thread; what happens between blocks is free."""
        work, wall = self.clocks.work(), self.clocks.wall()
        try:
            yield
        finally:
            spell = (self.clocks.work() - work, self.clocks.wall() - wall)
            self._recent.append(spell)
            self._work += spell[0]
            self._wall += spell[1]

    def progress(self, step: int) -> float:
        """Return the share that is done after so many steps, 1 when learning is over.

        Before the first step it is 0: else the time that it took to begin would decide that step's learning rate.
        """
        if not step:
            return 0.0
        return max(step / self._steps, self._work / self._seconds, self._wall / (MOST_TIMES * self._seconds))

    def idle_left(self, step: int) -> float:
        """Return how long it would still take at most on an idle machine (s)."""
        left = self._seconds - self._work
        return max(0.0, min(left, self._work / step * (self._steps - step)) if step else left)

    def left(self, step: int) -> float:
        """Return how long it still takes at most (s), if the machine stays as busy as it was just now."""
        work, wall = (sum(spells) for spells in zip(*self._recent, strict=True)) if self._recent else (1.0, 1.0)
        busy = max(1.0, wall / work) if work > 0 else 1.0
        return max(0.0, min(self.idle_left(step) * busy, MOST_TIMES * self._seconds - self._wall))

    def cut_short(self, step: int) -> str:
        """Return a sentence for people where a busy machine ended learning; else nothing."""
        done = max(step / self._steps, self._work / self._seconds)
        if self._wall < MOST_TIMES * self._seconds or done >= 1:
            return ""
        return (
            f"This computer was so busy that learning ended after {words_of_time(self._wall)} with {done:.0%} of its "
            "work done; it gains more when less runs beside it. "
        )


def is_busy(left: float, idle: float) -> bool:
    """Whether a person should know that it takes longer (s) than it would on an idle machine."""
    return left > BUSY * idle and left - idle >= _WORTH_TELLING


def words_of_time_left(left: float, idle: float) -> str:
    """Return a sentence on the time that is left (s), and that would be left if the machine were idle."""
    if is_busy(left, idle):
        return f"This computer is busy: about {words_of_time(left)} more instead of {words_of_time(idle)}."
    return f"At most {words_of_time(left)} left."


def words_of_time(seconds: float) -> str:
    """Return a time for people, to ten seconds where it is minutes.

    Examples
    --------
    >>> [words_of_time(each) for each in (49.6, 128, 300, 4000)]
    ['50 s', '2 min 10 s', '5 min', '67 min']
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds >= 600:
        return f"{seconds / 60:.0f} min"
    minutes, rest = divmod(10 * round(seconds / 10), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
