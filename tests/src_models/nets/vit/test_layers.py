"""What blocks have beside attention."""

import pytest
import torch
from torch import nn

from src_models.nets.vit.layers import FinalNorm, Mlp, StochasticDepth, initialise, rising_rates


def test_stochastic_depth_leaves_out_whole_images_and_keeps_the_mean():
    torch.manual_seed(0)
    depth = StochasticDepth(0.25).train()
    found = depth(torch.ones(4000, 2, 3))
    kept = found[:, 0, 0] > 0
    assert torch.equal(found, kept[:, None, None].expand(-1, 2, 3) / 0.75)
    assert float(found.mean()) == pytest.approx(1, abs=0.03)
    x = torch.rand(3, 2)
    assert torch.equal(depth.eval()(x), x)


def test_rates_rise_evenly_from_nothing():
    assert rising_rates(0.3, 4) == pytest.approx([0, 0.1, 0.2, 0.3])
    assert rising_rates(0.3, 1) == [0]


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_that_makes_no_sense_is_refused(rate):
    with pytest.raises(ValueError, match="must be at least 0 and below 1"):
        StochasticDepth(rate)


def test_the_last_norm_gives_each_cell_mean_0_and_deviation_1_with_channels_first():
    found = FinalNorm(16).double()(torch.rand(2, 3, 4, 16, dtype=torch.float64))
    assert found.shape == (2, 16, 3, 4)
    assert torch.allclose(found.mean(1), torch.zeros(2, 3, 4).double(), atol=1e-10)
    assert torch.allclose(found.std(1, correction=0), torch.ones(2, 3, 4).double(), atol=1e-3)


def test_weights_begin_with_a_variance_of_one_over_inputs_so_that_features_stay_as_large_as_they_were():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(400, 300), nn.Linear(300, 200, bias=False))
    initialise(layers)
    for layer in layers:
        scaled = layer.weight.detach() * layer.in_features**0.5
        assert float(scaled.abs().max()) <= 2
        assert float(scaled.std()) == pytest.approx(0.88, abs=0.02)  # of a normal distribution that is cut at 2
    assert not layers[0].bias.any()


def test_the_mlp_is_two_linear_layers_with_gelu_between():
    torch.manual_seed(0)
    mlp = Mlp(3, 2.0).double()
    x = torch.rand(4, 3, dtype=torch.float64)
    hidden = x @ mlp.fc1.weight.T + mlp.fc1.bias
    assert hidden.shape == (4, 6)
    gelu = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))
    assert torch.allclose(mlp(x), gelu @ mlp.fc2.weight.T + mlp.fc2.bias)
