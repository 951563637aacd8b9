"""How quickly a click is answered in images of 512 x 512 and of 2048 x 2048, with two threads.

The peer is the same network on 512 x 512 at once, as it is (float32, default layout): what a click would take without
looking at the object from the right distance alone. The time of a CPU says what an answer costs where others work on
the same machine, too; it counts both threads.

Run as ``python -m benchmarks.click_speed [--model NAME] [--threads N]``.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import report, seconds
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.session import ClickSession
from src_models.clicking.training.examples import SMALLEST_AREA
from src_models.clicking.training.simulation import next_click
from src_models.clicking.training.synthetic import synthetic_image
from src_models.models.checkpoint import Model, load

SIZES, THREADS = (512, 2048), 2
IMAGES, OBJECTS, CLICKS = 4, 5, 6
Times = list[tuple[float, float]]  # seconds of the clock, and of the CPU


def main() -> None:
    """Measure, print and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--model", default="click", help="name or path")
    arguments.add_argument("--threads", type=int, default=THREADS)
    given = arguments.parse_args()
    model = load(given.model)
    torch.set_num_threads(given.threads)
    (whole,) = seconds(lambda: plain(model))
    rows = [[f"the network on {SIZES[0]} x {SIZES[0]}", f"{whole * 1e3:.0f} ms", "", "", "", "1.0"]]
    counts = {}
    for size in SIZES:
        for which, times in zip(("first", "later"), answer_times(model, size), strict=True):
            rows.append([f"{which} answer in {size} x {size}", *_told(times)])
            rows[-1].append(f"{whole / statistics.median(clock for clock, _ in times):.1f}")
            counts[f"{which}, {size}"] = len(times)
    percentile = "95 of 100 are quicker than"
    columns = (model.header.name, "median", percentile, "median of the CPU", percentile, "times as fast")
    report("click_speed", columns, rows, {**counts, "sha256": model.sha256})


def answer_times(model: Model, size: int, device: str = "cpu", images: int = IMAGES) -> tuple[Times, Times]:
    """Return the seconds of first and of later answers, over objects of several images."""
    network = ClickNetwork(model, device)
    first: Times = []
    later: Times = []
    for seed in range(images + 1):
        image, labels = synthetic_image(np.random.default_rng(seed), size)
        session = ClickSession(image, network, axes="YXC")
        areas = np.bincount(labels.ravel())
        numbers = [number for number in range(1, len(areas)) if areas[number] >= SMALLEST_AREA]
        for number in numbers[:OBJECTS]:
            times = click_times(session, labels == number)
            if seed:  # the first image warms up
                first.append(times[0])
                later += times[1:]
    return first, later


def click_times(session: ClickSession, truth: NDArray[np.bool_]) -> Times:
    """Return the seconds of each answer to a person who clicks where it is wrong."""
    session.reset()
    clicked, times = np.zeros_like(truth), []
    while len(times) < CLICKS and (click := next_click(truth, session.mask, clicked)) is not None:
        clicked[int(click.y), int(click.x)] = True
        clock, work = time.perf_counter(), time.process_time()
        session.give(click)
        times.append((time.perf_counter() - clock, time.process_time() - work))
    return times


def plain(model: Model) -> torch.Tensor:
    """Return what the network says of a whole image."""
    channels = len(model.header.channels) + len(model.header.prompts)
    with torch.inference_mode():
        return torch.softmax(model.network(torch.rand(1, channels, SIZES[0], SIZES[0])), 1)


def _told(times: Times) -> list[str]:
    told = []
    for seconds_of in zip(*times, strict=True):
        told += [f"{statistics.median(seconds_of) * 1e3:.0f} ms", f"{np.percentile(seconds_of, 95) * 1e3:.0f} ms"]
    return told


if __name__ == "__main__":
    main()
