"""Segmenting images of every kind: the result is that of the network, whatever the image is cut or stored like."""

import dataclasses

import dask.array as da
import numpy as np
import pytest
import torch
import zarr
from scipy import ndimage

import src_models
from src_models.computing.execution import Execution
from src_models.disk import scratch
from src_models.errors import UserError
from src_models.models.checkpoint import Model, load
from src_models.models.header import Intensity
from src_models.prediction.blocks import segmentation_run as one_run
from src_models.prediction.segment import segment, segment_steps

WINDOW = Intensity(kind="window", low=0, high=100)
RGB = ("red", "green", "blue")


def texture(*shape, seed=0):
    """An image with structure of a few pixels, of values about 0 to 100, the last two or three axes smooth."""
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, [0] * (len(shape) - 2) + [2, 2])
    return (50 + 18 * smooth / max(smooth.std(), 1e-6)).clip(0, 100).astype(np.float32)


def directly(model, planes):
    """Class probabilities of the network for planes (C, *S) that are normalised already, without any of our code."""
    with torch.inference_mode():
        return torch.softmax(model.network(torch.from_numpy(planes)[None]), 1)[0].numpy()


def run(image, model, **options):
    return segment(image, model, device="cpu", **options)


# The network's result


@pytest.mark.parametrize("shape", [(50, 47), (64, 64), (1, 1), (3, 200)])
def test_an_image_of_one_tile_gives_what_the_network_gives(make_model, shape):
    model = make_model(sharpness=4, intensity=WINDOW, tile=(208, 208))
    image = texture(*shape)
    found = run(image, model)
    expected = directly(model, image[None] / 100)
    np.testing.assert_allclose(found.probabilities, expected, atol=6e-4)
    sure = np.abs(expected[1] - 0.5) > 1e-3
    np.testing.assert_array_equal(found.labels[sure], expected.argmax(0)[sure])
    assert found.labels.dtype == np.uint8
    assert (found.classes, found.result) == (("background", "cell"), "semantic")


