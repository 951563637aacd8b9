"""Windows of the Hounsfield scale."""

from dataclasses import replace

import numpy as np
import pytest

from src_models.errors import UserError
from src_models.files.images import read_image
from src_models.images.axes import AxesReading, read_axes
from src_models.images.grey.ct_windows import (
    CtWindow,
    ct_window,
    ct_windows,
    is_ct,
    looks_like_ct,
    parse_ct_window,
    shows_ct,
    value_unit,
)
from src_models.images.grey.intensity import measure


@pytest.mark.parametrize(
    ("name", "black", "white"),
    [("soft tissue", -150, 250), ("lung", -1350, 150), ("bone", -500, 1300), ("brain", 0, 80), ("liver", -45, 105)],
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
    with pytest.raises(UserError, match="'spleen'; choose one of soft tissue, lung, bone, brain, liver"):
        ct_window("spleen")


def test_a_window_is_given_by_name_or_by_level_and_width():
    assert parse_ct_window("lung") == ct_window("lung")
    own = parse_ct_window(" -50.5 : 301 ")
    assert own.limits == (-50.5 - 150.5, -50.5 + 150.5)
    assert CtWindow.of_limits(*own.limits) == own
    assert CtWindow.of_limits(-150, 250, "soft tissue") == ct_window("soft tissue")


@pytest.mark.parametrize("text", ["40:", "a:b", "40:80:1", "40:0", "40:-80", "nan:80", "40:inf", "brains"])
def test_what_is_no_window_is_refused(text):
    with pytest.raises(UserError, match="window"):
        parse_ct_window(text)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(np.r_[np.full(5, -1000), np.full(95, 40)], True, id="air and tissue"),
        pytest.param(np.r_[np.full(5, -2000), np.full(95, 40)], False, id="padding is no air"),
        pytest.param(np.r_[np.full(20, -3024), np.full(5, -1000), np.full(95, 40)], True, id="air and padding"),
        pytest.param(np.r_[np.full(20, -32768), np.full(5, -1000), np.full(95, 40)], True, id="the lowest number"),
        pytest.param(np.r_[np.nan, np.full(5, -1000.0), np.full(95, 40)], True, id="a value that is none"),
        pytest.param(np.r_[np.full(30, -950), np.full(10, 9000), np.full(60, 40)], False, id="brighter than metal"),
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
    assert not shows_ct(air, read_axes(air.shape, axes="YXC"))
    assert not shows_ct(np.zeros((20, 30), np.uint16))
    assert not shows_ct(np.full(50, -1000.0))


def test_real_scans_are_known_and_microscopy_is_not(shared, repository):
    for path in (shared / "data" / "ct_totalseg" / "images").glob("*.nii.gz"):
        assert shows_ct(read_image(path).data), path
    for path in (repository / "sample_data").glob("*.png"):
        image = read_image(path)
        assert not shows_ct(image.data, image.reading), path


@pytest.mark.parametrize("spread", [150, 300, 500, 1000, 3000])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_microscopy_whose_background_was_subtracted_is_no_ct(spread, dtype):
    rng = np.random.default_rng(spread)
    image = rng.normal(0, spread, (200, 200))
    image[50:90, 50:90] += 6 * spread  # cells
    assert (image < -300).mean() >= 0.01  # as in a scan
    assert not looks_like_ct(image.astype(dtype))


def test_dark_cells_on_a_subtracted_ground_are_no_ct():
    image = np.random.default_rng(0).normal(0, 20, (200, 200))
    image[:60] -= 700
    assert not looks_like_ct(image)


def test_real_microscopy_less_its_ground_is_no_ct(repository):
    from scipy.ndimage import gaussian_filter

    for path in (repository / "sample_data").glob("*.png"):
        grey = np.asarray(read_image(path).data, float).reshape(-1, *np.asarray(read_image(path).data).shape[:2])[0]
        for gain in (4, 16, 64):
            assert not looks_like_ct(gain * (grey - gaussian_filter(grey, 25))), path


HU = np.r_[np.full(5, -1000), np.full(95, 40)].reshape(10, 10)


def test_the_file_s_word_wins_over_values():
    said = {name: AxesReading("YX", (10, 10), {}, "mm", modality=name) for name in ("CT", "MR", "PT", "OT")}
    assert {name: shows_ct(HU, reading) for name, reading in said.items()} == {
        "CT": True, "MR": False, "PT": False, "OT": False,
    }  # fmt: skip
    assert is_ct(np.zeros((10, 10), np.uint16), said["CT"])
    watched = Watched(HU)
    assert shows_ct(watched, said["CT"])
    assert watched.read == 0


@pytest.mark.parametrize(
    ("size", "unit", "expected"),
    [(0.65, "µm", False), (650, "nm", False), (0.7, "mm", True), (700, "µm", True), (1, "pixel", True), (3, "", True)],
)
def test_pixels_of_a_microscope_are_no_ct_whatever_their_values(size, unit, expected):
    reading = read_axes((10, 10), spacing={"Y": size, "X": size}, unit=unit)
    assert shows_ct(HU, reading) is expected
    assert is_ct(HU, reading) is expected


def test_the_unit_is_the_files_word_else_hu_if_it_looks_like_ct():
    assert value_unit(HU) == "HU"
    assert value_unit(HU, replace(read_axes(HU.shape), modality="PT", value_unit="SUVbw")) == "SUVbw"
    assert value_unit(HU, replace(read_axes(HU.shape), modality="MR")) == ""
    assert value_unit(np.zeros((4, 4), np.uint8)) == ""
