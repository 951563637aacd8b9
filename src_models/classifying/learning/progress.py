"""What a round of learning classes is judged by, and how it ended in words."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Judged", "class_gain_sentence"]


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
