"""What :mod:`benchmarks.on_gpu` measures: a function for each part, which tells each figure as soon as it has it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from imageio.v3 import imread
from torch import Tensor, nn

from benchmarks.authors_medt import authors_network
from benchmarks.axial_speed import random_pair
from benchmarks.click_speed import SIZES, answer_times
from benchmarks.machine import seconds
from src_models.computing.execution import Execution, prepare
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, load
from src_models.nets.axial import attention as axial_layers
from src_models.nets.kernels import axial, axial_triton
from src_models.nets.kernels.axial_plain import RelativePositions, reference
from src_models.nets.medt_architectures import AXIAL
from src_models.prediction import segment as segmenting
from src_models.prediction.blocks import segmentation_run

SAMPLES = Path(__file__).parents[1] / "sample_data"
IMAGES = ("fluorescence.png", "histology.png", "brightfield.png")
MIB = 2**20
TARGET = 40  # times the authors' arithmetic


class Told(Protocol):
    """Where a part tells what it found."""

    def __call__(self, what: str, figure: str, note: str = "", **numbers: Any) -> None:
        """Keep a row."""


class Bench(NamedTuple):
    """What the parts run on."""

    device: torch.device
    quick: bool
    tell: Told

    @property
    def card(self) -> bool:
        return self.device.type == "cuda"

    def execution(self, dtype: torch.dtype = torch.float32, tile_batch: int = 1) -> Execution:
        return Execution(self.device, dtype, tile_batch)

    def times(self, *calls: Callable[[], Any], repeats: int = 20) -> list[float]:
        return seconds(*(partial(self._whole, call) for call in calls), repeats=2 if self.quick else repeats)

    def _whole(self, call: Callable[[], Any]) -> None:
        """Call, and wait until a card has done what it was told."""
        call()
        if self.card:
            torch.cuda.synchronize()

    def peak_mib(self, call: Callable[[], Any]) -> float:
        """Return the memory that a call takes on the card above what is there before."""
        call()
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return (torch.cuda.max_memory_allocated() - before) / MIB


def measure(part: str, device: str, quick: bool, tell: Told) -> None:
    """Measure one part."""
    torch.manual_seed(0)
    if device == "cpu":
        torch.set_num_threads(1)
    bench = Bench(torch.device(device), quick, tell)
    if part in NEED_A_CARD and not bench.card:
        tell(NEED_A_CARD[part], "left out", "needs a CUDA card")
        return
    PARTS[part](bench)


# ---------------------------------------------------------------------------------------------------------------------
# Kernels against the plain form


class Problem(NamedTuple):
    """The shape of what an axial layer computes."""

    images: int
    others: int
    heads: int
    small: int
    large: int
    length: int
    positions: bool


def kernels(bench: Bench) -> None:
    """Compare values and gradients with the plain form in double precision, for the shapes of all networks."""
    if not bench.card:
        bench.tell("Triton kernels", "left out", "need a CUDA card; the CPU's kernels stand in for them here")
    elif not axial_triton.works(bench.device):
        bench.tell("Triton kernels", "DO NOT WORK", "the log says why")
        return
    problems = sorted(problems_of_all_networks(bench), key=lambda problem: problem.length)
    problems = problems[-2:] if bench.quick else problems
    # On the CPU there is no kernel for half precision.
    for dtype in (torch.float32, torch.bfloat16) if bench.card else (torch.float32,):
        worst = {"values": 0.0, "gradients": 0.0}
        gains = []
        for problem in problems:
            inputs = random_inputs(problem, bench.device, dtype)
            for key, error in errors(inputs, problem.positions).items():
                worst[key] = max(worst[key], error)
            ours, plain = bench.times(*(partial(_forward, form, inputs) for form in (axial.axial_attention, reference)))
            gains.append(plain / ours)
            what = f"{_name(dtype)}, {problem.images * problem.others} x {problem.heads} sequences of {problem.length}"
            what += f", {problem.small} and {problem.large} channels" + ("" if problem.positions else ", no positions")
            bench.tell(what, f"{plain / ours:.1f} times the plain form", f"{ours * 1e3:.3f} ms", error=worst["values"])
        allowed = {torch.float32: 1e-5, torch.bfloat16: 2e-2}[dtype]
        verdict = "equal" if max(worst.values()) < allowed else f"NOT EQUAL (more than {allowed:g})"
        note = (
            f"values {worst['values']:.0e}, gradients {worst['gradients']:.0e} of the largest; {len(problems)} shapes"
        )
        bench.tell(f"{_name(dtype)}, all {len(problems)} shapes", verdict, note, **worst, gain=statistics.median(gains))


def problems_of_all_networks(bench: Bench) -> set[Problem]:
    """Return the shapes that the axial layers of the networks work on, at the size they are made for."""
    found: set[Problem] = set()

    def noting(query: Tensor, key: Tensor, value: Tensor, scale: Tensor, positions: RelativePositions | None) -> Any:
        images, others, heads, small, length = query.shape
        found.add(Problem(images, others, heads, small, value.shape[3], length, positions is not None))
        return axial.axial_attention(query, key, value, scale, positions)

    with patch.object(axial_layers, "axial_attention", noting), torch.inference_mode():
        for name in AXIAL[:1] if bench.quick else AXIAL:
            network = create(name, image_size=64 if bench.quick else 128).eval()
            network.to(bench.device)(torch.rand(1, 3, *(2 * (64 if bench.quick else 128,)), device=bench.device))
    return found


def random_inputs(problem: Problem, device: torch.device, dtype: torch.dtype) -> list[Tensor]:
    """Return queries, keys and values of a type, scale and tables in single precision."""
    n, o, g, d, c, length, positions = problem
    shapes = [(n, o, g, d, length), (n, o, g, d, length), (n, o, g, c, length), (g,)]
    shapes += [(g, size, 2 * length - 1) for size in (d, d, c)] if positions else []
    types = [dtype] * 3 + [torch.float32] * 4
    return [torch.randn(shape).to(device, kind) for shape, kind in zip(shapes, types, strict=False)]


def errors(inputs: list[Tensor], positions: bool) -> dict[str, float]:
    """Return by how much values and gradients differ from the plain form's in double precision, of the largest."""
    results = []
    for form, given in ((axial.axial_attention, inputs), (reference, [tensor.double() for tensor in inputs])):
        leaves = [tensor.detach().clone().requires_grad_() for tensor in given]
        tables = RelativePositions(*leaves[4:]) if positions else None
        outputs = [out for out in form(*leaves[:4], tables) if out is not None]
        loss = sum((out.double() * torch.linspace(-1, 1, out.shape[-1], device=out.device)).sum() for out in outputs)
        results.append(([out.detach() for out in outputs], torch.autograd.grad(loss, leaves)))
    return {
        name: max(float((a.double() - b).abs().max() / b.abs().max()) for a, b in zip(ours, wanted, strict=True))
        for name, ours, wanted in zip(("values", "gradients"), *results, strict=True)
    }


