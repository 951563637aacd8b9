"""What a round of learning from accepted objects is judged by, and how it ended in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from src_models.clicking.training.asking import CLICKS

__all__ = ["Ious", "click_gain_sentence", "iou_words", "overall"]

Ious = tuple[float, ...]  # IoU on held-out objects after 1, 3 and 5 clicks


def overall(iou: Sequence[float]) -> float:
    """Return the one number that networks are ordered by."""
    return float(np.mean(iou))


def iou_words(iou: Sequence[float]) -> str:
    """Return scores in words.

    Examples
    --------
    >>> iou_words((0.5, 0.61, 0.7))
    'IoU 0.50, 0.61, 0.70 after 1, 3, 5 clicks'
    """
    return f"IoU {', '.join(f'{value:.2f}' for value in iou)} after {', '.join(map(str, CLICKS))} clicks"


def click_gain_sentence(start: Ious, best: Ious | None, *, forgot: bool) -> str:
    """Return what a round gained, in a sentence for people; where that is nothing, what would help.

    Parameters
    ----------
    start, best
        IoU on held-out objects after 1, 3 and 5 clicks; None where no network is better than the one that it began
        with.
    forgot
        Whether what was learnt would have cost too much of what was known.

    Examples
    --------
    >>> click_gain_sentence((0.5, 0.6, 0.7), (0.7, 0.8, 0.8), forgot=False)
    'IoU on held-back objects went from 0.50 to 0.70 after 1 click, 0.60 to 0.80 after 3, 0.70 to 0.80 after 5.'
    """
    if best is not None:
        words = [
            f"{before:.2f} to {after:.2f} after {count}"
            for count, before, after in zip(CLICKS, start, best, strict=True)
        ]
        return f"IoU on held-back objects went from {words[0]} click, {', '.join(words[1:])}."
    if forgot:
        return (
            f"The model stays: what it learnt would have cost too much of what it knows ({iou_words(start)} of your "
            "objects). Accept more objects, and learn again."
        )
    return (
        f"Nothing was gained on the objects that were held back ({iou_words(start)}), so the model stays. Accept some "
        "more, those above all that took many clicks, and learn again."
    )
