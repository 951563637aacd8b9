"""Which images the network of a package takes: the order of its axes, and the sides that it allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from src_models.errors import ModelFileError

__all__ = ["Sides", "sides_of"]

_USUAL = {2: 512, 3: 64}
_OVERLAPPED = 8 / 3  # the outer 3/8 of an overlap have no weight where tiles are blended


@dataclass(frozen=True, slots=True)
class Sides:
    """What is known of a network's images; numbers are px, for each spatial axis.

    Parameters
    ----------
    input_axes, output_axes
        Order of the axes, such as ``"bcyx"``.
    least, step
        Sides are `least`, and any number of times `step` more; no other where that is 0.
    margin
        How much of each side the output lacks.
    halo
        How much of each side of the output is not to be used.
    tied
        Whether all sides must be of as many steps.
    """

    input_axes: str
    output_axes: str
    least: tuple[int, ...]
    step: tuple[int, ...]
    margin: tuple[int, ...]
    halo: tuple[int, ...]
    tied: bool = False

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return len(self.least)

    @property
    def tile(self) -> tuple[int, ...]:
        """Sides of tiles: the largest that is no more than is usual."""
        usual = _USUAL[self.dimensions]
        return tuple(
            least + max(0, (usual + 2 * margin - least) // step if step else 0) * step - 2 * margin
            for least, step, margin in zip(self.least, self.step, self.margin, strict=True)
        )

    @property
    def overlap(self) -> tuple[int, ...]:
        """By how much tiles overlap: so that no halo counts, where a tile has room for that."""
        found = []
        for tile, step, halo in zip(self.tile, self.step, self.halo, strict=True):
            stride = max(1, *self.step) if step else 1
            wanted = max(tile // 8, round(halo * _OVERLAPPED + 0.5) if halo else 0)
            most = (-(-tile // 2) - 1) // stride * stride
            found.append(min(-(-wanted // stride) * stride, most))
        return tuple(found)


def sides_of(image: Any, output: Any) -> Sides:
    """Read the axes of a network's input and output.

    Parameters
    ----------
    image, output
        ``InputTensorDescr`` and ``OutputTensorDescr``.

    Raises
    ------
    ModelFileError
        If they are not those of a network that gives each pixel of a plane or volume a value.
    """
    letters = _letters(image.axes, "its input")
    given = _letters(output.axes, "its output")
    spatial = [letter for letter in "zyx" if letter in letters]
    if spatial not in ([*"yx"], [*"zyx"]):
        raise ModelFileError(
            f"its input has the axes {letters}; networks of planes (y, x) and volumes (z, y, x) are taken"
        )
    if [letter for letter in "zyx" if letter in given] != spatial:
        raise ModelFileError(
            f"its output has the axes {given}, and its input {letters}: it does not give each pixel a value, and only "
            "networks that segment are taken"
        )
    axes = {str(axis.id): axis for axis in image.axes if axis.type == "space"}
    results = {str(axis.id): axis for axis in output.axes if axis.type == "space"}
    ranges = {letter: _range(axes[letter], axes) for letter in spatial}
    margins = [_margin(results[letter], letter, ranges[letter], axes) for letter in spatial]
    return Sides(
        input_axes=letters,
        output_axes=given,
        least=tuple(ranges[letter][0] for letter in spatial),
        step=tuple(ranges[letter][1] for letter in spatial),
        margin=tuple(margins),
        halo=tuple(int(getattr(results[letter], "halo", 0)) for letter in spatial),
        tied=any(hasattr(axes[letter].size, "axis_id") for letter in spatial),
    )


def _letters(axes: Sequence[Any], which: str) -> str:
    found = ""
    for axis in axes:
        letter = {"batch": "b", "channel": "c"}.get(axis.type, str(axis.id))
        if axis.type not in ("batch", "channel", "space") or letter not in "bczyx":
            raise ModelFileError(f"{which} has the axis {axis.id} ({axis.type}), which is not known here")
        found += letter
    return found


def _range(axis: Any, axes: dict[str, Any]) -> tuple[int, int]:
    """Return the least size of an axis, and the step between sizes."""
    size = axis.size
    if isinstance(size, int):
        return size, 0
    if hasattr(size, "step"):
        return int(size.min), int(size.step)
    other = axes.get(str(getattr(size, "axis_id", "")))
    if other is None or other is axis or other.scale != axis.scale or hasattr(other.size, "axis_id"):
        raise ModelFileError(
            f"the size of its input's axis {axis.id} depends on more than itself, which is not known here"
        )
    least, step = _range(other, axes)
    return least + int(size.offset), step


def _margin(axis: Any, letter: str, sizes: tuple[int, int], axes: dict[str, Any]) -> int:
    """Return how much of each side an output's axis lacks."""
    least, step = sizes
    if isinstance(axis.size, int):
        lacking = least - axis.size if not step else -1
    else:
        same = str(axis.size.axis_id) == letter and axes[letter].scale == axis.scale
        lacking = -int(axis.size.offset) if same else -1
    if lacking < 0 or lacking % 2:
        raise ModelFileError(
            f"its output has other sizes along {letter} than its input; networks whose output lies over the input, "
            "pixel on pixel, are taken"
        )
    return lacking // 2
