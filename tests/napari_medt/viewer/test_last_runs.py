"""Runs are kept as long as they tell something about the layer that they were made on."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_medt.viewer.last_runs import recall, remember
from src_models.images.region import Region
from src_models.prediction.jobs import RegionResult, RegionRun, SegmentSettings

NUCLEI, GLANDS = Path("nuclei.safetensors"), Path("glands.safetensors")


def plane(number):
    return Region("TYX", (number, slice(0, 8), slice(0, 9)), (20, 8, 9), rgb=False)


def run_on(layer, model=NUCLEI, number=0):
    """A run on a plane of a layer, which found `labels` there; it is remembered."""
    data = layer.data[0] if layer.multiscale else layer.data
    job = RegionRun(
        settings=SegmentSettings(model=model),
        data=data,
        region=plane(number),
        layer_id=layer.unique_id,
        layer_name=layer.name,
    )
    outcome = RegionResult(job=job, model_name=model.stem, labels=np.zeros((8, 9)), segmentation=None, summary="")
    remember(layer, outcome)
    return outcome


@pytest.fixture
def stack():
    return Image(np.zeros((20, 8, 9), np.uint8))


def test_a_run_is_recalled_by_layer_model_and_part(stack):
    other = Image(stack.data)
    wanted = {
        (model, number): run_on(stack, model, number) for model, number in ((NUCLEI, 0), (NUCLEI, 1), (GLANDS, 0))
    }
    for (model, number), outcome in wanted.items():
        assert recall(stack, model, plane(number)) is outcome
        assert recall(other, model, plane(number)) is None
    assert recall(stack, GLANDS, plane(1)) is None
    assert recall(stack, NUCLEI, Region("TYX", (0, slice(0, 8), slice(0, 8)), (20, 8, 9), rgb=False)) is None
    assert recall(stack, NUCLEI, Region("ZYX", (0, slice(0, 8), slice(0, 9)), (20, 8, 9), rgb=False)) is None


def test_the_last_of_several_runs_is_recalled(stack):
    run_on(stack)
    again = run_on(stack)
    assert recall(stack, NUCLEI, plane(0)) is again


def test_a_run_is_forgotten_when_the_data_of_its_layer_are_replaced(stack):
    run_on(stack)
    stack.data = np.array(stack.data)
    assert recall(stack, NUCLEI, plane(0)) is None
    again = run_on(stack)
    assert recall(stack, NUCLEI, plane(0)) is again


def test_a_pyramid_is_known_by_its_finest_level():
    full = np.zeros((20, 64, 72), np.uint8)
    pyramid = Image([full, full[:, ::2, ::2]], multiscale=True)
    outcome = run_on(pyramid)
    assert recall(pyramid, NUCLEI, plane(0)) is outcome
    pyramid.data = [full.copy(), full[:, ::2, ::2]]
    assert recall(pyramid, NUCLEI, plane(0)) is None


def test_the_eight_newest_runs_of_a_layer_are_kept(stack):
    other = Image(np.zeros((20, 8, 9)))
    beside = run_on(other)
    runs = [run_on(stack, number=number) for number in range(8)]
    runs[0] = run_on(stack, number=0)  # made again: now plane 1 was run on longest ago
    run_on(stack, number=8)
    assert recall(stack, NUCLEI, plane(1)) is None
    for number in (0, 2, 3, 4, 5, 6, 7):
        assert recall(stack, NUCLEI, plane(number)) is runs[number]
    assert recall(other, NUCLEI, plane(0)) is beside


def test_the_results_of_a_run_go_when_newer_runs_take_its_place(stack):
    labels = weakref.ref(run_on(stack).labels)
    for number in range(1, 8):
        run_on(stack, number=number)
    gc.collect()
    assert labels() is not None
    run_on(stack, number=8)
    gc.collect()
    assert labels() is None


def viewer_without_the_layer_that_was_run_on():
    """In a function of its own: napari looks at the variables of who adds a layer, which keeps them as they were."""
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((20, 8, 9), np.uint8))
    labels, gone = weakref.ref(run_on(layer).labels), weakref.ref(layer)
    gc.collect()
    assert labels() is not None
    viewer.layers.remove(layer)
    viewer.add_image(np.zeros((8, 9)))  # until then, napari itself keeps the layer that was selected last
    return viewer, labels, gone


def test_nothing_is_kept_of_a_layer_that_was_removed():
    viewer, labels, gone = viewer_without_the_layer_that_was_run_on()
    gc.collect()
    assert len(viewer.layers) == 1
    assert gone() is None
    assert labels() is None
