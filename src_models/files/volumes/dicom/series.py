"""From the DICOM files of a folder to its series: which slices belong together, and which files are none.

No file that could be a slice is left out without a word: each series tells what lay beside it and was not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from src_models.errors import ImageError
from src_models.files.volumes.dicom.encoding import is_dicom
from src_models.files.volumes.dicom.folders import first_slices
from src_models.files.volumes.dicom.parts import divided
from src_models.files.volumes.dicom.reading import read_slices
from src_models.files.volumes.dicom.repeats import volumes_of
from src_models.files.volumes.dicom.slices import NoSlice, Slice

__all__ = ["Series", "all_series", "every_series", "file_series", "find_series", "left_out"]

_LISTED = 8
_NAMED = 3
_ENDINGS = (".dcm", ".dicom", ".ima")
_DOSE = "RTDOSE"  # folders of scans hold doses beside them, as they do labels


@dataclass(frozen=True, slots=True)
class Series:
    """The slices of one series, or of a part of one whose files hold many frames.

    Parameters
    ----------
    slices
        One or more, in no order.
    others
        Files beside them that are no slices, or that cannot be read.
    found
        Where the series was found, if in another folder than the one that was named; else empty.
    part
        What tells it apart from other parts of the series; empty where it is the whole.
    later
        Of volumes over time, or along what else tells them apart, the slices of those that follow.
    seconds
        Time (s) from one to the next.
    along
        By what slices of a file each were put in order, as a sentence; else empty.
    """

    slices: tuple[Slice, ...]
    others: tuple[NoSlice, ...] = ()
    found: str = ""
    part: str = ""
    later: tuple[tuple[Slice, ...], ...] = ()
    seconds: float = 1.0
    along: str = ""

    @property
    def title(self) -> str:
        """Its description and which part of the series it is; empty where neither is said."""
        return ", ".join(filter(None, (self.slices[0].description, self.part)))


def all_series(folder: Path) -> list[Series]:
    """Find the series in a folder; where it holds no slices, in the folders in it, if one scan is there.

    Raises
    ------
    ImageError
        If there are no slices, or scans in several folders further in; the message names them.
    """
    found, others = _collect([folder])
    if found:
        return found
    below = first_slices(folder)
    if not below:
        raise _no_slices(folder, others)
    if len({first.series for first in below.values()}) > 1 or (len(below) > 1 and not _uid(below)):
        raise _several_folders(folder, below)
    return [replace(one, found=_further_in(folder, below)) for one in _collect(below)[0]]


def every_series(path: Path) -> list[Series]:
    """Find the series in a folder; where it holds no slices, all those in the folders in it, as on a CD.

    Parameters
    ----------
    path
        The folder; or a file, for the series that it belongs to.

    Raises
    ------
    ImageError
        If there are no slices.
    """
    if not path.is_dir():
        return file_series(path)
    found, others = _collect([path])
    if found:
        return found
    below = first_slices(path)
    if not below:
        raise _no_slices(path, others)
    found = _collect(below)[0]
    return [replace(found[0], found=_further_in(path, below))] if len(found) == 1 else found


def file_series(path: Path) -> list[Series]:
    """Find the series that a file belongs to: one, or the parts of one whose frames the file holds.

    Raises
    ------
    ImageError
        If the file holds no slices of a scan.
    """
    wanted = read_slices(path)
    if isinstance(wanted, NoSlice):
        raise ImageError(f"{path}: it is no slice of a scan: it {wanted.reason}")
    if wanted[0].pixels.frames > 1 and wanted[0].concatenation is None:
        return _parts(wanted)[0]
    found, others = _collect([path.parent], alone=path)
    of_file = [one for one in found if any(path == each.path for each in _all_slices(one))]
    if not of_file:  # it is a part of an object in several files, which are not all there
        raise ImageError(f"{path}: it {next(one.reason for one in others if one.path == path)}")
    return of_file


def find_series(path: Path, part: str = "") -> Series:
    """Find the slices of one series.

    Parameters
    ----------
    path
        A folder with the files of one series, itself or further in, or a file of the wanted series in a folder of
        several.
    part
        Which part of it, of a file with frames of several.

    Raises
    ------
    ImageError
        If there are no slices, or several series; the message lists them with a file or folder to open for each.
    """
    found = all_series(path) if path.is_dir() else file_series(path)
    if part:
        found = [one for one in found if one.part == part]
    if len(found) > 1:
        raise _several_series(found[0].slices[0].path.parent if path.is_dir() else path, found)
    if not found:
        raise ImageError(f"{path}: it holds no {part}; open it again to see what it holds")
    return found[0]


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


def _collect(folders: Iterable[Path], alone: Path | None = None) -> tuple[list[Series], list[NoSlice]]:
    """Read the slices of folders, and what is none; those of one series belong together, wherever they are.

    Slices that do not say their series belong together if they are in one folder. A dose is left out, unless its file
    is the one that was named alone.
    """
    slices: dict[str, list[Slice]] = {}
    frames: dict[str, list[Slice]] = {}
    others: list[NoSlice] = []
    strangers: list[Path] = []
    for path in _files(folders):
        found = _read(path) if is_dicom(path) else None
        if found is None:
            strangers.append(path)
        elif isinstance(found, NoSlice):
            others.append(found)
        elif found[0].modality == _DOSE and path != alone:
            others.append(NoSlice(path, "holds a dose; open it by itself"))
        else:
            kept = slices if found[0].traits is None else frames
            kept.setdefault(found[0].series or str(path.parent), []).extend(found)
    divisions = [_parts(of_series) for of_series in frames.values()]
    others += [one for _, lacking in divisions for one in lacking]
    whole = [_of_files(series) for series in slices.values()] + [one for parts, _ in divisions for one in parts]
    return [replace(one, others=(*others, *_unread(one, strangers))) for one in whole], others


def _all_slices(series: Series) -> tuple[Slice, ...]:
    return tuple(one for moment in (series.slices, *series.later) for one in moment)


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(one for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))


def _of_files(slices: Sequence[Slice]) -> Series:
    repeats = volumes_of(slices)
    first, *later = repeats.volumes
    return Series(first, later=tuple(later), seconds=repeats.seconds, along=repeats.along)


def _parts(frames: Sequence[Slice]) -> tuple[list[Series], list[NoSlice]]:
    parts, lacking = divided(frames)
    return [Series(one.moments[0], part=one.name, later=one.moments[1:], seconds=one.seconds) for one in parts], lacking


def _unread(series: Series, strangers: Sequence[Path]) -> list[NoSlice]:
    """Return the files that are called like those of a series and are no DICOM."""
    endings = {_ending(one.path) for one in series.slices}
    return [NoSlice(path, _no_dicom(path)) for path in strangers if _ending(path) in (*endings, *_ENDINGS)]


def _read(path: Path) -> tuple[Slice, ...] | NoSlice:
    try:
        return read_slices(path)
    except ImageError as error:
        return NoSlice(path, f"cannot be read: {str(error).removeprefix(f'{path}: ')}")


def _ending(path: Path) -> str:
    """Return how a file's name ends, without the numbers that DICOM names end with."""
    return "" if path.suffix[1:].isdigit() else path.suffix.lower()


