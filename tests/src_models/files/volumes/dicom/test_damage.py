"""What is said of damaged DICOM files: never what stands in them."""

import logging
import traceback
import warnings

import numpy as np
import pytest
from dicom_files import change

from src_models.errors import ImageError
from src_models.files.volumes.dicom.damage import damaged, silent_pydicom, told_as_damage
from src_models.files.volumes.dicom_volume import read_dicom

NAME, NUMBER = "Mustermann^Erika", "PAT-4711"


def test_of_what_goes_wrong_only_the_kind_is_told(tmp_path):
    with pytest.raises(ImageError) as told, told_as_damage(tmp_path / "a.dcm", "the DICOM file is"):
        raise ValueError(f"could not convert string to float: {NAME!r}")
    words = f"{tmp_path / 'a.dcm'}: the DICOM file is cut off or damaged (ValueError); copy or export the file again"
    assert str(told.value) == words
    assert NAME not in "".join(traceback.format_exception(told.value))


def test_the_file_systems_own_words_are_told(tmp_path):
    error = damaged(tmp_path / "a.dcm", "the pixels are", FileNotFoundError(2, "No such file or directory"))
    assert "the pixels are cut off or damaged (No such file or directory)" in str(error)


def test_an_error_that_is_worded_already_stays(tmp_path):
    with pytest.raises(ImageError, match=r"^mine$"), told_as_damage(tmp_path, "it is"):
        raise ImageError("mine")


def test_pydicom_neither_warns_nor_logs_within_and_does_so_after(caplog):
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with silent_pydicom():
            logging.getLogger("pydicom").warning(NAME)
            warnings.warn(NAME, stacklevel=1)
        assert (caplog.text, warned) == ("", [])
        logging.getLogger("pydicom").warning("after")
        assert "after" in caplog.text


def bad_value(folder, paths):
    content = paths[2].read_bytes()
    paths[2].write_bytes(content.replace(b"-120.5", NAME[:6].encode()))


def cut(folder, paths):
    paths[2].write_bytes(paths[2].read_bytes()[:420])


def cut_pixels(folder, paths):
    paths[2].write_bytes(paths[2].read_bytes()[:-6])


def icon_and_private(folder, paths):
    from pydicom.dataset import Dataset

    for path in paths:
        icon = Dataset()
        icon.Rows = icon.Columns = 2
        icon.PixelData = bytes(4)
        icon["PixelData"].VR = "OB"
        change(path, IconImageSequence=[icon])
        private = Dataset()
        private.add_new(0x00090010, "LO", "ACME 1.0")
        private.add_new(0x00091001, "UN", NAME.encode())
        change(path, ReferencedImageSequence=[private])


@pytest.mark.parametrize("fault", [bad_value, cut, cut_pixels, icon_and_private], ids=lambda fault: fault.__name__)
def test_no_fault_of_a_file_brings_a_patient_into_words(tmp_path, write_series, caplog, capfd, fault):
    stored = np.arange(60, dtype="uint16").reshape(4, 3, 5)
    told = {"PatientName": NAME, "PatientID": NUMBER, "PatientBirthDate": "19000230", "PatientWeight": "80"}
    paths = write_series(tmp_path / "scan", stored, **told)
    fault(tmp_path / "scan", paths)
    said = []
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            volume = read_dicom(tmp_path / "scan")
            np.testing.assert_array_equal(np.asarray(volume.data), stored.astype(int) - 1024)
            said += [*volume.notes, repr(volume.reading), volume.description]
        except ImageError as error:
            said += traceback.format_exception(error)
    said += [caplog.text, *map(str, warned), *capfd.readouterr()]
    assert fault is icon_and_private or "IM0002.dcm" in "".join(said)
    assert not [word for word in (NAME, NAME[:6], NUMBER, "19000230") if word in "".join(said)]
