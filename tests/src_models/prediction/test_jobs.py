"""A run on a box of a layer, from plain values to labels that lie on the layer."""

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from slide_files import pyramid, tissue_slide

from src_models.files.slides import slide_tissue
from src_models.files.slides.slide_tissue import tissue_in
from src_models.images.axes import read_axes
from src_models.images.region import Region
from src_models.models.checkpoint import Model, load, save
from src_models.prediction.jobs import RegionRun, SegmentSettings, continue_numbers, segmentation_steps
from src_models.prediction.segment import segment
from src_models.prediction.settings import RunSettings


@pytest.fixture
def settings(tiny_model_path):
    return SegmentSettings(model=tiny_model_path, diameter=20, device="cpu", threads=1)


def whole(letters, shape):
    return Region(letters, tuple(slice(0, size) for size in shape), shape, rgb=False)


def run(settings, data, region, previous=None):
    job = RegionRun(settings=settings, data=data, region=region, layer_id=1, layer_name="discs", previous=previous)
    steps = segmentation_steps(job)
    told = []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return end.value, told


def test_a_run_on_the_whole_layer_is_what_python_gives(settings, discs):
    result, told = run(settings, discs, whole("YX", discs.shape))
    expected = segment(discs, load(settings.model), diameter=20, device="cpu")
    np.testing.assert_array_equal(result.labels, expected.labels)
    assert result.labels.max() == 2
    assert (result.job.region, result.job.layer_id) == (whole("YX", discs.shape), 1)
    assert (result.model_name, result.summary) == ("tiny", expected.summary)
    assert told[-1].done == told[-1].total


def test_all_settings_reach_the_run(settings, discs):
    """Those that change the labels, against Python's own call."""
    for chosen in ({"result": "semantic"}, {"least_size": 18.0}, {"sensitivity": -1.0}, {"tile": 48}):
        job = SegmentSettings(model=settings.model, device="cpu", **{"diameter": 20, **chosen})
        result, _ = run(job, discs, whole("YX", discs.shape))
        expected = segment(discs, load(settings.model), **{"diameter": 20, **chosen}, device="cpu")
        np.testing.assert_array_equal(result.labels, expected.labels)
        kept = result.segmentation.provenance["settings"]
        assert {name: kept[name] for name in expected.provenance["settings"]} == expected.provenance["settings"]
    assert set(RunSettings().keywords) < set(SegmentSettings.__dataclass_fields__)


def test_a_plane_of_a_stack_is_labelled_in_its_place(settings, discs):
    stack = np.stack([np.zeros_like(discs), discs, discs[::-1]])
    region = Region("ZYX", (1, slice(0, 70), slice(0, 90)), stack.shape, rgb=False)
    result, _ = run(settings, stack, region)
    assert result.labels.shape == (1, 70, 90)
    np.testing.assert_array_equal(result.labels[0], run(settings, discs, whole("YX", discs.shape))[0].labels)
    assert result.segmentation.provenance["settings"]["axes"] == "YX"


def test_a_plane_of_a_layer_is_brought_to_a_model_s_spacing_by_the_size_of_its_pixels(make_model, discs, tmp_path):
    spaced = make_model(sharpness=4, spacing=(1.5, 1.5), unit="mm")
    stack, settings = np.stack([discs, discs]), SegmentSettings(model=save(spaced, tmp_path / "mm.safetensors"))
    plane = (1, slice(0, 70), slice(0, 90))
    region = Region("ZYX", plane, stack.shape, rgb=False, spacing=(5.0, 0.75, 3.0), unit="mm")
    result, _ = run(settings, stack, region)
    reading = read_axes(discs.shape, spacing=(0.75, 3.0), unit="mm")
    expected = segment(discs, spaced, axes=reading)
    assert result.segmentation.zoom == expected.zoom == (0.5, 2.0)
    np.testing.assert_array_equal(result.labels[0], expected.labels)


def test_one_channel_that_was_cut_out_is_noted_by_its_number(settings, discs):
    image = np.stack([np.zeros_like(discs), discs])
    region = Region("CYX", (slice(1, 2), slice(0, 70), slice(0, 90)), image.shape, rgb=False)
    result, _ = run(settings, image, region)
    assert result.segmentation.provenance["settings"]["channels"] == [1]
    assert result.labels.max() == 2
    assert result.labels.shape == (1, 70, 90)


def test_numbers_go_on_after_those_of_the_other_planes_alone(settings, discs):
    stack = np.stack([discs, discs])
    before = np.zeros(stack.shape, np.int32)
    before[0, 5:9, 5:9], before[1, 5:9, 5:9] = 7, 40  # those of plane 1 will be replaced
    region = Region("ZYX", (1, slice(0, 70), slice(0, 90)), stack.shape, rgb=False)
    result, _ = run(settings, stack, region, before)
    assert np.unique(result.labels).tolist() == [0, 8, 9]
    assert before.max() == 40, "the earlier labels are only read"


