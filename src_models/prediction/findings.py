"""What a run found, in figures that add up plane by plane, and in sentences that every surface shows alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.images.model_image import ModelImage
from src_models.labels.pieces import Dropped
from src_models.prediction.certainty import LEAST_CERTAINTY, Certainty
from src_models.prediction.object_size import ObjectSize
from src_models.prediction.segmentation import ResultName

__all__ = ["Findings", "sizes_of"]

# Where at least this share of at least so many outlines is smaller than what the network handles, they are specks. In
# images like those learnt from it is below 0.25.
SPECKS_SHARE = 0.45
FEWEST_SPECKS = 20
# Of a model that handles objects of any size, that share of so many outlines must be smaller than this (px).
MANY, SPECK = 1000, 5.0
FEWEST_SIZES = 5  # objects from which on their median size says something
HARDLY = 0.01  # share of the pixels: less is as much as the bright specks themselves may be
FAR_OFF = 2.0  # times the diameter that was given


class Findings:
    """Collects what is found, plane by plane.

    Parameters
    ----------
    image
        The image that is segmented.
    result
        Whether the labels are objects or classes.
    """

    def __init__(self, image: ModelImage, result: ResultName) -> None:
        self._image, self._header, self._planes = image, image.header, image.planes
        self._result = result
        self._sizes: list[NDArray[np.int64]] = []  # of every outline (px of the image)
        self._classes = np.zeros(len(image.header.classes), np.int64)
        self.certainty = Certainty()
        self.objects = 0
        self.linked = ""
        self.left_out = 0
        self._kept_outlines: int | None = None
        self._strays: dict[int, Dropped] = {}

    @property
    def outlines(self) -> int:
        """Number of objects in all planes, those that show in several counted in each."""
        return sum(len(sizes) for sizes in self._sizes)

    def add_sizes(self, sizes: NDArray[np.int64]) -> None:
        """Take note of the objects of one plane, by their numbers of pixels."""
        self._sizes.append(sizes)
        self.objects += len(sizes)

    def add_classes(self, block: NDArray[np.uint8]) -> None:
        """Take note of a block of classes."""
        self._classes += np.bincount(block.ravel(), minlength=len(self._classes))

    def leave_out(self, dropped: Mapping[int, Dropped]) -> None:
        """Take note of pieces of classes that were set to the background."""
        for number, (pieces, pixels) in dropped.items():
            before = self._strays.get(number, Dropped(0, 0))
            self._strays[number] = Dropped(before.pieces + pieces, before.pixels + pixels)
            self._classes[number] -= pixels
            self._classes[0] += pixels

    def set_linked(self, axes: str, objects: int) -> None:
        """Take note that outlines were linked through these axes, into this number of objects."""
        self.linked, self.objects = axes, objects

    def set_kept(self, objects: int, outlines: int) -> None:
        """Take note of how many objects, and outlines of these, are left when small ones and those at the edge go."""
        self.left_out = self.objects - objects
        self.objects, self._kept_outlines = objects, outlines

    def summary(self) -> str:
        """Say what there is: ``"68 objects"``, ``"404 outlines in 6 planes, not linked"``, ``"cell 12%; no nerve"``."""
        if self._result == "semantic":
            return f"{self._shares()}{self._strays_words()}"
        without = f", {self.left_out} left out" if self.left_out else ""
        return f"{self._counted()}{without}"

    def counts(self) -> dict[str, Any]:
        """Return the number of objects, and of outlines if planes were linked; or the pixels of each class."""
        if self._result == "semantic":
            names = ("background", "objects") if self._header.result == "instances" else self._header.classes
            pixels = {name: int(number) for name, number in zip(names, self._classes, strict=False)}
            strays = {names[number]: each._asdict() for number, each in self._strays.items()}
            return {"pixels": pixels, **({"strays": strays} if strays else {})}
        outlines = self.outlines if self._kept_outlines is None else self._kept_outlines
        return {"objects": self.objects, **({"outlines": outlines} if self.linked else {})}

    def _shares(self) -> str:
        if not self._classes[1:].any():
            return "background only"
        names = ("objects",) if self._header.result == "instances" else self._header.classes[1:]
        return _shares(dict(zip(names, self._classes[1:] / max(1, self._classes.sum()), strict=False)))

    def _strays_words(self) -> str:
        pieces = sum(each.pieces for each in self._strays.values())
        return f"; {_number(pieces, 'stray piece')} left out" if pieces else ""

    def _counted(self) -> str:
        depths = {letter: self._planes.reading.size(letter) for letter in self._planes.leading}
        stacked = {letter: size for letter, size in depths.items() if size > 1}
        if not stacked:
            return _number(self.objects, "object")
        found = "outline" if self._planes.spatial == "YX" else "object"
        outlines = _number(self.outlines if self._kept_outlines is None else self._kept_outlines, found)
        if not self.linked:
            return f"{outlines} in {_places(stacked)}, not linked"
        through = " and ".join(letter.lower() for letter in self.linked)
        rest = {letter: size for letter, size in stacked.items() if letter not in self.linked}
        but = f", not through {' and '.join(letter.lower() for letter in rest)}" if rest else ""
        objects = f"{_number(self.objects, 'object')} in {_places(rest or stacked)}"
        return f"{objects} ({outlines}, linked through {through}{but})"

    def size(self, chosen: ObjectSize) -> str:
        """Say for which size the image was resized, and how; nothing of models that do not depend on size."""
        if chosen.diameter is None and (resampled := self._image.seen_at.words):
            return resampled
        if self._header.object_diameter is None or self._header.diameter_range is None:
            return ""
        how = "image not resized" if chosen.zoom == 1 else f"image resized {chosen.mean_zoom:.2g} times"
        return how if chosen.diameter is None else f"objects of about {chosen.diameter:.3g} px, {how}"

    def advice(self, chosen: ObjectSize) -> tuple[str, ...]:
        """Say what may be wrong, and what to try."""
        if self.left_out and self.objects == 0:
            return (_ALL_LEFT_OUT,)
        if self.objects == 0 and not self._classes[1:].any():
            return self._nothing(chosen)
        if self._foreign_scan():  # a network may be sure of what it never saw
            return (self._of_a_scan(),)
        unlike, specks = self._unlike(), self._specks(chosen)
        note = "" if specks and chosen.diameter is None else chosen.note  # both ask for the size
        return tuple(filter(None, [self._hardly_anything(), unlike, note, specks, self._other_size(chosen)]))

    def _nothing(self, chosen: ObjectSize) -> tuple[str, ...]:
        if self._foreign_scan():
            return (f"Nothing was found. {self._of_a_scan()}",)
        sized = self._result == "instances" and self._header.object_diameter
        tried = _NO_OBJECTS if sized else _NOTHING
        said = f"{tried} {_EMPTY}" if self._image.blank else tried
        return tuple(filter(None, [self._image.far_brighter, chosen.note, said]))

    def _hardly_anything(self) -> str | None:
        """Say what may be why so little was found; None where enough was."""
        area = int(sum(sizes.sum() for sizes in self._sizes) + self._classes[1:].sum())
        every = len(self._planes) * int(np.prod(self._planes.shape, dtype=np.int64))
        return self._image.far_brighter if area < HARDLY * every else None

    def _foreign_scan(self) -> bool:
        """Whether a scan was given to a model that, as far as one can tell, learnt from none."""
        header = self._header
        learnt_unsaid = header.parent_sha256 is not None and "data_sets" not in header.training
        return not learnt_unsaid and "window" not in header.intensity.kind and self._image.shows_ct

    def _of_a_scan(self) -> str:
        return (
            f"The image looks like a CT scan, and the model {self._header.name!r} seems not to have learnt from any: "
            "what it finds there means little. Click on what you look for (the widget Click, or `napari-medt click`), "
            "or choose a model that was made for CT."
        )

    def _unlike(self) -> str:
        certainty = self.certainty.mean
        if certainty is None or certainty >= LEAST_CERTAINTY:
            return ""
        return (
            f"This image may be unlike those that {self._header.name!r} learnt from: the network is only "
            f"{certainty:.0%} sure of what it found (usually over {LEAST_CERTAINTY:.0%}). Check it; another model, or "
            "correcting some of it and learning, may do better."
        )

    def _diameters(self) -> NDArray[np.float64]:
        sizes = np.concatenate([*self._sizes, np.zeros(0, np.int64)]).astype(np.float64)
        if self._planes.spatial == "YX":
            return 2 * np.sqrt(sizes / np.pi)
        return 2 * np.cbrt(sizes * 3 / (4 * np.pi))

    def _specks(self, chosen: ObjectSize) -> str:
        handled = self._header.diameter_range
        fewest, least = (MANY, SPECK) if handled is None else (FEWEST_SPECKS, handled[0] / chosen.mean_zoom)
        if self.outlines < fewest:
            return ""
        share = float((self._diameters() < least).mean())
        if share < SPECKS_SHARE:
            return ""
        sized = "" if handled is None else "give the object size, in pixels, of the objects that you look for, or "
        return (
            f"{share:.0%} of the outlines are specks under {least:.2g} px: {sized}leave out what is smaller than you "
            "look for. If they are no objects at all, choose another channel or another model."
        )

    def _other_size(self, chosen: ObjectSize) -> str:
        if chosen.diameter is None or self.outlines < FEWEST_SIZES:
            return ""
        found = float(np.median(self._diameters()))
        if max(found / chosen.diameter, chosen.diameter / found) < FAR_OFF:
            return ""
        return (
            f"The objects that were found are about {found:.2g} px across, not {chosen.diameter:.3g} px: the object "
            "size may be wrong."
        )


_NOTHING = (
    "Nothing was found. Try a higher sensitivity, another channel or part of the image, or another model, such as one "
    "for bright objects on a dark ground or for dark ones on a bright ground."
)
_NO_OBJECTS = (
    "Nothing was found. Try a higher sensitivity, giving the object size (the diameter of one object, in pixels), "
    "another channel, or another model."
)
_EMPTY = "All values that were looked at are the same: this image, or this channel of it, may be empty."
_ALL_LEFT_OUT = "All that was found was left out: try a smaller least size, or keep what touches the edge."


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _places(stacked: dict[str, int]) -> str:
    """Say in how many planes, or points in time."""
    if tuple(stacked) == ("T",):
        return f"{stacked['T']} time points"
    return f"{int(np.prod(list(stacked.values()), dtype=int))} planes"


def sizes_of(blocks: Iterable[NDArray[np.int32]], first_id: int, next_id: int) -> NDArray[np.int64]:
    """Count the pixels of each object of one plane; numbers without a pixel are left out.

    Parameters
    ----------
    blocks
        The plane's labels, block by block.
    first_id, next_id
        The first number, and the one after the last.
    """
    sizes = np.zeros(next_id - first_id + 1, np.int64)
    for block in blocks:
        ids = block.ravel()
        sizes += np.bincount(np.where(ids >= first_id, ids - first_id + 1, 0), minlength=len(sizes))
    return sizes[1:][sizes[1:] > 0]


def _shares(of: dict[str, float]) -> str:
    """Say which classes there are, the largest first, and which there are not."""
    found = sorted((name for name in of if of[name]), key=lambda name: -of[name])
    words = [f"{name} {of[name]:.1%}" if of[name] >= 0.001 else f"{name} under 0.1%" for name in found]
    none = [name for name in of if not of[name]]
    return ", ".join(words) + (f"; no {', '.join(none)}" if none else "")
