"""What ``napari-medt attention`` is asked for, checked against the network before anything runs.

Each option does something for the network at hand, or is refused with a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from src_models.errors import UserError

if TYPE_CHECKING:
    from src_models.images.axes import AxesReading
    from src_models.models.header import ModelHeader
    from src_models.probing.look_probe import Heads

__all__ = ["Plan", "make_plan"]

_MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to record and to ask.

    Parameters
    ----------
    maps
        Names of the maps to record.
    compared
        Pairs of one of them and the map of the other model that means the same.
    pixels
        Row and column of each pixel to ask about.
    views
        Blocks, or a branch, of which to tell where they look; none for networks of other attention.
    rollout
        Whether the view is a branch, followed through all of its blocks.
    heads
        Head along the height and along the width.
    plane
        Where the pixels lie along the axes besides height and width.
    matrices
        Names of the matrices of channels to write.
    """

    maps: list[str]
    compared: list[tuple[str, str]]
    pixels: list[tuple[int, int]]
    views: list[str]
    rollout: bool
    heads: Heads
    plane: tuple[int, ...]
    matrices: list[str] = field(default_factory=list)

    def positions(self, reading: AxesReading, name: str) -> list[tuple[int, ...]]:
        """Return each pixel along the axes of the labels.

        Raises
        ------
        UserError
            If a pixel or the plane does not lie in the image.
        """
        shown = reading.without_channels()
        if not self.pixels:
            return []
        others = [letter for letter in shown.axes if letter not in "YX"]
        if len(others) != len(self.plane):
            raise UserError(
                f"{name} is read as {reading.describe()}: give --plane {len(others)} times, a number for "
                f"{' and '.join(others)}, to say where the pixels of --at lie"
                if others
                else f"{name} is read as {reading.describe()} and has one plane; leave out --plane"
            )
        found = []
        for row, column in self.pixels:
            place = dict(zip((*others, "Y", "X"), (*self.plane, row, column), strict=True))
            for letter, number in place.items():
                if not 0 <= number < shown.size(letter):
                    raise UserError(
                        f"{letter}={number} lies outside of {name}, where it goes from 0 to {shown.size(letter) - 1}"
                    )
            found.append(tuple(place[letter] for letter in shown.axes))
        return found

    def look_name(self, view: str, pixel: tuple[int, int]) -> str:
        """Return what the map of where a view looks from a pixel is called."""
        name = f"{view} rollout" if self.rollout else view
        if self.heads is not None:
            name += " heads " + ",".join(_MEAN if head is None else str(head) for head in self.heads)
        return f"{name} at {','.join(str(number) for number in (*self.plane, *pixel))}"


def make_plan(
    header: ModelHeader,
    other: ModelHeader | None,
    *,
    maps: Sequence[str],
    at: Sequence[str],
    block: Sequence[str],
    rollout: str | None,
    heads: str | None,
    plane: Sequence[int],
    diameter: float | None,
) -> Plan:
    """Check what is asked for against the models.

    Parameters
    ----------
    header, other
        Of the model, and of the one to compare it with.
    maps, at, block, rollout, heads, plane, diameter
        As they were typed.

    Raises
    ------
    UserError
        If an option would do nothing for this network, or cannot be understood.
    """
    from src_models.models.architectures import choose_attention, find_architecture

    for one in filter(None, (header, other)):
        if one.use == "classify":
            raise UserError(
                f"the model {one.name!r} tells classes: `napari-medt classify IMAGE --why FOLDER` writes what it goes "
                "by, with --maps its attention maps, and with --from ROW,COLUMN where it looks from a pixel"
            )
    known = find_architecture(header.architecture).matrices(header.config)
    matrices = [name for name in known if not maps or name in maps]
    wanted = [name for name in maps if name not in matrices]
    recorded = choose_attention(header, wanted if maps else True)
    if not recorded and not matrices:
        raise UserError(
            f"the model {header.name!r} is a {header.architecture}, which has no attention; take one that has, such as "
            "nuclei"
        )
    if diameter and all(one is None or one.object_diameter is None for one in (header, other)):
        raise UserError(f"the model {header.name!r} does not depend on the size of objects; leave out --diameter")
    return Plan(
        maps=recorded,
        matrices=matrices,
        compared=_compared(header, recorded, other, chosen=bool(maps)),
        pixels=[_pixel(text) for text in dict.fromkeys(at)],
        views=_views(header, at=bool(at), block=block, rollout=rollout, heads=heads),
        rollout=rollout is not None,
        heads=None if heads is None else _heads(heads),
        plane=_plane(plane, at=bool(at)),
    )


