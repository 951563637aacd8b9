"""Files of labels with time are followed in the unit of the file."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from lineages import RADIUS, dividing_discs

from src_models.errors import ImageError
from src_models.tracking.from_file import track_file

pytest.importorskip("laptrack")


def test_distances_are_in_the_unit_of_the_file(tmp_path):
    labels, *_ = dividing_discs(4)
    tifffile.imwrite(
        tmp_path / "a.tif",
        labels.astype(np.uint16),
        imagej=True,
        resolution=(2, 2),
        metadata={"axes": "TYX", "unit": "um"},
    )
    file, data, tracks = track_file(tmp_path / "a.tif")
    assert file.reading.unit == "µm"
    assert tracks.farthest == pytest.approx(RADIUS, rel=0.05)  # a diameter, at half a micron a pixel
    np.testing.assert_array_equal(data, labels)


def test_labels_without_time_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((9, 9), np.uint8))
    with pytest.raises(ImageError, match="without time"):
        track_file(tmp_path / "a.tif")


def test_what_is_wrong_names_the_file(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 9, 9), np.uint8), imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(ImageError, match=r"a\.tif: there is no object"):
        track_file(tmp_path / "a.tif")
