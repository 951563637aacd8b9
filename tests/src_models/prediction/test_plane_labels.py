"""From probabilities to labels: numbers go on from plane to plane, and what is found is what the labels hold."""

import dataclasses

import numpy as np
import pytest
import zarr
from scipy import ndimage

from src_models.disk.scratch import Scratch
from src_models.errors import UserError
from src_models.images.model_image import ModelImage
from src_models.models.header import Intensity, ModelHeader
from src_models.prediction.plane_labels import PlaneLabels
from src_models.prediction.settings import RunSettings

INSTANCES = ModelHeader(
    name="m",
    purpose="",
    architecture="unet",
    config={},
    classes=("background", "interior", "boundary"),
    channels=("grey",),
    intensity=Intensity(kind="window", low=0, high=1),
    result="instances",
)
CLASSES = dataclasses.replace(INSTANCES, classes=("background", "cell", "nucleus"), result="semantic")


def discs(*centres, shape=(60, 80), radius=8):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.any([np.hypot(y - a, x - b) < radius for a, b in centres], axis=0)


STACK = np.stack([discs((15, 15), (40, 60)), discs((15, 15)), discs((16, 16), (45, 20), (40, 60))])


def written(inside, *, header=INSTANCES, out=None, zoom=1.0, second=None, **settings):
    """Write the labels of planes in which a network is sure of what is inside."""
    image = ModelImage(inside.astype(np.float32), header, axes="ZYX"[-inside.ndim :])
    labels = PlaneLabels(image, RunSettings(**settings), out)
    told = []
    for plane in image.planes:
        source = image.plane(plane, zoom)
        chance = np.clip(source.read([slice(0, n) for n in source.shape])[0], 0.02, 0.98)
        other = np.zeros_like(chance) if second is None else second[plane]
        expected = labels.count(source) - len(labels.link)
        steps = list(labels.write(source, np.stack([1 - chance - other, chance, other]), Scratch()))
        assert len(steps) == expected, "as many steps as were foretold"
        told += steps
    told += list(labels.finish())
    return labels, told