def _forward(form: Callable[..., Any], inputs: list[Tensor]) -> None:
    with torch.inference_mode():
        form(*inputs[:4], RelativePositions(*inputs[4:]) if len(inputs) > 4 else None)


# ---------------------------------------------------------------------------------------------------------------------
# Networks against the authors' arithmetic


def inference(bench: Bench) -> None:
    """Compare forward passes with those of the authors' arithmetic; the target is 40 times on a card."""
    for name in AXIAL[:1] if bench.quick else AXIAL:
        authors, ours = random_pair(name, 128)
        authors.to(bench.device)
        for batch in (1,) if bench.quick else (1, 8):
            for dtype in (torch.float32, torch.bfloat16) if bench.card else (torch.float32,):
                with _tf32(False):
                    _against_authors(bench, name, authors, ours, torch.rand(batch, 3, 128, 128), dtype)


def _against_authors(
    bench: Bench, name: str, authors: nn.Module, ours: nn.Module, image: Tensor, dtype: torch.dtype
) -> None:
    execution = bench.execution(dtype)
    calls = partial(_predict, authors, image, bench), partial(execution, prepare(ours, execution), image)
    theirs, own = bench.times(*calls)
    wanted, found = (call() for call in calls)
    off = float((found - wanted).abs().max())
    reached = f"{theirs / own:.1f} times" + (f" (target {TARGET})" if bench.card else "")
    note = f"{theirs * 1e3:.1f} against {own * 1e3:.1f} ms; probabilities differ by {off:.0e}"
    bench.tell(f"{name}, {len(image)} x 3 x 128 x 128, {_name(dtype)}", reached, note, gain=theirs / own, off=off)