def test_numbers_do_not_go_on_where_all_is_replaced_or_does_not_fit():
    labels = np.array([[0, 1], [2, 0]], np.int32)
    everything, row = whole("YX", (2, 2)), Region("YX", (slice(0, 1), slice(0, 2)), (2, 2), rgb=False)
    assert continue_numbers(labels, np.full((2, 2), 5), everything) is labels
    assert continue_numbers(labels[:1], np.full((3, 3), 5), row).tolist() == [[0, 1]]
    assert continue_numbers(labels[:1], np.full((2, 2), 5), row).tolist() == [[0, 6]]


def test_closing_a_run_cancels_it(settings, discs, monkeypatch):
    steps = segmentation_steps(
        RegionRun(settings=settings, data=discs, region=whole("YX", discs.shape), layer_id=1, layer_name="discs")
    )
    next(steps)
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)


def test_of_a_part_of_a_stack_all_pieces_stay_and_that_is_said(tiny_model_path, discs, tmp_path):
    tiny = load(tiny_model_path)
    organs = {"result": "semantic", "classes": ("background", "a", "b"), "largest_pieces": {"a": 1, "b": 1}}
    path = save(Model(tiny.network, replace(tiny.header, **organs)), tmp_path / "organs.safetensors")
    stack, model = np.stack([discs, discs, np.roll(discs, 9, 1)]), load(path)
    complete, _ = run(SegmentSettings(model=path), stack, whole("ZYX", stack.shape))
    everything, _ = run(SegmentSettings(model=path, pieces="all"), stack, whole("ZYX", stack.shape))
    assert (complete.labels != everything.labels).any()
    assert complete.segmentation.notes == everything.segmentation.notes
    for index in ((1, slice(0, 70), slice(0, 90)), (slice(0, 3), slice(0, 50), slice(0, 90))):
        for asked in (None, 1, "a"):
            settings = SegmentSettings(model=path, pieces=asked)
            part, _ = run(settings, stack, Region("ZYX", index, stack.shape, rgb=False))
            expected = segment(stack[index], model, axes="ZYX"[-stack[index].ndim :], pieces="all")
            np.testing.assert_array_equal(part.labels.reshape(expected.labels.shape), expected.labels)
            assert "this is a part of it" in part.segmentation.notes[-1]


@pytest.fixture
def slide_layer(monkeypatch):
    """A slide as a layer holds it, level by level, and where its tissue is."""
    monkeypatch.setattr(slide_tissue, "LEAST_PIXELS", 10_000)
    data, tissue = tissue_slide(256, 384, [(70, 70, 50)])
    return [da.from_array(level, chunks=(64, 64, 3)) for level in (data, *pyramid(data, 4))], tissue


def slide_run(levels, settings, box=(slice(0, 256), slice(0, 384))):
    region = Region("YXC", (*box, slice(0, 3)), levels[0].shape, rgb=True)
    job = RegionRun(
        settings=settings, data=levels[0], region=region, layer_id=1, layer_name="slide", levels=levels[1:],
    )  # fmt: skip
    steps = segmentation_steps(job)
    told = []
    while True:
        try:
            told.append(next(steps).message)
        except StopIteration as end:
            return end.value, told


def test_the_glass_of_a_slide_is_passed_over_unless_it_is_asked_for(settings, slide_layer):
    levels, _ = slide_layer
    small = replace(settings, tile=64, diameter=None)
    result, told = slide_run(levels, small)
    assert any("glass" in line for line in told)
    found = tissue_in(levels, "YXC")
    wanted = segment(np.asarray(levels[0]), load(settings.model), tile=64, device="cpu", tissue=found)
    np.testing.assert_array_equal(result.labels, wanted.labels)
    assert any("Only tissue was looked at" in note for note in result.segmentation.notes)
    result, told = slide_run(levels, replace(small, glass=True))
    assert not any("glass" in line for line in told)
    wanted = segment(np.asarray(levels[0]), load(settings.model), tile=64, device="cpu")
    np.testing.assert_array_equal(result.labels, wanted.labels)


def test_of_a_box_on_a_slide_the_glass_in_it_is_passed_over(settings, slide_layer):
    levels, _ = slide_layer
    box = (slice(10, 250), slice(30, 380))
    result, told = slide_run(levels, replace(settings, tile=64, diameter=None), box)
    assert 0 < sum("glass" in line for line in told) < len(told)
    assert not result.labels[..., 300:].any()
