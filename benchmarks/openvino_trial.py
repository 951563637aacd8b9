"""Whether OpenVINO would be worth it: the models that ship, computed by it and by ours, in time and in labels.

What ships is adopted in this way only if it gains 1.3 times at one and at two threads with equal labels; figures and
verdict are in ``docs/numbers.md``. Times are CPU time, which the other programs of a machine do not lengthen, and the
shortest of the wall clock. Kernels of axial attention are ours alone: OpenVINO is given the plain form in their place.

Run as ``python -m benchmarks.openvino_trial [FOLDER_WITH_THE_SETS]``; without the sets, times alone. OpenVINO is no
dependency: ``pip install openvino``.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

# A thread of OpenMP that waits must not count as work; torch reads this when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor, nn

from benchmarks.equal_labels import Way, images_of, labels_differ, masks_differ
from benchmarks.machine import report
from src_models.computing.execution import Execution, choose_execution, prepare
from src_models.computing.memory import reused_memory
from src_models.models.checkpoint import load
from src_models.nets.axial import attention as axial_layers
from src_models.nets.kernels.axial_plain import RelativePositions, reference

# Model, and the shapes that it is asked for: a tile; for a click, rough looks and the look that counts.
ASKED = (
    ("nuclei", (1, 3, 512, 512)),
    ("nuclei-medt", (1, 3, 128, 128)),
    ("click", (5, 6, 64, 64)),
    ("click", (1, 6, 128, 128)),
)
HINTS = {"OpenVINO, float32": "f32", "OpenVINO, bfloat16 where it likes": "bf16"}
THREADS = (1, 2)
WANTED = 1.3
CORNER = 256  # px


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--every", type=int, default=1, help="one in so many images of each set")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, nargs="*", default=THREADS)
    arguments = parser.parse_args()
    if importlib.util.find_spec("openvino") is None:
        print("OpenVINO is not installed, so nothing was measured: pip install openvino")
        return
    for threads in arguments.threads:
        speed(threads, arguments.repeats)
    if arguments.folder:
        labels(arguments.folder, arguments.every)


def speed(threads: int, repeats: int) -> None:
    """Compare times."""
    rows = []
    torch.set_num_threads(threads)
    for name, shape in ASKED:
        batch = torch.rand(shape)
        execution = choose_execution("cpu")
        ready = prepare(load(name).network, execution)
        ways = {"ours": ready} | {way: OpenVINO(ready, hint, threads) for way, hint in HINTS.items()}
        calls = {way: partial(execution, network, batch) for way, network in ways.items()}
        own = calls["ours"]().clone()
        off = {way: float((call() - own).abs().max()) for way, call in calls.items()}
        times = _times(calls, repeats)
        for way in calls:
            cpu, wall = times[way]
            gains = times["ours"][0] / cpu, times["ours"][1] / wall
            figures = f"{cpu * 1e3:.1f} ms", f"{gains[0]:.2f}", f"{wall * 1e3:.1f} ms", f"{gains[1]:.2f}"
            rows.append([f"{name}, {' x '.join(map(str, shape))}", way, *figures, f"{off[way]:.0e}"])
            print(rows[-1], flush=True)
    columns = (
        f"threads: {threads}",
        "by",
        "CPU time",
        "gain",
        "shortest wall clock",
        "gain",
        "probabilities differ by",
    )
    report(f"openvino_speed_{threads}", columns, rows, {"wanted": WANTED})


def labels(folder: Path, every: int) -> None:
    """Compare labels of images that were set aside, and masks of objects that are clicked on, in float32.

    Corners of images, of objects whose size is given: for every other shape, OpenVINO would compile anew.
    """
    torch.set_num_threads(1)
    execution = choose_execution("cpu")
    by = next(iter(HINTS))
    ways = {"ours": Way(prepare, execution), by: Way(_by_openvino(HINTS[by]), execution)}
    corners = [(image[:CORNER, :CORNER], labels[:CORNER, :CORNER]) for image, labels in images_of(folder, every)]
    plain = [image for image, _ in corners if image.shape[:2] == (CORNER, CORNER)]
    rows = []
    for name in ("nuclei", "nuclei-medt"):
        model = load(name)
        rows.append([name, str(labels_differ(model, plain, ways, model.header.object_diameter)[by])])
        print(rows[-1], flush=True)
    rows.append(["click, masks after each of three clicks", str(masks_differ(load("click"), corners[::3], ways)[by])])
    report("openvino_labels", ("network", f"labels by {by}"), rows)


class OpenVINO(nn.Module):
    """A network that OpenVINO computes, compiled anew for every shape.

    Parameters
    ----------
    network
        From :func:`~src_models.computing.execution.prepare`.
    hint
        ``"f32"``, or ``"bf16"`` where it may use that.
    threads
        How many it may take.
    """

    def __init__(self, network: nn.Module, hint: str, threads: int) -> None:
        super().__init__()
        self.network, self.stride = network, getattr(network, "stride", 1)
        self._hint, self._threads = hint, threads
        self._compiled: dict[tuple[int, ...], Any] = {}

    def forward(self, image: Tensor) -> Tensor:
        """Return logits."""
        shape = tuple(image.shape)
        if shape not in self._compiled:
            self._compiled[shape] = self._compile(image)
        given = {0: image.contiguous().numpy()}
        return torch.from_numpy(self._compiled[shape].infer(given, share_inputs=True, share_outputs=True)[0])

    def _compile(self, image: Tensor) -> Any:
        import openvino

        with patch.object(axial_layers, "attend_joined", _plain), torch.inference_mode(False), torch.no_grad():
            converted = openvino.convert_model(self.network, example_input=image.clone())
        converted.reshape({0: list(image.shape)})
        options = {"INFERENCE_NUM_THREADS": self._threads, "INFERENCE_PRECISION_HINT": self._hint}
        compiled = openvino.Core().compile_model(converted, "CPU", {"PERFORMANCE_HINT": "LATENCY", **options})
        return compiled.create_infer_request()


def _plain(query: Tensor, key: Tensor, value: Tensor, scale: Tensor, positions: RelativePositions | None) -> Tensor:
    content, positional = reference(query, key, value, scale, positions)
    return content if positional is None else content + positional


def _by_openvino(hint: str) -> Callable[[nn.Module, Execution], nn.Module]:
    return lambda network, execution: OpenVINO(prepare(network, execution), hint, 1)


def _times(calls: dict[str, Callable[[], Any]], repeats: int) -> dict[str, tuple[float, float]]:
    """Return the median of CPU time and the shortest of the wall clock of each call; they take turns."""
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in calls}
    with reused_memory():
        for repeat in range(repeats + 1):
            for way, call in calls.items():
                cpu, wall = time.process_time(), time.perf_counter()
                call()
                if repeat:  # the first warms up
                    found[way].append((time.process_time() - cpu, time.perf_counter() - wall))
    return {way: (statistics.median(c for c, _ in t), min(w for _, w in t)) for way, t in found.items()}


if __name__ == "__main__":
    main()