def training(bench: Bench) -> None:
    """Compare training steps, forward and backward, with those of the authors' arithmetic."""
    for name in AXIAL[:1] if bench.quick else AXIAL:
        batch = 1 if bench.quick else 4
        image = torch.rand(batch, 3, 128, 128, device=bench.device)
        target = torch.randint(0, 2, (batch, 128, 128), device=bench.device)
        theirs, own = authors_network(name, 128).train(), create(name, image_size=128).train()
        steps = [partial(_step, network.to(bench.device), image, target) for network in (theirs, own)]
        slow, fast = bench.times(*steps, repeats=7)
        note = f"{slow * 1e3:.0f} against {fast * 1e3:.0f} ms"
        if bench.card:
            peaks = [bench.peak_mib(step) for step in steps]
            note += f"; {peaks[0]:.0f} against {peaks[1]:.0f} MiB at the peak"
        bench.tell(f"{name}, step of {batch} x 3 x 128 x 128", f"{slow / fast:.1f} times", note, gain=slow / fast)


def memory(bench: Bench) -> None:
    """Compare the peak memory of forward passes."""
    for size in (128, 512):
        authors, ours = random_pair("medt", size)
        image = torch.rand(1, 3, size, size)
        execution = bench.execution()
        theirs = bench.peak_mib(partial(_predict, authors.to(bench.device), image, bench))
        authors.cpu()
        own = bench.peak_mib(partial(execution, prepare(ours, execution), image))
        figure = f"{theirs:.0f} against {own:.0f} MiB"
        bench.tell(f"medt, forward, {size} x {size}", figure, f"{own / theirs:.2f} of it", theirs=theirs, ours=own)


def _predict(network: nn.Module, image: Tensor, bench: Bench) -> Tensor:
    with torch.inference_mode():
        return torch.softmax(network(image.to(bench.device)), 1)


def _step(network: nn.Module, image: Tensor, target: Tensor) -> None:
    F.cross_entropy(network(image), target).backward()
    network.zero_grad()


# ---------------------------------------------------------------------------------------------------------------------
# Precision, short memory, throughput


def precision(bench: Bench) -> None:
    """Compare speed and labels of the models that ship in every precision that there is; labels on the samples."""
    kinds = {"float32": (torch.float32, False), "TF32": (torch.float32, True), "bfloat16": (torch.bfloat16, False)}
    if not bench.card:
        kinds.pop("TF32")
        bench.tell("TF32", "left out", "needs a CUDA card")
    images = [imread(SAMPLES / name) for name in (IMAGES[1:2] if bench.quick else IMAGES)]
    for name in ("nuclei",) if bench.quick else ("nuclei", "nuclei-medt"):
        model = load(name)
        size = (128, 128) if bench.quick else model.header.tile
        tile = torch.rand(1 if bench.quick else 8, len(model.header.channels), *size)
        first: tuple[float, list[Any]] | None = None
        for kind, (dtype, tf32) in kinds.items():
            execution = bench.execution(dtype, tile_batch=8)
            with _tf32(tf32):
                ready = prepare(model.network, execution)
                (took,) = bench.times(partial(execution, ready, tile))
                labels = [labels_of(image, model, execution) for image in images]
            first = first or (took, labels)
            equal = sum(np.array_equal(one, other) for one, other in zip(labels, first[1], strict=True))
            note = f"{took * 1e3:.2f} ms; labels equal in {equal} of {len(images)} images"
            gain = first[0] / took
            what = f"{name}, {' x '.join(map(str, tile.shape))}, {kind}"
            bench.tell(what, f"{gain:.2f} times float32", note, gain=gain, equal=equal)


