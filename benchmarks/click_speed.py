"""How quickly a click is answered in an image of 512 x 512, with two threads.

The peer is the same network on the whole image at once, as it is (float32, default layout): what a click would take
without looking at the object from the right distance alone.

Run as ``python -m benchmarks.click_speed [--model NAME]``.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import each_time, report, seconds
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.session import ClickSession
from src_models.clicking.training.examples import SMALLEST_AREA
from src_models.clicking.training.simulation import next_click
from src_models.clicking.training.synthetic import synthetic_image
from src_models.models.checkpoint import Model, load

SIZE, THREADS = 512, 2
IMAGES, OBJECTS, CLICKS = 4, 5, 6


def main() -> None:
    """Measure, print and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--model", default="click", help="name or path")
    model = load(arguments.parse_args().model)
    torch.set_num_threads(THREADS)
    first, later = answer_times(model)
    (whole,) = seconds(lambda: plain(model))
    rows = [
        ["the network on the whole image", f"{whole * 1e3:.0f} ms", "", "1.0"],
        ["first answer", *_told(first), f"{whole / statistics.median(first):.1f}"],
        ["later answer", *_told(later), f"{whole / statistics.median(later):.1f}"],
    ]
    columns = (f"{SIZE} x {SIZE}, {model.header.name}", "median", "95 of 100 are quicker than", "times as fast")
    notes = {"first": len(first), "later": len(later), "sha256": model.sha256}
    report("click_speed", columns, rows, notes)


def answer_times(model: Model, device: str = "cpu", images: int = IMAGES) -> tuple[list[float], list[float]]:
    """Return the seconds of first and of later answers, over objects of several images."""
    network = ClickNetwork(model, device)
    first: list[float] = []
    later: list[float] = []
    for seed in range(images + 1):
        image, labels = synthetic_image(np.random.default_rng(seed), SIZE)
        session = ClickSession(image, network, axes="YXC")
        areas = np.bincount(labels.ravel())
        numbers = [number for number in range(1, len(areas)) if areas[number] >= SMALLEST_AREA]
        for number in numbers[:OBJECTS]:
            times = click_times(session, labels == number)
            if seed:  # the first image warms up
                first.append(times[0])
                later += times[1:]
    return first, later


def click_times(session: ClickSession, truth: NDArray[np.bool_]) -> list[float]:
    """Return the seconds of each answer to a person who clicks where it is wrong."""
    session.reset()
    clicked, times = np.zeros_like(truth), []
    while len(times) < CLICKS and (click := next_click(truth, session.mask, clicked)) is not None:
        clicked[int(click.y), int(click.x)] = True
        times += each_time(session.give, [click])
    return times


def plain(model: Model) -> torch.Tensor:
    """Return what the network says of a whole image."""
    channels = len(model.header.channels) + len(model.header.prompts)
    with torch.inference_mode():
        return torch.softmax(model.network(torch.rand(1, channels, SIZE, SIZE)), 1)


def _told(times: list[float]) -> tuple[str, str]:
    return f"{statistics.median(times) * 1e3:.0f} ms", f"{np.percentile(times, 95) * 1e3:.0f} ms"


if __name__ == "__main__":
    main()
