"""The map at the pointer and the mark lie exactly where they belong, are added once, and leave the viewer as it was."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.attention.pointer_layers import PointerLayers
from napari_medt.viewer.layer_notes import METADATA_KEY
from src_models.attention.placed_map import PlacedMap
from src_models.images.region import Region
from src_models.probing.pointer import Pointed, View

AFFINE = np.array([[1, 0, 0, 4], [0, 0.9, 0.3, 5], [0, -0.2, 1.1, -3], [0, 0, 0, 1.0]])
SHAPE = (6, 24, 40)
PART = Region("ZYX", (4, slice(6, 18), slice(10, 30)), SHAPE, rgb=False)

TRANSFORMS = [
    pytest.param({}, id="none"),
    pytest.param({"scale": (3, 0.5, 2), "translate": (7, 10, -4)}, id="anisotropic"),
    pytest.param({"scale": (3, 0.5, 2), "rotate": (20, 30, 40), "translate": (0, 1, 2)}, id="rotated in space"),
    pytest.param({"shear": (0.1, 0.2, 0.4), "scale": (1, 1.5, 0.7)}, id="sheared"),
    pytest.param({"affine": AFFINE}, id="affine"),
    pytest.param(
        {
            "scale": (3, 0.5, 2),
            "rotate": (0, 0, 70),
            "shear": (0, 0, 0.2),
            "translate": (1, 7, 8),
            "affine": AFFINE,
        },
        id="all of it",
    ),
]


def answer(query, *, cells=(6, 10), step=2, start=None, kind="axial attention", data=None):
    """An answer whose first cell begins, unless told, at the first pixel of the part."""
    data = np.random.default_rng(0).random(cells, np.float32) / 8 if data is None else data
    translate = ((step - 1) / 2,) * data.ndim if start is None else start
    shown = PlacedMap("attention at pointer", kind, "a place", 1, data, (float(step),) * data.ndim, translate)
    gate = kind == "attention gate"
    view = View("gate 2", "gate", "Fine detail let through") if gate else View("global 2.1", "block", "Where it looks")
    return Pointed(shown, query, {"gate 2": 0.2} if gate else {}, view)


def round_above(number):
    """The next of 1, 2, 5, 10, 20, 50 and so on, and of 0.5, 0.2, 0.1 and so on."""
    steps = sorted(float(f"{digit}e{power}") for digit in (1, 2, 5) for power in range(-9, 9))
    return next(step for step in steps if step >= number)


def viewer_with(**placement):
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros(SHAPE), **placement)
    return viewer, image, PointerLayers(viewer)


def check_places(image, layers, pointed, region=PART):
    """Compare world positions with those of the image's own pixels."""
    shown, mark = layers.map(), layers.mark()
    plane, (top, left) = region.index[0], (cut.start for cut in region.index[1:])
    (step, _), (first_row, first_column) = pointed.map.scale, pointed.map.translate
    rows, columns = pointed.map.data.shape
    for row, column in ((0, 0), (2, 1), (rows - 1, columns - 1)):
        pixel = (plane, top + first_row + step * row, left + first_column + step * column)
        np.testing.assert_allclose(shown.data_to_world((0, row, column)), image.data_to_world(pixel), atol=1e-6)
    place = (plane, top + pointed.query[0], left + pointed.query[1])
    assert mark.data.shape == (1, 3)
    np.testing.assert_allclose(mark.data_to_world(mark.data[0]), image.data_to_world(place), atol=1e-6)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_map_and_mark_lie_on_the_pixels_they_belong_to(transform):
    _, image, layers = viewer_with(**transform)
    first = answer((4.5, 8.5))
    layers.show(image, PART, first)
    np.testing.assert_array_equal(layers.map().data, first.map.data[None])
    check_places(image, layers, first)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_they_follow_to_another_place_plane_and_transform(transform):
    """Each is updated in place, whatever it was placed by before."""
    viewer, image, layers = viewer_with(scale=(2, 3, 4), rotate=(10, 20, 30), shear=(0.3, 0, 0.1))
    layers.show(image, PART, answer((4.5, 8.5)))
    shown, mark = layers.map(), layers.mark()
    for name in ("scale", "translate", "rotate", "shear", "affine"):
        default = {"scale": (1, 1, 1), "affine": np.eye(4)}.get(name, (0, 0, 0))
        setattr(image, name, transform.get(name, default))
    region = Region("ZYX", (1, slice(3, 20), slice(8, 40)), SHAPE, rgb=False)
    second = answer((9.5, 17.5), cells=(5, 4), step=4, start=(-2.5, 5.5))  # it reaches beyond the part
    layers.show(image, region, second)
    assert (layers.map(), layers.mark()) == (shown, mark)
    assert len(viewer.layers) == 3
    np.testing.assert_array_equal(shown.data, second.map.data[None])
    check_places(image, layers, second, region)