def out_of_memory(bench: Bench) -> None:
    """Give a run far too many tiles at once for the memory it may use: it halves them, goes on, and finds the same."""
    model = load("nuclei")
    tile = model.header.tile
    # Tiles go together row by row, and a row has more of them than the room of four.
    image = np.tile(imread(SAMPLES / "histology.png"), (4, 20, 1))  # 1024 x 6400
    one = bench.execution()
    with _tf32(False):
        wanted = labels_of(image, model, one)
    batch = torch.rand(1, len(model.header.channels), *tile)
    peak = bench.peak_mib(partial(one, prepare(model.network, one), batch))
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(bench.device).total_memory / MIB
    held = torch.cuda.memory_reserved() / MIB
    torch.cuda.set_per_process_memory_fraction(min(1.0, (held + 4 * peak) / total))
    told: list[str] = []
    with _tf32(False):
        found = labels_of(image, model, replace(one, tile_batch=64), told)
    torch.cuda.set_per_process_memory_fraction(1.0)
    said = [line for line in told if "memory is short" in line]
    # With other batches a card may choose other algorithms, which round in another way: some pixels of a border move.
    moved = int(((found > 0) != (wanted > 0)).sum())
    figure = said[-1] if said else "NEVER RAN OUT OF MEMORY"
    note = f"{found.max()} objects, tile by tile {wanted.max()}; {moved} of {found.size} pixels differ; "
    note += f"one tile takes {peak:.0f} MiB, the run had {4 * peak:.0f} MiB"
    bench.tell("64 tiles at once in the room of four", figure, note, halved=bool(said), moved=moved)


def throughput(bench: Bench) -> None:
    """Measure training patches and answers to clicks a second."""
    model = load("nuclei")
    size = 64 if bench.quick else 160
    count = 2 if bench.quick else 8
    image = torch.rand(count, len(model.header.channels), size, size, device=bench.device)
    target = torch.randint(0, len(model.header.classes), (count, size, size), device=bench.device)
    network = create(model.header.architecture, **model.header.config).train().to(bench.device)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for dtype in (torch.float32, torch.bfloat16):
        step = partial(_training_step, network, image, target, bench.execution(dtype))
        (took,) = bench.times(step)
        what = f"training steps of nuclei, {count} x {size} x {size}, {_name(dtype)}"
        bench.tell(what, f"{count / took:.0f} patches a second", f"{took * 1e3:.1f} ms a step", seconds=took)
    first, later = (
        [clock for clock, _ in times]
        for times in answer_times(load("click"), SIZES[0], bench.device.type, images=1 if bench.quick else 4)
    )
    for what, times in (("first answer", first), ("later answer", later)):
        found = f"{statistics.median(times) * 1e3:.0f} ms"
        note = f"95 of 100 are quicker than {np.percentile(times, 95) * 1e3:.0f} ms"
        bench.tell(f"clicks, {what}, 512 x 512", found, note, median=statistics.median(times))


def _training_step(network: nn.Module, image: Tensor, target: Tensor, execution: Execution) -> None:
    with execution.autocast():
        loss = F.cross_entropy(network(image).float(), target)
    loss.backward()
    network.zero_grad()


def labels_of(image: Any, model: Model, execution: Execution, told: list[str] | None = None) -> Any:
    """Return the labels that a run finds in an image, computed in a way of our choice."""
    note = None if told is None else lambda progress: told.append(progress.message)
    with patch.object(segmentation_run, "choose_execution", lambda device: execution):
        return np.asarray(segmenting.segment(image, model, on_progress=note).labels)


@contextmanager
def _tf32(allowed: bool) -> Iterator[None]:
    """Let a card round what it multiplies to TF32, or not."""
    places = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [place.allow_tf32 for place in places]
    for place in places:
        place.allow_tf32 = allowed
    try:
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.allow_tf32 = value


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


PARTS = {
    "kernels": kernels,
    "inference": inference,
    "training": training,
    "precision": precision,
    "out-of-memory": out_of_memory,
    "memory": memory,
    "throughput": throughput,
}
NEED_A_CARD = {
    "out-of-memory": "a run with too little memory",
    "memory": "peak memory of forward passes",
}
