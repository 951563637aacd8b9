"""What a person chose for a run of a model on an image."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

from src_models.labels.object_choice import ObjectChoice
from src_models.prediction.segmentation import ResultName

__all__ = ["RunSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """How an image is segmented: what each means, :func:`src_models.segment_steps` tells."""

    attention: bool | Collection[str] = False
    diameter: float | None = None
    sensitivity: float = 0.0
    least_size: float = 0.0
    drop_edge: bool = False
    tile: int | None = None
    result: ResultName | None = None
    link: str = "z"
    device: str = "auto"

    @property
    def keywords(self) -> dict[str, Any]:
        """The same as keywords of :func:`src_models.segment_steps`."""
        return {field.name: getattr(self, field.name) for field in fields(RunSettings)}

    @property
    def choice(self) -> ObjectChoice:
        """Which objects are kept.

        Raises
        ------
        UserError
            If a number is out of its range.
        """
        return ObjectChoice(self.sensitivity, self.least_size, self.drop_edge)
