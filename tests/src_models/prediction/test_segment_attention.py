"""Attention maps of a run: the network's own coefficients, over exactly the pixels they come from."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from src_models.attention.recording import record_attention
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity
from src_models.nets.tap import AttentionTap
from src_models.prediction.segment import segment

WINDOW = Intensity(kind="window", low=0, high=100)


def texture(*shape):
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=shape), 2)
    return (50 + 18 * smooth / smooth.std()).clip(0, 100).astype(np.float32)


def run(image, model, **options):
    return segment(image, model, device="cpu", **options)


def recorded(model, image):
    """The coefficients (K, *cells) of every gate, straight from the network on the whole image."""
    with torch.inference_mode(), record_attention(model.network) as attention:
        model.network(torch.from_numpy(image / np.float32(100))[None, None])
    return {m.name: m.tensor[0].numpy() for m in attention}


def lively(model):
    """Make gates that are far from equally open everywhere."""
    for gate in model.network.gates:
        for psi in [sub.psi for sub in getattr(gate, "subgates", [])] or [getattr(gate, "psi", None)]:
            if psi is not None:
                getattr(psi, "conv", psi).weight.data *= 3
    return model


@pytest.mark.parametrize(
    ("config", "dimensions", "names"),
    [
        pytest.param({"widths": [3, 4, 4, 4]}, 2, ["gate 2", "gate 3"], id="grid"),
        pytest.param({"widths": [8, 8], "gate": "skip", "upsampling": "conv"}, 2, ["gate 1"], id="skip"),
        pytest.param({"widths": [2, 3, 3]}, 3, ["gate 2"], id="3D"),
    ],
)
def test_maps_are_what_the_gates_say_when_the_network_sees_the_whole_image(make_model, config, dimensions, names):
    model = lively(make_model(config=config, dimensions=dimensions, intensity=WINDOW, tile=(96,) * dimensions))
    image = texture(*(45, 61) if dimensions == 2 else (9, 21, 30))
    direct = recorded(model, image)
    found = run(image, model, attention=True).attention
    assert [m.name for m in found] == names == list(direct)
    for placed in found:
        assert placed.data.dtype == np.float32
        assert placed.data.std() > 1e-3
        assert (placed.kind, placed.level) == ("attention gate", int(placed.name[-1]))
        np.testing.assert_allclose(placed.data, direct[placed.name][0], atol=1e-5)


def test_tiles_blend_to_the_maps_of_the_whole_image(make_model):
    """Three levels: an overlap of 96 px holds what a cell sees, as for the probabilities."""
    model = lively(make_model(config={"widths": [3, 4, 4]}, intensity=WINDOW, tile=(200, 200), overlap=(96, 96)))
    image = texture(230, 320)
    (placed,) = run(image, model, attention=True).attention
    assert placed.data.shape == (115, 160)
    np.testing.assert_allclose(placed.data, recorded(model, image)["gate 2"][0], atol=1e-4)


@pytest.mark.parametrize(("shape", "cells"), [((45, 61), (23, 31)), ((44, 60), (22, 30)), ((1, 3), (1, 2))])
def test_a_cell_covers_exactly_its_pixels(make_model, shape, cells):
    """Cell i of a map with 2 px per cell covers pixels 2 i and 2 i + 1: its centre is at 2 i + 1/2."""
    (placed,) = run(texture(*shape), make_model(), attention=True).attention
    assert placed.data.shape == cells
    assert placed.scale == (2.0, 2.0)
    assert placed.translate == (0.5, 0.5)


def test_every_level_lies_over_the_same_corner(make_model):
    maps = run(texture(70, 70), make_model(config={"widths": [3, 4, 4, 4, 4]}), attention=True).attention
    assert [m.level for m in maps] == [2, 3, 4]
    for placed in maps:
        stride = 2.0 ** (placed.level - 1)
        assert placed.scale == (stride, stride)
        corner = [t - s / 2 for t, s in zip(placed.translate, placed.scale, strict=True)]
        assert corner == [-0.5, -0.5], "the corner of pixel 0"
        far = [c + s * n for c, s, n in zip(corner, placed.scale, placed.data.shape, strict=True)]
        assert all(69.5 <= end < 69.5 + stride for end in far)


def sized(model, diameter):
    """The same model, made for objects of one diameter; another is brought to it by a zoom."""
    about = (diameter * 0.99, diameter * 1.01)
    return Model(model.network, dataclasses.replace(model.header, object_diameter=diameter, diameter_range=about))


@pytest.mark.parametrize("diameter", [10.0, 30.0, 33.0, 80.0])
def test_a_zoomed_map_covers_the_image_too(make_model, diameter):
    model = sized(lively(make_model(intensity=WINDOW, tile=(128, 128))), 20.0)
    found = run(texture(90, 110), model, diameter=diameter, attention=True)
    assert found.provenance["settings"]["zoom"] == pytest.approx(20 / diameter)
    assert found.labels.shape == (90, 110)
    (placed,) = found.attention
    resized = [round(n * 20 / diameter) for n in (90, 110)]
    assert placed.data.shape == tuple(-(-n // 2) for n in resized)
    exact = [2 * n / m for n, m in zip((90, 110), resized, strict=True)]
    assert placed.scale == pytest.approx(exact)
    assert placed.translate == pytest.approx([e / 2 - 0.5 for e in exact])


class Brightness(torch.nn.Module):
    """A network whose map, of 4 px per cell, is how bright each cell is."""

    stride = 4

    def __init__(self):
        super().__init__()
        self.tap = AttentionTap(name="gate 3", kind="brightness", level=3, stride=4, description="")

    def forward(self, image):
        rows, columns = image.shape[2:]
        padded = F.pad(image, (0, -columns % 4, 0, -rows % 4), mode="replicate")
        alpha = self.tap(F.avg_pool2d(padded, 4))
        logits = torch.cat([alpha, 1 - alpha], 1)
        return F.interpolate(logits, scale_factor=4)[..., :rows, :columns]


@pytest.mark.parametrize("tile", [48, 256])
@pytest.mark.parametrize("diameter", [20.0, 11.0, 37.0])
def test_what_a_cell_sees_is_drawn_where_it_is(make_model, diameter, tile):
    """The middle of a spot, counted in cells and brought to image pixels by scale and translate, is the spot's."""
    described = make_model(config={"widths": [3, 4, 4, 4]}, intensity=WINDOW)
    model = sized(Model(Brightness().eval(), described.header), 20.0)
    y, x = np.mgrid[:120, :142]
    image = (100 * np.exp(-((y - 40.0) ** 2 + (x - 83.0) ** 2) / 150)).astype(np.float32)
    (placed,) = run(image, model, diameter=diameter, attention=["gate 3"], tile=tile).attention
    middle = [
        start + scale * (placed.data.sum(1 - axis) @ np.arange(placed.data.shape[axis])) / placed.data.sum()
        for axis, (scale, start) in enumerate(zip(placed.scale, placed.translate, strict=True))
    ]
    assert middle == pytest.approx([40, 83], abs=0.1)


