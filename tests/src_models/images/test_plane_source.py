"""What a network gets to see of a plane: its channels, normalised and at its scale, region by region."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from src_models.images import plane_source
from src_models.images.model_image import ModelImage
from src_models.images.resampling import read_resized
from src_models.models.header import Intensity, ModelHeader

RNG = np.random.default_rng(0)


def header(**fields):
    return ModelHeader(
        name="m",
        purpose="",
        architecture="unet",
        config={},
        classes=("background", "cell"),
        **{"channels": ("grey",), "intensity": Intensity(kind="percentile", low=1, high=99), **fields},
    )


def sources(image, axes, described, zoom=1.0):
    seen = ModelImage(image, described, axes=axes, name="cells")
    return [seen.plane(plane, zoom) for plane in seen.planes]


def scaled(values, of):
    low, high = np.percentile(of, (1, 99))
    return (values - low) / (high - low)


def whole(source):
    return source.read([slice(0, n) for n in source.shape])


def test_a_plane_is_normalised_by_its_own_percentiles():
    image = RNG.normal(100, 9, (40, 50))
    (source,) = sources(image, "YX", header())
    assert source.shape == (40, 50)
    assert_allclose(whole(source), scaled(image, image)[None], atol=1e-5)
    assert whole(source).dtype == np.float32


def test_the_slices_of_a_stack_share_their_brightness_and_time_points_do_not():
    image = RNG.normal(100, 9, (2, 3, 30, 30)) * np.array([1, 5])[:, None, None, None]
    image[:, 2] += 40
    found = sources(image, "TZYX", header())
    assert [source.plane for source in found] == list(np.ndindex(2, 3))
    for source in found:
        t, z = source.plane
        assert_allclose(whole(source)[0], scaled(image[t, z], image[t]), atol=1e-5)


def test_of_a_deep_stack_some_slices_are_measured_evenly():
    ramp = np.broadcast_to(np.arange(100.0)[:, None, None], (100, 8, 8)).copy()
    (first, *_) = sources(ramp, "ZYX", header(intensity=Intensity(kind="zscore", low=0.5, high=99.5)))
    normalisation = first.normalisation
    assert normalisation.offset == pytest.approx(49.5, abs=2)
    assert normalisation.width == pytest.approx(ramp.std(), rel=0.1)


def test_a_region_of_a_zoomed_plane_is_the_resized_normalised_image():
    image = RNG.normal(100, 9, (60, 80))
    (source,) = sources(image, "YX", header(), zoom=0.4)
    assert source.shape == (24, 32)
    expected = read_resized(
        lambda part: scaled(image, image)[None][(slice(None), *part)], (60, 80), (24, 32), [slice(0, 24), slice(0, 32)]
    )
    assert_allclose(source.read([slice(3, 9), slice(20, 32)]), expected[:, 3:9, 20:32], atol=1e-5)
    assert source.zoomed(0.5).shape == (30, 40)
    assert source.shape == (24, 32), "the source itself keeps its scale"


def test_colours_are_measured_together_so_that_their_balance_stays():
    image = RNG.normal(100, 9, (30, 30, 3)) * np.array([1, 2, 3])
    (source,) = sources(image, "YXC", header(channels=("red", "green", "blue")))
    assert_allclose(whole(source), np.moveaxis(scaled(image, image), -1, 0), atol=1e-5)


@pytest.mark.parametrize(("shape", "axes", "dimensions"), [((700, 900), "YX", 2), ((40, 200, 300), "ZYX", 3)])
def test_a_large_plane_is_measured_from_blocks_all_over_it(monkeypatch, shape, axes, dimensions):
    monkeypatch.setattr(plane_source, "WHOLE_PIXELS", 10_000)
    monkeypatch.setattr(plane_source, "BLOCK", 16)
    image = RNG.normal(0, 5, shape)
    image[..., shape[-1] // 2 :] += 100  # one half is bright
    fields = {"tile": (64,) * dimensions, "overlap": (8,) * dimensions, "dimensions": dimensions}
    (source,) = sources(image, axes, header(**fields))
    low, high = np.percentile(image, (1, 99))
    normalisation = source.normalisation
    assert (low, high) == pytest.approx((-10, 110), abs=1)
    assert normalisation.offset == pytest.approx(low, abs=1)
    assert normalisation.offset + normalisation.width == pytest.approx(high, abs=1)


def test_of_a_large_plane_little_is_read_at_first(monkeypatch):
    read = []

    class Watched(np.ndarray):
        def __getitem__(self, index):
            part = super().__getitem__(index)
            read.append(part.size)
            return part

    image = np.zeros((3000, 3000), np.uint8).view(Watched)
    sources(image, "YX", header())
    assert sum(read) <= (plane_source.GRID * plane_source.BLOCK) ** 2 < 3000**2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_filled_and_noted_also_where_nothing_was_sampled(monkeypatch, value):
    monkeypatch.setattr(plane_source, "WHOLE_PIXELS", 64)
    monkeypatch.setattr(plane_source, "BLOCK", 4)
    image = np.random.default_rng(0).uniform(3, 9, (100, 100))
    image[0, 0] = 3
    filled = image.copy()
    image[50, 51], filled[50, 51] = value, 3
    (source,), (clean,) = sources(image, "YX", header()), sources(filled, "YX", header())
    source.read([slice(0, 40), slice(0, 100)])
    assert source.fill is None
    part = [slice(40, 60), slice(0, 100)]
    np.testing.assert_array_equal(source.read(part), clean.read(part))
    assert source.fill == 3


def test_a_time_without_any_number_is_read_like_the_others():
    series = np.random.default_rng(0).uniform(3, 9, (3, 20, 20))
    series[1] = np.nan
    found = sources(series, "TYX", header())
    whole = [slice(0, 20), slice(0, 20)]
    assert np.ptp(found[1].read(whole)) == 0
    np.testing.assert_array_equal(found[2].read(whole), sources(series[2:], "TYX", header())[0].read(whole))
