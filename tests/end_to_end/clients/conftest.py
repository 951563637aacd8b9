"""A server as a process of its own, and what real clients need; skipped where these are not installed."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from patient_scans import GRIDS, write_scan
from running_server import Serving

CLIENTS = ("monailabel", "nnInteractive", "slicer_core", "nrrd", "SimpleITK")
TOKEN = "a-token-for-tests"

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"  # the server is on this machine

collect_ignore = ["in_slicer.py", "slicer_module.py"]  # they import what only one environment has


@pytest.fixture(scope="session", autouse=True)
def clients():
    missing = [name for name in CLIENTS if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the clients of 3D Slicer are not installed here ({', '.join(missing)}): make test-clients")


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
