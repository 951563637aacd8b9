"""How long a click takes from a client of the server to its answer, against a session of clicks without any server.

A server listens on this machine, with a token; its clients speak nnInteractive's protocol and MONAI Label's, to the
byte that comes last: packing, sending, answering, sending back, unpacking. Volumes are made up, of the size and the
grey values of a CT. The load of the machine while it ran is told with the figures.

Run as ``python -m benchmarks.serving_latency [--model NAME] [--objects N]``.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import nibabel as nib
import numpy as np

from benchmarks.machine import median_and_longest, report
from napari_medt.serving.nninteractive.packing import pack, unpack
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.session import ClickSession
from src_models.images.grey.ct_windows import ct_window
from src_models.models.checkpoint import load

SIDE, DEPTH, SPACING = 512, 60, (2.0, 0.8, 0.8)
TOKEN = "serving-latency"
PAUSE = 0.02  # s between two questions of how things stand
Voxel = tuple[int, int, int]


def main() -> None:
    """Measure, print and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--model", default="click", help="name or path")
    arguments.add_argument("--objects", type=int, default=8, help="how many objects are clicked on")
    given = arguments.parse_args()
    load_before = os.getloadavg()[0]
    volume, centres = made_up(given.objects + 1)
    middle = centres[0][0]
    flat, places = volume[middle : middle + 1], [(0, j, i) for _, j, i in centres]
    rows: list[list[str]] = []

    def measure(
        name: str, click: Callable[[Voxel], object], voxels: list[Voxel], begin: Callable[[], object] = int
    ) -> None:
        times = []
        for voxel in voxels:
            begin()
            start = time.perf_counter()
            click(voxel)
            times.append(time.perf_counter() - start)
        rows.append([name, *median_and_longest(times[1:])])  # the first one warms up
        print(*rows[-1], sep="; ", flush=True)

    network = ClickNetwork(load(given.model))
    for scan, voxels, size in ((flat, places, "slice"), (volume, centres, "volume")):
        for carrying in (False, True)[: 1 + (size == "volume")]:
            measure(f"{named(size, carrying)}, no server", plain(scan, network, carrying), voxels)
    with listening(given.model) as address:
        for scan, voxels, size in ((flat, places, "slice"), (volume, centres, "volume")):
            for carrying in (False, True)[: 1 + (size == "volume")]:
                client = NnInteractive(address, scan, carrying)
                measure(f"{named(size, carrying)}, nnInteractive", client.click, voxels, client.begin)
                rows.append([f"sending it ({size}), nnInteractive", f"{client.sent:.2f} s", ""])
                if carrying:
                    times = asked_meanwhile(address, lambda: [(client.begin(), client.click(one)) for one in voxels])  # noqa: B023
                    share = f"95 % under {1e3 * np.quantile(times, 0.95):.0f} ms"
                    rows.append([f"/info/ while objects are carried, {share}", *median_and_longest(times)])
                    print(*rows[-1], sep="; ", flush=True)
                client.close()
        for scan, voxels, size in ((flat, places, "slice"), (volume, centres, "volume")):
            slicer = MonaiLabel(address, scan, given.model)
            measure(f"{named(size, False)}, MONAI Label", slicer.click, voxels)
            rows.append([f"sending it ({size}), MONAI Label", f"{slicer.sent:.2f} s", ""])
    loads = {"load_before": round(load_before, 1), "load_after": round(os.getloadavg()[0], 1)}
    print(loads)
    report("serving_latency", (f"a click on an object, {given.model}", "median", "longest"), rows, loads)


def named(size: str, carrying: bool) -> str:
    """Return what is measured."""
    if size == "slice":
        return f"one slice of {SIDE} x {SIDE}"
    return f"{SIDE} x {SIDE} x {DEPTH}, {'carried through slices' if carrying else 'its slice alone'}"


