"""The part of an image that is audited: in place, with its labels, and no more than one pass sees."""

import dataclasses

import numpy as np
import pytest

from src_models.auditing.view import view_of
from src_models.errors import ImageError, UserError
from src_models.images.axes import read_axes
from src_models.models.header import Intensity

PLAIN = Intensity(kind="window", low=0, high=1)


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.fixture
def model(make_model):
    return make_model(intensity=PLAIN)


@pytest.mark.parametrize(
    ("shape", "whole"), [((40, 50), True), ((64, 64), True), ((65, 40), False), ((200, 300), False)]
)
def test_the_view_is_the_middle_of_the_image_and_holds_its_pixels(model, shape, whole):
    image = picture(*shape)
    view = view_of(image, model, device="cpu")
    np.testing.assert_allclose(view.picture[0].numpy(), image[view.region], atol=1e-6)
    assert view.whole is whole
    for part, size in zip(view.region, shape, strict=True):
        assert part.stop - part.start == min(size, 64)
        assert abs((part.start + part.stop) - size) <= 1


def test_one_channel_of_the_reading_is_what_is_audited(model):
    image = picture(2, 40, 50)
    view = view_of(image, model, axes=read_axes(image.shape, axes="CYX", channel=1), device="cpu")
    np.testing.assert_allclose(view.picture[0].numpy(), image[1], atol=1e-6)


def test_labels_of_the_stack_and_of_the_plane_are_the_same(model):
    stack, labels = picture(3, 40, 50), np.random.default_rng(1).integers(0, 5, (3, 40, 50))
    of_stack = view_of(stack, model, labels=labels, axes="ZYX", plane=(2,), device="cpu")
    of_plane = view_of(stack, model, labels=labels[2], axes="ZYX", plane=(2,), device="cpu")
    for view in (of_stack, of_plane):
        np.testing.assert_array_equal(view.objects, labels[2])
        np.testing.assert_array_equal(view.labels, labels[2])


def test_where_the_image_is_resized_labels_are_as_well_and_the_region_stays_in_pixels_of_the_image(model, monkeypatch):
    monkeypatch.setattr("src_models.auditing.view.choose_zoom", lambda *_: 0.5)
    labels = np.zeros((200, 240), np.int32)
    labels[90:110, 100:140] = 6
    view = view_of(picture(200, 240), model, labels=labels, device="cpu")
    assert view.zoom == 0.5
    assert tuple(view.picture.shape) == (1, 64, 64)
    assert [(part.start, part.stop) for part in view.region] == [(36, 164), (56, 184)]
    assert (view.objects == 6).sum() == 10 * 20
    rows, columns = np.nonzero(view.objects)
    assert (rows.min(), columns.min()) == ((90 - 36) // 2, (100 - 56) // 2)


def test_a_model_that_was_made_for_a_spacing_is_audited_at_it(make_model):
    spaced = make_model(intensity=PLAIN, spacing=(1.0, 1.0), unit="mm")
    labels = np.zeros((120, 60), np.int32)
    labels[50:70, 20:30] = 6
    reading = read_axes(labels.shape, spacing=(0.5, 1.0), unit="mm")
    view = view_of(picture(120, 60), spaced, labels=labels, axes=reading, device="cpu")
    assert tuple(view.picture.shape) == (1, 60, 60)
    assert view.whole
    np.testing.assert_array_equal(view.objects, labels[1::2])
    assert view.zoom == pytest.approx(np.sqrt(0.5)), "what changes the number of pixels as much"


def test_a_models_own_threshold_tells_what_is_an_object(model):
    assert view_of(picture(40, 40), model, device="cpu").threshold == 0.5
    classes = ("background", "interior", "boundary")
    header = dataclasses.replace(model.header, result="instances", classes=classes)
    settings = dataclasses.replace(header.instances, foreground=0.7)
    described = dataclasses.replace(model, header=dataclasses.replace(header, instances=settings))
    assert view_of(picture(40, 40), described, device="cpu").threshold == 0.7


def test_what_does_not_fit_is_refused(model, make_model):
    with pytest.raises(ImageError, match="cells has 2 channels"):
        view_of(picture(2, 40, 40), model, axes="CYX", name="cells", device="cpu")
    with pytest.raises(UserError, match=r"cells has no plane \(5,\); it is read as Z=3"):
        view_of(picture(3, 40, 40), model, axes="ZYX", plane=(5,), name="cells", device="cpu")
    with pytest.raises(ImageError, match=r"the labels have the shape \(40, 41\), and those of cells have \(40, 40\)"):
        view_of(picture(40, 40), model, labels=np.zeros((40, 41), int), name="cells", device="cpu")
    with pytest.raises(UserError, match="only 2D models can be audited"):
        view_of(picture(16, 40, 40), make_model(dimensions=3), device="cpu")