def test_numbers_go_on_from_plane_to_plane_and_are_counted():
    labels, told = written(STACK, link="")
    assert [len(np.unique(plane)) - 1 for plane in labels.labels] == [2, 1, 3]
    assert np.unique(labels.labels).tolist() == [0, 1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(labels.labels > 0, STACK)
    assert labels.findings.summary() == "6 outlines in 3 planes, not linked"
    assert set(told) == {"separating objects"}


def test_linked_objects_keep_one_number_through_the_planes():
    labels, told = written(STACK, link="z")
    assert labels.labels[0, 15, 15] == labels.labels[1, 15, 15] == labels.labels[2, 16, 16] > 0
    assert labels.labels[2, 45, 20] not in labels.labels[:2], "it begins there"
    assert labels.findings.summary() == "3 objects in 3 planes (6 outlines, linked through z)"
    assert told[-1] == "linking objects of neighbouring planes"


def test_what_is_small_or_at_the_edge_goes_at_the_end():
    inside = discs((30, 40), (2, 20)) | discs((50, 10), radius=3)
    everything, _ = written(inside)
    kept, _ = written(inside, least_size=10, drop_edge=True)
    assert everything.labels.max() == 3
    np.testing.assert_array_equal(kept.labels > 0, discs((30, 40)))
    assert kept.labels.max() == 1
    assert kept.findings.summary() == "1 object, 2 left out"


def test_at_another_scale_outlines_are_drawn_in_pixels_of_the_image():
    inside = discs((20, 20), (40, 60))
    labels, told = written(inside, zoom=0.5)
    assert labels.labels.shape == (60, 80)
    assert labels.labels.max() == 2
    truth = discs((20, 20), (40, 60))
    both = (labels.labels > 0) & truth
    assert both.sum() / ((labels.labels > 0) | truth).sum() > 0.9
    assert "drawing objects at full size" in told


def test_classes_are_the_likeliest_and_their_shares_are_told():
    inside = discs((20, 20), (40, 60))
    second = {(): np.where(discs((40, 60), radius=4), 0.99, 0.0)}
    labels, told = written(inside, header=CLASSES, second=second)
    expected = np.where(discs((40, 60), radius=4), 2, inside)
    np.testing.assert_array_equal(labels.labels, expected)
    cell, nucleus = (expected == 1).mean(), (expected == 2).mean()
    assert labels.findings.summary() == f"cell {cell:.1%}, nucleus {nucleus:.1%}"
    assert told == ["choosing classes"]
    assert labels.labels.dtype == np.uint8


def test_regions_of_a_class_are_numbered_like_connected_components():
    labels, _ = written(STACK, header=CLASSES, result="instances", link="")
    for plane, inside in zip(labels.labels, STACK, strict=True):
        expected, count = ndimage.label(inside)
        assert len(np.unique(plane)) - 1 == count
        pairs = {(int(a), int(b)) for a, b in zip(plane.ravel(), expected.ravel(), strict=True)}
        assert len(pairs) == count + 1, "each region has one number, and each number one region"


def test_objects_of_a_model_of_instances_can_be_had_as_one_class():
    labels, _ = written(STACK, result="semantic")
    np.testing.assert_array_equal(labels.labels, STACK)
    assert labels.findings.summary() == f"objects {STACK.mean():.1%}"
    assert labels.link == ""


def test_how_sure_the_network_is_is_told_of_every_result():
    for result in ("instances", "semantic"):
        labels, _ = written(STACK, result=result)
        assert labels.findings.certainty.mean == pytest.approx(0.98, abs=1e-3)


def test_labels_may_go_to_a_place_that_was_given(tmp_path):
    out = zarr.create_array(tmp_path / "labels.zarr", shape=STACK.shape, dtype="int32", chunks=(1, 32, 32))
    labels, _ = written(STACK, out=out)
    assert labels.labels is out
    np.testing.assert_array_equal(out[:], written(STACK)[0].labels)


@pytest.mark.parametrize(
    ("out", "words"),
    [
        (np.zeros((3, 60, 81), np.int32), r"labels_out has the shape \(3, 60, 81\); the labels of the image have"),
        (np.zeros((3, 60, 80), np.uint8), "labels_out holds uint8; make it int32"),
        (np.zeros((3, 60, 80), np.float32), "labels_out holds float32; make it int32"),
    ],
)
def test_a_place_that_cannot_hold_them_is_refused(out, words):
    with pytest.raises(UserError, match=words):
        written(STACK, out=out)


def strays():
    """A disc through three slices, that a gap parts in the second; a smaller one aside in the first and third."""
    stack = np.stack([discs((20, 20)), discs((20, 20)), discs((20, 20))])
    stack[1, :, 20] = False
    return stack, stack | np.stack([discs((45, 60), radius=5), np.zeros((60, 80), bool), discs((45, 60), radius=6)])


def test_of_a_stack_pieces_go_through_its_slices_and_what_goes_is_told():
    organ, found = strays()
    header = dataclasses.replace(CLASSES, largest_pieces={"cell": 1})
    labels, told = written(found, header=header)
    np.testing.assert_array_equal(labels.labels, organ)
    assert told[-1] == "leaving out stray pieces"
    assert labels.findings.summary() == f"cell {organ.mean():.1%}; no nucleus; 2 stray pieces left out"
    gone = int(found.sum() - organ.sum())
    assert labels.findings.counts() == {
        "pixels": {"background": organ.size - organ.sum(), "cell": organ.sum(), "nucleus": 0},
        "strays": {"cell": {"pieces": 2, "pixels": gone}},
    }
    for said in ("all", "nucleus"):
        np.testing.assert_array_equal(written(found, header=header, pieces=said)[0].labels, found)


@pytest.mark.parametrize("axes", ["TZYX", "ZTYX", "YXZT"])
def test_each_point_in_time_has_its_own_pieces_whatever_the_order_of_axes(axes):
    organ, found = strays()
    wanted = np.stack([organ, np.flip(organ, 2)])
    series = np.stack([found, np.flip(found, 2)]).transpose(["TZYX".index(letter) for letter in axes])
    image = ModelImage(series.astype(np.float32), dataclasses.replace(CLASSES, largest_pieces={"cell": 1}), axes=axes)
    out = zarr.zeros(series.shape, dtype="uint8", chunks=(2, 2, 30, 40))
    labels = PlaneLabels(image, RunSettings(), out)
    for plane in image.planes:
        source = image.plane(plane)
        chance = source.read([slice(0, n) for n in source.shape])[0]
        list(labels.write(source, np.stack([1 - chance, chance, 0 * chance]), Scratch()))
    list(labels.finish())
    np.testing.assert_array_equal(out[:].transpose([axes.index(letter) for letter in "TZYX"]), wanted)


def test_in_one_slice_all_pieces_stay_unless_a_person_says_otherwise():
    header = dataclasses.replace(CLASSES, largest_pieces={"cell": 1})
    plane = discs((20, 20), (45, 60))
    plane[45, 55:60] = False
    for inside in (plane, plane[None]):
        kept, _ = written(inside, header=header)
        np.testing.assert_array_equal(kept.labels, inside)
        assert "in one slice" in kept.note
        asked, _ = written(inside, header=header, pieces=1)
        assert asked.note == ""
        np.testing.assert_array_equal(asked.labels, discs((20, 20)).reshape(inside.shape))


def test_objects_have_no_pieces():
    header = dataclasses.replace(CLASSES, largest_pieces={"cell": 1})
    assert written(strays()[1], header=header, result="instances")[0].pieces == {}
    with pytest.raises(UserError, match="choose classes"):
        written(strays()[1], header=header, result="instances", pieces=2)
    foreground, _ = written(strays()[1], result="semantic", pieces=1)
    np.testing.assert_array_equal(foreground.labels, strays()[0])
