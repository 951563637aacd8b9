"""Where a cell looks, against what the layer really does."""

import doctest

import pytest
import torch

import src_models.attention.cell_map
from src_models.attention.cell_map import cell_map, cell_maps
from src_models.attention.recording import record_attention
from src_models.errors import UserError
from src_models.models.architectures import create

WINDOWS = {"width": 8, "head_channels": 4, "stages": 1, "windows": (4, 3), "patch": 4}


def recorded(architecture, image, **config):
    torch.manual_seed(0)
    network = create(architecture, classes=2, **config).double().eval()
    for name, parameter in network.named_parameters():
        if name.endswith("bias_table"):
            torch.nn.init.normal_(parameter)
    with torch.inference_mode(), record_attention(network) as attention:
        network(image)
    return network, attention


@pytest.fixture(scope="module")
def image():
    return torch.rand(2, 3, 38, 26, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_the_example_of_the_module_holds():
    assert doctest.testmod(src_models.attention.cell_map).failed == 0


@pytest.mark.parametrize("view", ["large window 1.1", "large window 1.2", "small window 1.2", "large window 2.2"])
def test_weights_are_those_by_which_values_reach_the_cell(image, view):
    """A cell's value is changed; what arrives at another cell changes by its weight on that one."""
    network, attention = recorded("med-former", image, **WINDOWS)
    stage, block = (int(part) - 1 for part in view.split()[-1].split("."))
    layer = getattr(network.stages[stage].blocks[block], view.split()[0])
    grid = attention[f"{view} matrix"].grid
    assert grid == ((10, 7), (5, 4))[stage]
    query, head = (grid[0] - 2, 3), 1
    weights = cell_map(attention, view, query, head=head, image=1)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-12)
    lattice = layer.lattice(grid)
    seen = torch.zeros(grid, dtype=torch.bool)
    seen[lattice.seen_from(query)] = True
    assert not weights[~seen].any()
    assert (weights[seen] > 0).all()
    for row in range(grid[0]):
        for column in range(grid[1]):
            values = torch.zeros(1, *grid, 1, dtype=torch.float64)
            values[0, row, column] = 1
            matrix = attention[f"{view} matrix"].tensor[1:2, :, head]
            arrived = lattice.from_windows(matrix @ lattice.to_windows(values))[0, ..., 0]
            assert float(weights[row, column]) == pytest.approx(float(arrived[query]), abs=1e-12)


@pytest.mark.parametrize("pool", ["average", "token"])
def test_among_all_tokens_it_is_the_row_of_the_matrix_without_the_class_token(image, pool):
    _, attention = recorded("vit", image, image_size=32, width=8, heads=2, depth=2, pool=pool)
    weights = cell_map(attention, "layer 2", (4, 1), image=1)
    first = int(pool == "token")
    matrix = attention["layer 2 matrix"].tensor[1].mean(0)
    assert weights.shape == (5, 4)
    assert torch.equal(weights.flatten(), matrix[first + 17, first:])
    assert (float(weights.sum()) == pytest.approx(1)) == (pool == "average")


def test_what_can_be_asked_is_told_finest_first(image):
    _, attention = recorded("med-former", image, **WINDOWS)
    blocks = [f"{size} window {stage}.{block}" for stage in (1, 2) for block in (1, 2) for size in ("large", "small")]
    assert cell_maps(attention) == blocks


@pytest.mark.parametrize(
    ("view", "query", "more", "words"),
    [
        ("window 1.1", (0, 0), {}, "nothing was recorded of attention called 'window 1.1'; there is large window 1.1"),
        ("large window 1.1", (10, 0), {}, r"no cell \(10, 0\) in large window 1.1, whose grid is 10 x 7"),
        ("large window 1.1", (0, 0), {"head": 2}, "has the heads 0 to 1, not 2"),
        ("large window 1.1", (0, 0), {"image": 2}, "2 images were recorded, and none has the number 2"),
    ],
)
def test_what_is_not_there_is_said(image, view, query, more, words):
    _, attention = recorded("med-former", image, **WINDOWS)
    with pytest.raises(UserError, match=words):
        cell_map(attention, view, query, **more)
