"""Which values count: padding is no tissue, and no percentile, mean or deviation hangs on it."""

import numpy as np
import pytest

from src_models.images.axes import AxesReading
from src_models.images.grey.counted import counted, look_at_counted
from src_models.images.grey.intensity import measure
from src_models.models.header import Intensity

# A slice with the ring outside of the field of view that some scanners fill with -3024.
TISSUE = np.random.default_rng(0).normal(40, 30, (40, 50))
TISSUE[:10] = -1000
PADDED = TISSUE.copy()
PADDED[:, :12] = -3024


def reading(shape, modality=None, padding=()):
    return AxesReading("YX", shape, {}, modality=modality, padding=padding)


@pytest.mark.parametrize("intensity", [Intensity(), Intensity(kind="zscore", low=0.5, high=99.5)])
@pytest.mark.parametrize("said", ["CT", None])
def test_padding_has_no_part_in_how_a_ct_is_normalised(intensity, said):
    how = reading(PADDED.shape, said)
    found, expected = look_at_counted(PADDED, intensity, how).normalisation, measure(TISSUE[:, 12:], intensity)
    assert (found.offset, found.width, found.high) == (expected.offset, expected.width, expected.high)
    np.testing.assert_array_equal(found(TISSUE), expected(TISSUE))


@pytest.mark.parametrize("low", [-1025, -2000, -32768])
def test_padding_is_as_dark_as_the_lowest_tissue(low):
    found = look_at_counted(
        np.where(PADDED == -3024, low, PADDED), Intensity(), reading(PADDED.shape, "CT")
    ).normalisation
    assert found(np.array([low]))[0] == found(np.array([TISSUE.min()]))[0]


def test_a_window_is_what_it_says_with_padding_or_without():
    window = Intensity(kind="window", low=-1350, high=150)
    found = look_at_counted(PADDED, window, reading(PADDED.shape, "CT")).normalisation
    np.testing.assert_allclose(found(np.array([-3024, -1350, -600, 150])), [0, 0, 0.5, 1])


def test_a_file_s_padding_is_left_out_of_any_modality():
    values = np.r_[np.full(50, 4000), np.arange(100), np.full(3, 5000), 6000].astype(np.uint16)
    kept = counted(values, reading(values.shape, "MR", ((4000.0, 4000.0), (5000.0, 5500.0))))
    assert kept.tolist() == [*range(100), 6000]


def test_what_is_no_ct_keeps_its_low_values():
    signed = np.random.default_rng(1).normal(0, 2000, 5000)
    for how in (None, reading(signed.shape), reading(signed.shape, "MR")):
        assert counted(signed, how) is signed


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool"])
def test_counts_and_masks_are_handed_through(dtype):
    values = np.ones((3, 4), dtype)
    assert counted(values) is values


def test_where_all_is_padding_it_counts():
    values = np.full((3, 4), -2000)
    assert counted(values, reading(values.shape, "CT")) is values
    assert look_at_counted(values, Intensity(), reading(values.shape, "CT")).normalisation == measure(
        values, Intensity()
    )


def test_values_that_are_none_are_neither_padding_nor_tissue():
    values = np.r_[np.nan, -3024.0, TISSUE.ravel()]
    kept = counted(values, reading(values.shape, "CT"))
    assert np.isnan(kept[0])
    np.testing.assert_array_equal(kept[1:], TISSUE.ravel())


def test_a_network_sees_a_padded_scan_as_one_without_padding():
    from src_models.images.model_image import ModelImage
    from src_models.models.header import ModelHeader

    header = ModelHeader(
        name="grey",
        purpose="a test",
        architecture="unet",
        config={},
        channels=("grey",),
        classes=("background", "cell"),
    )
    seen = [
        ModelImage(data, header, axes=reading(data.shape, modality)).plane(()).read((slice(0, 40), slice(12, 50)))
        for data, modality in ((PADDED, "CT"), (PADDED, None), (TISSUE, "CT"))
    ]
    plain = measure(TISSUE[:, 12:], header.intensity)(TISSUE[:, 12:])
    np.testing.assert_array_equal(seen[0][0], plain)
    np.testing.assert_array_equal(seen[1][0], plain)
    assert np.abs(measure(PADDED, header.intensity)(TISSUE[:, 12:]) - plain).max() > 0.3  # what padding would do
