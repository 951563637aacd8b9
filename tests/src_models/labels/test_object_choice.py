"""Which objects are kept: by how sure the network is, by size, and by where they lie."""

import numpy as np
import pytest
import zarr

import src_models as sm
from src_models.errors import UserError
from src_models.images.axes import read_axes
from src_models.images.planes import Planes
from src_models.labels import labelling
from src_models.labels.object_choice import ObjectChoice, drop_objects
from src_models.models.header import InstanceSettings
from src_models.prediction.segment import segment


def round_labels(shape, *places):
    """Labels of discs (y, x, radius), numbered from 1."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.int32)
    for number, (cy, cx, radius) in enumerate(places, start=1):
        labels[(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = number
    return labels


def dropped(labels, axes="YX", dimensions=2, *, least=0.0, edge=False):
    labels = labels.copy()
    planes = Planes(read_axes(labels.shape, axes=axes), dimensions)
    drop_objects(labels, planes, ObjectChoice(least_size=least).least_area(dimensions), edge)
    return labels


@pytest.fixture(params=[False, True], ids=["whole", "in blocks"])
def block_size(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(labelling, "BLOCK", {2: 17, 3: 17})


@pytest.mark.usefixtures("block_size")
def test_small_objects_go_and_the_others_are_numbered_anew():
    labels = round_labels((60, 80), (15, 15, 3), (15, 40, 6), (40, 20, 10), (40, 60, 4))
    found = dropped(labels, least=10)  # of radius 5
    expected = np.select([labels == 2, labels == 3], [1, 2], 0)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(dropped(labels), labels)


@pytest.mark.usefixtures("block_size")
def test_objects_at_the_edge_go():
    labels = round_labels((60, 80), (0, 30, 5), (30, 79, 5), (30, 30, 5), (54, 50, 5), (53, 65, 5))
    assert (labels[-1] == 4).sum() == 1  # one touches the last row with one pixel
    np.testing.assert_array_equal(dropped(labels, edge=True), np.select([labels == 3, labels == 5], [1, 2], 0))


@pytest.mark.usefixtures("block_size")
def test_through_planes_an_object_counts_where_it_is_largest():
    """Its ends are small, and are kept with it; the first and the last slice are no edge."""
    radii = (2, 6, 3)
    stack = np.stack([round_labels((40, 60), (20, 20, r), (20, 45, 3)) for r in radii])
    found = dropped(stack, "ZYX", least=9)
    np.testing.assert_array_equal(found, np.where(stack == 1, 1, 0))
    np.testing.assert_array_equal(dropped(stack, "ZYX", edge=True), stack)
    stack[2][:, 50:][10:12] = 2  # in one plane, one of them reaches the edge
    np.testing.assert_array_equal(dropped(stack, "ZYX", edge=True), np.where(stack == 1, 1, 0))


def test_in_volumes_the_size_is_that_of_a_ball():
    z, y, x = np.mgrid[:30, :30, :30]
    labels = np.where((z - 10) ** 2 + (y - 10) ** 2 + (x - 10) ** 2 < 5.5**2, 1, 0)
    labels[(z - 20) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 < 3.5**2] = 2
    assert set(np.unique(dropped(labels.astype(np.int32), "ZYX", 3, least=9))) == {0, 1}
    assert np.array_equal(dropped(labels.astype(np.int32), "ZYX", 3, least=6), labels)


def test_labels_on_disk_are_written_too():
    labels = round_labels((60, 80), (15, 15, 3), (40, 20, 10))
    stored = zarr.array(labels, chunks=(16, 16))
    drop_objects(stored, Planes(read_axes(labels.shape), 2), 100, False)
    np.testing.assert_array_equal(stored[:], np.where(labels == 2, 1, 0))


@pytest.mark.parametrize(("sensitivity", "threshold"), [(0.5, 1 / (1 + np.e**2)), (-0.5, 1 / (1 + np.e**-2))])
def test_the_threshold_moves_on_the_scale_of_logits(sensitivity, threshold):
    choice = ObjectChoice(sensitivity)
    assert choice.of_instances(InstanceSettings()).foreground == pytest.approx(threshold)
    chance = np.linspace(0.01, 0.99, 99, dtype=np.float32)
    classes = choice.of_classes(np.stack([1 - chance, chance])).argmax(0)
    np.testing.assert_array_equal(classes, chance > threshold)


@pytest.mark.parametrize("result", ["instances", "semantic"])
def test_more_sensitive_is_more_and_the_middle_is_as_the_model_was_made(tiny_model_path, discs, result):
    model = sm.load(tiny_model_path)
    areas = []
    for sensitivity in (-0.9, -0.4, 0, 0.4, 0.9):
        found = segment(discs, model, diameter=20, result=result, sensitivity=sensitivity, device="cpu")
        areas.append(np.count_nonzero(found.labels))
        assert found.provenance["settings"]["sensitivity"] == sensitivity
    assert areas == sorted(areas)
    assert areas[0] < areas[2] < areas[-1]
    assert areas[2] == np.count_nonzero(segment(discs, model, diameter=20, result=result, device="cpu").labels)


def test_a_run_leaves_out_what_was_asked_and_says_so(tiny_model_path):
    y, x = np.mgrid[:100, :120]
    image = np.zeros((100, 120), np.float32)
    for cy, cx, radius in ((20, 20, 9), (60, 60, 9), (40, 95, 6), (90, 119, 9)):
        image[(y - cy) ** 2 + (x - cx) ** 2 < radius**2] = 1
    options = {"device": "cpu", "diameter": 16}
    model = sm.load(tiny_model_path)
    every = sm.segment(image, model, **options).labels
    assert all(every[place] for place in ((60, 60), (40, 95), (90, 118)))
    found = sm.segment(image, model, least_size=15, drop_edge=True, **options)
    np.testing.assert_array_equal(found.labels > 0, np.isin(every, (every[20, 20], every[60, 60])))
    assert set(np.unique(found.labels)) == {0, 1, 2}
    settings = found.provenance["settings"]
    assert (settings["least_size"], settings["drop_edge"]) == (15, True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sensitivity": 1.5}, "sensitivity 1.5 must lie between -1 and 1"),
        ({"sensitivity": float("nan")}, "sensitivity nan"),
        ({"least_size": -1.0}, "least size -1.0"),
    ],
)
def test_numbers_out_of_range_are_refused(make_model, options, words):
    with pytest.raises(UserError, match=words):
        segment(np.zeros((40, 40)), make_model(), **options)
