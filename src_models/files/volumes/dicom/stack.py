"""From the slices of one series to a volume: those of one form, in order, at even distances.

Slices are put in order by their places along their normal, never by their names or numbers. Everything that would make
a volume wrong without a word is refused with the files it is about: slices that are missing or there twice, or out of
line. A few slices of another form, such as a localizer, are left out, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom.pixels import check_pixels
from src_models.files.volumes.dicom.series import Series, left_out
from src_models.files.volumes.dicom.slices import NoSlice, Slice
from src_models.files.volumes.dicom.spacing import LEAST_GAP, OFF, OFF_MM, check_even, commonest, even_places, place_of

__all__ = ["Stack", "Uneven", "stacked"]

Uneven = Literal["refuse", "resample"]

_ALIKE = 1e-4  # difference of directions, and of pixel sizes (mm), that rounding makes
_ASIDE_MM = 1.5 * OFF_MM  # three places that are rounded to 0.1 mm, in two directions


@dataclass(frozen=True, slots=True)
class Stack:
    """Slices that make a volume.

    Parameters
    ----------
    slices
        In order along their normal.
    between
        (planes,): where the planes of the volume lie among the slices, as fractions of the way from one to the next;
        whole numbers unless the slices were resampled.
    notes
        What a person should know: what was left out, resampled, or remarked of the files.
    """

    slices: tuple[Slice, ...]
    between: NDArray[np.float64]
    notes: tuple[str, ...] = ()

    @property
    def affine(self) -> NDArray[np.float64]:
        """(4, 4): from (plane, row, column) to (superior, posterior, left) in mm.

        DICOM PS3.3, equation C.7.6.2.1-1, with the step between planes: a vector from the first slice to the last, so
        that the tilt of a gantry is in the affine as a shear.
        """
        first, last = self.slices[0], self.slices[-1]
        alone = len(self.slices) == 1
        step = first.normal * first.step if alone else (last.position - first.position) / (len(self.between) - 1)
        affine = np.eye(4)
        columns = (step, first.down * first.spacing[0], first.across * first.spacing[1], first.position)
        affine[:3] = np.column_stack(columns)[::-1]
        return affine

    @property
    def files(self) -> tuple[Path, ...]:
        """The file of each plane; empty where planes lie between slices."""
        as_they_are = np.array_equal(self.between, np.arange(len(self.slices)))
        return tuple(one.path for one in self.slices) if as_they_are else ()

    @property
    def frames(self) -> tuple[int, ...]:
        """Which frame of its file each plane is; empty where files hold no frames, or planes lie between."""
        framed = any(one.traits is not None for one in self.slices)
        return tuple(one.frame for one in self.slices) if framed and self.files else ()


def stacked(series: Series, name: Path, uneven: Uneven = "refuse") -> Stack:
    """Put the slices of a series in order along their normal, and check that they make a volume.

    Parameters
    ----------
    series
        The series.
    name
        The folder or file, for errors.
    uneven
        What becomes of slices at uneven distances: ``"refuse"``, or ``"resample"`` for planes at even distances,
        linearly between the slices.

    Raises
    ------
    UnevenSlicesError
        If the distances of slices are uneven and they are not resampled.
    ImageError
        If no form is that of most slices, slices are there twice or out of line, or their pixels cannot be read.
    """
    alike, others = _of_one_form(series.slices, name)
    for pixels in {one.pixels: None for one in alike}:  # each file once
        check_pixels(pixels)
    normal = alike[0].normal
    ordered = tuple(sorted(alike, key=lambda one: float(one.position @ normal)))
    apart = left_out((*series.others, *others))
    between, note = _planes(ordered, name, uneven, apart)
    notes = [series.found, apart, *_remarks(ordered), note, series.along]
    return Stack(ordered, between, tuple(filter(None, notes)))


def _of_one_form(slices: Sequence[Slice], name: Path) -> tuple[list[Slice], list[NoSlice]]:
    """Divide slices into those of the form that most have, and the others with what is different in them."""
    groups: list[list[Slice]] = []
    for one in slices:
        group = next((group for group in groups if not _difference(group[0], one)[0]), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    most = max(groups, key=len)
    if 2 * len(most) <= len(slices):
        first, other = groups[0][0], groups[1][0]
        raise ImageError(
            f"{name}: {first.name} and {other.name} are of one series but of different "
            f"{_difference(first, other)[0]}, and most slices are like neither; put what does not belong together into "
            "folders of its own"
        )
    return most, [
        NoSlice(one.path, _difference(most[0], one)[1]) for group in groups if group is not most for one in group
    ]


def _difference(first: Slice, one: Slice) -> tuple[str, str]:
    """Return in what two slices differ, and what the second is; empty if they are of one form."""
    if one.localizer != first.localizer:
        return "kinds (localizer and scan)", "is a localizer" if one.localizer else "is no localizer"
    if one.pixels.samples != first.pixels.samples:
        return "kinds (colour and grey)", "is in colour" if one.pixels.samples > 1 else "is grey"
    if one.shape != first.shape:
        sizes = f"({first.shape[0]} x {first.shape[1]} and {one.shape[0]} x {one.shape[1]} pixels)"
        return f"sizes {sizes}", f"is of another size ({one.shape[0]} x {one.shape[1]} pixels)"
    if not (np.allclose(one.across, first.across, 0, _ALIKE) and np.allclose(one.down, first.down, 0, _ALIKE)):
        return "orientations", "is of another orientation"
    if not np.allclose(one.spacing, first.spacing, 0, _ALIKE):
        size = f"{one.spacing[0]:.4g} x {one.spacing[1]:.4g} mm"
        return f"pixel sizes ({first.spacing} and {one.spacing} mm)", f"has pixels of another size ({size})"
    if one.modality != first.modality:
        return f"modalities ({first.modality} and {one.modality})", f"is of another modality ({one.modality})"
    if one.unit != first.unit:
        units = [each.unit or "no unit" for each in (first, one)]
        return f"units ({units[0]} and {units[1]})", f"has values of another unit ({units[1]})"
    return "", ""


def _planes(slices: Sequence[Slice], name: Path, uneven: Uneven, apart: str) -> tuple[NDArray[np.float64], str]:
    """Return where planes lie among slices in order, and what to say of it."""
    numbers = np.arange(len(slices), dtype=np.float64)
    if len(slices) == 1:
        return numbers, ""
    places = np.array([one.position @ slices[0].normal for one in slices])
    _check_copies(slices, np.diff(places), name)
    _check_line(slices, places, name)
    if uneven == "refuse":
        check_even(slices, name, apart)
        return numbers, ""
    even = even_places(places)
    if len(even) == len(places) and np.abs(even - places).max() <= LEAST_GAP:
        return numbers, ""
    gaps = np.diff(places)
    note = (
        f"resampled from {len(places)} slices, {gaps.min():.4g} to {gaps.max():.4g} mm apart, to {len(even)} slices "
        f"{even[1] - even[0]:.4g} mm apart, linearly between the slices"
    )
    return np.interp(even, places, numbers), note


def _check_copies(slices: Sequence[Slice], gaps: NDArray[np.float64], name: Path) -> None:
    """Check that no two slices are at the same place."""
    apart = gaps[gaps > LEAST_GAP]
    usual = commonest(apart) if apart.size else 0.0
    tight = np.flatnonzero(gaps <= OFF * usual + LEAST_GAP)
    if not tight.size:
        return
    one, other = slices[tight[0]].name, slices[tight[0] + 1].name
    more = f", and so are {tight.size - 1} more" if tight.size > 1 else ""
    raise ImageError(
        f"{name}: {one} and {other} are at the same place ({place_of(slices[tight[0]])}){more}; remove the copies, "
        "or put repeated scans into folders of their own"
    )


def _check_line(slices: Sequence[Slice], places: NDArray[np.float64], name: Path) -> None:
    """Check that the first pixels of all slices lie on a line, at a right angle to them or, with a tilt, slanted."""
    positions = np.array([one.position for one in slices])
    way = (places - places[0]) / (places[-1] - places[0])
    off = np.linalg.norm(positions - (positions[0] + way[:, None] * (positions[-1] - positions[0])), axis=1)
    worst = int(np.argmax(off))
    if off[worst] > _ASIDE_MM:
        raise ImageError(
            f"{name}: {slices[worst].name} is shifted sideways by {off[worst]:.2g} mm against the line of the "
            "other slices; put scans of different regions into folders of their own"
        )


def _remarks(slices: Sequence[Slice]) -> list[str]:
    """Return what was remarked of files, each remark once."""
    pairs = sorted({(remark, one.path.name) for one in slices for remark in one.remarks})
    notes = []
    for remark, group in groupby(pairs, key=lambda pair: pair[0]):
        names = [file for _, file in group]
        notes.append(f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {remark}")
    return notes