def _compared(
    header: ModelHeader, recorded: list[str], other: ModelHeader | None, *, chosen: bool
) -> list[tuple[str, str]]:
    from src_models.attention.words import like_pairs
    from src_models.models.architectures import choose_attention

    if other is None:
        return []
    known = choose_attention(other, wanted=True)
    pairs = like_pairs(recorded, known)
    lacking = [name for name in recorded if name not in dict(pairs)]
    if not pairs or (chosen and lacking):
        raise UserError(
            f"the model {other.name!r} has no attention map that means the same as "
            f"{' or '.join(repr(name) for name in lacking)} of {header.name!r}: it has {', '.join(known) or 'none'}; "
            "compare networks of one architecture"
        )
    return pairs


def _views(header: ModelHeader, *, at: bool, block: Sequence[str], rollout: str | None, heads: str | None) -> list[str]:
    """Return the blocks, or the branch, to ask where they look; [] where there is nothing to ask."""
    from src_models.models.architectures import find_architecture

    record = find_architecture(header.architecture)
    blocks, branches = record.blocks(header.config), record.branches(header.config)
    given = [name for name, value in (("--block", block), ("--rollout", rollout), ("--heads", heads)) if value]
    if given and not blocks:
        raise UserError(
            f"{given[0]} asks where attention looks, and the model {header.name!r} is a {header.architecture}; "
            "leave it out: --at then gives the value of each map"
        )
    if given and not at:
        raise UserError(f"{given[0]} asks where a pixel looks; name the pixel with --at ROW,COLUMN")
    alone = [name for name, value in (("--rollout", rollout), ("--heads", heads)) if value]
    if alone and not branches:
        raise UserError(
            f"{alone[0]} is for axial networks such as medt, and the model {header.name!r} is a {header.architecture}; "
            "leave it out: its blocks have no branches and no heads"
        )
    if rollout and len(given) > 1:
        other = "--block" if block else "--heads"
        raise UserError(f"--rollout follows all blocks, means over heads; leave out {other}, or --rollout")
    if not at:
        return []
    for option, wanted, known in (("--block", block, blocks), ("--rollout", [rollout] if rollout else [], branches)):
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise UserError(
                f"{option}: the model {header.name!r} has no {unknown[0]!r}; choose from {', '.join(known)}"
            )
    return [rollout] if rollout else list(dict.fromkeys(block)) or blocks


def _pixel(text: str) -> tuple[int, int]:
    try:
        row, column = (int(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--at takes row and column of a pixel, such as 120,64, not {text!r}") from None
    return row, column


def _heads(text: str) -> Heads:
    try:
        height, width = (None if part.strip() == _MEAN else int(part) for part in text.split(","))
    except ValueError:
        raise UserError(
            f"--heads takes a head of the attention along the height and one of that along the width, such as 2,5 or "
            f"2,{_MEAN}, not {text!r}"
        ) from None
    return height, width


def _plane(plane: Sequence[int], *, at: bool) -> tuple[int, ...]:
    if plane and not at:
        raise UserError("--plane says where the pixels of --at lie; name one with --at ROW,COLUMN, or leave it out")
    return tuple(plane)