def test_recording_changes_nothing(make_model):
    for config in ({"subgates": 2}, {"gate": "skip", "upsampling": "conv"}):
        model = make_model(config=config, sharpness=4, tile=(64, 64))
        image = texture(150, 110)
        without, with_maps = run(image, model), run(image, model, attention=True)
        assert without.attention == []
        np.testing.assert_array_equal(without.labels, with_maps.labels)
        np.testing.assert_allclose(
            without.probabilities.astype(np.float32), with_maps.probabilities.astype(np.float32), atol=1e-6
        )


def test_subgates_are_maps_of_their_own(make_model):
    model = lively(make_model(config={"widths": [3, 4, 4], "subgates": 3}, intensity=WINDOW))
    image = texture(50, 60)
    found = run(image, model, attention=True).attention
    assert [m.name for m in found] == ["gate 2 map 1", "gate 2 map 2", "gate 2 map 3"]
    direct = recorded(model, image)["gate 2"]
    for placed, expected in zip(found, direct, strict=True):
        np.testing.assert_allclose(placed.data, expected, atol=1e-5)
    assert np.abs(found[0].data - found[1].data).max() > 1e-3


def test_only_the_maps_that_are_asked_for_are_made(make_model):
    model = make_model(config={"widths": [3, 4, 4, 4, 4]})
    image = texture(50, 60)
    assert [m.name for m in run(image, model, attention=["gate 4", "gate 2"]).attention] == ["gate 2", "gate 4"]
    assert run(image, model, attention=[]).attention == []
    assert [m.name for m in run(image, model, attention=True).attention] == ["gate 2", "gate 3", "gate 4"]


def test_maps_of_a_series_are_those_of_its_planes(make_model):
    model = lively(make_model(intensity=WINDOW, tile=(64, 64)))
    stack = texture(3, 70, 50)
    (placed,) = run(stack, model, axes="TYX", attention=True).attention
    assert placed.data.shape == (3, 35, 25)
    assert placed.scale == (1.0, 2.0, 2.0)
    assert placed.translate == (0.0, 0.5, 0.5)
    for plane, image in zip(placed.data, stack, strict=True):
        np.testing.assert_array_equal(plane, run(image, model, attention=True).attention[0].data)


def test_a_volumes_map_has_depth_of_its_own(make_model):
    model = make_model(dimensions=3, config={"widths": [2, 3, 3]})
    (placed,) = run(texture(2, 9, 20, 31), model, axes="TZYX", attention=True).attention
    assert placed.data.shape == (2, 5, 10, 16)
    assert placed.scale == (1.0, 2.0, 2.0, 2.0)
    assert placed.translate == (0.0, 0.5, 0.5, 0.5)
