"""How quickly a probe answers where a pixel looks, once the network has seen the image (256 x 256, shipped MedT).

The peer is the whole recording of one tile's attention matrices and the product map of it (`record_attention` and
`query_map`), which is what a probe without a store of its own would do for each pixel.

Run as ``python -m benchmarks.probe_latency``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.machine import each_time, median_and_longest, report
from src_models.attention.query_map import query_map
from src_models.attention.recording import record_attention
from src_models.computing.execution import choose_execution, prepare
from src_models.models.checkpoint import load
from src_models.probing.axial_probe import AxialProbe

SIZE, QUERIES = 256, 40


def main() -> None:
    """Measure, print and write the table."""
    model = load("nuclei-medt")
    random = np.random.default_rng(0)
    image = random.integers(0, 255, (SIZE, SIZE, 3), np.uint8)
    pixels = [(int(y), int(x)) for y, x in random.integers(0, SIZE, (QUERIES, 2))]
    start = time.perf_counter()
    probe = AxialProbe(image, model, device="cpu")
    for y in range(0, SIZE, 32):
        for x in range(0, SIZE, 32):
            probe.rollout((y, x), "global")
            probe.rollout((y, x), "local")
    first = time.perf_counter() - start
    rows = [["every tile seen, once", f"{first * 1e3:.0f} ms", "", ""]]
    recording = _recording(model)
    slow = each_time(lambda _: recording(), pixels[:10])
    rows.append(["recording of one tile and its product map", *median_and_longest(slow), "1.0"])
    for block in ("global 1.1", "global 2.2", "local 1.1", "local 4.1"):
        times = each_time(lambda pixel, block=block: probe.look(pixel, block), pixels)
        rows.append(
            [f"look, {block}", *median_and_longest(times), f"{statistics.median(slow) / statistics.median(times):.0f}"]
        )
    for branch in ("global", "local"):
        times = each_time(lambda pixel, branch=branch: probe.rollout(pixel, branch), pixels)
        rows.append(
            [
                f"rollout, {branch}",
                *median_and_longest(times),
                f"{statistics.median(slow) / statistics.median(times):.0f}",
            ]
        )
    columns = (f"{SIZE} x {SIZE}, nuclei-medt", "median", "longest", "times as fast")
    report("probe_latency", columns, rows, {"kept_mib": round(probe.kept_bytes / 2**20, 1)})


def _recording(model: Any) -> Callable[[], torch.Tensor]:
    network = prepare(model.network, choose_execution("cpu"))
    batch = torch.rand(1, 3, *model.header.tile)

    def record() -> torch.Tensor:
        names = ["global 2.2 height", "global 2.2 width"]
        with torch.inference_mode(), record_attention(network, names) as attention:
            network(batch)
            return query_map(attention, "global 2.2", (5, 7))

    return record


if __name__ == "__main__":
    main()
