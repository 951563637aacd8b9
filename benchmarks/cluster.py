"""Many images, and one that is very large, by several workers: how much faster, in how much memory, and whether equal.

Images are made up: round bright objects of about 14 px on a ground with noise. Each part can be run alone:

- ``images``: a folder of images by one worker and by two, each with its share of the cores.
- ``large``: an image of 4096 x 4096 px in one piece, and in blocks by one worker and by two; labels are compared.
- ``huge``: an OME-Zarr of 40,000 x 40,000 px with its levels. Some parts and blocks of it are done; the time of the
  whole follows from their number, and the memory of a worker is the most that its process ever had.
- ``scheduler``: 64 workers and tasks that sleep; the time that the scheduler's process computed, by task.

Run as ``python -m benchmarks.cluster [PART ...] [--images N] [--model NAME]``; alone on an idle machine, ten minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
import tifffile
import zarr

from benchmarks.machine import report
from src_models.computing.cluster.local import threads_each
from src_models.computing.cluster.opening import open_workers
from src_models.computing.cluster.workers import Workers
from src_models.computing.execution import computing_threads
from src_models.files.image_list import OneImage
from src_models.files.images import read_image
from src_models.images.model_image import ModelImage
from src_models.labels.labelling import blocks
from src_models.models.checkpoint import load
from src_models.models.library import model_path
from src_models.prediction.batches.cluster_batch import segment_batch
from src_models.prediction.batches.image_task import Failure, ImageTask
from src_models.prediction.blocks import block_work
from src_models.prediction.blocks.block_plan import BlockJob, BlockPlan, Neighbour, parts_of
from src_models.prediction.blocks.block_run import neighbours_of, segment_in_blocks
from src_models.prediction.segment import segment
from src_models.prediction.settings import RunSettings

PARTS = ("images", "large", "huge", "scheduler")
SETTINGS = RunSettings(device="cpu", diameter=18.1)  # which the model is at home with: nothing is resized
HUGE, PATTERN = 40_000, 2048
SLEEP = 0.5  # s
GIB = 2**30
Row = list[str]


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all unless given")
    parser.add_argument("--images", type=int, default=100, help="how many images there are in the folder")
    parser.add_argument("--side", type=int, default=512, help="their sides, in pixels")
    parser.add_argument("--large", type=int, default=4096, help="sides of the large image")
    parser.add_argument("--blocks", type=int, default=2, help="how many parts and blocks of the huge image are done")
    parser.add_argument("--tasks", type=int, default=20, help="how many tasks each of 64 workers sleeps through")
    parser.add_argument("--model", default="nuclei", help="name or path")
    given = parser.parse_args()
    import distributed  # which sets the levels of its log as it is imported

    logging.getLogger(distributed.__name__).setLevel(logging.CRITICAL)
    rows: list[Row] = []
    busy = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="napari-medt-cluster-") as name:
        folder, model = Path(name), model_path(given.model)
        for part in given.parts or PARTS:
            begun = len(rows)
            rows += {
                "images": lambda: of_images(folder, model, given.images, given.side),
                "large": lambda: of_large(folder, model, given.large),
                "huge": lambda: of_huge(folder, model, given.blocks),
                "scheduler": lambda: of_scheduler(given.tasks),
            }[part]()
            for row in rows[begun:]:
                print(*row, sep="; ", flush=True)
    note = {"model": given.model, "load of the machine before": round(busy, 1)}
    suffix = "" if not given.parts else "_" + "_".join(given.parts)
    report(f"cluster{suffix}", ["what", "figure", "how"], rows, note)


def made_up(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Draw an image."""
    random = np.random.default_rng(seed)
    image = random.normal(20, 4, shape).astype(np.float32)
    reach = 8
    grid = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    for _ in range(shape[0] * shape[1] // 500):
        y, x = (int(random.integers(reach, size - reach)) for size in shape)
        disc = (grid**2).sum(0) < random.uniform(5, reach) ** 2
        window = image[y - reach : y + reach + 1, x - reach : x + reach + 1]
        window[disc] = random.normal(200, 8)
    return image.clip(0, 255).astype(np.uint8)


# A folder of images


def of_images(folder: Path, model: Path, count: int, side: int) -> list[Row]:
    """Segment a folder by one worker and by two."""
    place = folder / "images"
    place.mkdir()
    for number in range(count):
        tifffile.imwrite(place / f"{number}.tif", made_up((side, side), number))
    took = {}
    for workers in (1, 2):
        with open_workers(workers, device="cpu") as team:
            done(tasks(place, folder / f"warm {workers}", 2 * workers), model, team, workers)
            start = time.perf_counter()
            done(tasks(place, folder / f"by {workers}", count), model, team, workers)
            took[workers] = time.perf_counter() - start
    alike = all(
        np.array_equal(*(tifffile.imread(folder / f"by {n}" / f"{k}_labels.tif") for n in (1, 2))) for k in range(count)
    )
    how = f"{count} images of {side} x {side} px"
    return [
        ["a folder by one worker", f"{took[1]:.1f} s", how],
        ["a folder by two workers", f"{took[2]:.1f} s", how],
        ["two workers against one", f"{took[1] / took[2]:.2f} times as fast", "aim: 1.6 on an idle machine"],
        ["labels of both", "equal" if alike else "NOT EQUAL", how],
    ]


def tasks(place: Path, output: Path, count: int) -> list[ImageTask]:
    output.mkdir(exist_ok=True)
    paths = sorted(place.iterdir())[:count]
    return [ImageTask(image=OneImage(path), output=output, overwrite=True, settings=SETTINGS) for path in paths]


def done(orders: Sequence[ImageTask], model: Path, team: Workers, count: int) -> None:
    for _, outcome in segment_batch(orders, model, team, count):
        if isinstance(outcome, Failure):
            raise SystemExit(outcome.message)


# One large image


def of_large(folder: Path, model: Path, side: int) -> list[Row]:
    """Segment an image in one piece, and in blocks."""
    path = folder / "large.tif"
    tifffile.imwrite(path, made_up((side, side)), tile=(512, 512))
    image, loaded = read_image(path), load(model)
    task = ImageTask(image=OneImage(path), output=folder, settings=SETTINGS)
    rows, whole = [], {}
    for threads in (1, 2):
        with computing_threads(threads):
            start = time.perf_counter()
            whole[threads] = segment(image.data, loaded, axes=image.reading, **SETTINGS.keywords).labels
            took = time.perf_counter() - start
        rows.append([f"a large image in one piece, {threads} thread(s)", f"{took:.1f} s", f"{side} x {side} px"])
    differ = np.count_nonzero((whole[1] > 0) != (whole[2] > 0))
    rows.append(
        ["pixels that one thread and two tell apart", str(differ), f"of {side**2}: sums are rounded differently"]
    )
    for workers in (1, 2):
        threads = threads_each(workers)
        with open_workers(workers, device="cpu") as team:
            key = team.send(model.read_bytes())
            list(team.run(warm_up, [key] * workers))
            start = time.perf_counter()
            found = segment_in_blocks(image, task, loaded, pool=team, key=key, folder=folder).labels
            took = time.perf_counter() - start
        if threads not in whole:
            same = "nothing to compare with"
        else:
            same = "equal up to numbers" if alike(whole[threads], found) else "NOT EQUAL"
        how = f"{found.max()} objects, {same} to one piece with {threads} thread(s)"
        rows.append([f"in blocks, {workers} worker(s) of {threads} thread(s)", f"{took:.1f} s", how])
    return rows


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two labels are equal up to the numbers of objects."""
    pairs = np.unique(one.astype(np.int64) << 32 | other.astype(np.int64))
    first, second = pairs >> 32, pairs & 0xFFFFFFFF
    return all(len(np.unique(each)) == len(pairs) for each in (first, second)) and bool(
        np.all((first > 0) == (second > 0))
    )


def warm_up(key: str) -> None:
    from src_models.prediction.batches.sent_model import sent_model

    sent_model(key)
    time.sleep(0.5)


# A huge one


def of_huge(folder: Path, model: Path, count: int) -> list[Row]:
    """Do a part of a huge image."""
    path = folder / "huge.ome.zarr"
    pyramid(path)
    image, loaded = read_image(path), load(model)
    task = ImageTask(image=OneImage(path), output=folder, settings=SETTINGS)
    start = time.perf_counter()
    ready = ModelImage(image.data, loaded.header, axes=image.reading)
    measured = dict(ready.measured)
    settled = time.perf_counter() - start
    with open_workers(2, device="cpu") as team:
        key = team.send(model.read_bytes())
        plan = BlockPlan(task=task, model=key, measured=measured, dimensions=2, zoom=1.0, plane=(), folder=folder)
        list(team.run(warm_up, [key] * 2))
        plan.make(block_work.OUTPUTS, (loaded.header.outputs, HUGE, HUGE), np.float16)
        plan.make(block_work.FULL, (HUGE, HUGE), np.int32)
        shape = (HUGE, HUGE)
        parts, cores = parts_of(shape, 4), blocks(shape)
        inner = [part for part in parts if all(side.start > 0 and side.stop < HUGE for side in part)][:count]
        chosen = [core for core in cores if any(_within(core, part) for part in inner)][: 2 * count]
        each_part = mean_time(team, block_work.predict, [BlockJob(plan, k, part) for k, part in enumerate(inner)])
        each_split = mean_time(team, block_work.separate, [BlockJob(plan, k, core) for k, core in enumerate(chosen)])
        have = [Neighbour(k, core, 1 + 100_000 * k) for k, core in enumerate(chosen)]
        jobs = [BlockJob(plan, k, core, neighbours_of(core, have, shape)) for k, core in enumerate(chosen)]
        each_join = mean_time(team, block_work.compose, jobs)
        most = max(answer.get() for answer in team.run(most_memory, range(8)))
    worked = each_part * len(parts) + (each_split + each_join) * len(cores)
    side = inner[0][0].stop - inner[0][0].start
    return [
        ["grey values of the huge image, settled once", f"{settled:.1f} s", "before the blocks"],
        ["predicting a part", f"{each_part:.1f} s", f"{side} x {side} px, {len(inner)} of {len(parts)} done"],
        ["separating the objects of a block", f"{each_split:.1f} s", f"{len(chosen)} of {len(cores)} done"],
        ["joining a block", f"{each_join:.2f} s", f"{len(chosen)} of {len(cores)} done"],
        ["most memory of a worker", f"{most / GIB:.2f} GiB", "aim: 2 GiB"],
        ["the whole of 40,000 x 40,000 px", f"{worked / 2 / 3600:.2f} h", "two workers, by extrapolation"],
    ]


def pyramid(path: Path) -> None:
    """Write an OME-Zarr whose tiles repeat, with levels of a half and a quarter."""
    tile = made_up((PATTERN, PATTERN))
    group = zarr.open_group(str(path), mode="w")
    listed = []
    for level in range(3):
        step = 2**level
        size, small = HUGE // step, tile[::step, ::step]
        array = group.create_array(str(level), shape=(size, size), dtype="uint8", chunks=(small.shape[0],) * 2)
        for y in range(0, size, small.shape[0]):
            for x in range(0, size, small.shape[1]):
                height, width = (min(side, size - start) for side, start in zip(small.shape, (y, x), strict=True))
                array[y : y + height, x : x + width] = small[:height, :width]
        scale = [{"type": "scale", "scale": [0.5 * step] * 2}]
        listed.append({"path": str(level), "coordinateTransformations": scale})
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": listed}]}


def _within(core: tuple[slice, ...], part: tuple[slice, ...]) -> bool:
    return all(p.start <= c.start and c.stop <= p.stop for c, p in zip(core, part, strict=True))


def mean_time(team: Workers, function: object, jobs: Sequence[BlockJob]) -> float:
    """Return the mean time (s) that a worker is at a job."""
    start, at = time.perf_counter(), min(len(jobs), team.count)
    for answer in team.run(function, jobs):
        answer.get()
    return (time.perf_counter() - start) * at / len(jobs)


def most_memory(_: int) -> int:
    import resource

    time.sleep(0.1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# Many workers


def of_scheduler(each: int, workers: int = 64) -> list[Row]:
    """Have many workers sleep, and see how much the scheduler computes."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "scheduler.json"
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
        scheduler = subprocess.Popen(
            [*command, "--no-dashboard", "--scheduler-file", str(told)], stderr=subprocess.DEVNULL
        )
        try:
            while not told.exists():
                time.sleep(0.2)
            return asyncio.run(_asleep(told, scheduler.pid, each, workers))
        finally:
            scheduler.terminate()
            scheduler.wait()


async def _asleep(told: Path, process: int, each: int, workers: int) -> list[Row]:
    import json

    from distributed import Worker

    address = json.loads(told.read_text())["address"]
    team = [Worker(address, nthreads=1, host="127.0.0.1", dashboard=False) for _ in range(workers)]
    await asyncio.gather(*team)
    loop = asyncio.get_running_loop()
    count = each * workers
    try:
        return await loop.run_in_executor(None, _submit, address, process, count, workers)
    finally:
        await asyncio.gather(*(worker.close() for worker in team))


def _submit(address: str, process: int, count: int, workers: int) -> list[Row]:
    with open_workers(workers, scheduler=address) as team:
        list(team.run(sleep, [0.01] * workers))
        computed = psutil.Process(process).cpu_times()
        start = time.perf_counter()
        found = [answer.get() for answer in team.run(sleep, [SLEEP] * count)]
        took = time.perf_counter() - start
        after = psutil.Process(process).cpu_times()
    used = (after.user + after.system) - (computed.user + computed.system)
    slept = float(np.mean(found))
    how = f"{count} tasks of {slept:.2f} s, {workers} workers in one process"
    return [
        ["the scheduler, by task", f"{1e3 * used / count:.2f} ms", f"computed; {how}; aim: 1 ms"],
        ["workers at work", f"{sum(found) / took / workers:.0%}", "of the time"],
    ]


def sleep(length: float) -> float:
    """Sleep, and return for how long."""
    start = time.perf_counter()
    time.sleep(length)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
