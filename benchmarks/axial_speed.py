"""MedT and its ablations against the arithmetic of the authors' code: forward pass, training step, memory.

Both have the same random weights and the same input; equal outputs are checked before anything is timed. The authors'
arithmetic (patches one by one, norms unfolded, three stacked similarity tensors) is that of `benchmarks.authors_medt`.

Run as ``python -m benchmarks.axial_speed``. On a machine that does other things as well, ``--one-thread`` measures what
others do not lengthen: the CPU time of a single thread, of forward pass and training step.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.authors_medt import authors_network
from benchmarks.machine import report, seconds
from src_models.computing.execution import choose_execution, prepare
from src_models.computing.memory import reused_memory
from src_models.models.architectures import create
from src_models.models.official import from_state_dict
from src_models.nets.medt_architectures import AXIAL

SIZE, LARGE = 128, 512
THREADS = 2
TOLERANCE = 1e-4


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs=2, metavar=("WHOSE", "SIZE"))
    parser.add_argument("--one-thread", action="store_true", help="CPU time of one thread, for a busy machine")
    parser.add_argument("--repeats", type=int, help="of each pass and step; as many as are good, unless given")
    arguments = parser.parse_args()
    torch.set_num_threads(1 if arguments.one_thread else THREADS)
    if arguments.child:
        print(json.dumps(_peak_mib_of_forward(arguments.child[0], int(arguments.child[1]))))
        return
    if arguments.one_thread:
        training("axial_training_one_thread", arguments.repeats or 9, time.process_time)
        forward("axial_forward_one_thread", arguments.repeats or 15, time.process_time)
        return
    forward("axial_forward", arguments.repeats or 25)
    training("axial_training", arguments.repeats or 9)
    large()
    memory()


def forward(table: str, repeats: int, clock: Callable[[], float] = time.perf_counter) -> None:
    """Compare a forward pass at the paper's size, each network of ours made ready for prediction."""
    image = torch.rand(1, 3, SIZE, SIZE)
    rows = []
    for name in AXIAL:
        authors, ours = _pair(name, SIZE)
        difference = _difference(authors, ours, image)
        with reused_memory():
            theirs, own = seconds(_call(authors, image), _call(ours, image), repeats=repeats, clock=clock)
        rows.append([name, _ms(theirs), _ms(own), f"{theirs / own:.1f}", f"{difference:.0e}"])
        print(rows[-1], flush=True)
    columns = (f"1 x 3 x {SIZE} x {SIZE}", "authors' arithmetic", "ours", "times as fast", "largest difference")
    report(table, columns, rows)


def training(table: str, repeats: int, clock: Callable[[], float] = time.perf_counter) -> None:
    """Compare forward and backward pass of one image; ours computes as new networks do, not as the authors' do."""
    image, target = torch.rand(1, 3, SIZE, SIZE), torch.randint(0, 2, (1, SIZE, SIZE))
    rows = []
    for name in AXIAL:
        theirs, own = authors_network(name, SIZE).train(), create(name, image_size=SIZE).train()
        own = own.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with reused_memory():
            steps = _step(theirs, image, target), _step(own, image, target)
            slow, fast = seconds(*steps, repeats=repeats, clock=clock)
        rows.append([name, _ms(slow), _ms(fast), f"{slow / fast:.1f}"])
        print(rows[-1], flush=True)
    columns = (f"training step, 1 x 3 x {SIZE} x {SIZE}", "authors' arithmetic", "ours", "times as fast")
    report(table, columns, rows)


def large() -> None:
    """Compare MedT at 512 x 512, in the authors' arithmetic and with patches that cover the image."""
    image = torch.rand(1, 3, LARGE, LARGE)
    authors, ours = _pair("medt", LARGE)
    difference = _difference(authors, ours, image)
    execution = choose_execution("cpu")
    whole = prepare(create("medt", image_size=LARGE), execution)
    with reused_memory():
        (slow,) = seconds(_call(authors, image), repeats=3)
        fast, covering = seconds(_call(ours, image), _call(whole, image), repeats=5)
    rows = [
        ["authors' arithmetic", f"{slow:.2f} s", "1.0", ""],
        ["ours, equal output", f"{fast:.2f} s", f"{slow / fast:.1f}", f"{difference:.0e}"],
        ["ours, patches over the whole image", f"{covering:.2f} s", f"{slow / covering:.1f}", ""],
    ]
    report("axial_large", (f"MedT, 1 x 3 x {LARGE} x {LARGE}", "time", "times as fast", "largest difference"), rows)


def memory() -> None:
    """Compare the peak memory of a forward pass above what the process had before, in processes of their own."""
    rows = []
    for size in (SIZE, LARGE):
        theirs, own = (_child(whose, size) for whose in ("authors", "ours"))
        rows.append([f"{size} x {size}", f"{theirs:.0f} MiB", f"{own:.0f} MiB", f"{own / theirs:.2f}"])
    report("axial_memory", ("MedT, forward pass", "authors' arithmetic", "ours", "share"), rows)


def _child(whose: str, size: int) -> float:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.axial_speed", "--child", whose, str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def _peak_mib_of_forward(whose: str, size: int) -> float:
    """Return how far the process grows in a forward pass, once libraries are loaded and kernels compiled (Linux)."""
    authors, ours = _pair("medt", size)
    call = _call(authors if whose == "authors" else ours, torch.rand(1, 3, size, size))
    call()
    ctypes.CDLL(None).malloc_trim(0)  # what the first pass freed must be taken anew
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _status_mib("VmRSS")
    call()
    return _status_mib("VmHWM") - before


def _status_mib(field: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def _pair(name: str, size: int) -> tuple[nn.Module, nn.Module]:
    authors, ours = random_pair(name, size)
    return authors, prepare(ours, choose_execution("cpu"))


def random_pair(name: str, size: int) -> tuple[nn.Module, nn.Module]:
    """Return the authors' network, with random weights, gates and statistics, and ours made of it, both to predict."""
    torch.manual_seed(0)
    authors = authors_network(name, size).eval()
    for key, tensor in [*authors.named_buffers(), *authors.named_parameters()]:
        if key.endswith("running_mean"):
            tensor.normal_(0, 0.1)
        elif key.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif key.rsplit(".", 1)[-1].startswith("f_"):
            tensor.data.uniform_(0.5, 1.5)
    return authors, from_state_dict(authors.state_dict()).network


def _difference(authors: nn.Module, ours: nn.Module, image: Tensor) -> float:
    """Return the largest difference as a share of the largest value; it is an error if outputs are not equal."""
    wanted, found = _call(authors, image)(), _call(ours, image)()
    difference = float((found - wanted).abs().max() / wanted.abs().max())
    if difference > TOLERANCE:
        raise ArithmeticError(f"outputs differ by {difference:.1e} of the largest value")
    return difference


def _call(network: nn.Module, image: Tensor) -> Callable[[], Tensor]:
    def call() -> Tensor:
        with torch.inference_mode():
            result: Tensor = network(image)
            return result

    return call


def _step(network: nn.Module, image: Tensor, target: Tensor) -> Callable[[], Any]:
    def step() -> None:
        F.cross_entropy(network(image), target).backward()
        network.zero_grad()

    return step


def _ms(found: float) -> str:
    return f"{found * 1e3:.0f} ms"


if __name__ == "__main__":
    main()
