"""The true influence of positions on an axial block, against whole forward passes and against the product map."""

import copy

import numpy as np
import pytest
import torch

from src_models.attention.query_map import query_map
from src_models.attention.recording import record_attention
from src_models.auditing.measures.correlation import cosine, rank_correlation
from src_models.auditing.measures.influence import STEP, audit_influence, influences
from src_models.computing.execution import fold_batch_norms
from src_models.nets.axial.attention import axial_blocks

POSITIONS = [(y, x) for y in range(0, 32, 5) for x in range(1, 32, 6)]
QUERY = (9, 13)


@pytest.fixture
def network(make_model):
    """A folded MedT in double precision whose positions count."""
    made = make_model("medt").network
    for key, tensor in made.named_parameters():
        if key.endswith(("g_q", "g_k", "g_v2")):
            tensor.data.uniform_(0.5, 1.5)
    exact = copy.deepcopy(made).double().requires_grad_(False)
    fold_batch_norms(exact)
    return exact


def picture():
    return torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(3)).double()


def inputs(network, block):
    kept = []
    handle = block.height.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
    network(picture())
    handle.remove()
    return kept[0]


def direction(block):
    return torch.randn(block.height.channels, generator=torch.Generator().manual_seed(4)).double()


@pytest.mark.parametrize("heads", [(0, 0), (2, 5)])
def test_with_attention_frozen_a_pair_of_heads_is_exactly_proportional_to_the_product(network, heads):
    block = axial_blocks(network)["global 1.1"]
    found = influences(
        block.height, block.width, inputs(network, block), QUERY, POSITIONS, direction(block), heads=heads
    )
    assert cosine(found.product, found.frozen) == pytest.approx(1, abs=1e-12)
    assert np.ptp(found.frozen / found.product) < 1e-6 * (found.frozen / found.product).max()
    assert rank_correlation(found.product, found.moving) < 0.9999  # attention that moves is another matter


def test_the_product_is_the_recorded_map(network):
    block = axial_blocks(network)["global 1.1"]
    with torch.inference_mode(), record_attention(network) as attention:
        network(picture())
    for heads in (None, (3, 6)):
        found = influences(
            block.height, block.width, inputs(network, block), QUERY, POSITIONS, direction(block), heads=heads
        )
        wanted = query_map(attention, "global 1.1", QUERY, heads=heads)
        np.testing.assert_allclose(found.product, [float(wanted[place]) for place in POSITIONS], atol=1e-12)


def test_the_change_is_that_of_whole_passes_with_one_value_changed(network, monkeypatch):
    """Both layers run in full, over all columns and rows, with the values of one position shifted."""
    block = axial_blocks(network)["global 2.1"]
    inner, along = inputs(network, block), direction(block)
    found = influences(block.height, block.width, inner, QUERY, POSITIONS[:6], along)
    project = block.height.project
    _, _, value = project(inner)
    shift = along.view(block.height.heads, -1) * STEP * value.square().mean().sqrt()
    before = block.width(block.height(inner))[0, :, *QUERY]
    for number, (y, x) in enumerate(POSITIONS[:6]):

        def shifted(given, y=y, x=x):
            q, k, v = project(given)
            v = v.clone()
            v[0, x, :, :, y] += shift
            return q, k, v

        monkeypatch.setattr(block.height, "project", shifted)
        after = block.width(block.height(inner))[0, :, *QUERY]
        assert found.moving[number] == pytest.approx(float((after - before).norm()), rel=1e-6)


def test_an_audit_asks_blocks_of_patches_too_and_leaves_the_network_alone(make_model):
    network = make_model("medt").network
    before = copy.deepcopy(network.state_dict())
    steps = audit_influence(network, picture().float(), ["global 2.1", "local 2.1"], seed=1)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            whole, patch = finished.value
            break
    assert (whole.block, whole.positions, patch.block, patch.positions) == ("global 2.1", 192, "local 2.1", 64)
    for one in (whole, patch):
        assert -1 <= one.moving_correlation <= 1
        assert 0 < one.frozen_residual < 1
        assert one.frozen_residual < 2 * one.flat_residual
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
