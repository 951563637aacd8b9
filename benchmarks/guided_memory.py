"""How much memory self-guided attention takes: position attention alone, and the whole network with its recording.

Position attention of 256 x 256 px compares 4096 places with 4096. Written as the equation stands, each of the eight
such modules of the network keeps that matrix; ours never makes it whole. Each measurement is made in a process of its
own, so that the peak is its own (Linux).

Run as ``python -m benchmarks.guided_memory``.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from src_models.attention.recording import record_attention
from src_models.models.architectures import create
from src_models.nets.guided.attention import PositionAttention
from src_models.nets.guided.taps import MapTaps

SIZE, CELL, WIDTH = 256, 4, 64  # px, px of a cell, and channels: those of the paper

__all__ = ["SIZE", "WHAT", "peak_of"]


def main() -> None:
    """Measure in subprocesses, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs=2)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(_measured(arguments.child[0], int(arguments.child[1]))))
        return
    from benchmarks.machine import report

    rows = []
    for what, (title, _) in WHAT.items():
        found = peak_of(what)
        rows.append([title, f"{found['more_mib']:.0f}", f"{found['process_mib']:.0f}"])
        print(rows[-1], flush=True)
    report("guided_memory", (f"{SIZE} x {SIZE} px, one image", "MiB more at the peak", "MiB of the process"), rows)


def peak_of(what: str, size: int = SIZE) -> dict[str, float]:
    """Return what a process takes at its peak for one of :data:`WHAT`, of an image of `size` px: see the columns."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.guided_memory", "--child", what, str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def as_the_equation_stands(attention: PositionAttention, x: Tensor) -> Tensor:
    """Return what position attention gives, with the matrix of all weights made and kept."""
    query, key = attention.project(x)
    value = attention.value(x).flatten(2).transpose(1, 2)
    taken = torch.softmax(query @ key.transpose(1, 2), dim=2) @ value
    return attention.gamma * taken.transpose(1, 2).reshape(x.shape) + x


def _position(run: Callable[[PositionAttention, Tensor], Tensor], size: int, *, learn: bool) -> Callable[[], object]:
    attention = PositionAttention(WIDTH, received=MapTaps(1, 1).received())
    nn.init.ones_(attention.gamma)
    x = torch.rand(1, WIDTH, size // CELL, size // CELL)
    return partial(_step if learn else _predict, partial(run, attention), x)


def _network(size: int, *, learn: bool, record: bool = False) -> Callable[[], object]:
    network = create("guided-attention", in_channels=1, classes=2, width=WIDTH)
    x = torch.rand(1 if not learn else 2, 1, size, size)
    if record:
        return partial(_recorded, network.eval(), x)
    return partial(_step if learn else _predict, network.train(learn), x)


def _predict(run: Callable[[Tensor], Tensor], x: Tensor) -> object:
    with torch.inference_mode():
        return run(x)


def _recorded(network: nn.Module, x: Tensor) -> object:
    with record_attention(network):
        return _predict(network, x)


def _step(run: Callable[[Tensor], Tensor], x: Tensor) -> object:
    run(x.clone().requires_grad_()).square().mean().backward()
    return None


def _run_of(attention: PositionAttention, x: Tensor) -> Tensor:
    found: Tensor = attention(x)
    return found


#: What is measured, by name: words for it, and what makes it of a size (px).
WHAT: dict[str, tuple[str, Callable[[int], Callable[[], object]]]] = {
    "position": ("position attention, one module", partial(_position, _run_of, learn=False)),
    "position-plain": (
        "the same as the equation stands",
        partial(_position, as_the_equation_stands, learn=False),
    ),
    "position-step": ("position attention, a step of learning", partial(_position, _run_of, learn=True)),
    "position-step-plain": (
        "the same as the equation stands",
        partial(_position, as_the_equation_stands, learn=True),
    ),
    "network": ("the network, one image", partial(_network, learn=False)),
    "network-recorded": ("the same, all attention recorded", partial(_network, learn=False, record=True)),
    "network-step": ("the network, a step of learning with two images", partial(_network, learn=True)),
}


def _measured(what: str, size: int) -> dict[str, float]:
    """Measure in this process, once libraries are loaded and weights made, on a small image first."""
    make = WHAT[what][1]
    make(64)()
    torch.manual_seed(0)
    run = make(size)
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _status_mib("VmRSS")
    run()
    peak = _status_mib("VmHWM")
    return {"more_mib": peak - before, "process_mib": peak}


def _status_mib(field: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
