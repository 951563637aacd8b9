"""From activity to the standardised uptake value by body weight (SUVbw) of PET.

The activity of a voxel, over the injected dose per gram of body, at the time to which the decay is corrected.

References
----------
.. [1] Quantitative Imaging Biomarkers Alliance, "Vendor-neutral pseudo-code for SUV calculation" (2012), and its
   profile "FDG-PET/CT as an imaging biomarker measuring response to cancer therapy", appendix G.
.. [2] DICOM PS3.3, C.8.9.1 (PET series: Units, DecayCorrection) and C.8.22.4 (enhanced PET).
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from src_models.files.volumes.dicom.header import Attributes

__all__ = ["ACTIVITY", "COUNTS", "SUV", "suv_factor"]

SUV, ACTIVITY, COUNTS = "SUVbw", "Bq/mL", "counts"
_PHILIPS = "Philips PET Private Group"
_TYPES = {"": SUV, "BW": SUV, "LBM": "SUVlbm", "LBMJAMES128": "SUVlbm", "LBMJANMA": "SUVlbm", "IBW": "SUVibw"}
_DAY = timedelta(days=1)


class _MissingError(Exception):
    """Tells what a file does not say."""


def suv_factor(told: Attributes) -> tuple[float, str, tuple[str, ...]]:
    """Return by what rescaled values are multiplied, the unit that they then have, and what to remark.

    Parameters
    ----------
    told
        The attributes of a PET slice.
    """
    units = str(told.get("Units") or told.get("RescaleType") or "").upper()
    if units == "GML":
        return 1.0, _TYPES.get(str(told.get("SUVType") or "").upper(), "g/mL"), ()
    to_activity = 1.0
    if units == "CNTS":
        own, to_activity = _of_philips(told)
        if own is not None:
            return own, SUV, ()
        units = "BQML" if to_activity else units
    if units != "BQML":
        return (
            1.0,
            COUNTS if units == "CNTS" else "",
            (f"its values are {_named(units)}, and no SUV can be had of them",),
        )
    try:
        return to_activity * _per_activity(told), SUV, ()
    except _MissingError as error:
        return to_activity, ACTIVITY, (f"its values are Bq/mL, no SUV, because {error}",)


def _named(units: str) -> str:
    return {"CNTS": "counts", "": "of a unit that it does not say"}.get(units, f"in {units}")


def _of_philips(told: Attributes) -> tuple[float | None, float]:
    """Return the factors from counts to SUV and to Bq/mL that Philips writes; None and 0 where there are none."""
    creator, to_suv, to_activity = (
        told.content[tag].value if tag in told.content else None for tag in (0x70530010, 0x70531000, 0x70531009)
    )
    if str(creator or "").strip() != _PHILIPS:
        return None, 0.0
    return float(to_suv or 0) or None, float(to_activity or 0)


def _per_activity(told: Attributes) -> float:
    """Return SUVbw for an activity of 1 Bq/mL: weight (g) over the dose (Bq), decayed as the image's values are."""
    sequence = told.get("RadiopharmaceuticalInformationSequence")
    drug = sequence[0] if sequence else {}
    weight = _positive(told.get("PatientWeight"), "PatientWeight")
    dose = _positive(drug.get("RadionuclideTotalDose"), "RadionuclideTotalDose")
    reference = str(told.get("DecayCorrection") or "").upper()
    corrected = {str(one).upper() for one in _several(told.get("CorrectedImage"))}
    if reference and not {"ATTN", "DECY"} <= corrected:
        raise _MissingError("it does not say that attenuation and decay were corrected (CorrectedImage)")
    if reference == "ADMIN":
        return 1000 * weight / dose
    half_life = _positive(drug.get("RadionuclideHalfLife"), "RadionuclideHalfLife")
    if reference == "START":
        since = (_scan_start(told, half_life) - _injected(told, drug)).total_seconds()
    elif str(told.get("DecayCorrected") or "").upper() == "YES" and told.get("DecayCorrectionDateTime"):
        since = (_moment(str(told.get("DecayCorrectionDateTime"))) - _injected(told, drug)).total_seconds()
    else:
        raise _MissingError("it does not say to which time its decay is corrected (DecayCorrection START or ADMIN)")
    if not 0 <= since < _DAY.total_seconds():
        raise _MissingError("its scan does not begin within a day after the injection")
    return float(1000 * weight / (dose * 2 ** (-since / half_life)))


def _scan_start(told: Attributes, half_life: float) -> datetime:
    """Return to which time the decay is corrected: the begin of the scan.

    That is the time of the series, unless the series was made later than its images: then it is computed back from the
    time at which the frame had its average rate of counts.
    """
    acquired = _at(told, "AcquisitionDate", "AcquisitionTime")
    series = _at(told, "SeriesDate", "SeriesTime")
    if series <= acquired:
        return series
    reference, duration = (float(told.get(name) or 0) / 1000 for name in ("FrameReferenceTime", "ActualFrameDuration"))
    if reference <= 0 or duration <= 0:
        raise _MissingError("its series is later than its acquisition, and it lacks FrameReferenceTime")
    decay = math.log(2) / half_life
    average = math.log(decay * duration / (1 - math.exp(-decay * duration))) / decay
    return acquired - timedelta(seconds=reference - average)


def _injected(told: Attributes, drug: Any) -> datetime:
    if drug.get("RadiopharmaceuticalStartDateTime"):
        return _moment(str(drug.get("RadiopharmaceuticalStartDateTime")))
    begin = str(drug.get("RadiopharmaceuticalStartTime") or "")
    if not begin:
        raise _MissingError("it lacks RadiopharmaceuticalStartTime")
    day = str(told.get("SeriesDate") or told.get("AcquisitionDate") or "")
    moment = _moment(day + begin)
    scan = _at(told, "SeriesDate", "SeriesTime") if told.get("SeriesTime") else moment
    return moment - _DAY if moment > scan else moment  # over midnight


def _at(told: Attributes, day: str, time: str) -> datetime:
    for name in (day, time):
        if not told.get(name):
            raise _MissingError(f"it lacks {name}")
    return _moment(f"{told.get(day)}{told.get(time)}")


def _moment(text: str) -> datetime:
    """Read a date and a time of DICOM, without its zone: all times of a file are of one clock."""
    digits = text.replace("-", "+").partition("+")[0].replace(":", "").strip()
    whole, _, fraction = digits.partition(".")
    try:
        begin = datetime.strptime(whole.ljust(14, "0")[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007
        return begin + timedelta(seconds=float(f"0.{fraction or 0}"))
    except ValueError:
        raise _MissingError("one of its dates and times is none that can be") from None


def _positive(value: Any, name: str) -> float:
    number = float(value or 0)
    if not (math.isfinite(number) and number > 0):
        raise _MissingError(f"it lacks {name}")
    return number


def _several(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)
