"""Segmenting from the dock widget: what appears in the viewer, for every kind of image."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import zarr

from napari_medt.viewer.layer_notes import METADATA_KEY, is_own_layer
from src_models.attention.map_contrast import telling_first
from src_models.attention.words import map_words

pytestmark = pytest.mark.usefixtures("plugin_registered")

ZYX = ("z", "y", "x")
AFFINE = np.array([[0.9, 0.3, 5.0], [-0.2, 1.1, -3.0], [0.0, 0.0, 1.0]])


def own_layers(viewer, role):
    return [
        layer
        for layer in viewer.layers
        if is_own_layer(layer) and layer.metadata[METADATA_KEY]["layer"]["role"] == role
    ]


def labels_of(viewer):
    (layer,) = own_layers(viewer, "labels")
    return layer


def test_labels_and_maps_are_those_of_the_model(open_widget, run_to_end, expected, noise):
    viewer, widget = open_widget()
    viewer.add_image(noise, name="cells")
    run_to_end(widget)

    wanted = expected(noise)
    labels = labels_of(viewer)
    assert 0.2 < np.mean(wanted.labels > 0) < 0.8  # else this test says little
    np.testing.assert_array_equal(labels.data, wanted.labels)
    maps = {layer.metadata[METADATA_KEY]["layer"]["map"]: layer for layer in own_layers(viewer, "attention")}
    told = [placed.name for placed in telling_first(wanted.attention, wanted.labels)]
    assert list(maps) == told[::-1]  # the one that explains the objects best lies on top
    for placed in wanted.attention:
        layer = maps[placed.name]
        np.testing.assert_allclose(layer.data, placed.data, atol=1e-6)
        low, high = np.percentile(placed.data, (1, 99))
        assert layer.contrast_limits[0] <= low < high <= layer.contrast_limits[1]
        assert layer.name == f"{map_words(placed.name).name} - cells"


@pytest.mark.parametrize(
    "transform",
    [
        pytest.param({}, id="none"),
        pytest.param({"scale": (0.5, 2.0), "rotate": 30, "translate": (1, 2)}, id="anisotropic and rotated"),
        pytest.param({"shear": (0.4,), "scale": (1.5, 0.7), "affine": AFFINE}, id="sheared, with affine"),
    ],
)
def test_layers_lie_over_their_image(open_widget, run_to_end, noise, transform):
    viewer, widget = open_widget()
    image = viewer.add_image(noise, units="um", axis_labels=("y", "x"), **transform)
    run_to_end(widget)

    for pixel in [(-0.5, -0.5), (47.5, 71.5), (13, 57)]:
        np.testing.assert_allclose(labels_of(viewer).data_to_world(pixel), image.data_to_world(pixel), atol=1e-9)
        for layer in own_layers(viewer, "attention"):
            stride = np.array(noise.shape) / layer.data.shape
            cell = (np.array(pixel) + 0.5) / stride - 0.5
            np.testing.assert_allclose(layer.data_to_world(cell), image.data_to_world(pixel), atol=1e-9)
            assert layer.units == image.units
            assert layer.axis_labels == ("y", "x")


def test_metadata_say_how_the_labels_were_made(open_widget, run_to_end, noise, blob_model_path):
    import hashlib

    viewer, widget = open_widget()
    viewer.add_image(noise)
    run_to_end(widget)
    made = labels_of(viewer).metadata[METADATA_KEY]
    assert made["model_sha256"] == hashlib.sha256(blob_model_path.read_bytes()).hexdigest()
    assert made["header"]["name"] == "blobs"
    assert made["settings"]["result"] == "semantic"
    assert "torch" in made["versions"]


def test_the_image_is_not_changed(open_widget, run_to_end, noise):
    viewer, widget = open_widget()
    before = noise.copy()
    layer = viewer.add_image(noise)
    run_to_end(widget)
    np.testing.assert_array_equal(layer.data, before)


def test_running_again_updates_the_layers(open_widget, run_to_end, noise, expected):
    viewer, widget = open_widget()
    image = viewer.add_image(noise)
    run_to_end(widget)
    layers = list(viewer.layers)
    labels_of(viewer).name = "renamed"  # layers are not found by name

    image.data = noise[::-1].copy()
    image.scale = (3, 3)
    run_to_end(widget)
    assert list(viewer.layers) == layers
    np.testing.assert_array_equal(labels_of(viewer).data, expected(noise[::-1]).labels)
    np.testing.assert_array_equal(labels_of(viewer).scale, (3, 3))


def test_maps_that_are_not_asked_for_again_go(open_widget, run_to_end, noise):
    viewer, widget = open_widget()
    viewer.add_image(noise)
    run_to_end(widget)
    widget.attention.tick(("gate 3",))
    run_to_end(widget)
    assert [layer.metadata[METADATA_KEY]["layer"]["map"] for layer in own_layers(viewer, "attention")] == ["gate 3"]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda labels: labels.paint((5, 5), 7), id="brush"),
        pytest.param(lambda labels: labels.fill((5, 5), 7), id="fill"),
        pytest.param(lambda labels: labels.data_setitem((np.array([3]), np.array([4])), 7), id="data_setitem"),
        pytest.param(lambda labels: labels.data.__setitem__((3, 4), 7), id="in place"),
        pytest.param(lambda labels: setattr(labels, "data", np.full_like(labels.data, 7)), id="replaced"),
    ],
)
def test_labels_that_a_person_edited_are_kept(open_widget, run_to_end, noise, messages, edit):
    viewer, widget = open_widget()
    viewer.add_image(noise)
    run_to_end(widget)
    edited = labels_of(viewer)
    edit(edited)
    after_edit = edited.data.copy()

    run_to_end(widget)
    np.testing.assert_array_equal(edited.data, after_edit)
    assert len(own_layers(viewer, "labels")) == 2
    assert any("edited" in message and edited.name in message for message in messages)
    run_to_end(widget)  # the new, unedited ones are updated from now on
    assert len(own_layers(viewer, "labels")) == 2


def test_a_second_image_gets_layers_of_its_own(open_widget, run_to_end, noise, expected):
    viewer, widget = open_widget()
    viewer.add_image(noise, name="first")
    run_to_end(widget)
    viewer.add_image(noise[:, ::-1].copy(), name="second")
    run_to_end(widget)
    first, second = own_layers(viewer, "labels")
    np.testing.assert_array_equal(first.data, expected(noise).labels)
    np.testing.assert_array_equal(second.data, expected(noise[:, ::-1].copy()).labels)


def test_one_plane_after_another_fills_one_layer(open_widget, run_to_end, expected):
    stack = np.random.default_rng(0).integers(0, 255, (3, 40, 40), np.uint8)
    viewer, widget = open_widget()
    image = viewer.add_image(stack, scale=(4, 1, 1), axis_labels=ZYX)
    for plane in (1, 2):
        viewer.dims.set_current_step(0, plane)
        run_to_end(widget)
    labels = labels_of(viewer)
    assert labels.data.shape == stack.shape
    assert not labels.data[0].any()
    for plane in (1, 2):
        np.testing.assert_array_equal(labels.data[plane], expected(stack[plane]).labels)
    for layer in own_layers(viewer, "attention"):  # the maps are those of the last plane
        np.testing.assert_allclose(
            layer.data_to_world((0, -0.5, -0.5)), image.data_to_world((2, -0.5 / 1, -0.5)), atol=2
        )
        assert layer.data_to_world((0, 0, 0))[0] == pytest.approx(8)


def test_objects_of_planes_do_not_share_numbers(open_widget, run_to_end):
    stack = np.random.default_rng(0).integers(0, 255, (3, 40, 40), np.uint8)
    viewer, widget = open_widget()
    viewer.add_image(stack, axis_labels=ZYX)
    widget.result.setCurrentIndex(widget.result.findData("instances"))
    for plane in (0, 2):
        viewer.dims.set_current_step(0, plane)
        run_to_end(widget)
    data = labels_of(viewer).data
    first, last = (set(np.unique(data[plane])) - {0} for plane in (0, 2))
    assert first
    assert last
    assert not first & last


def test_an_edited_plane_does_not_keep_another_from_being_filled(open_widget, run_to_end):
    stack = np.random.default_rng(0).integers(0, 255, (3, 40, 40), np.uint8)
    viewer, widget = open_widget()
    viewer.add_image(stack, axis_labels=ZYX)
    viewer.dims.set_current_step(0, 0)
    run_to_end(widget)
    labels = labels_of(viewer)
    labels.paint((0, 5, 5), 1)
    painted = labels.data[0].copy()
    viewer.dims.set_current_step(0, 1)
    run_to_end(widget)
    assert labels_of(viewer) is labels
    np.testing.assert_array_equal(labels.data[0], painted)
    assert labels.data[1].any()
    viewer.dims.set_current_step(0, 0)
    run_to_end(widget)  # now it would overwrite what was painted
    np.testing.assert_array_equal(labels.data[0], painted)
    assert len(own_layers(viewer, "labels")) == 2


def test_all_planes(open_widget, run_to_end, expected):
    stack = np.random.default_rng(0).integers(0, 255, (3, 40, 40), np.uint8)
    viewer, widget = open_widget()
    viewer.add_image(stack, axis_labels=ZYX)
    widget.region.setCurrentIndex(widget.region.findData("all"))
    run_to_end(widget)
    np.testing.assert_array_equal(labels_of(viewer).data, expected(stack, axes="ZYX").labels)


def test_the_visible_region_lies_where_it_is_seen(open_widget, run_to_end, noise, qtbot):
    viewer, widget = open_widget(show=True)
    viewer.add_image(noise, scale=(2, 2))
    viewer.scene.camera.zoom = 30
    viewer.scene.camera.center = (40, 70)
    widget.region.setCurrentIndex(widget.region.findData("visible"))
    qtbot.wait(300)  # until it is drawn
    (top, left), (bottom, right) = viewer.layers[0].corner_pixels  # what napari itself says is in view
    run_to_end(widget)

    labels = labels_of(viewer)
    region = (slice(top, bottom + 1), slice(left, right + 1))
    assert (bottom - top) * (right - left) < noise.size / 2
    outside = labels.data.copy()
    outside[region] = 0
    assert labels.data.shape == noise.shape
    assert not outside.any()
    assert labels.data.any()


def test_a_colour_image(open_widget, run_to_end, expected, rgb_model_path):
    image = np.random.default_rng(1).integers(0, 255, (40, 56, 3), np.uint8)
    viewer, widget = open_widget()
    layer = viewer.add_image(image, rgb=True, scale=(2, 2))
    widget.open_model(rgb_model_path)
    run_to_end(widget)
    np.testing.assert_array_equal(labels_of(viewer).data, expected(image, rgb_model_path, axes="YXC").labels)
    np.testing.assert_allclose(labels_of(viewer).data_to_world((5, 6)), layer.data_to_world((5, 6)))


def test_a_channel_axis_is_covered_whole(open_widget, run_to_end, rgb_model_path, expected):
    image = np.random.default_rng(1).integers(0, 255, (2, 3, 40, 56), np.uint8)
    viewer, widget = open_widget()
    viewer.add_image(image, rgb=False, axis_labels=("z", "c", "y", "x"))
    widget.open_model(rgb_model_path)
    widget.region.setCurrentIndex(widget.region.findData("all"))
    run_to_end(widget)
    labels = labels_of(viewer)
    np.testing.assert_array_equal(labels.data[:, 0], expected(image, rgb_model_path, axes="ZCYX").labels)
    for channel in range(3):  # shown, whatever channel the slider is at
        seen = labels.get_value((1, channel, 20, 20), world=True)
        assert seen == labels.data[1, 0, 20, 20]


def lazy_dask(array):
    return dask.array.from_array(array, chunks=16)


def lazy_zarr(array):
    return zarr.array(array, chunks=(16, 16))


@pytest.mark.parametrize("lazy", [pytest.param(lazy_dask, id="dask"), pytest.param(lazy_zarr, id="zarr")])
def test_lazy_arrays(open_widget, run_to_end, expected, noise, lazy):
    viewer, widget = open_widget()
    viewer.add_image(lazy(noise))
    run_to_end(widget)
    np.testing.assert_array_equal(labels_of(viewer).data, expected(noise).labels)


def test_a_pyramid_is_segmented_at_full_resolution(open_widget, run_to_end, expected, noise):
    viewer, widget = open_widget()
    image = viewer.add_image([noise, noise[::2, ::2]], multiscale=True, scale=(3, 3))
    run_to_end(widget)
    np.testing.assert_array_equal(labels_of(viewer).data, expected(noise).labels)
    np.testing.assert_allclose(labels_of(viewer).data_to_world((5, 6)), image.data_to_world((5, 6)))


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((1, 1), np.uint8), id="one pixel"),
        pytest.param(np.full((20, 30), 7.0), id="constant"),
        pytest.param(np.eye(30, dtype=bool), id="boolean"),
        pytest.param(np.arange(600, dtype=">u2").reshape(20, 30), id="big-endian"),
        pytest.param(np.random.default_rng(0).normal(size=(5, 40)), id="smaller than a tile"),
    ],
)
def test_odd_images_are_segmented(open_widget, run_to_end, image, messages):
    viewer, widget = open_widget()
    viewer.add_image(image)
    run_to_end(widget)
    assert labels_of(viewer).data.shape == image.shape
    assert messages == []
