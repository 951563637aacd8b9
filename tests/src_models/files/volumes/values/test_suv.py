"""SUV by body weight, against QIBA's formula; and what is said where it cannot be had."""

import math

import numpy as np
import pytest
from dicom_files import change
from pydicom.dataset import Dataset

from src_models.files.volumes.dicom.header import Attributes
from src_models.files.volumes.dicom_volume import read_dicom
from src_models.files.volumes.values.suv import suv_factor
from src_models.labels.measurements.measuring import measure

WEIGHT, DOSE, HALF_LIFE = 72.5, 3.1e8, 6586.2  # kg, Bq, s (fluorine 18)
PET = {
    "Units": "BQML", "CorrectedImage": ["ATTN", "DECY", "SCAT"], "DecayCorrection": "START", "PatientWeight": WEIGHT,
    "SeriesDate": "20240229", "SeriesTime": "101500.25", "AcquisitionDate": "20240229", "AcquisitionTime": "101500.250",
}  # fmt: skip
DRUG = {
    "RadionuclideTotalDose": DOSE, "RadionuclideHalfLife": HALF_LIFE, "RadiopharmaceuticalStartTime": "091500.25",
}  # fmt: skip


def header(drug=(), **values):
    content, item = Dataset(), Dataset()
    for name, value in {**DRUG, **dict(drug)}.items():
        if value is not None:
            setattr(item, name, value)
    for name, value in {**PET, **values}.items():
        if value is not None:
            setattr(content, name, value)
    content.RadiopharmaceuticalInformationSequence = [item]
    return content


def by_qiba(seconds):
    """Weight in g over the dose that is left after so long."""
    return WEIGHT * 1000 / (DOSE * math.pow(2, -seconds / HALF_LIFE))


@pytest.mark.parametrize(
    ("values", "drug", "seconds"),
    [
        pytest.param({}, {}, 3600, id="from injection to scan"),
        pytest.param({"AcquisitionTime": "103000"}, {}, 3600, id="a later bed is corrected to the scan's begin"),
        pytest.param({"DecayCorrection": "ADMIN"}, {}, 0, id="to injection"),
        pytest.param(
            {}, {"RadiopharmaceuticalStartTime": None, "RadiopharmaceuticalStartDateTime": "20240229090000"}, 4500.25,
            id="a date of its own",
        ),
        pytest.param(
            {"SeriesTime": "001500", "AcquisitionTime": "001500"}, {"RadiopharmaceuticalStartTime": "233000"}, 2700,
            id="over midnight",
        ),
        pytest.param(
            {"DecayCorrection": None, "CorrectedImage": None, "DecayCorrected": "YES",
             "DecayCorrectionDateTime": "20240229101500.25"}, {}, 3600, id="enhanced",
        ),
    ],
)  # fmt: skip
def test_the_factor_is_that_of_qiba(values, drug, seconds):
    factor, unit, remarks = suv_factor(Attributes(header(drug, **values)))
    assert (unit, remarks) == ("SUVbw", ())
    assert factor == pytest.approx(by_qiba(seconds), rel=1e-9)


def test_of_a_series_that_was_made_later_the_scans_begin_is_computed_back():
    """A frame of 20 minutes that began 10 minutes into the scan: its average rate is at a time within it."""
    decay, duration, begin = math.log(2) / HALF_LIFE, 1200.0, 600.0
    moments = np.linspace(0, duration, 200_001)
    rate = np.exp(-decay * moments)
    at = -math.log(float(np.mean((rate[1:] + rate[:-1]) / 2))) / decay  # where the rate is its average, by integration
    values = {
        "SeriesTime": "150000", "AcquisitionTime": "102500.25", "ActualFrameDuration": 1000 * duration,
        "FrameReferenceTime": 1000 * (begin + at),
    }  # fmt: skip
    factor, unit, _ = suv_factor(
        Attributes(header({"RadiopharmaceuticalStartDateTime": "20240229091500.25"}, **values))
    )
    assert unit == "SUVbw"
    assert factor == pytest.approx(by_qiba(3600), rel=1e-6)


