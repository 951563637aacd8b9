"""From the numbers that a DICOM file stores to those that are meant, and what these are: HU, SUV, Bq/mL, Gy.

What a file says in its real world value mapping (PS3.3, C.7.6.16.2.11) counts before its rescaling, but for CT, whose
rescaling is HU by rule (C.8.2.1.1). Values of MR have no unit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from src_models.files.volumes.dicom.header import Attributes
from src_models.files.volumes.rescaling import Rescaling
from src_models.files.volumes.values.suv import SUV, suv_factor

__all__ = ["ARBITRARY", "HU", "Values", "values_of"]

HU, ARBITRARY = "HU", "a.u."
_UNSPECIFIED = ("", "US", "NORMALIZED")
# Codes of the Unified Code for Units of Measure, as people write them.
_WORDS = {
    "[hnsf'u]": HU, "hu": HU, "{suvbw}g/ml": SUV, "g/ml{suvbw}": SUV, "suvbw": SUV, "{suvlbm}g/ml": "SUVlbm",
    "{suvbsa}cm2/ml": "SUVbsa", "{suvibw}g/ml": "SUVibw", "bq/ml": "Bq/mL", "gy": "Gy", "um2/s": "µm²/s",
    "mm2/s": "mm²/s",
}  # fmt: skip
_NO_UNIT = {"", "1", "{counts}", "no units"}
_LONGEST = 16  # characters of a unit


class Values(NamedTuple):
    """What stored numbers mean.

    Parameters
    ----------
    rescaling
        How they become values.
    unit
        Of the values; empty where it is not known.
    remarks
        What a person should know of it.
    plain
        Whether the rescaling is the file's RescaleSlope and RescaleIntercept, which its windows are made for.
    """

    rescaling: Rescaling
    unit: str
    remarks: tuple[str, ...] = ()
    plain: bool = True


def values_of(modality: str, told: Attributes) -> Values:
    """Return how stored numbers become values, and what these are.

    Parameters
    ----------
    modality
        Modality.
    told
        The attributes of a slice.

    Raises
    ------
    ValueError
        If a number is none that can be.
    """
    mapped = None if modality == "CT" else _mapping(told)
    if mapped is not None:
        return Values(*mapped, plain=False)
    if modality == "RTDOSE":
        unit = "Gy" if str(told.get("DoseUnits") or "").upper() == "GY" else ARBITRARY
        return Values(Rescaling(float(told.get("DoseGridScaling") or 1), 0.0), unit, plain=False)
    rescaling, remarks = _rescaling(told)
    kind = str(told.get("RescaleType") or "").strip()
    if modality == "CT":
        return Values(rescaling, HU if kind.upper() in (*_UNSPECIFIED, HU) else _unit(kind), remarks)
    if modality == "PT":
        factor, unit, why = suv_factor(told)
        scaled = Rescaling(rescaling.slope * factor, rescaling.intercept * factor)
        return Values(scaled, unit, (*remarks, *why), plain=factor == 1)
    if kind.upper() not in _UNSPECIFIED:
        return Values(rescaling, _unit(kind), remarks)
    return Values(rescaling, ARBITRARY if modality == "MR" else "", remarks)


def _rescaling(told: Attributes) -> tuple[Rescaling, tuple[str, ...]]:
    numbers = told.get("RescaleSlope"), told.get("RescaleIntercept")
    slope, intercept = (
        default if one is None else float(one) for one, default in zip(numbers, (1.0, 0.0), strict=True)
    )
    if not np.isfinite([slope, intercept]).all():
        raise ValueError(slope)
    if slope == 0:  # the standard forbids it; GDCM, and so most other programs, take 1
        remark = "its RescaleSlope is 0, which would make all values equal: 1 was taken instead"
        return Rescaling(1.0, intercept), (remark,)
    return Rescaling(slope, intercept), ()


def _mapping(told: Attributes) -> tuple[Rescaling, str] | None:
    """Return the mapping to real values of a known unit, if there is one; SUV by weight before others."""
    found = []
    for one in told.get("RealWorldValueMappingSequence") or ():
        slope, units = one.get("RealWorldValueSlope"), one.get("MeasurementUnitsCodeSequence")
        code = str(units[0].get("CodeValue") or "").strip() if units else ""
        if slope and np.isfinite(float(slope)) and code.lower() not in _NO_UNIT:
            found.append((Rescaling(float(slope), float(one.get("RealWorldValueIntercept") or 0)), _unit(code)))
    return next((one for one in found if one[1] == SUV), found[0] if found else None)


def _unit(code: Any) -> str:
    return _WORDS.get(str(code).lower(), str(code)[:_LONGEST])
