"""The picture of a series: which slice, which window, and how large."""

import numpy as np
import pytest

from src_models.files.volumes.dicom import pixels
from src_models.files.volumes.dicom_preview import thumbnail as module
from src_models.files.volumes.dicom_preview.series_preview import preview_series
from src_models.files.volumes.dicom_preview.thumbnail import thumbnail


@pytest.fixture
def drawn(tmp_path, write_series):
    """Return a function that writes a series and draws it."""

    def draw(values, size=96, **fields):
        write_series(tmp_path, values, **fields)
        (one,) = preview_series(tmp_path)
        return thumbnail(one, size)

    return draw


def hounsfield(number, shape=(8, 8)):
    """A slice of HU in one half and air in the other, as stored numbers."""
    plane = np.zeros(shape, np.uint16)
    plane[:, shape[1] // 2 :] = number + 1024
    return plane


def test_the_middle_slice_is_drawn_and_no_other_is_read(drawn, monkeypatch):
    read = []
    monkeypatch.setattr(module, "read_frame", lambda of, frame: read.append(of.path) or pixels.read_frame(of, frame))
    grey = drawn(np.stack([hounsfield(number) for number in (-1000, 50, 1000)]), size=8, spacing=(1, 1))
    assert len(read) == 1
    assert read[0].name == "IM0001.dcm"
    # Soft tissue is -150 to 250 HU: 50 HU are half way, air is black.
    np.testing.assert_array_equal(grey, np.repeat([[0] * 4 + [127] * 4], 8, axis=0))


def test_the_window_of_the_file_counts_before_that_of_soft_tissue(drawn):
    grey = drawn(hounsfield(50)[None], size=8, spacing=(1, 1), WindowCenter=100.5, WindowWidth=101)
    assert set(np.unique(grey)) == {0}  # 50 to 150 HU
    other = drawn(hounsfield(125)[None], size=8, spacing=(1, 1), WindowCenter=100.5, WindowWidth=101)
    assert other.max() == round(255 * 0.75 - 0.5)


def test_what_is_no_ct_is_drawn_from_dark_to_bright(drawn):
    ramp = np.arange(64, dtype=np.uint16).reshape(1, 8, 8) * 40
    grey = drawn(ramp, size=8, spacing=(1, 1), Modality="MR", rescaling=((1, 0),))
    assert grey.min() == 0
    assert grey.max() == 255
    assert (np.diff(grey.ravel().astype(int)) >= 0).all()
    flat = drawn(np.full((1, 8, 8), 7, np.uint16), Modality="MR", rescaling=((1, 0),))
    assert len(np.unique(flat)) == 1


@pytest.mark.parametrize(
    ("shape", "spacing", "expected"),
    [((64, 64), (1, 1), (32, 32)), ((64, 32), (1, 1), (32, 16)), ((10, 10), (3, 1), (32, 11))],
)
def test_pixels_are_square_and_the_longer_side_is_as_long_as_asked(drawn, shape, spacing, expected):
    assert drawn(np.zeros((1, *shape), np.uint16), size=32, spacing=spacing).shape == expected


def test_a_slice_that_cannot_be_read_has_no_picture(tmp_path, write_series):
    (path,) = write_series(tmp_path, hounsfield(0)[None])
    path.write_bytes(path.read_bytes()[:-10])
    (one,) = preview_series(tmp_path)
    assert not one.opens
    assert thumbnail(one) is None
