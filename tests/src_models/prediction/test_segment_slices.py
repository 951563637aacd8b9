"""A network of slices (2.5D) sees each slice of a volume between its neighbours."""

import dataclasses

import dask.array as da
import numpy as np
import pytest
import torch
from scipy import ndimage

from src_models.errors import ImageError
from src_models.images.axes import read_axes
from src_models.images.model_image import ModelImage
from src_models.images.region import Region
from src_models.models.checkpoint import Model, save
from src_models.models.header import Intensity, slice_channels
from src_models.prediction.jobs import RegionRun, SegmentSettings, segmentation_steps
from src_models.prediction.segment import segment
from src_models.probing.pointer import AttentionPointer

WINDOW = Intensity(kind="window", low=0, high=100)


def texture(*shape):
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=shape), [0] * (len(shape) - 2) + [2, 2])
    return (50 + 18 * smooth / smooth.std()).clip(0, 100).astype(np.float32)


def lively(make_model, count):
    """A network whose answer depends much on all of the slices that it sees."""
    model = make_model(channels=slice_channels(count), sharpness=6, seed=3, intensity=WINDOW, tile=(64, 64))
    model.network.encoder[0][0].conv.weight.data *= 8
    return model


@pytest.fixture
def model(make_model):
    return lively(make_model, 3)


def run(image, model, **options):
    return segment(image, model, device="cpu", **options)


def between(volume, z, offsets=(-1, 0, 1)):
    """A slice between its neighbours, found one by one."""
    return np.stack([volume[min(max(z + offset, 0), len(volume) - 1)] for offset in offsets])


def directly(model, planes):
    with torch.inference_mode():
        return torch.softmax(model.network(torch.from_numpy(planes / np.float32(100))[None]), 1)[0].numpy()


@pytest.mark.parametrize("count", [1, 3, 5])
@pytest.mark.parametrize("wrap", [np.asarray, da.from_array], ids=["array", "lazy"])
def test_every_slice_is_what_the_network_says_of_it_between_its_neighbours(make_model, count, wrap):
    several = lively(make_model, count)
    volume = texture(4, 40, 52)
    found = run(wrap(volume), several, axes="ZYX")
    assert found.labels.shape == volume.shape
    offsets = range(-(count // 2), count // 2 + 1)
    for z in range(len(volume)):
        expected = directly(several, between(volume, z, offsets))
        np.testing.assert_allclose(found.probabilities[:, z], expected, atol=6e-4)


def test_the_neighbours_count(model):
    volume = texture(3, 40, 52)
    alone = run(volume[1], model, axes="YX").probabilities.astype(np.float32)
    among = run(volume, model, axes="ZYX").probabilities[:, 1].astype(np.float32)
    assert np.abs(alone - among).max() > 0.5


def test_a_picture_is_its_own_neighbour_also_in_colour(model):
    image = texture(40, 52)
    expected = directly(model, np.stack([image] * 3))
    np.testing.assert_allclose(run(image, model, axes="YX").probabilities, expected, atol=6e-4)
    colour = np.stack([image] * 3, axis=-1)
    np.testing.assert_allclose(run(colour, model, axes="YXC").probabilities, expected, atol=6e-4)


def test_neighbours_are_of_the_same_time_whatever_the_order_of_the_axes(model):
    series = texture(2, 3, 40, 52)
    found = run(np.ascontiguousarray(np.moveaxis(series, 0, 1)), model, axes="ZTYX")
    for t, z in np.ndindex(2, 3):
        expected = directly(model, between(series[t], z))
        np.testing.assert_allclose(found.probabilities[:, z, t], expected, atol=6e-4)


def test_slices_are_brought_to_the_model_s_spacing_with_their_neighbours(model):
    spaced = dataclasses.replace(model.header, spacing=(1.5, 1.5), unit="mm")
    fine = texture(3, 40, 52)
    reading = read_axes(fine.shape, axes="ZYX", spacing=(5, 0.75, 0.75), unit="mm")
    one_by_one = ModelImage(fine, dataclasses.replace(spaced, channels=("grey",)), axes=reading)
    together = ModelImage(fine, spaced, axes=reading)
    assert together.seen_at.zoom == 0.5
    whole = [slice(0, 20), slice(0, 26)]
    for z in range(3):
        alone = [one_by_one.plane((min(max(z + offset, 0), 2),), 0.5).read(whole)[0] for offset in (-1, 0, 1)]
        np.testing.assert_array_equal(together.plane((z,), 0.5).read(whole), np.stack(alone))
    assert run(fine, Model(model.network, spaced), axes=reading).labels.shape == fine.shape


def test_dyes_are_no_slices(model):
    with pytest.raises(ImageError, match=r"5 channels and the model 'random' takes 1 \(grey\)"):
        run(texture(5, 40, 52), model, axes="CYX")


@pytest.fixture
def saved(model, tmp_path):
    return save(model, tmp_path / "slices.safetensors")


def job(volume, letters, index, path, **settings):
    region = Region(letters, index, volume.shape, rgb=False)
    chosen = SegmentSettings(model=path, device="cpu", **settings)
    return RegionRun(settings=chosen, data=volume, region=region, layer_id=1, layer_name="scan")


def outcome_of(job):
    steps = segmentation_steps(job)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("z", [0, 2, 3])
def test_of_one_plane_in_view_the_neighbours_are_seen_too(model, saved, z):
    volume = texture(4, 40, 52)
    outcome = outcome_of(job(volume, "ZYX", (z, slice(0, 40), slice(0, 52)), saved, attention=("gate 2",)))
    whole = run(volume, model, axes="ZYX", attention=["gate 2"])
    np.testing.assert_array_equal(outcome.labels[0], whole.labels[z])
    np.testing.assert_allclose(outcome.segmentation.attention[0].data, whole.attention[0].data[z], atol=1e-6)
    assert outcome.segmentation.provenance["settings"]["channels"] is None, "no channels of the layer were chosen"


def test_in_a_view_from_the_side_the_neighbours_are_those_along_the_line_of_sight(model, saved):
    volume = texture(30, 4, 52)
    outcome = outcome_of(job(volume, "YYX", (slice(0, 30), 1, slice(0, 52)), saved))
    whole = run(np.moveaxis(volume, 1, 0), model, axes="ZYX")
    np.testing.assert_array_equal(outcome.labels[:, 0], whole.labels[1])


def test_a_pointer_over_the_plane_in_view_tells_of_the_same_map(model, saved):
    volume = texture(4, 40, 52)
    plane = job(volume, "ZYX", (1, slice(0, 40), slice(0, 52)), saved, attention=("gate 2",))
    outcome, region = outcome_of(plane), plane.region.around(model.header.slices)
    pointer = AttentionPointer(
        region.cut(volume), model, outcome.segmentation, channels=region.sub_chosen, device="cpu"
    )
    assert pointer.shape == (40, 52)
    whole = run(volume, model, axes="ZYX", attention=["gate 2"])
    values = pointer.point((21, 33), "gate 2").values
    assert values["gate 2"] == pytest.approx(float(whole.attention[0].data[1, 10, 16]), abs=1e-6)
