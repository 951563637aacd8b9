"""What images are made of: the same image gives the same result however it is stored, and what is none is refused."""

import dask.array as da
import numpy as np
import pytest
import zarr
from scipy import ndimage

from src_models.errors import ImageError, UserError
from src_models.images import plane_source
from src_models.images.axes import read_axes
from src_models.prediction.segment import segment


def texture(*shape, seed=0):
    """An image with structure of a few pixels, of values about 0 to 100, the last two or three axes smooth."""
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, [0] * (len(shape) - 2) + [2, 2])
    return (50 + 18 * smooth / max(smooth.std(), 1e-6)).clip(0, 100).astype(np.float32)


def run(image, model, **options):
    return segment(image, model, device="cpu", **options)


@pytest.mark.parametrize(
    "store",
    [
        pytest.param(lambda image: image.astype(np.uint8), id="8 bit"),
        pytest.param(lambda image: image.astype(">u2"), id="big-endian"),
        pytest.param(lambda image: image.astype(np.uint16) * 40, id="12 bit"),
        pytest.param(lambda image: image.astype(np.int16) - 1000, id="signed"),
        pytest.param(lambda image: image.astype(np.int64), id="64 bit"),
        pytest.param(lambda image: image.astype(np.uint32) + 3_000_000_000, id="32 bit"),
        pytest.param(lambda image: image.astype(">f8"), id="big-endian double"),
        pytest.param(lambda image: image.astype(np.float16), id="half"),
        pytest.param(np.asfortranarray, id="Fortran order"),
        pytest.param(lambda image: image[::-1, ::-1].copy()[::-1, ::-1], id="negative strides"),
        pytest.param(lambda image: da.from_array(image, chunks=(30, 17)), id="dask"),
        pytest.param(lambda image: zarr.array(image, chunks=(16, 50)), id="zarr"),
        pytest.param(lambda image: image.tolist(), id="lists"),
    ],
)
def test_how_an_image_is_stored_does_not_matter(make_model, store):
    model = make_model(sharpness=4)
    image = np.round(texture(70, 80))
    expected = run(image, model)
    found = run(store(image), model)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=2e-3)
    assert (found.labels != expected.labels).mean() < 2e-3


def test_booleans_are_zeros_and_ones(make_model):
    model = make_model(sharpness=4)
    mask = texture(50, 60) > 55
    np.testing.assert_array_equal(run(mask, model).probabilities, run(mask.astype(np.uint8), model).probabilities)


@pytest.mark.parametrize("result", ["semantic", "instances"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (40, 40)])
def test_tiny_and_constant_images_give_labels(make_model, shape, result):
    model = make_model(classes=("background", "interior", "boundary"), result="instances")
    for value in (0, 7.5):
        found = run(np.full(shape, value), model, result=result, attention=True)
        assert found.labels.shape == shape
        assert np.isfinite(found.probabilities).all()
        assert np.isfinite(found.attention[0].data).all()


def test_the_image_is_never_changed(make_model):
    image = texture(60, 60)
    before = image.copy()
    image.flags.writeable = False
    run(image, make_model(), attention=True)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", [(0, 0), (333, 210)])
def test_what_is_no_number_is_filled_and_said_also_far_from_what_is_sampled(make_model, monkeypatch, value, place):
    monkeypatch.setattr(plane_source, "WHOLE_PIXELS", 64 * 64)
    monkeypatch.setattr(plane_source, "BLOCK", 8)
    monkeypatch.setattr(plane_source, "GRID", 2)
    image = texture(400, 400)
    image[4, 4] = 0  # the lowest of those that are sampled
    spoilt, filled = image.copy(), image.copy()
    spoilt[place], filled[place] = value, 0
    model = make_model(tile=(208, 208), sharpness=4)
    found = run(da.from_array(spoilt, chunks=(100, 100)), model)
    expected = run(filled, model)
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.notes == ("Values that are NaN or infinite were taken as 0, the lowest value of the image.",)
    assert expected.notes == ()


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_a_channel_is_segmented_as_if_it_were_alone(make_model, axis):
    """Wherever the channels are, and whatever is in the others."""
    alone = texture(3, 60, 70)
    others = [texture(3, 60, 70, seed=1), texture(3, 60, 70, seed=2) * 100]
    axes = "ZYX"[:axis] + "C" + "ZYX"[axis:]
    image = np.stack([others[0], alone, others[1]], axis=axis)
    model = make_model(sharpness=4)
    found = run(image, model, axes=axes, channel=1)
    expected = run(alone, model, axes="ZYX")
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert expected.labels.any()
    assert found.provenance["settings"]["channels"] == [1]
    lazy = run(da.from_array(image), model, axes=read_axes(image.shape, axes=axes, channel=1))
    np.testing.assert_array_equal(lazy.labels, expected.labels)


