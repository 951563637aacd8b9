"""What recording reduced attention maps costs, for both models that ship, against the same pass without recording.

Reduced maps have a value a cell: the coefficients of gates; what each pixel receives and the share of positions of
axial blocks. One thread's own CPU time is measured. On a machine that does other work too that time still changes by
more than recording costs, since cores share caches and clock; so every pass is compared with a plain pass right before
or right after it, in turn, and the median of the pairs' differences is given with the quartiles. What the taps cost
while nobody listens is measured call by call: it is too little to be seen in a pass.

Run as ``python -m benchmarks.recording_cost``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.machine import report, seconds
from src_models.attention.recording import record_attention
from src_models.computing.execution import choose_execution, prepare
from src_models.computing.memory import reused_memory
from src_models.models.architectures import attention_names, usual_attention
from src_models.models.checkpoint import Model, load
from src_models.nets.axial.attention import AxialBlock
from src_models.nets.axial.taps import AxialTaps
from src_models.nets.kernels.axial_plain import attention_matrix
from src_models.nets.tap import AttentionTap

MODELS = ("nuclei", "nuclei-medt")
REPEATS, PAIRS, CALLS = 15, 40, 100_000


def main() -> None:
    """Measure, print and write the table."""
    torch.set_num_threads(1)
    rows, notes = [], {}
    for name in MODELS:
        more, silent = measure(load(name))
        rows += more
        notes[f"{name}: taps that nobody hears, share of a pass"] = f"{silent:.1e}"
    report("recording_cost", ("one tile, one thread, CPU time", "time", "more than without", "quartiles"), rows, notes)
    print(notes)


def measure(model: Model) -> tuple[list[list[str]], float]:
    """Return rows of the table for a model, and the share of a pass that its taps take while nobody listens."""
    execution = choose_execution("cpu")
    network = prepare(model.network, execution)
    batch = torch.rand(1, len(model.header.channels), *model.header.tile)
    sets = _sets(model)

    def passing(names: Sequence[str] | None) -> Callable[[], Tensor]:
        def run() -> Tensor:
            if names is None:
                return execution(network, batch)
            with record_attention(network, names):
                return execution(network, batch)

        return run

    with reused_memory():
        pairs = _in_pairs(passing(None), [passing(names) for names in sets.values()])
    base = statistics.median(plain for turns in pairs for plain, _ in turns)
    size = " x ".join(str(side) for side in batch.shape)
    rows = [[f"{model.header.name}, {size}, nothing recorded", f"{base * 1e3:.1f} ms", "", ""]]
    for what, turns in zip(sets, pairs, strict=True):
        more = [recorded / plain - 1 for plain, recorded in turns]
        low, middle, high = (f"{part * 100:+.1f} %" for part in statistics.quantiles(more, n=4))
        spent = statistics.median(recorded for _, recorded in turns)
        rows.append([f"{model.header.name}, {what}", f"{spent * 1e3:.1f} ms", middle, f"{low} to {high}"])
    with torch.inference_mode(), reused_memory():
        rows += [_matrices(block, batch, network) for block in _asked(network, sets)]
    return rows, _silent(network) / base


def _in_pairs(
    plain: Callable[[], Tensor], candidates: Sequence[Callable[[], Tensor]]
) -> list[list[tuple[float, float]]]:
    """Return, for each candidate, the times of a plain pass and of its own, next to each other in either order."""
    for run in (plain, *candidates):
        run()
    found: list[list[tuple[float, float]]] = [[] for _ in candidates]
    for turn in range(PAIRS):
        for kept, candidate in zip(found, candidates, strict=True):
            order = (plain, candidate) if turn % 2 else (candidate, plain)
            times = {run: _once(run) for run in order}
            kept.append((times[plain], times[candidate]))
    return found


def _once(run: Callable[[], Tensor]) -> float:
    start = time.thread_time()
    run()
    return time.thread_time() - start


def _asked(network: nn.Module, sets: dict[str, list[str]]) -> list[AxialBlock]:
    """Return the blocks of which one map is recorded alone: what each pixel receives."""
    alone = {names[0] for names in sets.values() if len(names) == 1}
    return [m for m in network.modules() if isinstance(m, AxialBlock) and m.taps.received.name in alone]


def _matrices(block: AxialBlock, batch: Tensor, network: nn.Module) -> list[str]:
    """Return a row with the time that making a block's attention matrices takes: neither pass nor maps need them."""
    inputs: list[Tensor] = []
    layers = (block.height, block.width)
    handles = [layer.register_forward_pre_hook(lambda _, given: inputs.append(given[0])) for layer in layers]
    network(batch)
    for handle in handles:
        handle.remove()

    def make() -> None:
        for layer, given in zip(layers, inputs, strict=True):
            query, key, _ = layer.project(given)
            attention_matrix(query, key, *layer.weigh(query, key))

    (spent,) = seconds(make, repeats=REPEATS, clock=time.thread_time)
    name = block.taps.received.name.removesuffix(" received")
    return [f"for comparison, the attention matrices of {name}, in plain PyTorch", f"{spent * 1e3:.1f} ms", "", ""]


def _sets(model: Model) -> dict[str, list[str]]:
    """Return what is recorded, in words, and the names of the maps."""
    names = attention_names(model.header.architecture, model.header.config)
    usual = usual_attention(model.header.architecture, model.header.config)
    if usual == names:
        return {f"all {len(names)} maps": names}
    return {
        f"the maps offered first ({', '.join(usual)})": usual,
        **{name: [name] for name in usual},
        f"what all {sum('received' in name for name in names)} blocks receive": [n for n in names if "received" in n],
        f"all {len(names)} maps": names,
    }


def _silent(network: nn.Module) -> float:
    """Return the seconds that a pass spends on taps that nobody hears."""
    spent = 0.0
    for module in network.modules():
        if isinstance(module, AxialTaps):
            spent += _call(module.heard)
    inside = {tap for module in network.modules() if isinstance(module, AxialTaps) for tap in module.children()}
    value = torch.zeros(1)
    for module in network.modules():
        if isinstance(module, AttentionTap) and module not in inside:
            spent += _call(module, value)
    return spent


def _call(function: Callable[..., Any], *arguments: Any) -> float:
    start = time.thread_time()
    for _ in range(CALLS):
        function(*arguments)
    return (time.thread_time() - start) / CALLS


if __name__ == "__main__":
    main()
