"""Windows of the Hounsfield scale."""

import numpy as np
import pytest

from src_models.errors import UserError
from src_models.files.images import read_image
from src_models.images.ct_windows import ct_window, ct_windows, looks_like_ct, shows_ct
from src_models.images.intensity import measure


@pytest.mark.parametrize(
    ("name", "black", "white"),
    [("soft tissue", -150, 250), ("lung", -1350, 150), ("bone", -500, 1300), ("brain", 0, 80)],
)
def test_black_and_white_are_half_a_width_from_the_level(name, black, white):
    window = ct_window(name)
    assert window.limits == (black, white)
    assert black + white == 2 * window.level
    normalised = measure(np.array([-3000, black, window.level, white, 3000]), window.intensity)
    np.testing.assert_allclose(normalised(np.array([-3000, black, window.level, white, 3000])), [0, 0, 0.5, 1, 1])


def test_all_windows_are_listed_by_their_names():
    assert [ct_window(window.name) for window in ct_windows()] == list(ct_windows())


def test_an_unknown_window_is_refused_with_those_there_are():
    with pytest.raises(UserError, match="'liver'; choose one of soft tissue, lung, bone, brain"):
        ct_window("liver")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(np.r_[np.full(5, -1000), np.full(95, 40)], True, id="air and tissue"),
        pytest.param(np.r_[np.full(5, -2000), np.full(95, 40)], True, id="padding outside the field of view"),
        pytest.param(np.full(100, 40), False, id="tissue alone"),
        pytest.param(np.linspace(-3, 3, 100), False, id="standardised values"),
        pytest.param(np.arange(100, dtype="uint16"), False, id="counts"),
        pytest.param(np.linspace(-30_000, 30_000, 100), False, id="far below air"),
        pytest.param(np.zeros(0), False, id="nothing"),
    ],
)
def test_hounsfield_units_are_known_by_air(values, expected):
    assert looks_like_ct(values) is expected


class Watched:
    """A lazy scan that counts the values that are read of it."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.read = values, values.shape, values.dtype, 0

    def __getitem__(self, index):
        part = self.values[index]
        self.read += part.size
        return part


def test_a_scan_is_known_by_a_part_of_its_middle_slice():
    scan = np.full((9, 700, 700), 40, np.int16)
    scan[4, :150] = -1000  # air above the patient, in the middle slice alone
    watched = Watched(scan)
    assert shows_ct(watched)
    assert watched.read <= 350 * 350
    scan[4], scan[3] = 40, -1000
    assert not shows_ct(scan)


def test_colours_counts_and_single_rows_are_no_scan():
    air = np.full((20, 30, 3), -1000.0)
    assert shows_ct(air)
    assert not shows_ct(air, colours=True)
    assert not shows_ct(np.zeros((20, 30), np.uint16))
    assert not shows_ct(np.full(50, -1000.0))


def test_real_scans_are_known_and_microscopy_is_not(shared, repository):
    for path in (shared / "data" / "ct_totalseg" / "images").glob("*.nii.gz"):
        assert shows_ct(read_image(path).data), path
    for path in (repository / "sample_data").glob("*.png"):
        image = read_image(path)
        assert not shows_ct(image.data, "C" in image.reading.axes), path
