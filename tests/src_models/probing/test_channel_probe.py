"""What channels take from channels, against the formula on what goes into each layer."""

import numpy as np
import pytest
import torch

from src_models.computing.execution import choose_execution, prepare
from src_models.errors import UserError
from src_models.nets.guided.attention import ChannelAttention
from src_models.probing.channel_probe import ChannelProbe


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.mark.parametrize("form", ["formula", "inverted"])
def test_matrices_are_those_of_the_tile_that_the_pixel_lies_in(make_model, form):
    model = make_model("guided-attention", config={"width": 4, "channel_attention": form})
    image = picture(96, 96)
    probe = ChannelProbe(image, model, device="cpu")
    found = probe.matrices()
    assert probe.names == list(found) == [f"scale {s} step {k} channels" for s in (1, 2, 3, 4) for k in (1, 2)]
    execution = choose_execution("cpu")
    network, given = prepare(model.network, execution), {}
    for module in network.modules():
        if isinstance(module, ChannelAttention):
            module.register_forward_pre_hook(lambda layer, x: given.update({layer.matrix.name: x[0][0].flatten(1)}))
    low, high = np.percentile(image, (model.header.intensity.low, model.header.intensity.high))
    batch = torch.from_numpy(((np.clip(image, low, high) - low) / (high - low)).astype(np.float32))[None, None]
    execution(network, batch)
    for name, matrix in found.items():
        energy = given[name].double() @ given[name].double().T
        wanted = torch.softmax(energy if form == "formula" else -energy, 1)
        np.testing.assert_allclose(matrix, wanted.numpy(), rtol=0, atol=1e-3)
        np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-5)


def test_each_tile_has_its_own_and_the_middle_is_asked_unless_a_pixel_is_named(make_model):
    probe = ChannelProbe(picture(2, 96, 256), make_model("guided-attention", config={"width": 4}), axes="ZYX")
    middle, left, right = (
        probe.matrices(pixel, plane=(1,))["scale 1 step 1 channels"] for pixel in (None, (10, 3), (10, 253))
    )
    assert np.abs(left - right).max() > 1e-6
    np.testing.assert_array_equal(middle, probe.matrices((48, 128), plane=(1,))["scale 1 step 1 channels"])
    assert probe.first_plane == (0,)
    with pytest.raises(UserError, match="lies outside of the image"):
        probe.matrices((96, 3), plane=(0,))


def test_a_network_without_channel_attention_is_refused(make_model):
    model = make_model("guided-attention", config={"width": 4, "attention": "position"})
    with pytest.raises(UserError, match="has no channel attention"):
        ChannelProbe(picture(96, 96), model, device="cpu")
