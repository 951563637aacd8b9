"""A model whose answers are a formula, on images, tiles and objects of every axes, dtype and array."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import zarr
from toy_classes import middle_pixel_model, toy_header

from src_models.classifying.classify import (
    classify,
    classify_image,
    classify_objects,
    classify_steps,
    classify_tiles,
)
from src_models.classifying.pictures.picture import fitted
from src_models.errors import ImageError, UserError
from src_models.models.header import Intensity

RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.integers(0, 200, (70, 90), np.uint8)
MODEL = middle_pixel_model()  # 16 px; values from 0 to 200 become 0 to 1


def answer(picture):
    """Return the probabilities of a picture (16, 16) of grey values."""
    middle, corner = picture[8, 8] / 200, picture[0, 0] / 200
    raised = np.exp([4 * middle, -4 * middle, 8 * (corner - middle)])
    return raised / raised.sum()


def square(plane, y, x, size=16):
    """Cut a square around a place out of a plane that is mirrored at its edge."""
    padded = np.pad(plane.astype(float), 100, mode="symmetric")
    top, left = (round(place + 0.5 - size / 2) + 100 for place in (y, x))
    return padded[top : top + size, left : left + size]


def some_labels(shape=IMAGE.shape):
    labels = np.zeros(shape, np.int32)
    for value, (y, x) in {4: (0, 0), 2: (30, 40), 900: (60, 81), 7: (20, 70)}.items():
        labels[..., y : y + 9, x : x + 7] = value
    return labels


def test_objects_are_looked_at_in_a_square_around_their_middle():
    found = classify_objects(IMAGE, some_labels(), MODEL, device="cpu")
    assert found.ids.tolist() == [2, 4, 7, 900]
    middles = {4: (4, 3), 2: (34, 43), 900: (64, 84), 7: (24, 73)}
    for number, position, box, probabilities in zip(
        found.ids.tolist(), found.positions, found.boxes, found.probabilities, strict=True
    ):
        assert tuple(position) == middles[number]
        y, x = middles[number]
        assert box.tolist() == [y - 4, x - 3, y + 5, x + 4]
        assert np.abs(probabilities - answer(square(IMAGE, y, x))).max() < 1e-5
    assert found.provenance["settings"]["looked_at"] == "objects"
    assert found.read_as == "Y=70, X=90, 1 channel, each picture by its own grey values"


@pytest.mark.parametrize("kind", ["dask", "zarr", "uint16", "float64", "xy", "batches"])
def test_the_same_image_and_labels_give_the_same_answers(kind):
    wanted = classify_objects(IMAGE, some_labels(), MODEL, device="cpu")
    image, labels, axes = IMAGE, some_labels(), "YX"
    if kind == "dask":
        image, labels = da.from_array(IMAGE, chunks=20), da.from_array(labels, chunks=33)
    elif kind == "zarr":
        image = zarr.array(IMAGE, chunks=(20, 20))
    elif kind == "xy":
        image, labels, axes = IMAGE.T, labels.T, "XY"
    elif kind != "batches":
        image = IMAGE.astype(kind)
    found = classify_objects(image, labels, MODEL, axes=axes, device="cpu", batch=3 if kind == "batches" else None)
    assert (found.ids == wanted.ids).all()
    assert np.abs(found.probabilities - wanted.probabilities).max() < 1e-6
    assert (found.positions == (wanted.positions[:, ::-1] if kind == "xy" else wanted.positions)).all()


def test_an_object_of_a_stack_is_looked_at_where_most_of_it_is():
    stack = RANDOM.integers(0, 200, (2, 3, 70, 90), np.uint8)
    labels = np.zeros(stack.shape, np.int32)
    labels[0, 0, 10:15, 10:20] = 3
    labels[1, 2, 30:40, 50:60] = 3
    labels[1, 1, 8:12, 8:12] = 5
    found = classify_objects(stack, labels, MODEL, axes="TZYX", device="cpu")
    assert found.planes.tolist() == [[1, 2], [1, 1]]
    assert found.positions.tolist() == [[1, 2, 34.5, 54.5], [1, 1, 9.5, 9.5]]
    wanted = [answer(square(stack[1, 2], 34.5, 54.5)), answer(square(stack[1, 1], 9.5, 9.5))]
    assert np.abs(found.probabilities - wanted).max() < 1e-5


def test_tiles_lie_side_by_side_and_cover_the_image():
    found = classify_tiles(IMAGE, MODEL, device="cpu")
    covered = np.zeros(IMAGE.shape, int)
    for number, (y0, x0, y1, x1) in enumerate(found.boxes.tolist()):
        covered[y0:y1, x0:x1] += 1
        assert (y0, x0) == (16 * (number // 6), 16 * (number % 6))
        assert found.positions[number].tolist() == [(y0 + y1 - 1) / 2, (x0 + x1 - 1) / 2]
        assert np.abs(found.probabilities[number] - answer(square(IMAGE, y0 + 7.5, x0 + 7.5))).max() < 1e-5
    assert (covered == 1).all()
    assert found.ids.tolist() == list(range(1, 31))


def test_tiles_of_another_size_are_brought_to_the_model_s():
    found = classify_tiles(IMAGE, MODEL, 32, device="cpu")
    assert found.boxes[-1].tolist() == [64, 64, 70, 90]
    own = fitted(square(IMAGE, 15.5, 47.5, 32)[None], 16)[0]
    assert np.abs(found.probabilities[1] - answer(own)).max() < 1e-5


def test_each_plane_is_told_as_a_whole():
    stack = RANDOM.integers(0, 200, (3, 40, 40), np.uint8)
    found = classify_image(stack, MODEL, axes="ZYX", device="cpu")
    assert (found.ids.tolist(), found.planes.ravel().tolist()) == ([1, 2, 3], [0, 1, 2])
    for plane, probabilities in zip(stack, found.probabilities, strict=True):
        assert np.abs(probabilities - answer(fitted(plane[None], 16)[0])).max() < 1e-5


def test_objects_that_are_enlarged_are_looked_at_in_smaller_squares():
    found = classify_objects(IMAGE, some_labels(), MODEL, zoom=2.0, device="cpu")
    own = fitted(square(IMAGE, 34, 43, 8)[None], 16)[0]
    assert np.abs(found.probabilities[0] - answer(own)).max() < 1e-5
    assert found.provenance["settings"]["zoom"] == 2


def test_objects_larger_than_what_is_looked_at_are_told_of():
    labels = np.zeros(IMAGE.shape, np.uint8)
    labels[5:60, 5:60] = 1
    [note] = classify_objects(IMAGE, labels, MODEL, device="cpu").notes
    assert note.startswith("1 of 1 objects are larger than the 16 px that the model looks at")
    assert classify_objects(IMAGE, labels, MODEL, zoom=0.25, device="cpu").notes == ()


def test_each_picture_has_its_own_grey_values_unless_a_range_is_given():
    model = replace(MODEL, header=toy_header(intensity=Intensity(kind="percentile", low=0, high=100)))
    steps = np.where(np.arange(90) < 45, 1.0, 40.0) * RANDOM.uniform(1, 2, (70, 90))
    labels = np.zeros(steps.shape, np.uint8)
    labels[30:40, 10:20], labels[30:40, 70:80] = 1, 2
    own = classify_objects(steps, labels, model, device="cpu")
    for probabilities, x in zip(own.probabilities, (14.5, 74.5), strict=True):
        crop = square(steps, 34.5, x)
        assert np.abs(probabilities - answer(200 * (crop - crop.min()) / np.ptp(crop))).max() < 1e-5
    chosen = classify_objects(steps, labels, model, grey_range=(0, 100), device="cpu")
    for probabilities, x in zip(chosen.probabilities, (14.5, 74.5), strict=True):
        assert np.abs(probabilities - answer(200 * square(steps, 34.5, x) / 100)).max() < 1e-5
    assert "each picture" not in chosen.read_as


def test_channels_are_chosen_as_elsewhere():
    colour = RANDOM.integers(0, 200, (70, 90, 3), np.uint8)
    one = classify_objects(colour, some_labels(), MODEL, channels=2, device="cpu")
    same = classify_objects(np.ascontiguousarray(colour[..., 2]), some_labels(), MODEL, device="cpu")
    assert (one.probabilities == same.probabilities).all()


def test_without_objects_the_table_is_empty():
    found = classify_objects(IMAGE, np.zeros(IMAGE.shape, np.uint8), MODEL, device="cpu")
    assert (len(found), found.probabilities.shape, found.summary) == (0, (0, 3), "0 objects")


def test_progress_is_told_and_a_run_can_be_cancelled():
    told = []
    classify(IMAGE, MODEL, tiles=True, device="cpu", batch=8, on_progress=told.append)
    assert [(step.done, step.total) for step in told] == [(8, 30), (16, 30), (24, 30), (30, 30)]
    steps = classify_steps(IMAGE, MODEL, tiles=True, device="cpu", batch=8)
    next(steps)
    steps.close()


def test_the_image_is_not_changed():
    before = IMAGE.copy()
    classify_objects(IMAGE, some_labels(), MODEL, device="cpu")
    assert (before == IMAGE).all()


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"labels": some_labels(), "tiles": True}, UserError, "objects and tiles exclude each other"),
        ({"labels": some_labels((3, 70, 90))}, ImageError, "choose the labels of this image"),
        ({"labels": some_labels(), "zoom": 0}, UserError, "the zoom 0 must lie"),
        ({"tiles": 3}, UserError, "tiles of 3 px are too small"),
        ({"device": "abacus"}, UserError, "no device 'abacus'"),
        ({"axes": "CYX"}, ImageError, "axes"),
    ],
    ids=["both", "other labels", "zoom", "tiles", "device", "axes"],
)
def test_what_makes_no_sense_is_refused(how, error, message):
    with pytest.raises(error, match=message):
        classify(IMAGE, MODEL, **how)


def test_dyes_must_be_chosen_between():
    dyes = np.zeros((3, 64, 64), np.uint8)
    for channel in range(3):
        dyes[channel, 20 * channel : 20 * channel + 6, 5:40] = 200
    with pytest.raises(ImageError, match="three dyes"):
        classify(dyes, MODEL, axes="CYX", device="cpu")
