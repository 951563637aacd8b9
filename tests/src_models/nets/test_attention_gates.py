"""Attention gates: the paper's equations, and what the papers' own code gives."""

from itertools import product

import numpy as np
import pytest
import torch
from randomised import randomise
from safetensors.torch import load_file

from src_models.nets.attention_gates import GridAttentionGate, GridSubGate, SkipAttentionGate, gate_tap
from src_models.nets.tap import AttentionTap

DIMENSIONS = pytest.mark.parametrize("dimensions", [2, 3])


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def tap():
    return AttentionTap(name="gate", kind="attention gate", level=1, stride=1, description="")


def coefficients_of(gate, x, g):
    """What flows through the tap of a gate, and what the gate gives."""
    kept = []
    handle = gate.tap.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    try:
        given = gate(x, g)
    finally:
        handle.remove()
    return kept[0].detach().numpy(), given.detach().numpy()


# The equations, written again in NumPy


def pointwise(conv, x):
    """A convolution of width 1, with x (N, C, *S)."""
    weight = conv.weight.detach().numpy().reshape(conv.out_channels, conv.in_channels)
    bias = conv.bias.detach().numpy()
    return np.einsum("oc,nc...->no...", weight, x) + bias.reshape(-1, *[1] * (x.ndim - 2))


def strided(conv, x):
    """A convolution of width and stride 2 without bias: each cell is a sum over its corners."""
    weight, dimensions = conv.weight.detach().numpy(), x.ndim - 2
    return sum(
        np.einsum("oc,nc...->no...", weight[(..., *corner)], x[(..., *(slice(c, None, 2) for c in corner))])
        for corner in product((0, 1), repeat=dimensions)
    )


def batch_norm(norm, x):
    mean, variance, weight, bias = (
        tensor.detach().numpy().reshape(-1, *[1] * (x.ndim - 2))
        for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return (x - mean) / np.sqrt(variance + norm.eps) * weight + bias


def doubled(x):
    """Linear interpolation to twice the size, cells staying where they are: 3/4 of the own, 1/4 of the next."""
    for axis in range(2, x.ndim):
        edges = np.concatenate([x.take([0], axis), x, x.take([-1], axis)], axis)
        before, after = edges.take(range(x.shape[axis]), axis), edges.take(range(2, x.shape[axis] + 2), axis)
        halves = np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
        x = halves.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])
    return x


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@DIMENSIONS
@pytest.mark.parametrize("subgates", [1, 3])
@pytest.mark.parametrize("normalised", [False, True])
def test_grid_gate_computes_the_papers_equations(dimensions, subgates, normalised):
    gate = GridAttentionGate(
        4,
        6,
        subgates=subgates,
        dimensions=dimensions,
        norm="batch",
        align_corners=False,
        normalised=normalised,
        tap=tap(),
    )
    randomise(gate)
    x, g = noise(2, 4, *(6, 8, 4)[:dimensions]), noise(2, 6, *(3, 4, 2)[:dimensions], seed=1)
    alpha, given = coefficients_of(gate, x, g)
    x, g = x.numpy(), g.numpy()
    alphas, gated = [], []
    for part in gate.subgates:
        query = np.maximum(strided(part.theta, x) + pointwise(part.phi, g), 0)
        scores = pointwise(part.psi, query)
        alphas.append(doubled(sigmoid(batch_norm(part.psi_norm, scores) if normalised else scores)))
        gated.append(batch_norm(part.project.norm, pointwise(part.project.conv, x * alphas[-1])))
    np.testing.assert_allclose(alpha, np.concatenate(alphas, 1), rtol=0, atol=1e-10)
    fused = batch_norm(gate.fuse.norm, pointwise(gate.fuse.conv, np.concatenate(gated, 1)))
    np.testing.assert_allclose(given, np.maximum(fused, 0), rtol=0, atol=1e-10)
    assert alpha.shape == (2, subgates, *x.shape[2:])