def test_they_go_to_an_image_of_other_axes_and_units():
    viewer, image, layers = viewer_with(scale=(3, 0.5, 2), units=("um", "um", "um"), axis_labels=("z", "y", "x"))
    layers.show(image, PART, answer((4.5, 8.5)))
    plane = viewer.add_image(np.zeros((24, 40)), scale=(0.3, 0.7), rotate=25, units=("mm", "mm"))
    region = Region("YX", (slice(2, 20), slice(4, 40)), (24, 40), rgb=False)
    second = answer((9.5, 17.5), cells=(5, 4), step=4)
    layers.show(plane, region, second)
    shown, mark = layers.map(), layers.mark()
    assert len(viewer.layers) == 4
    np.testing.assert_array_equal(shown.data, second.map.data)
    np.testing.assert_allclose(shown.data_to_world((2, 3)), plane.data_to_world((2 + 9.5, 4 + 13.5)))
    np.testing.assert_allclose(mark.data_to_world(mark.data[0]), plane.data_to_world((11.5, 21.5)))
    assert shown.units == mark.units == plane.units
    assert shown.axis_labels == mark.axis_labels == plane.axis_labels


def test_weights_are_shown_up_to_a_round_number_and_gates_over_what_they_hold():
    _, image, layers = viewer_with()
    first = answer((4.5, 8.5))
    layers.show(image, PART, first)
    assert tuple(layers.map().contrast_limits) == (0, pytest.approx(round_above(np.quantile(first.map.data, 0.998))))
    second = answer((4.5, 8.5), data=first.map.data * 3)
    layers.show(image, PART, second)
    assert tuple(layers.map().contrast_limits) == (0, pytest.approx(round_above(np.quantile(second.map.data, 0.998))))
    gate = np.linspace(0.21, 0.29, 60, dtype=np.float32).reshape(6, 10)
    layers.show(image, PART, answer((4.5, 8.5), kind="attention gate", data=gate))
    low, high = layers.map().contrast_limits
    assert 0.2 <= low <= 0.215 < 0.285 <= high <= 0.3
    assert tuple(layers.map().contrast_limits_range) == (0, 1)  # a person may widen them to all that a gate can be


def test_what_the_value_means_is_said_on_the_canvas_and_by_the_layer():
    viewer, image, layers = viewer_with()
    layers.show(image, PART, answer((4.5, 8.5), kind="attention gate", data=np.full((6, 10), 0.2, np.float32)))
    viewer.dims.set_current_step(0, PART.index[0])
    line = viewer.canvas.overlays["attention at pointer"]
    assert line.visible
    assert line.text == "0.20 here: mostly held back."
    status = layers.map().get_status(image.data_to_world((PART.index[0], 8, 14)), world=True)
    assert status["value"] == "0.2 (mostly held back)"
    assert layers.map().name == "Fine detail let through - at the pointer"
    layers.show(image, PART, answer((4.5, 8.5)))
    assert line.text == "Bright: where it looks most from the cross."
    assert layers.map().name == "Where it looks - at the pointer"
    layers.hide()
    assert not line.visible


def test_one_weight_that_outshines_all_others_does_not_leave_them_black():
    """A rollout keeps much of the weight at the place itself."""
    _, image, layers = viewer_with()
    data = np.full((30, 40), 0.0008, np.float32)
    data[3, 4] = 0.5
    layers.show(image, PART, answer((4.5, 8.5), data=data))
    assert tuple(layers.map().contrast_limits) == (0, pytest.approx(0.001))


