"""What stored numbers mean, by modality and by what a file says of them."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from src_models.files.volumes.dicom.header import Attributes
from src_models.files.volumes.dicom_volume import read_dicom
from src_models.files.volumes.rescaling import Rescaling
from src_models.files.volumes.values.dicom_values import values_of
from src_models.images.grey.ct_windows import shows_ct


def told(**values):
    content = Dataset()
    for name, value in values.items():
        setattr(content, name, value)
    return Attributes(content)


def mapping(slope, intercept, code):
    one, unit = Dataset(), Dataset()
    one.RealWorldValueSlope, one.RealWorldValueIntercept = slope, intercept
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = code, "UCUM", code
    one.MeasurementUnitsCodeSequence = [unit]
    return one


@pytest.mark.parametrize(
    ("modality", "values", "rescaling", "unit"),
    [
        ("CT", {"RescaleSlope": 1, "RescaleIntercept": -1024}, (1, -1024), "HU"),
        ("CT", {"RescaleSlope": 2, "RescaleIntercept": 0, "RescaleType": "HU"}, (2, 0), "HU"),
        ("CT", {"RescaleType": "US"}, (1, 0), "HU"),
        ("CT", {"RescaleSlope": 0.5, "RescaleType": "MGML"}, (0.5, 0), "MGML"),
        ("CT", {"RealWorldValueMappingSequence": [mapping(3, 4, "mg/ml")]}, (1, 0), "HU"),
        ("MR", {"RescaleSlope": 2.5, "RescaleType": "normalized"}, (2.5, 0), "a.u."),
        ("MR", {}, (1, 0), "a.u."),
        ("MR", {"RescaleSlope": 9, "RealWorldValueMappingSequence": [mapping(0.5, 1, "ms")]}, (0.5, 1), "ms"),
        ("MR", {"RescaleSlope": 9, "RealWorldValueMappingSequence": [mapping(0.5, 1, "1")]}, (9, 0), "a.u."),
        (
            "PT",
            {"Units": "BQML", "RealWorldValueMappingSequence": [mapping(7, 0, "Bq/ml"), mapping(2, 0, "{SUVbw}g/ml")]},
            (2, 0),
            "SUVbw",
        ),
        ("RTDOSE", {"DoseGridScaling": 1e-4, "DoseUnits": "GY"}, (1e-4, 0), "Gy"),
        ("RTDOSE", {"DoseGridScaling": 1e-4, "DoseUnits": "RELATIVE"}, (1e-4, 0), "a.u."),
        ("NM", {"RescaleSlope": 3}, (3, 0), ""),
    ],
)
def test_values_are_what_the_file_says(modality, values, rescaling, unit):
    assert values_of(modality, told(**values))[:2] == (Rescaling(*rescaling), unit)


def test_a_mapping_may_be_a_frames_own():
    own = Dataset()
    own.RealWorldValueMappingSequence = [mapping(0.25, 0, "um2/s")]
    content = told(RealWorldValueMappingSequence=[mapping(9, 9, "ms")]).content
    assert values_of("MR", Attributes(content, own))[:2] == (Rescaling(0.25, 0), "µm²/s")


@pytest.mark.parametrize(("modality", "unit"), [("MR", "a.u."), ("PT", ""), ("CT", "HU")])
def test_no_window_of_ct_is_shown_on_what_is_none_whatever_its_values(tmp_path, write_series, modality, unit):
    stored = np.zeros((2, 30, 30), "uint16")
    stored[:, :15] = 1000  # half air, half water, if it were CT
    volume = read_dicom(write_series(tmp_path, stored, Modality=modality)[0])
    assert volume.reading.value_unit == unit
    assert shows_ct(volume.data, volume.reading) == (modality == "CT")


def test_a_map_that_a_ct_made_is_no_ct_in_hu(tmp_path, write_series):
    stored = np.full((2, 30, 30), 1000, "uint16")
    volume = read_dicom(write_series(tmp_path, stored, RescaleType="MGML")[0])
    assert (volume.modality, volume.reading.value_unit) == ("CT (MGML)", "MGML")
    assert not shows_ct(volume.data, volume.reading)
    assert volume.reading.describe().endswith("values in MGML")


def test_slices_of_several_units_are_no_scan(tmp_path, write_series):
    from dicom_files import change

    from src_models.errors import ImageError

    paths = write_series(tmp_path, np.zeros((4, 3, 5), "uint16"))
    for path in paths[:2]:
        change(path, RescaleType="MGML")
    with pytest.raises(ImageError, match=r"different units \(MGML and HU\)"):
        read_dicom(tmp_path)
