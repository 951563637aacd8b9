"""Which precision this processor is faster in, network by network, and whether labels are the same in both.

CPU time on one thread, which the other programs of a machine do not lengthen. On labels it is silent unless it is given
the folder with the annotated sets. What was found on which processor is in ``docs/numbers.md``.

Run as ``python -m benchmarks.precisions [FOLDER_WITH_THE_SETS] [--every N]``.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

import torch

from benchmarks.equal_labels import Differing, Way, images_of, labels_differ, masks_differ
from benchmarks.machine import report, seconds
from src_models.computing.execution import choose_execution, prepare
from src_models.computing.memory import reused_memory
from src_models.models.checkpoint import load

ASKED = (
    ("nuclei", (1, 3, 512, 512)),
    ("nuclei-medt", (1, 3, 128, 128)),
    ("click", (5, 6, 64, 64)),
    ("click", (1, 6, 128, 128)),
)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--every", type=int, default=1, help="one in so many images of each set")
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = [speed(name, shape, arguments.repeats) for name, shape in ASKED]
    if arguments.folder:
        found = labels(arguments.folder, arguments.every)
        rows = [[*row, str(found[name])] for row, (name, _) in zip(rows, ASKED, strict=True)]
    columns = ["one thread, CPU time", "float32", "bfloat16", "times as fast", "labels in bfloat16"]
    report("precisions", columns[: len(rows[0])], rows)


def speed(name: str, shape: tuple[int, ...], repeats: int) -> list[str]:
    """Compare both precisions of one network."""
    batch = torch.rand(shape)
    network = load(name).network
    executions = [choose_execution("cpu", dtype=dtype) for dtype in DTYPES.values()]
    with reused_memory():
        single, half = seconds(
            *(partial(execution, prepare(network, execution), batch) for execution in executions),
            repeats=repeats,
            clock=time.process_time,
        )
    what = f"{name}, {' x '.join(map(str, shape))}"
    row = [what, f"{single * 1e3:.1f} ms", f"{half * 1e3:.1f} ms", f"{single / half:.2f}"]
    print(row, flush=True)
    return row


def labels(folder: Path, every: int) -> dict[str, Differing]:
    """Compare what is found in images that were set aside."""
    images = list(images_of(folder, every))
    ways = {name: Way(prepare, choose_execution("cpu", dtype=dtype)) for name, dtype in DTYPES.items()}
    plain = [image for image, _ in images]
    found = {name: labels_differ(load(name), plain, ways)["bfloat16"] for name in ("nuclei", "nuclei-medt")}
    clicked = masks_differ(load("click"), images[:: max(1, len(images) // 20)], ways)
    return found | {"click": clicked["bfloat16"]}


if __name__ == "__main__":
    main()
