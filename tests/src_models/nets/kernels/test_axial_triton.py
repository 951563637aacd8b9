"""Triton's axial attention against plain PyTorch in float64: on a card if there is one, else interpreted."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.nets.kernels import axial_triton
from src_models.nets.kernels.axial_plain import RelativePositions, reference
from src_models.nets.kernels.triton_import import interpreted

MODULE = "src_models.nets.kernels.axial_triton"
MISSING = importlib.util.find_spec("triton") is None
CARD = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CARD else "cpu")
TILES = axial_triton._tiles
# The interpreter has to be on when Triton is first imported, and other tests may have led to that before these.
LATE = not CARD and "triton" in sys.modules and not interpreted()


def load_kernels():
    """Import the kernels with the interpreter on, but do not leave it on for the tests of other modules."""
    with pytest.MonkeyPatch.context() as patch:
        if not CARD:
            patch.setenv("TRITON_INTERPRET", "1")
        importlib.import_module("src_models.nets.kernels.axial_triton_kernels")


if not (MISSING or LATE):
    load_kernels()

HERE = pytest.mark.skipif(
    MISSING or LATE,
    reason="Triton cannot be imported" if MISSING else "Triton was imported without its interpreter: see test_alone",
)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    """Turn the interpreter on and forget earlier failures."""
    if not CARD:
        monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setattr(axial_triton, "_failures", [])
    axial_triton.works.cache_clear()
    if not CARD:
        monkeypatch.setattr(axial_triton, "_tiles", wide_tiles)
    yield
    axial_triton.works.cache_clear()


def wide_tiles(positions, width, most):
    """Tiles for the interpreter, whose time goes by the number of operations and hardly by their size."""
    return TILES(positions, width, most)._replace(other=32, sequences=4)


def problem(seed, images, beside, heads, channels, width, length, along="width", positions=True):
    """Random inputs in float64; queries, keys and values are views of one (N, G, 2D + C, H, W) tensor."""
    generator = torch.Generator().manual_seed(seed)
    plane = (beside, length) if along == "width" else (length, beside)
    mixed = torch.randn((images, heads, 2 * channels + width, *plane), generator=generator, dtype=torch.float64)
    order = (0, 3, 1, 2, 4) if along == "width" else (0, 4, 1, 2, 3)
    views = [part.permute(order) for part in mixed.split([channels, channels, width], dim=2)]
    scale = torch.rand(heads, generator=generator, dtype=torch.float64) + 0.5
    shapes = [(heads, size, 2 * length - 1) for size in (channels, channels, width)] if positions else []
    return [*views, scale, *(torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)]


def cast(tensors, dtype):
    """The inputs for the kernels, with the strides that they have: the first three in a type, the rest in float32."""
    typed = [dtype] * 3 + [torch.float32] * 4
    # `to` keeps the strides of a tensor without gaps only, so convert all that a view looks at.
    return [
        tensor._base.to(DEVICE, kind).as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
        if tensor._is_view()
        else tensor.to(DEVICE, kind)
        for tensor, kind in zip(tensors, typed, strict=False)
    ]


def attend(form, tensors):
    content, positional = form(*tensors[:4], RelativePositions(*tensors[4:]) if len(tensors) > 4 else None)
    return [content] if positional is None else [content, positional]


def results_and_gradients(form, tensors):
    """Both results and the gradients of all inputs, for a loss that weighs every element differently."""
    leaves = [tensor.detach().requires_grad_() for tensor in tensors]
    outputs = attend(form, leaves)
    places = torch.linspace(0, 3, outputs[0].numel(), device=outputs[0].device, dtype=outputs[0].dtype)
    weights = [places.cos().reshape(outputs[0].shape), places.sin().reshape(outputs[0].shape)]
    loss = sum((output * weight).sum() for output, weight in zip(outputs, weights, strict=False))
    return outputs, torch.autograd.grad(loss, leaves)


def agree(tensors, dtype=torch.float32, tolerance=2e-5):
    ours = cast(tensors, dtype)
    assert [tensor.stride() for tensor in ours] == [tensor.stride() for tensor in tensors]
    found, found_grads = results_and_gradients(axial_triton.axial_attention, ours)
    # In a short type the kernels see rounded inputs, and so must the reference.
    expected, expected_grads = results_and_gradients(reference, [tensor.cpu().double() for tensor in ours])
    assert len(found) == len(expected)
    assert axial_triton._failures == []
    for one, other in zip([*found, *found_grads], [*expected, *expected_grads], strict=True):
        size = max(1.0, float(other.detach().abs().max()))
        torch.testing.assert_close(one.cpu().double(), other, rtol=0, atol=tolerance * size)
    assert {output.dtype for output in found} == {dtype}
    return found_grads


@HERE
@settings(max_examples=5, deadline=None)
@given(
    seed=st.integers(0, 2**20),
    images=st.integers(1, 2),
    beside=st.integers(1, 2),
    heads=st.integers(1, 2),
    channels=st.integers(1, 3),
    width=st.integers(2, 3),
    length=st.integers(1, 13),
    along=st.sampled_from(["height", "width"]),
    positions=st.booleans(),
)
def test_results_and_gradients_are_those_of_the_reference(
    seed, images, beside, heads, channels, width, length, along, positions
):
    agree(problem(seed, images, beside, heads, channels, width, length, along, positions))


@HERE
@pytest.mark.parametrize("positions", [True, False])
@pytest.mark.parametrize("along", ["height", "width"])
def test_one_position(along, positions):
    agree(problem(3, 1, 2, 1, 2, 2, 1, along, positions))


@HERE
@pytest.mark.parametrize("positions", [True, False])
def test_the_tiles_of_a_card(monkeypatch, positions):
    monkeypatch.setattr(axial_triton, "_tiles", TILES)
    agree(problem(3, 1, 3, 1, 1, 2, 5, "height", positions))


@HERE
def test_more_positions_than_a_program_owns(monkeypatch):
    monkeypatch.setattr(axial_triton, "_tiles", lambda *sizes: TILES(*sizes)._replace(own=16, other=32, warps=1))
    agree(problem(4, 1, 1, 1, 1, 1, 19))


@HERE
def test_many_channels():
    agree(problem(5, 1, 1, 1, 5, 9, 3))


@HERE
def test_table_gradients_of_many_sequences_are_right_and_the_same_in_every_run():
    tensors = problem(6, 3, 3, 1, 1, 1, 3)
    grads = agree(tensors)
    _, again = results_and_gradients(axial_triton.axial_attention, cast(tensors, torch.float32))
    assert all(torch.equal(one, other) for one, other in zip(grads, again, strict=True))


@HERE
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_types(dtype):
    agree(problem(7, 1, 2, 1, 2, 3, 9, "height"), dtype, tolerance=2 * torch.finfo(dtype).eps)


@HERE
def test_large_similarities_are_no_trouble(monkeypatch):
    monkeypatch.setattr(axial_triton, "_tiles", lambda *sizes: TILES(*sizes)._replace(other=8))  # two steps
    tensors = problem(8, 1, 1, 1, 2, 2, 11)
    tensors[3] = torch.full_like(tensors[3], 300.0)
    logits = 300 * torch.einsum("nogdi,nogdj->nogij", tensors[0], tensors[1])
    assert logits.max() > 300
    assert logits.min() < -300
    agree(tensors, tolerance=2e-3)


@HERE
def test_only_one_result_may_be_used():
    tensors = problem(10, 1, 1, 1, 1, 2, 5)
    for place in (0, 1):
        grads = []
        for form, given_tensors in ((axial_triton.axial_attention, cast(tensors, torch.float32)), (reference, tensors)):
            leaves = [tensor.detach().requires_grad_() for tensor in given_tensors]
            loss = attend(form, leaves)[place].square().sum()
            grads.append(torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True))
        for one, other in zip(*grads, strict=True):
            torch.testing.assert_close(one.cpu().double(), other, rtol=1e-4, atol=1e-4)


@HERE
def test_a_trial_tells_that_the_kernels_work():
    assert axial_triton.available()
    assert axial_triton.works(DEVICE)


@HERE
def test_a_kernel_that_fails_forward_is_one_error_and_not_tried_again(monkeypatch):
    def no_compiler(name):
        message = "no C compiler"
        raise OSError(message)

    tensors = cast(problem(11, 1, 1, 1, 1, 2, 3), torch.float32)
    monkeypatch.setattr(axial_triton, "import_module", no_compiler)
    with pytest.raises(axial_triton.KernelError, match="forward") as caught:
        attend(axial_triton.axial_attention, tensors)
    assert isinstance(caught.value.__cause__, OSError)
    assert not axial_triton.available()


@HERE
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("positions", [True, False])
def test_gradients_come_from_the_reference_if_a_kernel_fails_backward(monkeypatch, positions, dtype):
    def forward_only(name, *arguments, **options):
        if name != "forward":
            raise axial_triton.KernelError(name)
        launch(name, *arguments, **options)

    launch = axial_triton._launch
    monkeypatch.setattr(axial_triton, "_launch", forward_only)
    agree(problem(12, 1, 2, 2, 2, 3, 5, positions=positions), dtype, tolerance=2 * torch.finfo(dtype).eps + 2e-5)


@HERE
@pytest.mark.parametrize("place", range(7))
def test_tensors_that_do_not_belong_together_are_refused(place):
    tensors = cast(problem(13, 1, 2, 2, 2, 3, 5), torch.float32)
    tensors[place] = tensors[place][..., :-1]
    with pytest.raises(axial_triton.KernelError, match="belong together"):
        attend(axial_triton.axial_attention, tensors)


def test_float64_is_refused():
    with pytest.raises(axial_triton.KernelError, match="types"):
        attend(axial_triton.axial_attention, problem(14, 1, 1, 1, 1, 2, 3))


def test_without_card_and_interpreter_there_is_nothing(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not axial_triton.available()
    assert not axial_triton.works(torch.device("cpu"))
    tensors = [tensor.float() for tensor in problem(15, 1, 1, 1, 1, 2, 3)]
    with pytest.raises(axial_triton.KernelError, match="does not run on cpu"):
        attend(axial_triton.axial_attention, tensors)


def test_without_triton_it_is_not_available(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "triton", None)
    assert not axial_triton.available()
    assert not axial_triton.works(DEVICE)
    assert caplog.text.count("goes on without Triton") == 1


def test_importing_the_module_does_not_import_triton():
    code = f"import sys, {MODULE}; sys.exit('triton' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


@pytest.mark.skipif(not LATE, reason="this process runs the kernels itself")
def test_alone():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__).resolve())]
    done = subprocess.run(
        command, env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout[-4000:]
