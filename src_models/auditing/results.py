"""What an audit found: plain numbers, and what they mean in sentences."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from src_models.auditing.figures import BlockInfluence, MapAudit, ObjectAttention, Order, Pointing, ToldClasses
from src_models.auditing.sentences import (
    of_influence,
    of_map,
    of_object_attention,
    of_reference,
    of_remainder,
    of_told,
)

__all__ = ["Audit"]


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    name, model
        The image (or set of images) and the model.
    images
        Number of images that the figures are means of.
    region
        What of the image was audited: first row, first column, height and width (px of the image); None for many.
    whole
        Whether that is the whole plane.
    zoom
        Factor by which the image was resized for the network.
    found
        Share of the pixels audited that the network takes for objects; of classes, the probability of the one told.
    floor
        Survival of the result when every pixel is removed; near 1, deletion and insertion can tell nothing.
    random
        The mean over random orders.
    references
        The order of the input gradient's size, and that of the result itself (its foreground probability) or, of
        classes, of nearness to the middle of the picture.
    maps, looks, influences
        By map, and for axial networks by block.
    told
        Of a model of classes, what it looked at; None of others.
    pointings
        Of a model of classes, the pointing game of each of `references`, where objects are known.
    """

    name: str
    model: str
    images: int
    region: tuple[int, int, int, int] | None
    whole: bool
    zoom: float
    found: float
    floor: float
    random: Order
    references: tuple[Order, ...]
    maps: tuple[MapAudit, ...]
    looks: tuple[ObjectAttention, ...] = ()
    influences: tuple[BlockInfluence, ...] = ()
    told: ToldClasses | None = None
    pointings: tuple[Pointing | None, ...] = ()

    @property
    def summary(self) -> tuple[str, ...]:
        """What was found, in sentences for people."""
        told = self.told is not None
        references = self.references if told else self.references[:1]
        lines = [self._what(), of_remainder(self.floor, told=told), *map(of_reference, references)]
        for one in self.maps:
            lines += of_map(one)
        lines += [of_object_attention(look) for look in self.looks if "rollout" in look.block]
        lines += [of_influence(influence) for influence in self.influences]
        return tuple(filter(None, lines))

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers and the summary as what JSON can hold."""
        return {**asdict(self), "summary": list(self.summary)}

    def _what(self) -> str:
        if self.told is not None:
            return of_told(self.told, self.images, self.name, self.found)
        if self.images > 1:
            return (
                f"Means over {self.images} images of {self.name}, of each the middle: no more than the network sees at "
                "once, and at most 256 px of what it sees."
            )
        assert self.region is not None
        top, left, height, width = self.region
        if self.whole:
            return f"The whole plane of {self.name} was audited, {height} x {width} px."
        return (
            f"Of {self.name} only {height} x {width} px in the middle were audited (from row {top}, column {left}): as "
            "much as the network sees at once, and at most 256 px of what it sees."
        )
