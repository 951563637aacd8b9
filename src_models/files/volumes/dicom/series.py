"""From the DICOM files of a folder to its series: which slices belong together, and which files are none.

No file that could be a slice is left out without a word: each series tells what lay beside it and was not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from src_models.errors import ImageError
from src_models.files.volumes.dicom.encoding import is_dicom
from src_models.files.volumes.dicom.folders import first_slices
from src_models.files.volumes.dicom.slices import NoSlice, Slice, read_slice

__all__ = ["Series", "all_series", "every_series", "find_series", "left_out"]

_LISTED = 8
_NAMED = 3
_ENDINGS = (".dcm", ".dicom", ".ima")


@dataclass(frozen=True, slots=True)
class Series:
    """The slices of one series.

    Parameters
    ----------
    slices
        One or more, in no order.
    others
        Files beside them that are no slices, or that cannot be read.
    found
        Where the series was found, if in another folder than the one that was named; else empty.
    """

    slices: tuple[Slice, ...]
    others: tuple[NoSlice, ...] = ()
    found: str = ""


def all_series(folder: Path) -> list[Series]:
    """Find the series in a folder; where it holds no slices, in the folders in it, if one scan is there.

    Raises
    ------
    ImageError
        If there are no slices, or scans in several folders further in; the message names them.
    """
    found = _collect([folder])
    if found:
        return found
    below = first_slices(folder)
    if not below:
        raise _no_slices(folder)
    if len({first.series for first in below.values()}) > 1 or (len(below) > 1 and not _uid(below)):
        raise _several_folders(folder, below)
    return [replace(one, found=_further_in(folder, below)) for one in _collect(below)]


def every_series(folder: Path) -> list[Series]:
    """Find the series in a folder; where it holds no slices, all those in the folders in it, as on a CD.

    Raises
    ------
    ImageError
        If there are no slices.
    """
    found = _collect([folder])
    if found:
        return found
    below = first_slices(folder)
    if not below:
        raise _no_slices(folder)
    found = _collect(below)
    return [replace(found[0], found=_further_in(folder, below))] if len(found) == 1 else found


def find_series(path: Path) -> Series:
    """Find the slices of one series.

    Parameters
    ----------
    path
        A folder with the files of one series, itself or further in, or a file of the wanted series in a folder of
        several.

    Raises
    ------
    ImageError
        If there are no slices, or several series; the message lists them with a file or folder to open for each.
    """
    if path.is_dir():
        found = all_series(path)
        if len(found) > 1:
            raise _several_series(found[0].slices[0].path.parent, found)
        return found[0]
    wanted = read_slice(path)
    if isinstance(wanted, NoSlice):
        raise ImageError(f"{path}: it is no slice of a scan: it {wanted.reason}")
    return next(series for series in _collect([path.parent]) if series.slices[0].series == wanted.series)


def left_out(others: Iterable[NoSlice]) -> str:
    """Say which files are no part of a scan, and why; empty if all of them are such as nobody misses."""
    missed = sorted((one for one in others if not one.expected), key=lambda one: one.reason)
    parts = []
    for reason, group in groupby(missed, key=lambda one: one.reason):
        names = sorted(one.path.name for one in group)
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        parts.append(f"{', '.join(names[:_NAMED])}{more}, {'each of ' if len(names) > 1 else ''}which {reason}")
    return f"left out: {'; '.join(parts)}" if parts else ""


def _further_in(folder: Path, below: Iterable[Path]) -> str:
    names = [str(sub.relative_to(folder)) for sub in below]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"the slices are in {', '.join(names[:_NAMED])}{more}"


def _collect(folders: Iterable[Path]) -> list[Series]:
    """Read the slices of folders; those of one series belong together, wherever they are.

    Slices that do not say their series belong together if they are in one folder.
    """
    slices: dict[str, list[Slice]] = {}
    others: list[NoSlice] = []
    strangers: list[Path] = []
    for folder in folders:
        for path in sorted(one for one in folder.iterdir() if one.is_file() and not one.name.startswith(".")):
            one = _read(path) if is_dicom(path) else path
            if isinstance(one, Slice):
                slices.setdefault(one.series or str(folder), []).append(one)
            elif isinstance(one, NoSlice):
                others.append(one)
            else:
                strangers.append(path)
    found = []
    for series in slices.values():
        endings = {_ending(one.path) for one in series}
        unread = [NoSlice(path, _no_dicom(path)) for path in strangers if _ending(path) in (*endings, *_ENDINGS)]
        found.append(Series(tuple(series), (*others, *unread)))
    return found


def _read(path: Path) -> Slice | NoSlice:
    try:
        return read_slice(path)
    except ImageError as error:
        return NoSlice(path, f"cannot be read: {str(error).removeprefix(f'{path}: ')}")


def _ending(path: Path) -> str:
    """Return how a file's name ends, without the numbers that DICOM names end with."""
    return "" if path.suffix[1:].isdigit() else path.suffix.lower()


def _no_dicom(path: Path) -> str:
    return "is no DICOM" if path.stat().st_size else "is empty (0 bytes)"


def _uid(below: dict[Path, Slice]) -> str:
    return next(iter(below.values())).series


def _no_slices(folder: Path) -> ImageError:
    others = [_read(path) for path in sorted(folder.iterdir()) if path.is_file() and is_dicom(path)]
    if others:
        first = others[0]
        assert isinstance(first, NoSlice)
        return ImageError(
            f"{folder}: none of its {len(others)} DICOM files is a slice of a scan ({first.path.name} {first.reason}), "
            "and no folder in it holds any; name the folder of a scan"
        )
    return ImageError(f"{folder}: it holds no DICOM slices; name the folder of a scan")


def _several_folders(folder: Path, below: dict[Path, Slice]) -> ImageError:
    lines = [
        f"{sub} ({one.modality or 'no modality'}, {one.description or 'a series without description'!r})"
        for sub, one in list(below.items())[:_LISTED]
    ]
    more = f"; and {len(below) - _LISTED} more" if len(below) > _LISTED else ""
    return ImageError(
        f"{folder}: it holds no slices, but {len(below)} folders in it do: name one of them, such as "
        f"{'; '.join(lines)}{more}"
    )


def _several_series(folder: Path, found: Sequence[Series]) -> ImageError:
    lines = []
    for series in found[:_LISTED]:
        first, count = series.slices[0], len(series.slices)
        lines.append(
            f"{first.path.name} is of {first.description or 'a series without description'!r} "
            f"({first.modality}, {count} {'slice' if count == 1 else 'slices'}, UID {first.series})"
        )
    more = f"; and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return ImageError(
        f"{folder}: it holds {len(found)} series; open one file of the series you want, and its slices are taken "
        f"from the folder: {'; '.join(lines)}{more}"
    )
