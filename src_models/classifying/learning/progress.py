"""What a round of learning classes tells: after each step, and at its end."""

from __future__ import annotations

from dataclasses import dataclass

from src_models.models.checkpoint import Model

__all__ = ["ClassLearningResult", "ClassLearningUpdate", "Judged", "class_gain_sentence"]


@dataclass(frozen=True, slots=True, order=True)
class Judged:
    """How a network does on held-out pictures: more right is better, and of as many, more likely.

    Parameters
    ----------
    right
        How many of them.
    likelihood
        The mean probability of the right class.
    count
        How many there are.
    """

    right: int
    likelihood: float
    count: int

    @property
    def accuracy(self) -> float:
        """The share that is right."""
        return self.right / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class ClassLearningUpdate:
    """What there is to tell after a step.

    Parameters
    ----------
    step
        Steps made; 0 before the first, when only the network as it was is judged.
    loss
        Mean training loss since the last validation.
    validation
        On held-out pictures, if the network was just judged.
    start, best
        The same of the network as it was, and of the best so far.
    improved
        Whether this is the best so far.
    done
        Share of the learning that is done, 0 to 1.
    seconds_left
        Work that is left at most (s).
    """

    step: int
    loss: float
    validation: Judged | None
    start: Judged
    best: Judged
    improved: bool
    done: float
    seconds_left: float

    @property
    def seconds_idle(self) -> float:
        """What is left on a machine that does nothing else (s): work is counted, whatever runs beside it."""
        return self.seconds_left


@dataclass(frozen=True, slots=True)
class ClassLearningResult:
    """How learning ended.

    Parameters
    ----------
    model
        The best network found, with its header; None if none is better than the one that it began with.
    start, best
        On held-out pictures, before and after.
    steps
        Steps made.
    sentence
        What to tell the person; where nothing was gained, what would help.
    """

    model: Model | None
    start: Judged
    best: Judged
    steps: int
    sentence: str


def class_gain_sentence(start: Judged, best: Judged | None, *, forgot: bool, watched: int) -> str:
    """Return what a round gained, in a sentence for people; where that is nothing, what would help.

    Parameters
    ----------
    start, best
        On held-out pictures; None where no network is better than the one that it began with.
    forgot
        Whether what was learnt would have cost too much of what was known.
    watched
        Pictures of the first training by which that was judged.

    Examples
    --------
    >>> class_gain_sentence(Judged(5, 0.5, 8), Judged(7, 0.7, 8), forgot=False, watched=100)
    'Of 8 held-back pictures, 7 are right instead of 5; 100 pictures of its first training are told as well as before.'
    """
    if best is not None:
        gained = f"{best.right} are right instead of {start.right}"
        if best.right == start.right:
            gained = f"{best.right} are right as before, more surely ({start.likelihood:.2f} to {best.likelihood:.2f})"
        known = f"{watched} pictures of its first training are told as well as before."
        if not watched:
            known = "whether others are told worse was not watched, as no pictures of its first training are at hand."
        return f"Of {best.count} held-back pictures, {gained}; {known}"
    if forgot:
        return (
            "The model stays: what it learnt would have cost too much of what it knows. Give classes to more objects, "
            "of several images, and learn again."
        )
    return (
        f"Nothing was gained on the pictures that were held back ({start.right} of {start.count} are right), so the "
        "model stays. Give classes to more objects, above all such as it takes for others, and learn again."
    )
