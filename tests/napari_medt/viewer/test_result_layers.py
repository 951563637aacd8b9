"""Layers of attention maps: their colours, their order, and what they tell."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from napari.components import ViewerModel

from napari_medt.viewer.layer_notes import METADATA_KEY
from napari_medt.viewer.reading import read_layer
from napari_medt.viewer.regions import region_in_viewer
from napari_medt.viewer.result_layers import ResultLayers
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, save
from src_models.models.header import ModelHeader
from src_models.prediction.jobs import RegionRun, SegmentSettings, segmentation_steps

NAMES = ("block 1.1 received", "block 1.1 positions in similarity", "block 1.1 positions in output")


@pytest.fixture
def axial_model_path(tmp_path):
    config = {"image_size": 32, "in_channels": 1, "classes": 2}
    header = ModelHeader(
        name="axial",
        purpose="Tests",
        architecture="gated-axial-unet",
        config=config,
        classes=("background", "cell"),
        channels=("grey",),
        tile=(32, 32),
        overlap=(8, 8),
    )
    torch.manual_seed(0)
    return save(Model(create(header.architecture, **config), header), tmp_path / "axial.safetensors")


def outcome_of(viewer, path):
    layer = viewer.layers[0]
    region = region_in_viewer(viewer, layer, read_layer(layer, None), 2, "all")
    settings = SegmentSettings(model=path, attention=NAMES, device="cpu", threads=1)
    job = RegionRun(settings=settings, data=layer.data, region=region, layer_id=layer.unique_id, layer_name=layer.name)
    steps = segmentation_steps(job)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.fixture
def looked(axial_model_path):
    """A viewer model, an image of noise in it, and a run with maps on it."""
    viewer = ViewerModel()
    image = viewer.add_image(np.random.default_rng(0).integers(0, 255, (32, 32), np.uint8), axis_labels=("y", "x"))
    return viewer, image, outcome_of(viewer, axial_model_path)


def maps_in(viewer):
    notes = [(layer, layer.metadata[METADATA_KEY]["layer"]) for layer in viewer.layers[1:]]
    return {note["map"]: layer for layer, note in notes if note["role"] == "attention"}


def test_maps_are_stretched_over_what_they_hold_and_can_be_widened_to_all_that_they_may_hold(looked):
    """A map of small values is seen; the average of what is received is 1, a share lies between 0 and 1."""
    viewer, image, outcome = looked
    ResultLayers(viewer).show(image, outcome)
    maps = maps_in(viewer)
    assert set(maps) == set(NAMES)
    for name, layer in maps.items():
        low, high = layer.contrast_limits
        wanted = np.percentile(layer.data, (1, 99))
        assert low <= wanted[0] < wanted[1] <= high
        assert high - low <= 1.1 * np.ptp(wanted) + 1e-6
        assert layer.contrast_limits_range[0] == 0
        assert layer.contrast_limits_range[1] == (4 if name.endswith("received") else 1)


def test_where_a_map_is_low_the_image_shows_through(looked):
    viewer, image, outcome = looked
    ResultLayers(viewer).show(image, outcome)
    for layer in maps_in(viewer).values():
        clear, middle, bright = layer.colormap.map(np.array([0, 0.5, 1]))
        assert clear[3] == 0
        assert 0.2 < middle[3] < 0.5
        assert bright[3] == 1
        assert bright[:3].sum() > middle[:3].sum()
        assert str(layer.blending) == "translucent"


def test_a_colour_bar_and_the_plain_name_are_on_the_canvas_as_soon_as_a_map_is_seen(looked):
    viewer, image, outcome = looked
    ResultLayers(viewer).show(image, outcome)
    layer = maps_in(viewer)["block 1.1 received"]
    assert layer.name == f"Stage 1.1, whole view: looked-at places - {image.name}"
    assert not layer.colorbar.visible
    layer.visible = True
    assert layer.colorbar.visible
    assert layer.name_overlay.visible
    layer.colorbar.visible = False  # a person's choice
    layer.visible = False
    layer.visible = True
    assert not layer.colorbar.visible


def test_the_status_bar_says_what_a_value_means(looked):
    viewer, image, outcome = looked
    ResultLayers(viewer).show(image, outcome)
    layer = maps_in(viewer)["block 1.1 positions in output"]
    layer.data = np.full(layer.data.shape, 0.1, np.float32)
    layer.visible = True
    status = layer.get_status(image.data_to_world((8, 8)), world=True)
    assert status["value"] == "0.1 (content counts more)"
    assert status["coordinates"].endswith("0.1 (content counts more)")
    assert layer.get_status((500, 500), world=True)["value"] == ""


def test_limits_follow_the_map_until_a_person_sets_others(looked):
    viewer, image, outcome = looked
    results = ResultLayers(viewer)
    results.show(image, outcome)
    placed = outcome.segmentation.attention[0]
    layer = results.map_of(image, outcome.model_name, placed.name)
    results.show_map(image, outcome, replace(placed, data=placed.data / 10))
    assert layer.contrast_limits[1] == pytest.approx(np.percentile(placed.data, 99) / 10, rel=0.12)
    layer.contrast_limits = (0, 0.5)
    results.show_map(image, outcome, placed)
    assert tuple(layer.contrast_limits) == (0, 0.5)


def test_the_map_on_which_the_objects_are_bright_lies_on_top_of_the_others(looked):
    viewer, image, outcome = looked
    labels = np.zeros((32, 32), np.int32)
    labels[8:20, 8:20] = 1
    first, second, third = outcome.segmentation.attention
    bright = replace(second, data=labels[::2, ::2].astype(np.float32))
    dark = replace(first, data=1 - labels[::2, ::2].astype(np.float32))
    segmentation = replace(outcome.segmentation, labels=labels, attention=[dark, bright, third])
    ResultLayers(viewer).show(image, replace(outcome, labels=labels, segmentation=segmentation))
    order = [layer.metadata[METADATA_KEY]["layer"].get("map") for layer in viewer.layers[1:]]
    assert order == [first.name, third.name, second.name, None]  # the labels above all
