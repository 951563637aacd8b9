"""Layers of a run: maps, their colours, order and what they tell; and what was found, whatever is painted in it."""

from dataclasses import replace
from pathlib import Path

import dask.array
import numpy as np
import pytest
import torch
from napari.components import ViewerModel
from napari.layers import Labels

from napari_medt.files.segment_names import named_segments
from napari_medt.viewer.layer_notes import METADATA_KEY, Correction, notes_of, write_notes
from napari_medt.viewer.reading import read_layer
from napari_medt.viewer.regions import region_in_viewer
from napari_medt.viewer.result_layers import ResultLayers, restore_labels
from src_models.images.region import Region
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, save
from src_models.models.header import ModelHeader
from src_models.prediction.jobs import RegionResult, RegionRun, SegmentSettings, segmentation_steps
from src_models.prediction.segmentation import Segmentation

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


def test_classes_that_a_model_found_have_names_which_measures_and_files_take_and_own_features_stay(looked):
    viewer, image, outcome = looked
    labels = ResultLayers(viewer).show(image, outcome).labels
    assert dict(zip(labels.features["index"], labels.features["name"], strict=True)) == {1: "cell"}
    assert [(one.value, one.name) for one in named_segments(labels.features)] == [(1, "cell")]
    labels.features = {"index": [1], "patient": ["a"]}
    assert list(ResultLayers(viewer).show(image, outcome).labels.features) == ["index", "patient"]


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


# --- what the model had found ---------------------------------------------------------------------------------------


def run_of(viewer, labels, index=(slice(None), slice(None)), model="nuclei"):
    """A run that found these labels in a part of the image."""
    image = viewer.layers[0]
    letters, cuts = "ZYX"[-image.ndim :], []
    for cut, size in zip(index, image.data.shape, strict=True):
        cuts.append(slice(*cut.indices(size)[:2]) if isinstance(cut, slice) else cut)
    region = Region(letters=letters, index=tuple(cuts), shape=image.data.shape, rgb=False)
    segmentation = Segmentation(labels, None, [], ("background", "cell"), "instances", {"model_sha256": "ab"})
    settings = SegmentSettings(model=Path(f"{model}.safetensors"))
    job = RegionRun(settings=settings, data=image.data, region=region, layer_id=image.unique_id, layer_name=image.name)
    return RegionResult(
        job=job, model_name=model, labels=region.expand(labels), segmentation=segmentation, summary="something"
    )


@pytest.fixture
def stack():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((5, 30, 40), np.uint8), name="stack")
    return viewer, ResultLayers(viewer)


def discs(shape, number=1):
    labels = np.zeros(shape, np.int32)
    labels[..., 4:12, 6:20] = number
    return labels


def test_what_was_found_is_kept_whatever_and_however_often_a_person_paints(stack):
    """napari can undo a hundred strokes; what was found is known after more."""
    viewer, results = stack
    found = discs((5, 30, 40))
    labels = results.show(viewer.layers[0], run_of(viewer, found.copy(), (slice(None),) * 3)).labels
    for stroke in range(130):
        labels.paint((stroke % 5, stroke % 30, stroke % 40), 7)
    labels.data[0] = 3  # nobody hears of it
    np.testing.assert_array_equal(notes_of(labels).found.unpack(), found)
    assert notes_of(labels).edited


def test_of_a_plane_that_is_written_into_labels_what_was_found_is_what_the_model_had_found_there(stack):
    """And in the others what it had found before, not what a person painted since."""
    viewer, results = stack
    image = viewer.layers[0]
    first, second = discs((30, 40)), discs((30, 40), 2)
    labels = results.show(image, run_of(viewer, first, (1, slice(None), slice(None)))).labels
    labels.paint((1, 25, 30), 9)
    shown = results.show(image, run_of(viewer, second, (3, slice(None), slice(None))))
    assert shown.labels is labels
    assert labels.data[1, 25, 30] == 9
    expected = np.zeros((5, 30, 40), np.int32)
    expected[1], expected[3] = first, second
    np.testing.assert_array_equal(notes_of(labels).found.unpack(), expected)


def test_objects_that_were_clicked_stay_known_when_another_plane_is_segmented(stack):
    viewer, results = stack
    image = viewer.layers[0]
    labels = results.show(image, run_of(viewer, discs((30, 40)), (1, slice(None), slice(None)))).labels
    notes = replace(notes_of(labels), objects=({"value": 9},), correction=Correction(background=500, model_name="x"))
    write_notes(labels, notes)
    results.show(image, run_of(viewer, discs((30, 40), 2), (3, slice(None), slice(None))))
    assert notes_of(labels).objects == ({"value": 9},)
    assert notes_of(labels).correction.background == 500  # else what was painted as background would be an object
    assert notes_of(labels).correction.model_name is None


def test_a_copy_that_napari_makes_knows_what_was_found(stack):
    viewer, results = stack
    found = discs((5, 30, 40))
    labels = results.show(viewer.layers[0], run_of(viewer, found, (slice(None),) * 3)).labels
    data, state, kind = labels.as_layer_data_tuple()
    copy = viewer.add_layer(Labels.create(data.copy(), state, kind))
    labels.data[:] = 0
    np.testing.assert_array_equal(notes_of(copy).found.unpack(), discs((5, 30, 40)))


def test_a_large_volume_is_packed_step_by_step_before_its_labels_can_be_painted(monkeypatch):
    monkeypatch.setattr("src_models.labels.packed._STRIP", 30 * 40 * 4)  # bytes of a plane
    viewer = ViewerModel()
    viewer.add_image(np.zeros((9, 30, 40), np.uint8))
    outcome = run_of(viewer, discs((9, 30, 40)), (slice(None),) * 3)
    steps = ResultLayers(viewer).show_steps(viewer.layers[0], outcome)
    assert [len(viewer.layers) for _ in steps] == [1] * 8
    assert len(viewer.layers) == 2


def test_labels_on_disk_are_not_packed(stack):
    """Nobody can paint in them, and they may not fit into memory."""
    viewer, results = stack
    lazy = dask.array.from_array(discs((5, 30, 40)))
    labels = results.show(viewer.layers[0], run_of(viewer, lazy, (slice(None),) * 3)).labels
    assert notes_of(labels).found is None


@pytest.mark.parametrize("painted", [True, False])
def test_labels_that_come_back_from_a_disk_are_what_was_found_unless_somebody_painted_in_them(stack, painted):
    viewer, results = stack
    found = discs((5, 30, 40))
    labels = results.show(viewer.layers[0], run_of(viewer, found, (slice(None),) * 3)).labels
    stored = replace(notes_of(labels), found=None).metadata()  # a journal has no room for it
    data = labels.data.copy()
    data[0, 0, 0] = 5 * painted
    again = restore_labels(viewer, data, {"name": "again", "metadata": stored, "translate": (1, 2, 3)})
    assert again.name == "again"
    np.testing.assert_allclose(again.translate, (1, 2, 3))
    again.paint((2, 20, 20), 8)
    assert (notes_of(again).found is None) == painted
    if not painted:
        np.testing.assert_array_equal(notes_of(again).found.unpack(), found)