@DIMENSIONS
def test_skip_gate_computes_its_equation(dimensions):
    gate = randomise(SkipAttentionGate(4, dimensions=dimensions, norm="batch", tap=tap()))
    x, g = noise(2, 4, *(6, 8, 4)[:dimensions]), noise(2, 4, *(6, 8, 4)[:dimensions], seed=1)
    alpha, given = coefficients_of(gate, x, g)
    x, g = x.numpy(), g.numpy()
    w_g, w_x = (batch_norm(part.norm, pointwise(part.conv, v)) for part, v in ((gate.w_g, g), (gate.w_x, x)))
    wanted = sigmoid(batch_norm(gate.psi.norm, pointwise(gate.psi.conv, np.maximum(w_g + w_x, 0))))
    np.testing.assert_allclose(alpha, wanted, rtol=0, atol=1e-10)
    np.testing.assert_allclose(given, x * wanted, rtol=0, atol=1e-10)


@DIMENSIONS
@pytest.mark.parametrize("align_corners", [False, True])
def test_grid_gate_gives_what_the_papers_code_gives(shared, dimensions, align_corners):
    prefix = f"{dimensions}d.concatenation."
    theirs = {"W.0.": "project.conv.", "W.1.": "project.norm."}
    weights = {}
    for name, tensor in load_file(shared / "golden" / "agn_gates.weights.safetensors").items():
        if name.startswith(prefix):
            leaf = name.removeprefix(prefix)
            weights[theirs.get(leaf[:4], leaf[:4]) + leaf[4:]] = tensor
    gate = GridSubGate(8, 12, dimensions=dimensions, norm="batch", inner_channels=6)
    gate.load_state_dict(weights)
    with np.load(shared / "golden" / "agn_gates.io.npz") as stored:
        x, g = (torch.from_numpy(stored[prefix + key]) for key in "xg")
        wanted = stored[prefix + ("y_align_corners_true" if align_corners else "y")]
        attention = stored[prefix + "att"]
    mode = {2: "bilinear", 3: "trilinear"}[dimensions]
    with torch.inference_mode():
        alpha = gate.eval().coefficients(x, g, mode=mode, align_corners=align_corners)
        given = gate.project(x * alpha).numpy()
    assert np.abs(given - wanted).max() < 1e-5 * np.abs(wanted).max()
    if not align_corners:
        assert np.abs(alpha.numpy() - attention).max() < 1e-5


# Multi-dimensional attention


@DIMENSIONS
def test_closing_one_subgate_takes_away_its_contribution_and_nothing_else(dimensions):
    gate = randomise(
        GridAttentionGate(4, 6, subgates=3, dimensions=dimensions, norm="batch", align_corners=False, tap=tap())
    )
    x, g = noise(1, 4, *[8] * dimensions), noise(1, 6, *[4] * dimensions, seed=1)
    before, _ = coefficients_of(gate, x, g)
    fused_before = fused_convolution(gate, x, g)
    middle = gate.subgates[1]
    with torch.no_grad():
        middle.psi.bias.fill_(-1e4)
    after, _ = coefficients_of(gate, x, g)
    assert not after[:, 1].any()
    np.testing.assert_array_equal(after[:, ::2], before[:, ::2])
    # The projection is affine, so what x * alpha added to it is its linear part.
    projected = pointwise(middle.project.conv, x.numpy() * before[:, 1:2]) - pointwise(
        middle.project.conv, 0 * x.numpy()
    )
    scale = (middle.project.norm.weight / (middle.project.norm.running_var + middle.project.norm.eps).sqrt()).detach()
    projected *= scale.numpy().reshape(-1, *[1] * dimensions)
    weight = gate.fuse.conv.weight.detach().numpy().reshape(4, 12)[:, 4:8]
    contribution = np.einsum("oc,nc...->no...", weight, projected)
    np.testing.assert_allclose(fused_before - fused_convolution(gate, x, g), contribution, rtol=0, atol=1e-10)
    assert np.abs(contribution).max() > 0.1


def fused_convolution(gate, x, g):
    kept = []
    handle = gate.fuse.conv.register_forward_hook(lambda _module, _inputs, output: kept.append(output.detach().numpy()))
    gate(x, g)
    handle.remove()
    return kept[0]


@pytest.mark.parametrize(("level", "cell"), [(1, 1), (2, 2), (5, 16)])
def test_the_tap_of_a_level_says_how_large_its_cells_are(level, cell):
    made = gate_tap(level)
    assert (made.name, made.level, made.stride, made.kind) == (f"gate {level}", level, cell, "attention gate")
    assert f"1 cell = {cell} px" in made.description