@pytest.mark.parametrize(
    ("values", "drug", "word"),
    [
        ({"PatientWeight": None}, {}, "PatientWeight"),
        ({"PatientWeight": 0}, {}, "PatientWeight"),
        ({}, {"RadionuclideTotalDose": None}, "RadionuclideTotalDose"),
        ({}, {"RadionuclideHalfLife": None}, "RadionuclideHalfLife"),
        ({}, {"RadiopharmaceuticalStartTime": None}, "RadiopharmaceuticalStartTime"),
        ({"SeriesTime": None}, {}, "SeriesTime"),
        ({"SeriesDate": "20240231"}, {}, "one of its dates and times is none that can be"),
        ({"CorrectedImage": ["ATTN"]}, {}, "CorrectedImage"),
        ({"CorrectedImage": None}, {}, "CorrectedImage"),
        ({"DecayCorrection": "NONE"}, {}, "DecayCorrection START or ADMIN"),
        ({"SeriesTime": "160000"}, {}, "its series is later than its acquisition"),
        ({}, {"RadiopharmaceuticalStartDateTime": "20240227101500"}, "within a day"),
    ],
)
def test_without_what_is_needed_values_stay_activity_and_it_is_said_why(values, drug, word):
    factor, unit, (remark,) = suv_factor(Attributes(header(drug, **values)))
    assert (factor, unit) == (1.0, "Bq/mL")
    assert remark.startswith("its values are Bq/mL, no SUV, because")
    assert word in remark
    assert str(WEIGHT) not in remark


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"Units": "GML"}, (1, "SUVbw")),
        ({"Units": "GML", "SUVType": "LBM"}, (1, "SUVlbm")),
        ({"Units": "CNTS"}, (1, "counts")),
        ({"Units": "PROPCPS"}, (1, "")),
    ],
)
def test_other_units_are_called_what_they_are(values, expected):
    assert suv_factor(Attributes(header(**values)))[:2] == expected


@pytest.mark.parametrize(("tag", "factor"), [(0x1000, 0.004), (0x1009, 20 * by_qiba(3600))])
def test_counts_of_philips_become_suv_by_its_own_factors(tag, factor):
    content = header(Units="CNTS")
    content.add_new(0x70530010, "LO", "Philips PET Private Group")
    content.add_new((0x7053, tag), "DS", "0.004" if tag == 0x1000 else "20")
    found, unit, _ = suv_factor(Attributes(content))
    assert (found, unit) == (pytest.approx(factor, rel=1e-9), "SUVbw")


def test_a_scan_is_read_and_measured_in_suv(tmp_path, write_series):
    stored = np.random.default_rng(0).integers(0, 30_000, (3, 4, 5)).astype("int16")
    slopes = ((2.0, 0), (0.5, 0), (1.5, 0))
    paths = write_series(tmp_path, stored, Modality="PT", rescaling=slopes, WindowCenter=9000, WindowWidth=18000)
    for path in paths:
        change(path, **{each.keyword: each.value for each in header()})
    volume = read_dicom(tmp_path)
    assert (volume.modality, volume.reading.value_unit, volume.notes) == ("PT", "SUVbw", ())
    assert volume.windows == ()  # the file's are of Bq/mL
    expected = stored * np.array([slope for slope, _ in slopes])[:, None, None] * by_qiba(3600)
    np.testing.assert_allclose(np.asarray(volume.data), expected, rtol=1e-6)
    labels = np.ones(stored.shape, np.uint8)
    table = measure(labels, np.asarray(volume.data), unit=volume.reading.value_unit)
    assert table.columns["mean (SUVbw)"] == pytest.approx([expected.mean()], rel=1e-6)
    change(paths[0], PatientWeight=None)
    change(paths[1], PatientWeight=None)
    change(paths[2], PatientWeight=None)
    volume = read_dicom(tmp_path)
    assert volume.reading.value_unit == "Bq/mL"
    assert [round(one.high) for one in volume.windows] == [17_999]  # PS3.3, C.11.2.1.2.1
    assert volume.notes == ("IM0000.dcm and 2 more: its values are Bq/mL, no SUV, because it lacks PatientWeight",)
