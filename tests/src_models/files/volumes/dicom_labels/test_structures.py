"""Structure sets as they are in the file."""

import numpy as np
import pydicom
import pytest

from src_models.errors import ImageError
from src_models.files.volumes.dicom_labels.structures import read_structures

TRIANGLE = np.array([[0.0, 0, 1], [4, 0, 1], [0, 4, 1]])


def test_names_numbers_colours_and_contours_are_read(write_structures):
    path = write_structures(
        {"Leber": [TRIANGLE, TRIANGLE + 1], "Milz": []}, series="1.2", reference="3.4", numbers=[7, 3]
    )
    found = read_structures(path)
    assert [one.segment[:2] for one in found.structures] == [(3, "Milz"), (7, "Leber")]
    assert found.structures[1].segment.colour == (1.0, 0.0, 0.2)
    np.testing.assert_allclose(found.structures[1].contours, [TRIANGLE, TRIANGLE + 1])
    assert (found.series, found.reference) == ("1.2", "3.4")


def test_numbers_that_are_no_labels_are_counted_anew(write_structures):
    found = read_structures(write_structures({"a": [TRIANGLE], "b": []}, numbers=[0, 1]))
    assert [one.segment[:2] for one in found.structures] == [(1, "a"), (2, "b")]


def test_points_and_lines_bound_nothing(write_structures):
    path = write_structures({"a": [TRIANGLE[:1]], "b": [TRIANGLE]}, kinds={"a": "POINT", "b": "OPEN_PLANAR"})
    found = read_structures(path).structures
    assert [(len(one.contours), one.others) for one in found] == [(0, 1), (0, 1)]


def test_damaged_and_empty_ones_are_refused(write_structures):
    path = write_structures({"a": [TRIANGLE]})
    content = pydicom.dcmread(path)
    content.ROIContourSequence[0].ContourSequence[0].ContourData = ["1", "2"]
    content.save_as(path)
    with pytest.raises(ImageError, match="cut off or damaged"):
        read_structures(path)
    with pytest.raises(ImageError, match="without structures"):
        read_structures(write_structures({}, name="b.dcm"))
