"""What a person chose for a run of a model on an image."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from src_models.errors import UserError
from src_models.images.grey.grey_range import GreyRange
from src_models.images.slides.tissue import Tissue
from src_models.labels.object_choice import ObjectChoice
from src_models.labels.pieces import WantedPieces
from src_models.prediction.segmentation import ResultName

if TYPE_CHECKING:
    from src_models.models.header import ModelHeader

__all__ = ["RunSettings", "check_segments"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """How an image is segmented: what each means, :func:`src_models.segment_steps` tells."""

    attention: bool | Collection[str] = False
    grey_range: GreyRange | None = None
    diameter: float | None = None
    sensitivity: float = 0.0
    least_size: float = 0.0
    drop_edge: bool = False
    flips: bool = False
    tile: int | None = None
    result: ResultName | None = None
    link: str = "z"
    pieces: WantedPieces = None
    device: str = "auto"
    tissue: Tissue | None = None

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


def check_segments(header: ModelHeader) -> None:
    """Refuse a model that cannot segment an image by itself.

    Raises
    ------
    UserError
        If it answers clicks, or says what a whole image shows.
    """
    if header.use == "classify":
        raise UserError(
            f"the model {header.name!r} says what an image or an object shows and does not segment: use the widget "
            "Classify or `napari-medt classify`, or choose another model"
        )
    if header.use == "click":
        raise UserError(
            f"the model {header.name!r} answers clicks and does not segment by itself: use the widget Click or "
            "`napari-medt click`, or choose another model"
        )
