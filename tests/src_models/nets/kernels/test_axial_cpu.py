"""The CPU's axial attention against plain PyTorch in float64."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.nets.kernels import axial, axial_cpu, axial_cpu_kernels
from src_models.nets.kernels.axial_plain import RelativePositions, reference

HERE = pytest.mark.skipif(not axial_cpu.available(), reason="numba cannot be imported")
CLOSE = {torch.float32: 1e-5, torch.float64: 1e-12}  # of the largest
DTYPE = pytest.mark.parametrize("dtype", CLOSE, ids=str)
ALONG = pytest.mark.parametrize("along", ["height", "width"])
# (images, sequences beside each other, heads, channels of keys, channels of values, length)
SHAPES = [(2, 3, 2, 1, 2, 5), (1, 1, 3, 2, 4, 1), (3, 7, 1, 4, 8, 16), (1, 33, 2, 2, 3, 9), (1, 16, 1, 8, 16, 32)]
SHAPE = pytest.mark.parametrize("shape", SHAPES, ids=str)


def problem(shape, along="width", dtype=torch.float64, seed=0, size=1.0):
    """Random inputs whose queries, keys and values are views of one (N, G, 2D + C, H, W) tensor."""
    images, beside, heads, channels, width, length = shape
    generator = torch.Generator().manual_seed(seed)

    def normal(*sizes):
        return torch.randn(sizes, generator=generator, dtype=torch.float64).to(dtype)

    plane = (beside, length) if along == "width" else (length, beside)
    order = (0, 3, 1, 2, 4) if along == "width" else (0, 4, 1, 2, 3)
    mixed = size * normal(images, heads, 2 * channels + width, *plane)
    views = [part.permute(order) for part in mixed.split([channels, channels, width], dim=2)]
    distances = 2 * length - 1
    tables = [normal(heads, each, distances) for each in (channels, channels, width)]
    return [*views, normal(heads), *tables]


def attend(form, inputs, positions=True):
    return form(*inputs[:4], RelativePositions(*inputs[4:]) if positions else None)


def results_and_gradients(form, inputs, positions=True, dtype=None):
    """Both results, and the gradients of all inputs for random gradients of the results."""
    inputs = [tensor.detach().to(dtype or tensor.dtype).requires_grad_() for tensor in inputs]
    inputs = inputs if positions else inputs[:4]
    results = [result for result in attend(form, inputs, positions) if result is not None]
    generator = torch.Generator().manual_seed(1)
    given = [torch.randn(each.shape, generator=generator, dtype=torch.float64).to(each.dtype) for each in results]
    return [*(each.detach() for each in results), *torch.autograd.grad(results, inputs, given)]


def assert_close(found, wanted, within, least=1e-3):
    """Compare tensors, each by its largest difference as a part of its largest number, or of `least`.

    Gradients can cancel to nearly nothing, and are then as exact as their terms, which are about 1.
    """
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        assert (one.double() - other).abs().max() <= within * max(other.abs().max().item(), least)


def doubled(inputs):
    return [tensor.double() for tensor in inputs]


@HERE
@SHAPE
@ALONG
@DTYPE
def test_results_and_gradients_are_those_of_the_reference(shape, along, dtype):
    inputs = problem(shape, along, dtype)
    wanted = results_and_gradients(reference, doubled(inputs))
    assert_close(results_and_gradients(axial_cpu.axial_attention, inputs), wanted, CLOSE[dtype])


@HERE
@settings(deadline=None, max_examples=25)
@given(
    shape=st.tuples(*(st.integers(1, most) for most in (3, 20, 3, 5, 5, 21))),
    along=st.sampled_from(["height", "width"]),
    dtype=st.sampled_from(list(CLOSE)),
    seed=st.integers(0, 99),
)
def test_any_shape_will_do(shape, along, dtype, seed):
    inputs = problem(shape, along, dtype, seed)
    wanted = results_and_gradients(reference, doubled(inputs))
    plain = results_and_gradients(reference, inputs)
    found = results_and_gradients(axial_cpu.axial_attention, inputs)
    for one, other, rounded in zip(found, wanted, plain, strict=True):
        # The gradient of a scale is one sum over all: where it cancels, it is as exact as the plain form of that type.
        within = max(CLOSE[dtype], 3 * (rounded.double() - other).abs().max().item())
        assert_close([one], [other], within, least=1.0)


@HERE
@DTYPE
@ALONG
def test_content_alone_without_positions(along, dtype):
    inputs = problem((2, 9, 2, 2, 4, 7), along, dtype)
    assert attend(axial_cpu.axial_attention, inputs, positions=False)[1] is None
    wanted = results_and_gradients(reference, doubled(inputs), positions=False)
    found = results_and_gradients(axial_cpu.axial_attention, inputs, positions=False)
    assert_close(found, wanted, CLOSE[dtype])


@HERE
@DTYPE
@ALONG
@pytest.mark.parametrize("positions", [True, False])
def test_joined_results_are_the_sum(positions, along, dtype):
    inputs = problem((2, 19, 2, 1, 2, 6), along, dtype)
    parts = [part for part in attend(reference, doubled(inputs), positions) if part is not None]
    assert_close([attend(axial_cpu.attend_joined, inputs, positions)], [sum(parts)], CLOSE[dtype])


@HERE
@ALONG
def test_joined_results_go_where_they_are_wanted(along):
    inputs = problem((2, 5, 2, 1, 2, 6), along)
    planes = torch.full((2, 4, 5, 6), torch.nan, dtype=torch.float64)  # (N, G * C, O, L)
    out = planes.unflatten(1, (2, 2)).permute(0, 3, 1, 2, 4)
    positions = RelativePositions(*inputs[4:])
    assert axial_cpu.attend_joined(*inputs[:4], positions, out=out) is out
    assert_close([planes], [sum(attend(reference, inputs)).permute(0, 2, 3, 1, 4).flatten(1, 2)], 1e-12)


@HERE
@DTYPE
def test_large_similarities_neither_overflow_nor_vanish(dtype):
    query, key, value, scale, *tables = problem((1, 17, 2, 1, 2, 12), dtype=dtype)
    scale = torch.tensor([500.0, -500.0], dtype=dtype)
    # Numbers with few bits make similarities exact, so that the result depends on the softmax alone.
    query, key = (tensor.round().clamp(-1, 1) for tensor in (query, key))
    inputs = [query, key, value, scale, *(table.round() for table in tables)]
    wanted = results_and_gradients(reference, doubled(inputs))
    assert_close(results_and_gradients(axial_cpu.axial_attention, inputs), wanted, CLOSE[dtype], least=1.0)


@HERE
@pytest.mark.parametrize("similarity", [-500.0, 500.0])
def test_equal_similarities_of_any_size_average(similarity):
    ones = torch.ones(1, 3, 1, 1, 5)
    value = torch.arange(30.0).reshape(1, 3, 1, 2, 5)
    content, _ = axial_cpu.axial_attention(ones, ones, value, torch.tensor([similarity]), None)
    torch.testing.assert_close(content, value.mean(dim=-1, keepdim=True).expand(value.shape))


@HERE
@DTYPE
@pytest.mark.parametrize("drop", [0.001, 0.35, 1.0, 20.0, 80.0, 86.9, 87.1, 300.0, 900.0])
def test_weights_fall_off_exponentially_down_to_the_smallest_numbers(drop, dtype):
    query, key = torch.ones(1, 1, 1, 1, 2, dtype=dtype), torch.tensor([0.0, -drop], dtype=dtype).reshape(1, 1, 1, 1, 2)
    value = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=dtype).reshape(1, 1, 1, 2, 2)
    content, _ = axial_cpu.axial_attention(query, key, value, torch.ones(1, dtype=dtype), None)
    wanted = torch.softmax(key[0, 0, 0, 0].double(), dim=0)[1]
    smallest = torch.finfo(dtype).tiny * 2
    epsilon = torch.finfo(dtype).eps
    assert abs(content[0, 0, 0, 0, 0].double() - wanted) <= max(4 * epsilon * wanted, smallest)


@HERE
def test_nan_is_not_hidden():
    inputs = problem((1, 2, 1, 1, 2, 4), dtype=torch.float32)
    key = inputs[1].clone()
    key[0, 1, 0, 0, 2] = torch.nan
    content, positional = attend(axial_cpu.axial_attention, [inputs[0], key, *inputs[2:]])
    assert content[0, 1].isnan().all()
    assert positional[0, 1].isnan().all()
    assert content[0, 0].isfinite().all()


@HERE
def test_gradients_are_slopes():
    inputs = [tensor.detach().clone().requires_grad_() for tensor in problem((1, 2, 2, 2, 2, 3))]
    assert torch.autograd.gradcheck(lambda *each: attend(axial_cpu.axial_attention, each), inputs)


@HERE
def test_gradients_of_one_result_and_one_input():
    inputs = problem((1, 4, 2, 1, 2, 5))
    inputs[1] = inputs[1].detach().requires_grad_()
    found, wanted = (
        torch.autograd.grad(attend(form, inputs)[1].square().sum(), inputs[1])
        for form in (axial_cpu.axial_attention, reference)
    )
    assert_close(found, wanted, 1e-12)


@HERE
def test_nothing_is_recorded_where_no_gradient_is_wanted():
    inputs = problem((1, 4, 2, 1, 2, 5))
    assert attend(axial_cpu.axial_attention, inputs)[0].grad_fn is None
    inputs[0] = inputs[0].detach().requires_grad_()
    with torch.inference_mode():
        found = attend(axial_cpu.axial_attention, inputs)
    assert_close(found, [each.detach() for each in attend(reference, inputs)], 1e-12)


@HERE
def test_results_lie_in_memory_as_the_values_do():
    for along, axes in (("height", (0, 2, 3, 4, 1)), ("width", (0, 2, 3, 1, 4))):
        content, _ = attend(axial_cpu.axial_attention, problem((2, 5, 2, 1, 2, 6), along))
        assert content.permute(axes).is_contiguous()


@HERE
def test_more_threads_change_nothing(monkeypatch):
    monkeypatch.setattr(axial_cpu, "SMALL", 0)
    inputs = problem((2, 37, 2, 1, 2, 6), "height")
    found = []
    for threads in (1, 3, 64):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        found.append(results_and_gradients(axial_cpu.axial_attention, inputs))
    for other in found[1:]:
        assert_close(other, found[0], 1e-13)
    assert_close(found[0], results_and_gradients(reference, inputs), 1e-12)


@HERE
def test_several_threads_can_call_at_once(monkeypatch):
    monkeypatch.setattr(axial_cpu, "SMALL", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    problems = [problem((1, 40, 2, 1, 2, 8), seed=seed) for seed in range(12)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda inputs: results_and_gradients(axial_cpu.axial_attention, inputs), problems))
    for inputs, each in zip(problems, found, strict=True):
        assert_close(each, results_and_gradients(reference, inputs), 1e-12)


@HERE
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_gets_threads_of_its_own(monkeypatch):
    monkeypatch.setattr(axial_cpu, "SMALL", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    inputs = problem((1, 40, 2, 1, 2, 8))
    wanted = attend(axial_cpu.axial_attention, inputs)[0]
    child = os.fork()
    if child == 0:
        # Sums of arrays alone: PyTorch's own threads do not survive the fork.
        same = (attend(axial_cpu.axial_attention, inputs)[0].numpy() == wanted.numpy()).all()
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@HERE
def test_tables_for_another_length_are_refused():
    inputs = problem((1, 2, 1, 1, 2, 4))
    inputs[5] = inputs[5][..., :-1]
    with pytest.raises(ValueError, match=r"the three tables .*\(1, 1, 6\)"):
        attend(axial_cpu.axial_attention, inputs)
    with pytest.raises(ValueError, match="result"):
        axial_cpu.attend_joined(*problem((1, 2, 1, 1, 2, 4))[:4], None, out=torch.empty(1, 2, 1, 2, 3).double())


@HERE
def test_only_single_and_double_precision_on_the_cpu():
    assert axial_cpu.available_for(torch.zeros(1))
    assert axial_cpu.available_for(torch.zeros(1).double())
    assert not axial_cpu.available_for(torch.zeros(1).half())
    assert not axial_cpu.available_for(torch.zeros(1, device="meta"))


@HERE
@pytest.mark.parametrize("channels", [3, 4])
def test_nothing_is_left_behind_by_an_earlier_call(channels):
    """Neither of more channels, which work in a room of the same size, nor of numbers that are none."""
    inputs = problem((2, 9, 2, 2, channels, 6))
    wanted = results_and_gradients(reference, inputs)
    results_and_gradients(axial_cpu.axial_attention, problem((2, 9, 2, 2, 4, 6), seed=1))
    spoilt = problem((2, 9, 2, 2, channels, 6))
    spoilt[0][:] = float("nan")
    results_and_gradients(axial_cpu.axial_attention, spoilt)
    assert_close(results_and_gradients(axial_cpu.axial_attention, inputs), wanted, CLOSE[torch.float64])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("positions", [True, False])
def test_half_precision_is_attended_in_single_and_rounded_once(positions, dtype):
    inputs = [tensor.to(dtype).float() for tensor in problem(SHAPES[2])]  # representable in both
    halved = [*(tensor.to(dtype) for tensor in inputs[:3]), *inputs[3:]]
    whole = [result for result in attend(axial.axial_attention, inputs, positions) if result is not None]
    found = [result for result in attend(axial.axial_attention, halved, positions) if result is not None]
    assert len(found) == len(whole)
    assert all(torch.equal(one, other.to(dtype)) for one, other in zip(found, whole, strict=True))
    joined = attend(axial.attend_joined, halved, positions)
    assert torch.equal(joined, attend(axial.attend_joined, inputs, positions).to(dtype))


def test_works_where_nothing_can_be_cached(monkeypatch):
    import numba

    def njit(*arguments, cache=False, **options):
        if cache:
            raise RuntimeError("no locator available")
        return lambda function: ("compiled", function.__name__)

    monkeypatch.setattr(axial_cpu_kernels, "_prepare_steps", lambda: None)
    monkeypatch.setattr(numba, "njit", njit)
    assert axial_cpu_kernels._compiled.__wrapped__("forward", "float32") == ("compiled", "_forward")


def test_unavailable_without_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert not axial_cpu.available()
    assert not axial_cpu.available_for(torch.zeros(1))
