"""A server as a process of its own, and what real clients need; skipped where these are not installed."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import time
from pathlib import Path

import pytest
from scans import GRIDS, write_scan

REPOSITORY = Path(__file__).resolve().parents[3]
CLIENTS = ("monailabel", "nnInteractive", "slicer_core", "nrrd", "SimpleITK")
TOKEN = "a-token-for-tests"

collect_ignore = ["in_slicer.py", "slicer_module.py"]  # they import what only one environment has


@pytest.fixture(scope="session", autouse=True)
def clients():
    missing = [name for name in CLIENTS if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the clients of 3D Slicer are not installed here ({', '.join(missing)}): make test-clients")


class Serving:
    """A server that runs: its address, folder and store.

    Parameters
    ----------
    folder, store
        Of images, and of what people make.
    options
        Further arguments.
    """

    def __init__(self, folder: Path | None, store: Path, *options: str) -> None:
        command = shlex.split(os.environ.get("NAPARI_MEDT", str(REPOSITORY / ".venv/bin/napari-medt")))
        self.folder, self.store, self.log = folder, store, store.with_suffix(".log")
        arguments = [*([] if folder is None else [str(folder)]), "--port", "0", "--store", str(store), *options]
        environment = {**os.environ, "COLUMNS": "200"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "serve", *arguments], stdout=log, stderr=log, env=environment, cwd=store.parent
            )
        self.address = self._address()

    def _address(self) -> str:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            found = re.search(r"http://127\.0\.0\.1:\d+\S*", self.log.read_text("utf-8", "replace"))
            if found:
                return found[0]
            assert self.process.poll() is None, f"the server ended: {self.log.read_text()}"
            time.sleep(0.1)
        raise AssertionError(f"the server does not say its address: {self.log.read_text()}")

    def close(self) -> None:
        """End the server as Ctrl+C does."""
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()


@pytest.fixture(scope="session")
def scans(tmp_path_factory) -> Path:
    """A folder of the same object on every grid, in both formats."""
    folder = tmp_path_factory.mktemp("scans")
    for seed, (name, affine) in enumerate(GRIDS.items()):
        for suffix in (".nii.gz", ".nrrd"):
            write_scan(folder / f"{name}{suffix}", affine, seed)
    return folder


@pytest.fixture(scope="session")
def server(scans, tmp_path_factory):
    serving = Serving(scans, tmp_path_factory.mktemp("served") / "store", "--token", TOKEN)
    yield serving
    serving.close()
    assert "Traceback" not in serving.log.read_text("utf-8"), serving.log.read_text("utf-8")


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a server of its own."""
    started = []

    def start_(folder, *options):
        started.append(Serving(folder, tmp_path / f"store{len(started)}", *options))
        return started[-1]

    yield start_
    for one in started:
        one.close()


@pytest.fixture
def module(server, tmp_path):
    """The MONAI Label module of 3D Slicer, with the server's address entered."""
    from slicer_module import Module

    return Module(server.address, tmp_path)
