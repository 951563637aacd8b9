"""A set of corrections of which a round of learning takes a part: slices that follow each other tell much the same.

A labelled volume is a hundred slices and more. To read and judge all of them would take the time that is there to
learn, so of each image some are taken, evenly spread; all stay in the set.
"""

from __future__ import annotations

from collections import defaultdict

from src_models.corrections.correction_set import CorrectionItem, CorrectionSet

__all__ = ["MOST_PLANES", "SampledCorrections"]

MOST_PLANES = 24  # of an image


class SampledCorrections(CorrectionSet):
    """The corrections in a folder, at most :data:`MOST_PLANES` of each image."""

    @property
    def items(self) -> tuple[CorrectionItem, ...]:
        """The items that are learnt from, oldest first."""
        every = super().items
        images: defaultdict[str, list[int]] = defaultdict(list)
        for number, item in enumerate(every):
            images[item.record.source.image].append(number)
        taken: set[int] = set()
        for numbers in images.values():
            count = min(len(numbers), MOST_PLANES)
            taken.update(numbers[at * len(numbers) // count] for at in range(count))
        return tuple(item for number, item in enumerate(every) if number in taken)