def _no_dicom(path: Path) -> str:
    return "is no DICOM" if path.stat().st_size else "is empty (0 bytes)"


def _uid(below: dict[Path, Slice]) -> str:
    return next(iter(below.values())).series


def _no_slices(folder: Path, others: Sequence[NoSlice]) -> ImageError:
    if others:
        first = others[0]
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
    if not folder.is_dir():
        return _several_parts(folder, found)
    lines = []
    for series in found[:_LISTED]:
        first, count = series.slices[0], len(series.slices)
        lines.append(
            f"{first.path.name} is of {series.title or 'a series without description'!r} "
            f"({first.modality}, {count} {'slice' if count == 1 else 'slices'}, UID {first.series})"
        )
    more = f"; and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return ImageError(
        f"{folder}: it holds {len(found)} series; open one file of the series you want, and its slices are taken "
        f"from the folder: {'; '.join(lines)}{more}"
    )


def _several_parts(path: Path, found: Sequence[Series]) -> ImageError:
    lines = [f"{one.part!r} ({len(one.slices)} slices)" for one in found[:_LISTED]]
    more = f", and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return ImageError(
        f"{path}: its frames are {len(found)} series; say which one you want, by number or name (--series in the "
        f"shell, series=... in Python): {', '.join(lines)}{more}"
    )
