"""What follows from one pass of a layer, against sums over its attention written out."""

import pytest
import torch

from src_models.nets.axial.attention import AxialAttention
from src_models.nets.axial.record import AxialRecord

POSITIONS = pytest.mark.parametrize("length", [6, None], ids=["positions", "content alone"])


def recorded(length=6, folded=False):
    """A layer's record of a pass over two images of 6 rows and 4 columns, and what went into the layer."""
    torch.manual_seed(0)
    layer = AxialAttention(8, "height", length=length, heads=2).double().eval()
    image = torch.randn(2, 8, 6, 4, dtype=torch.float64)
    if folded:
        from src_models.computing.execution import fold_batch_norms

        fold_batch_norms(layer)
    record = AxialRecord()
    with torch.no_grad():
        layer(image, record)
    return layer, record, image


@POSITIONS
def test_rows_of_the_attention_are_queries_that_sum_to_1(length):
    matrix = recorded(length)[1].matrix()
    assert matrix.shape == (2, 4, 2, 6, 6)
    torch.testing.assert_close(matrix.sum(-1), torch.ones(2, 4, 2, 6, dtype=torch.float64))


@POSITIONS
@pytest.mark.parametrize("folded", [False, True])
def test_what_a_pixel_receives_is_the_sum_over_queries_of_its_column_of_the_matrix(length, folded):
    record = recorded(length, folded)[1]
    matrix = record.matrix().mean(2)
    torch.testing.assert_close(record.received(), matrix.sum(2), rtol=0, atol=1e-10)
    weights = torch.rand(2, 4, 6, dtype=torch.float64)
    wanted = (weights[..., None] * matrix).sum(2)
    torch.testing.assert_close(record.received(weights), wanted, rtol=0, atol=1e-10)


def test_attention_that_all_give_is_received():
    """One for each query, however it is spread."""
    torch.testing.assert_close(recorded()[1].received().sum(-1), torch.full((2, 4), 6.0, dtype=torch.float64))


def test_shares_are_between_all_content_and_all_position():
    layer, record, image = recorded()
    with torch.no_grad():
        layer.relative.zero_()
        layer(image, record)
    assert not record.similarity_share().any()
    assert not record.output_share().any()
    torch.manual_seed(1)
    with torch.no_grad():
        layer.relative.normal_()
        layer.qkv.norm.weight.zero_()
        layer.qkv.norm.bias.zero_()
        layer(image, record)
    assert not record.similarity_share().any(), "positions need a query or a key to meet"
    torch.testing.assert_close(record.output_share(), torch.ones(2, 4, 6, dtype=torch.float64))