@pytest.mark.parametrize("channel", [-1, 2])
def test_a_channel_that_is_not_there_is_refused(make_model, channel):
    with pytest.raises(ImageError, match=f"there is no channel {channel}; it is read as .* 2 channels, counted from 0"):
        run(texture(2, 40, 40), make_model(), axes="CYX", channel=channel)
    with pytest.raises(ImageError, match="no axis of channels"):
        run(texture(40, 40), make_model(), channel=0)


def test_three_dyes_are_not_taken_for_colours_without_a_word(make_model):
    model = make_model()
    spots = np.where(texture(60, 60) > 70, 200, 5)
    dyes = np.stack([spots, texture(60, 60, seed=1), texture(60, 60, seed=2)])
    with pytest.raises(ImageError, match="look like three dyes"):
        run(dyes, model, axes="CYX")
    assert run(dyes, model, axes="CYX", channels=(0, 1, 2)).notes == ()
    (note,) = run(np.moveaxis(dyes, 0, -1), model, axes="YXC").notes  # a picture of fluorescence in colour
    assert "three dyes" in note
    tissue = np.clip(200 - texture(60, 60)[None] * np.array([1.0, 1.5, 0.7])[:, None, None], 0, 255)
    (note,) = run(tissue, model, axes="CYX").notes
    assert "taken for red, green and blue" in note
    assert run(np.moveaxis(tissue, 0, -1), model, axes="YXC").notes == ()


def test_a_fourth_channel_is_left_out_only_where_it_can_be_an_alpha(make_model):
    image = texture(4, 40, 40)
    with pytest.raises(ImageError, match=r"has 4 channels .* choose the one that shows the objects"):
        run(image, make_model(), axes="CYX")
    picture = np.moveaxis(image, 0, -1).copy()
    with pytest.raises(ImageError, match="the fourth is no transparency"):
        run(picture, make_model(), axes="YXC")
    picture[..., 3] = picture.max()
    run(picture, make_model(), axes="YXC")


def test_a_large_lazy_image_is_normalised_from_samples_all_over_it(make_model, monkeypatch):
    model = make_model(sharpness=4, tile=(128, 128))
    image = texture(300, 300)
    whole = run(image, model)
    monkeypatch.setattr(plane_source, "WHOLE_PIXELS", 64 * 64)
    monkeypatch.setattr(plane_source, "BLOCK", 60)
    sampled = run(da.from_array(image, chunks=(100, 100)), model)
    assert np.abs(sampled.probabilities.astype(np.float32) - whole.probabilities).mean() < 0.02


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tile": 30}, "a tile of 30 px is too small for an overlap of 16"),
        ({"tile": -5}, "a tile of -5 px is too small"),
        ({"device": "tpu"}, "this machine has no device 'tpu'; choose from auto, "),
        ({"attention": ["gate 7"]}, "has no attention map 'gate 7'; it has gate 2"),
        ({"diameter": 0}, "diameter 0 of the objects must be"),
        ({"diameter": -3.0}, "must be a number of pixels above 0"),
        ({"diameter": float("nan")}, "must be a number of pixels above 0"),
        ({"axes": "ZYX"}, "axes 'ZYX'"),
    ],
)
def test_options_that_make_no_sense_are_refused(make_model, options, words):
    with pytest.raises(UserError, match=words):
        segment(texture(50, 50), make_model(), **{"device": "cpu", **options})


@pytest.mark.parametrize(
    "image",
    [np.zeros((0, 5)), np.zeros(7), np.zeros((1,) * 6), np.zeros((4, 4), complex), np.array([["a"]])],
    ids=["empty", "1D", "6D", "complex", "text"],
)
def test_images_that_are_none_are_refused_by_name(make_model, image):
    with pytest.raises(ImageError, match=r"cells\.tif"):
        run(image, make_model(), name="cells.tif")


def test_a_model_of_clicks_does_not_segment_by_itself(bright_model):
    with pytest.raises(UserError, match="answers clicks and does not segment by itself"):
        segment(np.zeros((64, 64), np.float32), bright_model)


def test_several_channels_are_given_to_the_model_in_their_order(make_model):
    """One after the other, against an array that is in that order already."""
    image = np.stack([texture(60, 70, seed=seed) for seed in range(4)])
    model = make_model(channels=("a", "b", "c"), sharpness=4)
    found = run(image, model, axes="CYX", channels=(3, 0, 2))
    expected = run(image[[3, 0, 2]], model, axes="CYX")
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert expected.labels.any()
    assert "the 4th, 1st and 3rd of 4 channels, taken as a, b, c, grey values" in found.read_as
    assert found.provenance["read_as"] == found.read_as


def test_a_range_of_grey_values_is_the_same_as_an_image_that_was_cut_to_it(make_model):
    image = texture(60, 70) * 1000
    model = make_model(sharpness=4)
    low, high = np.percentile(image, (20, 70))
    cut = image.clip(low, high)
    for given in ((low, high), f"{low!s}:{high!s}", "percentile:20:70"):
        found = run(image, model, grey_range=given)
        np.testing.assert_array_equal(found.labels, run(cut, model, grey_range=(low, high)).labels)
    assert (found.labels != run(image, model).labels).any()