def made_up(objects: int) -> tuple[np.ndarray, list[Voxel]]:
    """Return a volume (k, j, i), int16, of bright balls in a body with air around it, and their centres."""
    random = np.random.default_rng(0)
    volume = random.normal(20, 15, (DEPTH, SIDE, SIDE)).astype(np.int16)
    rows, columns = np.ogrid[:SIDE, :SIDE]
    volume[:, (rows - SIDE / 2) ** 2 + (columns - SIDE / 2) ** 2 > (0.48 * SIDE) ** 2] = -1000
    centres = []
    for number in range(objects):
        turn = 2 * np.pi * number / objects
        centre = (DEPTH // 2, round(SIDE / 2 + 150 * np.sin(turn)), round(SIDE / 2 + 150 * np.cos(turn)))
        radius = random.uniform(12, 30)
        k, j, i = ((np.arange(size) - at) * step for size, at, step in zip(volume.shape, centre, SPACING, strict=True))
        inside = k[:, None, None] ** 2 + j[:, None] ** 2 + i**2 <= radius**2
        volume[inside] += 130
        centres.append(centre)
    return volume, centres


def plain(scan: np.ndarray, network: ClickNetwork, carrying: bool) -> Callable[[Voxel], object]:
    """Return what clicks without a server."""
    session = ClickSession(scan, network, axes="ZYX", intensity=ct_window("soft tissue").intensity)

    def click(voxel: Voxel) -> None:
        session.reset()
        session.plane = voxel[:1]
        session.click(*voxel[1:])
        for _ in session.carry() if carrying else ():
            pass

    return click


@contextmanager
def listening(model: str) -> Iterator[str]:
    """Give the address of a server, a process of its own."""
    command = [sys.executable, "-m", "napari_medt", "serve", "--model", model, "--port", "0", "--token", TOKEN]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([*command, "--store", folder], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            yield next(line.strip() for line in server.stdout if line.strip().startswith("http://"))
        finally:
            server.terminate()
            server.wait()


def asked_meanwhile(address: str, clicking: Callable[[], object]) -> list[float]:
    """Return the seconds that the server's state took to be told, again and again, while others click."""
    times = []
    others = threading.Thread(target=clicking)
    with httpx.Client(base_url=address, timeout=600, trust_env=False) as http:
        http.get("/info/").raise_for_status()
        others.start()
        while others.is_alive():
            start = time.perf_counter()
            http.get("/info/").raise_for_status()
            times.append(time.perf_counter() - start)
            time.sleep(PAUSE)
        others.join()
    return times


class NnInteractive:
    """A client of nnInteractive's protocol."""

    def __init__(self, address: str, scan: np.ndarray, carrying: bool) -> None:
        self.http = httpx.Client(base_url=address, timeout=600, trust_env=False)
        self.http.headers["X-Lease-Token"] = self.http.post("/claim").json()["lease_token"]
        self.http.post("/set_do_autozoom", content=json.dumps({"do_autozoom": carrying}))
        meta = {"X-Meta": json.dumps({"image_properties": {"spacing": SPACING}})}
        start = time.perf_counter()
        self.http.post("/set_image", content=pack(scan[None]), headers=meta).raise_for_status()
        self.sent = time.perf_counter() - start
        self.buffer = np.zeros(scan.shape, np.uint8)

    def begin(self) -> None:
        """Begin a new object."""
        self.http.post("/reset_interactions")

    def click(self, voxel: Voxel) -> None:
        """Click, and write what is answered."""
        body = {"coordinates": voxel, "include_interaction": True, "run_prediction": True}
        answer = self.http.post("/add_point_interaction", content=json.dumps(body))
        bounds = json.loads(answer.headers["X-Meta"])["bbox"]
        self.buffer[tuple(slice(*pair) for pair in bounds)] = unpack(answer.content, 1 << 30)

    def close(self) -> None:
        """Give the place back."""
        self.http.post("/release")


class MonaiLabel:
    """A client of MONAI Label's protocol, as 3D Slicer: clicks in one slice, labels of the whole volume as a file."""

    def __init__(self, address: str, scan: np.ndarray, model: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=600, trust_env=False)
        self.model = Path(model).stem
        file = io.BytesIO()
        image = nib.Nifti1Image(np.ascontiguousarray(scan.T), np.diag([*SPACING[::-1], 1.0]))
        image.header.set_xyzt_units("mm")
        image.to_stream(file)
        start = time.perf_counter()
        answer = self.http.put("/session/", files={"files": ("scan.nii", file.getvalue())})
        self.sent = time.perf_counter() - start
        self.session = answer.raise_for_status().json()["session_id"]

    def click(self, voxel: Voxel) -> None:
        """Click, and take the answer."""
        k, j, i = voxel
        params = {"label": "object", "foreground": [[i, j, k]], "background": [], "slice": k, "dimension": 2}
        query = {"image": "scan", "session_id": self.session}
        answer = self.http.post(f"/infer/{self.model}", params=query, files={"params": (None, json.dumps(params))})
        answer.raise_for_status()


if __name__ == "__main__":
    main()
