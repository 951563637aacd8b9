"""What is measured of layers: their arrays, places, units and names."""

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_medt.measuring.subject import images_for, is_measured, subject_of
from src_models.errors import ImageError
from src_models.progress import finish

OBJECT = (slice(2, 5), slice(3, 9))


def labels_of(shape, at=OBJECT, **keywords):
    data = np.zeros(shape, np.uint16)
    data[at] = 6
    return Labels(data, name="cells", **keywords)


def columns_of(labels, image=None):
    return finish(subject_of(labels, image).steps()).columns


def test_scale_and_units_of_the_layer_give_micrometres():
    columns = columns_of(labels_of((20, 30), scale=(500, 250), units=("nm", "nm")))
    assert columns["area (µm²)"] == [pytest.approx(18 * 0.125)]
    assert columns["world y (µm)"] == [pytest.approx(3 * 0.5)]


def test_an_affine_that_shears_gives_the_volume_of_its_determinant():
    affine = np.eye(4)
    affine[1, 0] = 0.6
    labels = labels_of((6, 20, 30), (slice(1, 3), *OBJECT), scale=(3, 0.5, 0.5), affine=affine, units=("mm",) * 3)
    columns = columns_of(labels)
    assert columns["volume (mL)"] == [pytest.approx(36 * 0.75 / 1000)]
    first = np.array([[z, y, x] for z in (1, 2) for y in (2, 4) for x in (3, 8)]) * [3, 0.5, 0.5]
    world = first @ affine[:3, :3].T
    longest = max(np.linalg.norm(one - other) for one in world for other in world)
    assert columns["longest diameter (mm)"] == [pytest.approx(longest)]


def test_colours_and_channels_along_an_axis_are_measured_each():
    random = np.random.default_rng(0)
    rgb = random.integers(0, 255, (20, 30, 3)).astype(np.uint8)
    assert columns_of(labels_of((20, 30)), Image(rgb, rgb=True))["mean green"] == [
        pytest.approx(rgb[..., 1][OBJECT].mean())
    ]
    stack = random.random((2, 20, 30))
    image = Image(stack, axis_labels=("c", "y", "x"))
    for labels in (labels_of((20, 30)), labels_of((1, 20, 30), (0, *OBJECT))):
        assert columns_of(labels, image)["mean channel 1"] == [pytest.approx(stack[1][OBJECT].mean())]


def test_one_slice_is_a_plane():
    columns = columns_of(labels_of((1, 20, 30), (0, *OBJECT)), Image(np.ones((1, 20, 30))))
    assert columns["area (px)"] == [18]
    subject = subject_of(labels_of((1, 20, 30), (0, *OBJECT)), None)
    assert subject.position(3, (4, 5)) == [0, 4, 5]


def test_frames_of_a_series_are_measured_each():
    columns = columns_of(labels_of((3, 20, 30), (1, *OBJECT), axis_labels=("t", "y", "x")))
    assert (columns["time"], columns["id"], columns["area (px)"]) == ([1], [6], [18])


def test_only_images_that_labels_lie_on_are_offered():
    labels = labels_of((20, 30), scale=(2, 2), translate=(10, 0))
    there = Image(np.ones((20, 30)), scale=(2, 2), translate=(10, 0))
    elsewhere, larger = Image(np.ones((20, 30)), scale=(2, 2)), Image(np.ones((21, 30)), scale=(2, 2))
    assert images_for(labels, [there, elsewhere, larger, labels]) == [there]
    with pytest.raises(ImageError, match="'cells' do not lie on"):
        subject_of(labels, larger)


def test_labels_without_a_place_take_the_size_of_the_image_s_pixels():
    columns = columns_of(labels_of((20, 30)), Image(np.ones((20, 30)), scale=(0.5, 0.5), units=("um", "um")))
    assert columns["area (µm²)"] == [pytest.approx(18 / 4)]


def test_names_classes_and_probabilities_of_the_features_go_with_the_measures():
    features = {"index": [6, 8], "name": ["liver", "lung"], "class": ["a", "b"], "probability": [0.5, np.nan]}
    columns = columns_of(labels_of((20, 30), features=features))
    assert [columns[title] for title in ("name", "class", "probability")] == [["liver"], ["a"], [0.5]]


def test_what_is_painted_during_the_run_does_not_count():
    labels = labels_of((20, 30))
    subject = subject_of(labels, None)
    labels.data[:] = 0
    assert finish(subject.steps()).columns["area (px)"] == [18]


def test_previews_of_clicks_are_not_measured():
    assert is_measured(labels_of((20, 30)))
    assert not is_measured(labels_of((20, 30), metadata={"napari_medt": {"layer": {"role": "click preview"}}}))
    assert not is_measured(Image(np.ones((20, 30))))
