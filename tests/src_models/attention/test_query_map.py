"""Where one pixel looks, against what the block really does."""

import doctest

import pytest
import torch

import src_models.attention.query_map
from src_models.attention.query_map import query_map
from src_models.attention.recording import record_attention
from src_models.errors import UserError
from src_models.models.architectures import create
from src_models.nets.axial.attention import AxialAttention


def record(architecture, image):
    torch.manual_seed(0)
    network = create(architecture, image_size=64).double().eval()
    with torch.inference_mode(), record_attention(network) as attention:
        network(image)
    return network, attention


@pytest.fixture(scope="module")
def image():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_the_example_of_the_module_holds():
    assert doctest.testmod(src_models.attention.query_map).failed == 0


def test_every_query_puts_a_weight_of_one_in_all(image):
    _, attention = record("medt", image)
    for block, grid in (("global 1.1", 32), ("global 2.2", 16), ("local 1.1", 32), ("local 3.1", 16)):
        for query in ((0, 0), (grid - 1, 3), (5, grid - 1)):
            for heads in (None, (0, 7), (3, 2)):
                weights = query_map(attention, block, query, heads=heads, image=1)
                assert tuple(weights.shape) == (grid, grid)
                assert float(weights.sum()) == pytest.approx(1, abs=1e-10)
                assert float(weights.min()) >= 0


def test_the_weights_are_those_by_which_values_reach_the_query(image):
    """Both layers in a row, their values replaced by single pixels: what arrives at the query is its weight on them."""
    network, attention = record("gated-axial-unet", image)
    block = network.branch.layers[1][1]  # a grid of 16 x 16
    query, head = (4, 9), 2
    weights = query_map(attention, "block 2.2", query, heads=(head, head), image=1)
    matrices = {axis: attention[f"block 2.2 {axis}"].tensor[1, :, head] for axis in ("height", "width")}
    assert isinstance(block.height, AxialAttention)
    for source in ((0, 0), (4, 9), (13, 2), (7, 9)):
        values = torch.zeros(16, 16, dtype=torch.float64)
        values[source] = 1
        between = torch.stack([matrices["height"][x] @ values[:, x] for x in range(16)], dim=1)
        arrived = torch.stack([matrices["width"][y] @ between[y] for y in range(16)])
        assert float(weights[source]) == pytest.approx(float(arrived[query]), abs=1e-12)


def test_a_local_block_looks_within_its_patch_alone(image):
    _, attention = record("medt", image)
    weights = query_map(attention, "local 1.1", (9, 30))  # patches of 8 x 8 cells: row 1, column 3
    assert float(weights[8:16, 24:32].sum()) == pytest.approx(1, abs=1e-10)
    assert int((weights > 0).sum()) == 64


def test_the_mean_over_queries_is_what_each_pixel_receives(image):
    _, attention = record("gated-axial-unet", image)
    received = sum(query_map(attention, "block 3.2", (y, x)) for y in range(8) for x in range(8))
    torch.testing.assert_close(received, attention["block 3.2 received"].tensor[0, 0], rtol=1e-9, atol=1e-9)


def test_what_was_not_recorded_is_refused_with_what_there_is(image):
    _, attention = record("medt", image)
    with pytest.raises(UserError, match=r"no.* axial block 'block 9'; there is global 1\.1, .*local 4\.1"):
        query_map(attention, "block 9", (0, 0))
    with pytest.raises(UserError, match=r"no pixel \(32, 0\) in global 1\.1, whose grid is 32 x 32"):
        query_map(attention, "global 1.1", (32, 0))
    with pytest.raises(UserError, match="heads 0 to 7, not 8"):
        query_map(attention, "global 1.1", (0, 0), heads=(8, 0))
