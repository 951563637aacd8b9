"""What one DICOM file says of the series and the study that it belongs to, for people; and the windows it brings.

Attributes are those of DICOM PS3.3: C.7.2.1 (study), C.7.3.1 (series), C.11.2 (windows).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src_models.files.volumes.dicom.damage import silent_pydicom
from src_models.files.volumes.volume import ScanWindow

__all__ = ["SeriesHeader", "read_series_header", "windows_of"]

_TAGS = [
    "SpecificCharacterSet", "StudyDate", "StudyTime", "StudyDescription", "SeriesNumber", "BodyPartExamined",
    "ProtocolName", "PatientID", "PatientName", "WindowCenter", "WindowWidth", "WindowCenterWidthExplanation",
    "VOILUTFunction", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
]  # fmt: skip
_AS_SCANNED = "as scanned"
_WINDOWS = "FrameVOILUTSequence"


@dataclass(frozen=True, slots=True)
class SeriesHeader:
    """What a file says of its series.

    Parameters
    ----------
    number
        SeriesNumber; None where the file does not say it.
    study
        StudyDescription, else ProtocolName.
    date, time
        Of the study, such as ``"2020-09-13"`` and ``"14:05"``; empty where the file does not say them.
    body_part
        BodyPartExamined, in small letters.
    windows
        As the scanner, or who reported on the scan, left them.
    patient
        Tells patients apart, and nothing else: no name and no identifier can be had from it. Empty where the file says
        neither.
    """

    number: int | None = None
    study: str = ""
    date: str = ""
    time: str = ""
    body_part: str = ""
    windows: tuple[ScanWindow, ...] = ()
    patient: str = field(default="", repr=False)


def read_series_header(path: Path) -> SeriesHeader:
    """Read what a file says of its series; what is damaged or missing is left out, since none of it is needed."""
    try:
        with silent_pydicom():  # its warnings quote values, which may be a patient's
            return _header(path)
    except Exception:  # each kind of damage has its own; who opens the series says so
        return SeriesHeader()


def _header(path: Path) -> SeriesHeader:
    import pydicom

    header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS, force=True)
    number = _text(header, "SeriesNumber")
    return SeriesHeader(
        number=int(number) if re.fullmatch(r"-?\d+", number) else None,
        study=_text(header, "StudyDescription") or _text(header, "ProtocolName"),
        date=_date(_text(header, "StudyDate")),
        time=_time(_text(header, "StudyTime")),
        body_part=_text(header, "BodyPartExamined").lower(),
        windows=windows_of(header),
        patient=_patient(header),
    )


def windows_of(header: Any) -> tuple[ScanWindow, ...]:
    """Return the windows that a data set brings, each once; of many frames, those of all or of the middle one.

    A linear window of centre c and width w shows c - 0.5 - (w - 1) / 2 as black and c - 0.5 + (w - 1) / 2 as white
    (PS3.3, C.11.2.1.2.1); for the functions LINEAR_EXACT and SIGMOID it is c - w / 2 and c + w / 2 (C.11.2.1.3.1,
    C.11.2.1.3.2; a sigmoid has no ends, and this is its steep part).
    """
    found: dict[tuple[float, float], str] = {}
    for place in _places(header):
        for low, high, words in _pairs(place):
            found.setdefault((low, high), words)
        if found:
            break
    names = [f"{_AS_SCANNED}: {words}" if words else _AS_SCANNED for words in found.values()]
    names = [f"{name} {names[:at].count(name) + 1}" if names.count(name) > 1 else name for at, name in enumerate(names)]
    return tuple(ScanWindow(name, low, high) for name, (low, high) in zip(names, found, strict=True))


def _places(header: Any) -> Iterator[Any]:
    """Find where windows can stand: in the file itself, or in its frames."""
    yield header
    for group, at in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", None)):
        with suppress(Exception):  # a sequence that is empty or damaged tells nothing
            items = header[group].value
            yield items[len(items) // 2 if at is None else at][_WINDOWS].value[0]


def _pairs(place: Any) -> Iterator[tuple[float, float, str]]:
    centres, widths = _values(place, "WindowCenter"), _values(place, "WindowWidth")
    words = _values(place, "WindowCenterWidthExplanation")
    exact = _text(place, "VOILUTFunction") in ("LINEAR_EXACT", "SIGMOID")
    for at, (centre, width) in enumerate(zip(centres, widths, strict=False)):
        with suppress(ValueError, TypeError):
            level, wide = (float(centre), float(width)) if exact else (float(centre) - 0.5, float(width) - 1)
            if wide > 0 and abs(level) < 1e9 and wide < 1e9:  # NaN is none of these
                yield level - wide / 2, level + wide / 2, " ".join(str(words[at]).split()) if at < len(words) else ""


def _values(place: Any, name: str) -> list[Any]:
    """Return the values of an attribute, as many as it has."""
    try:
        value = place.get(name)
    except Exception:  # a number that is none
        return []
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str | int | float) else list(value)


def _text(place: Any, name: str) -> str:
    try:
        return " ".join(str(place.get(name) or "").split())
    except Exception:  # a value that is none of its kind
        return ""


def _date(text: str) -> str:
    found = re.match(r"(\d{4})\.?(\d\d)\.?(\d\d)$", text)
    return "-".join(found.groups()) if found else ""


def _time(text: str) -> str:
    found = re.match(r"(\d\d):?(\d\d)", text)
    return ":".join(found.groups()) if found else ""


def _patient(header: Any) -> str:
    """Return what is equal for files of one patient, from which nobody can tell who that is."""
    who = _text(header, "PatientID") or _text(header, "PatientName").casefold()
    return hashlib.sha256(who.encode()).hexdigest()[:16] if who else ""