@pytest.mark.parametrize(
    ("dimensions", "widths", "overlap", "shape", "tiles"),
    [
        # What an output pixel sees of the input reaches r = 33 px far in this network of three levels: 2 + 1 (first
        # level and pooling) + 4 + 2 + 8 (the coarser levels) and on the way up again 4 + 4 + 4 + 2 + 2, gates included.
        # The outer 3/8 of the overlap, which has no weight, is 36 px: so no pixel with weight misses anything.
        pytest.param(2, [4, 4, 4], 96, (310, 270), (200, 400), id="2D"),
        # Two levels in 3D: r = 2 + 1 + 4 + 2 + 2 = 11 px, and 3/8 of 32 px is 12.
        pytest.param(3, [2, 3], 32, (20, 80, 76), (66, 100), id="3D"),
    ],
)
def test_the_result_does_not_depend_on_the_tile_size(make_model, dimensions, widths, overlap, shape, tiles):
    sizes = {"tile": (tiles[-1],) * dimensions, "overlap": (overlap,) * dimensions}
    model = make_model(config={"widths": widths}, sharpness=6, intensity=WINDOW, dimensions=dimensions, **sizes)
    image = texture(*shape)
    whole, *others = [run(image, model, tile=tile).probabilities.astype(np.float32) for tile in reversed(tiles)]
    assert whole[1].std() > 0.02, "the network says something"
    for other in others:
        assert np.abs(other - whole).max() < 1e-3
    # With too little overlap it would show.
    blind = Model(model.network, dataclasses.replace(model.header, overlap=(0,) * dimensions))
    seen = run(image, blind, tile=tiles[0] // 2).probabilities.astype(np.float32)
    assert np.abs(seen - whole).max() > 1e-2


def test_classes_are_the_likeliest_and_probabilities_sum_to_one(make_model):
    model = make_model(classes=("background", "a", "b", "c"), sharpness=4, tile=(64, 64))
    found = run(texture(100, 90), model)
    assert found.probabilities.shape == (4, 100, 90)
    np.testing.assert_allclose(found.probabilities.astype(np.float32).sum(0), 1, atol=2e-3)
    np.testing.assert_array_equal(found.labels, found.probabilities.argmax(0))


def test_the_shipped_face_of_the_package_is_the_same_function(make_model):
    assert src_models.segment is segment
    assert src_models.segment_steps is segment_steps


# Axes, planes and channels


def test_the_planes_of_a_stack_are_segmented_like_single_images(make_model):
    model = make_model(sharpness=4, intensity=WINDOW)
    stack = texture(2, 3, 60, 70)
    found = run(stack, model, axes="TZYX")
    assert found.labels.shape == (2, 3, 60, 70)
    for t, z in np.ndindex(2, 3):
        alone = run(stack[t, z], model)
        np.testing.assert_array_equal(found.labels[t, z], alone.labels)
        np.testing.assert_array_equal(found.probabilities[:, t, z], alone.probabilities)


@pytest.mark.parametrize("axes", ["XYZT", "YTXZ", "ZXTY"])
def test_the_order_of_the_axes_is_that_of_the_image(make_model, axes):
    """Square tiles, so that turning the image turns the tiles with it; the network sees Y, X in any case."""
    model = make_model(sharpness=4, intensity=WINDOW)
    stack = texture(2, 3, 50, 40)
    usual = run(stack, model, axes="TZYX", attention=True)
    order = ["TZYX".index(letter) for letter in axes]
    found = run(stack.transpose(order), model, axes=axes, attention=True)
    np.testing.assert_array_equal(found.labels, usual.labels.transpose(order))
    np.testing.assert_array_equal(found.probabilities, usual.probabilities.transpose([0, *(i + 1 for i in order)]))
    (one,), (other,) = usual.attention, found.attention
    np.testing.assert_array_equal(other.data, one.data.transpose(order))
    assert other.scale == tuple(one.scale[i] for i in order)
    assert other.translate == tuple(one.translate[i] for i in order)


def test_a_volume_in_any_order_of_axes_is_the_same_volume(make_model):
    model = make_model(dimensions=3, sharpness=4, intensity=WINDOW, config={"widths": [2, 3]})
    volume = texture(10, 20, 30)
    usual = run(volume, model, axes="ZYX")
    turned = run(volume.transpose(2, 0, 1), model, axes="XZY")
    np.testing.assert_array_equal(turned.labels, usual.labels.transpose(2, 0, 1))
    expected = directly(model, volume[None] / 100)
    np.testing.assert_allclose(usual.probabilities, expected, atol=6e-4)


@pytest.mark.parametrize(("axes", "place"), [("CYX", 0), ("YXC", 2)])
def test_channels_are_found_first_and_last(make_model, axes, place):
    model = make_model(channels=("nuclei", "membranes"), sharpness=4, intensity=WINDOW)
    two = texture(2, 40, 50)
    found = run(np.moveaxis(two, 0, place), model, axes=axes)
    assert found.labels.shape == (40, 50)
    np.testing.assert_allclose(found.probabilities, directly(model, two / 100), atol=6e-4)


def test_grey_images_go_to_models_of_colours_and_colours_to_models_of_grey(make_model):
    colours = texture(3, 40, 50)
    of_colours = make_model(channels=RGB, sharpness=4, intensity=WINDOW)
    of_grey = make_model(sharpness=4, intensity=WINDOW)
    last = np.moveaxis(colours, 0, -1)
    seen = run(last, of_colours, axes="YXC")
    np.testing.assert_allclose(seen.probabilities, directly(of_colours, colours / 100), atol=6e-4)
    repeated = run(colours[0], of_colours)
    expected = directly(of_colours, np.repeat(colours[:1], 3, 0) / 100)
    np.testing.assert_allclose(repeated.probabilities, expected, atol=6e-4)
    luma = np.tensordot(np.float32([0.299, 0.587, 0.114]), colours, 1)
    greyed = run(last, of_grey, axes="YXC")
    np.testing.assert_allclose(greyed.probabilities, run(luma, of_grey).probabilities, atol=1e-3)


# Where results go


def test_labels_go_to_the_array_that_is_given(tiny_model_path, discs, tmp_path):
    model = load(tiny_model_path)
    stack = np.stack([discs, discs[::-1], discs[:, ::-1]])
    out = zarr.create_array(tmp_path / "labels.zarr", shape=stack.shape, dtype="int32", chunks=(1, 32, 32))
    found = run(stack, model, axes="ZYX", labels_out=out)
    assert found.labels is out
    in_memory = run(stack, model, axes="ZYX").labels
    assert in_memory.dtype == np.int32
    assert in_memory.max() >= 6
    np.testing.assert_array_equal(out[...], in_memory)
    assert sorted(np.unique(in_memory)) == list(range(in_memory.max() + 1)), "numbers go on from plane to plane"
    with pytest.raises(UserError, match=r"labels_out has the shape \(3, 70, 90\)"):
        run(discs, model, labels_out=out)
    for dtype in ("uint8", "int16", "float32"):
        with pytest.raises(UserError, match=f"labels_out holds {dtype}; make it int32"):
            run(stack, model, axes="ZYX", labels_out=np.zeros(stack.shape, dtype))


def test_probabilities_that_would_fill_the_memory_are_not_kept(make_model, monkeypatch):
    image = texture(40, 50)
    monkeypatch.setattr(one_run, "KEPT_PROBABILITIES_BYTES", 2 * 2 * 40 * 50)
    assert run(image, make_model()).probabilities is not None
    monkeypatch.setattr(one_run, "KEPT_PROBABILITIES_BYTES", 2 * 2 * 40 * 50 - 1)
    assert run(image, make_model()).probabilities is None


def test_working_on_disk_gives_the_same(tiny_model_path, discs, monkeypatch, tmp_path):
    model = load(tiny_model_path)
    expected = run(discs, model, diameter=20, attention=True)
    monkeypatch.setattr(scratch, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    found = run(discs, model, diameter=20, attention=True)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    np.testing.assert_array_equal(found.attention[0].data[...], expected.attention[0].data)
    (folder,) = tmp_path.iterdir()
    assert len(list(folder.glob("*.zarr"))) == 1, "the map's; the probabilities are gone"
    del found
    assert not list(tmp_path.iterdir()), "nothing else holds on to it, so memory is freed without the garbage collector"


def test_objects_and_classes_can_both_be_had_from_either_kind_of_model(tiny_model_path, discs, make_model):
    model = load(tiny_model_path)
    objects, classes = run(discs, model), run(discs, model, result="semantic")
    assert (objects.result, classes.result) == ("instances", "semantic")
    assert classes.labels.dtype == np.uint8
    assert set(np.unique(classes.labels)) == {0, 1}
    foreground = objects.probabilities[1:].astype(np.float32).sum(0) > 0.5
    np.testing.assert_array_equal(classes.labels, foreground)
    assert (foreground[objects.labels > 0]).all()
    semantic = make_model(sharpness=4)
    image = texture(80, 80)
    numbered = run(image, semantic, result="instances").labels
    expected, count = ndimage.label(run(image, semantic).labels, np.ones((3, 3)))
    assert numbered.dtype == np.int32
    assert numbered.max() == count > 1
    np.testing.assert_array_equal(numbered > 0, expected > 0)


def test_what_a_run_made_says_how(tiny_model_path, discs):
    model = load(tiny_model_path)
    made = run(discs, model, tile=72, attention=["gate 2"]).provenance
    assert made["model_sha256"] == model.sha256
    assert made["header"] == dataclasses.asdict(model.header)
    expected = {"axes": "YX", "result": "instances", "zoom": 1.0, "tile": (72, 72), "device": "cpu"}
    assert expected.items() <= made["settings"].items()
    assert made["settings"]["precision"] == "float32"
    assert made["settings"]["attention"] == ["gate 2"]
    assert torch.__version__.startswith(made["versions"]["torch"].split("+")[0])


# Progress, cancelling, memory


def test_progress_counts_every_tile_and_ends_at_the_total(make_model):
    model = make_model(tile=(64, 64))
    told = []
    run(texture(2, 150, 100), model, axes="ZYX", on_progress=told.append)
    assert [p.done for p in told] == list(range(1, len(told) + 1))
    assert {p.total for p in told} == {len(told)}
    # 150 px in tiles of 64 with 16 overlap: 3; 100 px: 2; for each of two planes; and a block of classes each.
    assert len(told) == 2 * (3 * 2 + 1)


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_closing_the_run_cancels_it_and_leaves_no_files(make_model, monkeypatch, tmp_path, steps):
    monkeypatch.setattr(scratch, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    model = make_model(tile=(64, 64))
    running = segment_steps(texture(100, 100), model, attention=True, device="cpu")
    for _ in range(steps):
        next(running)
    assert list(tmp_path.iterdir())
    running.close()
    assert not list(tmp_path.iterdir())


def test_a_run_that_fails_leaves_no_files(make_model, monkeypatch, tmp_path):
    monkeypatch.setattr(scratch, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    image = Torn(da.from_array(texture(100, 100)))
    with pytest.raises(OSError, match="the disk was taken out"):
        run(image, make_model(tile=(64, 64)), attention=True)
    assert not list(tmp_path.iterdir())


class Torn:
    """An image whose last rows cannot be read after the first look."""

    def __init__(self, image):
        self.image, self.shape, self.dtype, self.looks = image, image.shape, image.dtype, 0

    def __getitem__(self, index):
        self.looks += 1
        if self.looks > 3:
            raise OSError("the disk was taken out")
        return self.image[index]


class LittleMemory(torch.nn.Module):
    """A network on a device that holds `most` tiles at a time."""

    def __init__(self, network, most):
        super().__init__()
        self.network, self.most, self.stride = network, most, network.stride
        self.seen = []

    def __deepcopy__(self, memo):
        return self

    def forward(self, batch):
        if len(batch) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.seen.append(len(batch))
        return self.network(batch)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_out_of_memory_halves_the_batch_and_says_so(make_model, monkeypatch, most):
    model = make_model(sharpness=4, tile=(64, 64))
    image = texture(100, 330)
    expected = run(image, model, attention=True)
    monkeypatch.setattr(one_run, "choose_execution", lambda device: Execution(torch.device("cpu"), torch.float32, 4))
    full = run(image, model)
    np.testing.assert_allclose(full.probabilities, expected.probabilities, atol=1e-3)
    network, told = LittleMemory(model.network, most), []
    found = run(image, Model(network, model.header), attention=True, on_progress=told.append)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-3)
    np.testing.assert_allclose(found.attention[0].data, expected.attention[0].data, atol=1e-5)
    at_once = 1 if most == 1 else 2
    assert max(network.seen) == at_once
    assert f"{at_once} tile(s) at a time, since memory is short" in told[0].message
    assert told[-1].done == told[-1].total


def test_memory_for_not_even_one_tile_is_a_sentence(make_model):
    model = make_model(tile=(64, 64))
    with pytest.raises(UserError, match="does not hold one tile of 64 x 64 px; choose smaller tiles"):
        run(texture(100, 100), Model(LittleMemory(model.network, 0), model.header))


def test_a_model_without_gates_says_that_it_has_no_maps(make_model):
    model = make_model("unet")
    assert run(texture(30, 30), model, attention=True).attention == []
    with pytest.raises(UserError, match="it has none"):
        run(texture(30, 30), model, attention=["gate 2"])


def test_the_models_own_network_is_left_as_it_was(make_model):
    model = make_model()
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    run(texture(30, 30), model, attention=True)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.network.modules())
