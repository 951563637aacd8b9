"""What a round of learning tells: after each step, and at its end."""

from __future__ import annotations

from dataclasses import dataclass

from src_models.finetuning.judging import Validation
from src_models.training.rounds.progress import RoundResult, RoundUpdate

__all__ = ["LearningResult", "LearningUpdate", "gain_sentence", "new_kind_sentence"]


@dataclass(frozen=True, slots=True)
class LearningUpdate(RoundUpdate[Validation]):
    """What there is to tell after a step."""

    @property
    def start_dice(self) -> float:
        """Dice of the network as it was."""
        return self.start.dice

    @property
    def best_dice(self) -> float:
        """Dice of the best so far."""
        return self.best.dice


@dataclass(frozen=True, slots=True)
class LearningResult(RoundResult[Validation]):
    """How learning ended."""

    @property
    def start_dice(self) -> float:
        """Dice on held-out corrections before."""
        return self.start.dice

    @property
    def best_dice(self) -> float:
        """Dice on held-out corrections after."""
        return self.best.dice


def gain_sentence(start_dice: float, best_dice: float | None, *, corrections: int, forgot: bool) -> str:
    """Return what a round gained, in a sentence for people; where that is nothing, what would help.

    Parameters
    ----------
    start_dice, best_dice
        On held-out corrections, before and after; None where no network is better than the one that it began with.
    corrections
        How many there were to learn from.
    forgot
        Whether the best network lost some of what was known.
    """
    if best_dice is not None:
        rose = f"Agreement with corrections that were held back (Dice) rose from {start_dice:.2f} to {best_dice:.2f}."
        lost = " For that it forgot some of what it knew: keep the old version for the old images."
        return rose + lost if forgot else rose
    few = corrections < 4
    held = "a part of each corrected plane" if few else "the corrected planes that were held out"
    help_ = (
        "Correct one or two more slices that look different, and learn again."
        if few
        else "Look whether the corrections agree with each other, let it learn longer, or correct slices that look "
        "different (Go to what to correct next finds them)."
    )
    return f"Nothing was gained on {held} (Dice {start_dice:.2f}), so the model stays. {help_}"


def new_kind_sentence(kind: str, blind_dice: float, best_dice: float | None) -> str:
    """Return how a round ended in which a network learnt another kind of labels, in a sentence for people.

    Parameters
    ----------
    kind
        What it learnt, in words.
    blind_dice
        What saying the same of every pixel would reach on held-out corrections.
    best_dice
        What was reached; None where that is no better.
    """
    if best_dice is not None:
        return f"It has learnt {kind}: agreement with corrections that were held back (Dice) is {best_dice:.2f}."
    return (
        f"It has not learnt {kind}: on corrections that were held back it is no better than saying the same of every "
        f"pixel (Dice {blind_dice:.2f}), so the model stays. Let it learn longer, or correct a few more slices."
    )