def test_a_map_that_is_the_same_array_is_not_drawn_again():
    """Along a plane the map of a gate stays and the mark alone moves."""
    _, image, layers = viewer_with()
    data = np.random.default_rng(0).random((6, 10), np.float32)
    layers.show(image, PART, answer((4.5, 8.5), kind="attention gate", data=data))
    shown, drawn = layers.map(), []
    shown.events.data.connect(drawn.append)
    layers.map().contrast_limits = (0.2, 0.6)  # a person's choice
    for column in (0.5, 2.5, 4.5):
        layers.show(image, PART, answer((4.5, column), kind="attention gate", data=data))
        assert layers.mark().data[0, 2] == 10 + column
    assert not drawn
    assert tuple(shown.contrast_limits) == (0.2, 0.6)
    layers.show(image, PART, answer((4.5, 0.5), kind="attention gate", data=data / 2))
    assert drawn
    np.testing.assert_array_equal(shown.data, data[None] / 2)


def test_the_active_layer_stays_active():
    viewer, image, layers = viewer_with()
    labels = viewer.add_labels(np.zeros(SHAPE, int))
    for active in (image, labels):
        viewer.layers.selection.active = active
        for column in (0.5, 2.5):
            layers.show(image, PART, answer((4.5, column)))
            assert viewer.layers.selection.active is active
        layers.remove()
        assert viewer.layers.selection.active is active


def test_map_and_mark_are_on_top_in_this_order():
    viewer, image, layers = viewer_with()
    layers.show(image, PART, answer((4.5, 8.5)))
    shown, mark = layers.map(), layers.mark()
    labels = viewer.add_labels(np.zeros(SHAPE, int))
    assert viewer.layers[-1] is labels
    layers.to_top()
    assert list(viewer.layers) == [image, labels, shown, mark]
    viewer.layers.move(3, 0)
    layers.show(image, PART, answer((4.5, 2.5)))
    assert list(viewer.layers) == [image, labels, shown, mark]
    viewer.layers.remove(shown)
    layers.show(image, PART, answer((4.5, 8.5)))
    assert list(viewer.layers) == [image, labels, layers.map(), mark]


def test_they_are_removed_alone_and_come_back_with_the_next_answer():
    viewer, image, layers = viewer_with()
    layers.remove()
    layers.to_top()
    layers.show_mark(False)
    assert list(viewer.layers) == [image]
    layers.show(image, PART, answer((4.5, 8.5)))
    layers.remove()
    assert list(viewer.layers) == [image]
    assert (layers.map(), layers.mark()) == (None, None)
    layers.show(image, PART, answer((4.5, 2.5)))
    check_places(image, layers, answer((4.5, 2.5)))


def test_a_hidden_mark_stays_hidden_as_answers_come():
    _, image, layers = viewer_with()
    layers.show(image, PART, answer((4.5, 8.5)))
    layers.show_mark(False)
    layers.show(image, PART, answer((4.5, 2.5)))
    assert not layers.mark().visible
    assert layers.map().visible
    layers.show_mark(True)
    assert layers.mark().visible


def test_they_are_found_again_by_what_they_are_and_say_whose_they_are():
    viewer, image, layers = viewer_with(name="cells")
    layers.show(image, PART, answer((4.5, 8.5)))
    shown, mark = layers.map(), layers.mark()
    shown.name, mark.name = "renamed", "also renamed"
    again = PointerLayers(viewer)
    assert (again.map(), again.mark()) == (shown, mark)
    for layer in (shown, mark):
        notes = layer.metadata[METADATA_KEY]["layer"]
        assert (notes["image"], notes["image_name"]) == (str(image.unique_id), "cells")


def test_hidden_layers_are_seen_again_with_the_next_answer_and_a_persons_choice_stays():
    _, image, layers = viewer_with()
    layers.show(image, PART, answer((4.5, 8.5)))
    layers.hide()
    assert not layers.map().visible
    assert not layers.mark().visible
    layers.show(image, PART, answer((4.5, 6.5)))
    assert layers.map().visible
    assert layers.mark().visible
    layers.map().visible = False  # by a person, who wants the mark alone
    layers.show(image, PART, answer((4.5, 4.5)))
    assert not layers.map().visible
