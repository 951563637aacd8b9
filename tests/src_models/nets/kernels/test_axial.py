"""What is summed up of attention without making its matrix, against the matrix, in every form that computes it."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.nets.kernels import axial, axial_cpu
from src_models.nets.kernels.axial_plain import RelativePositions

HERE = pytest.mark.skipif(not axial_cpu.available(), reason="numba cannot be imported")
CLOSE = {torch.float32: 1e-5, torch.float64: 1e-12}  # of the largest
DTYPE = pytest.mark.parametrize("dtype", CLOSE, ids=str)
ALONG = pytest.mark.parametrize("along", ["height", "width"])
# (images, sequences beside each other, heads, channels of keys, length)
SHAPES = [(2, 3, 2, 1, 5), (1, 1, 3, 2, 1), (3, 7, 1, 4, 16), (1, 33, 2, 2, 9)]
SHAPE = pytest.mark.parametrize("shape", SHAPES, ids=str)
FORM = pytest.mark.parametrize("form", [pytest.param("kernel", marks=HERE), "plain"])


@pytest.fixture
def use(monkeypatch):
    def chosen(form):
        if form == "plain":
            monkeypatch.setattr(axial_cpu, "available_for", lambda _: False)
        return axial

    return chosen


def problem(shape, along="width", dtype=torch.float64, seed=0):
    """Random queries, keys and values, views of one (N, G, 4D, H, W) tensor, then scale and tables."""
    images, beside, heads, channels, length = shape
    generator = torch.Generator().manual_seed(seed)

    def normal(*sizes):
        return torch.randn(sizes, generator=generator, dtype=torch.float64).to(dtype)

    plane = (beside, length) if along == "width" else (length, beside)
    order = (0, 3, 1, 2, 4) if along == "width" else (0, 4, 1, 2, 3)
    sizes = (channels, channels, 2 * channels)
    views = [part.permute(order) for part in normal(images, heads, 4 * channels, *plane).split(sizes, dim=2)]
    return [*views, normal(heads), *(normal(heads, size, 2 * length - 1) for size in sizes)]


def assert_close(found, wanted, within, least=1e-3):
    """Compare tensors, each by its largest difference as a part of its largest number, or of `least`."""
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        assert (one.double() - other).abs().max() <= within * max(other.abs().max().item(), least)


def queries_counted(shape, seed=0):
    """Weights (N, O, L) as they come from the other layer of a block: beside each other along the other axis."""
    images, beside, *_, length = shape
    return torch.rand(images, length, beside, generator=torch.Generator().manual_seed(seed)).double().transpose(1, 2)


def written_out(inputs, positions=True):
    """Content and positional terms and their softmax, (N, O, G, L, L), one pair of places after the other."""
    query, key, _, scale, table_q, table_k, _ = (tensor.double() for tensor in inputs)
    length = query.shape[-1]
    content = torch.empty(*query.shape[:3], length, length, dtype=torch.float64)
    placed = torch.zeros_like(content)
    for i in range(length):
        for j in range(length):
            content[..., i, j] = scale * (query[..., i] * key[..., j]).sum(-1)
            if positions:
                by_query = (query[..., i] * table_q[..., i - j + length - 1]).sum(-1)
                placed[..., i, j] = by_query + (key[..., j] * table_k[..., j - i + length - 1]).sum(-1)
    return content, placed, torch.softmax(content + placed, dim=-1)


def tables(inputs):
    return RelativePositions(*inputs[4:])


def assert_sums(form, shape, inputs, within, positions=True):
    weights = queries_counted(shape)
    content, placed, attention = written_out(inputs, positions)
    given = (inputs[0], inputs[1], inputs[3], tables(inputs) if positions else None)
    found = form.attention_received(*given, weights)
    assert_close([found], [(weights[:, :, None, :, None] * attention).sum(3)], within)
    if positions:
        variances = form.variances_of_terms(*given)
        wanted = [term.var(-1, correction=0) for term in (content, placed)]
        assert_close(variances, wanted, within, least=1.0)


@FORM
@SHAPE
@ALONG
@DTYPE
@pytest.mark.parametrize("positions", [True, False])
def test_sums_are_those_over_the_matrix_written_out(use, form, shape, along, dtype, positions):
    assert_sums(use(form), shape, problem(shape, along, dtype), CLOSE[dtype], positions)


@HERE
@settings(deadline=None, max_examples=20)
@given(
    shape=st.tuples(*(st.integers(1, most) for most in (3, 20, 3, 5, 8))),
    along=st.sampled_from(["height", "width"]),
    dtype=st.sampled_from(list(CLOSE)),
    seed=st.integers(0, 99),
)
def test_any_shape_will_do(shape, along, dtype, seed):
    assert_sums(axial, shape, problem(shape, along, dtype, seed), CLOSE[dtype])
    assert_measured(axial, problem(shape, along, dtype, seed), CLOSE[dtype])


@FORM
def test_the_spread_of_terms_far_from_zero_is_exact_in_single_precision(use, form):
    """The mean of the squares less the square of the mean would leave nothing of it."""
    shape = (1, 3, 2, 2, 9)
    inputs = [tensor.clone() for tensor in problem(shape)]
    inputs[5][:] = 0
    inputs[4] += 1e3
    inputs[0][:, :, :, 0] = 1
    content, placed, _ = written_out([tensor.float() for tensor in inputs])
    assert (placed.mean(-1).abs() > 100 * placed.std(-1)).any()
    found = use(form).variances_of_terms(
        *(inputs[place].float() for place in (0, 1, 3)), tables([t.float() for t in inputs])
    )
    torch.testing.assert_close(found[0].double(), content.var(-1, correction=0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[1].double(), placed.var(-1, correction=0), rtol=1e-3, atol=1e-3)


def assert_measured(form, inputs, within, positions=True):
    """The result to the bit, and what is measured by a plain matrix."""
    offset = inputs[2][0, 0, :, :, 0]  # whatever has the shape
    given = (*inputs[:4], tables(inputs) if positions else None)
    result, measures = form.attend_measured(*given, offset)
    assert torch.equal(result, form.attend_joined(*given))
    attention = written_out(inputs, positions)[2]
    value, table = inputs[2].double(), inputs[6].double()
    content = torch.einsum("nogij,nogcj->nogci", attention, value) - offset.double()[..., None]
    placed = torch.zeros_like(content)
    for i, j in itertools.product(range(value.shape[-1]), repeat=2):
        if positions:
            placed[..., i] += attention[..., i, j, None] * table[..., i - j + value.shape[-1] - 1]
    wanted = [part.square().sum(3).sqrt() for part in (content, placed)]
    assert_close([measures.content, measures.positional], wanted, within, least=1.0)
    if measures.received is not None:
        assert_close([measures.received], [attention.sum(3)], within)
    return measures


@FORM
@SHAPE
@DTYPE
@ALONG
@pytest.mark.parametrize("positions", [True, False])
def test_measures_come_with_the_result_to_the_bit(use, form, shape, dtype, along, positions):
    measures = assert_measured(use(form), problem(shape, along, dtype), CLOSE[dtype], positions)
    assert (measures.received is None) == (form == "plain")  # a pass of the plain form has no sums over queries


@HERE
def test_values_of_an_odd_number_of_channels_are_measured():
    inputs = problem((2, 19, 2, 3, 6))
    inputs[2], inputs[6] = inputs[2][:, :, :, :5], inputs[6][:, :5]
    assert_measured(axial, inputs, 1e-12)


@FORM
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_single(use, form, dtype):
    shape = (2, 5, 2, 2, 8)
    inputs = [tensor.to(dtype).float() for tensor in problem(shape)]  # representable in both
    halved = [*(tensor.to(dtype) for tensor in inputs[:3]), *inputs[3:]]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_sums(use(form), shape, halved, 1e-5)


@HERE
def test_half_precision_is_measured_in_single_and_the_result_is_rounded_once():
    inputs = [tensor.bfloat16().float() for tensor in problem((2, 5, 2, 2, 8))]
    halved = [*(tensor.bfloat16() for tensor in inputs[:3]), inputs[3]]
    offset = torch.ones(2, 4)
    result, measures = axial.attend_measured(*halved, tables(inputs), offset)
    whole, wanted = axial.attend_measured(*inputs[:4], tables(inputs), offset)
    assert torch.equal(result, whole.bfloat16())
    assert all(torch.equal(one, other) for one, other in zip(measures, wanted, strict=True))


@HERE
def test_more_threads_change_nothing(monkeypatch):
    monkeypatch.setattr(axial_cpu, "SMALL", 0)
    shape = (2, 37, 2, 1, 6)
    inputs = problem(shape, "height")
    for threads in (1, 3, 64):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert_sums(axial, shape, inputs, 1e-12)
        assert_measured(axial, inputs, 1e-12)


@HERE
def test_what_does_not_fit_is_refused():
    query, key, value, scale, *given = problem((1, 2, 1, 1, 4))
    weights = queries_counted((1, 2, 1, 1, 4))
    with pytest.raises(ValueError, match="two tables"):
        axial_cpu.attention_received(query, key, scale, RelativePositions(given[0][..., :-1], *given[1:]), weights)
    with pytest.raises(ValueError, match="weights"):
        axial_cpu.attention_received(query, key, scale, RelativePositions(*given), weights[:, :, :-1])
    with pytest.raises(ValueError, match=r"offset has the shape \(1, 3\), not \(1, 2\)"):
        axial_cpu.attend_measured(query, key, value, scale, None, torch.zeros(1, 3).double())
