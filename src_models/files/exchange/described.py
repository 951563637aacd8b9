"""What is known of objects besides their pixels, and their outlines plane by plane."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from src_models.errors import OutputError
from src_models.files.exchange.outlines import Outline, trace_outlines

__all__ = ["Described", "Plane", "each_plane"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What is known of objects, by their numbers.

    Parameters
    ----------
    names
        What numbers are called: those of classes, such as organs.
    kinds
        The class of each object.
    measurements
        Numbers that were measured of each object, by title.
    image
        What the image is called that the labels lie on.
    several
        Whether the image has more than one axis of channels, slices and frames that is longer than 1.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    kinds: Mapping[int, str] = field(default_factory=dict)
    measurements: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    image: str = ""
    several: bool = False

    def title(self, number: int) -> str:
        """Return what to call an object: by its name, else by its class and number."""
        return self.names.get(number) or f"{self.kinds.get(number, '')} {number}".strip()

    def kind(self, number: int) -> str:
        """Return the class of an object: of a number that is a class, its name; empty where nobody said."""
        return self.kinds.get(number) or self.names.get(number, "")

    @property
    def all_kinds(self) -> list[str]:
        """The classes that there are, in order."""
        return sorted({*self.kinds.values(), *self.names.values()} - {""})

    def measured(self, number: int) -> dict[str, float]:
        """Return what was measured of an object; JSON has no infinities and no numbers that are none."""
        return {title: value for title, value in self.measurements.get(number, {}).items() if math.isfinite(value)}


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """The objects in one plane.

    Parameters
    ----------
    t, z
        Which frame and slice, from 0; None where there is no such axis.
    size
        Rows and columns.
    outlines
        The objects.
    """

    t: int | None
    z: int | None
    size: tuple[int, int]
    outlines: list[Outline]


def each_plane(labels: Any, axes: str) -> Iterator[Plane]:
    """Trace the outlines of labels, one plane after the other.

    Parameters
    ----------
    labels
        Integers from 0; NumPy, dask or zarr, of which some rows of a plane at a time are read.
    axes
        Their axes: Y and X, and any of T and Z, in any order.

    Raises
    ------
    OutputError
        If they have other axes.
    """
    if len(axes) != labels.ndim or not set("YX") <= set(axes) <= set("TZYX"):
        raise OutputError(
            f"labels with the axes {axes} have no outlines: these are of planes (Y, X), slices and frames"
        )
    sizes = dict(zip(axes, labels.shape, strict=True))
    turned = axes.index("Y") > axes.index("X")
    frames = range(sizes["T"]) if "T" in sizes else [None]
    slices = range(sizes["Z"]) if "Z" in sizes else [None]
    for t, z in itertools.product(frames, slices):
        where = {"T": t, "Z": z}
        plane = labels[tuple(where.get(letter, slice(None)) for letter in axes)]
        yield Plane(t, z, (sizes["Y"], sizes["X"]), trace_outlines(plane.T if turned else plane))
