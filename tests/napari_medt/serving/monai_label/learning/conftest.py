"""A server with two scans and a model that has learnt nothing, and a client of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from served_scans import AFFINES, write_scan
from starlette.testclient import TestClient

from napari_medt.serving.app import make_app
from napari_medt.serving.settings import ServeSettings


@pytest.fixture
def scans(tmp_path) -> Path:
    """A folder of scans: on a left-handed grid, and on one that leans."""
    folder = tmp_path / "scans"
    folder.mkdir()
    write_scan(folder / "left.nii.gz", AFFINES["LAS"], seed=1)
    write_scan(folder / "leaning.nii.gz", AFFINES["oblique"], seed=2)
    return folder


@pytest.fixture
def settings(tmp_path, scans, dark_model_path) -> ServeSettings:
    return ServeSettings(store=tmp_path / "store", folder=scans, models=(str(dark_model_path),))


@pytest.fixture
def serve():
    """Return a function that starts a server and returns a client of it."""
    clients = []

    def serve_(settings):
        client = TestClient(make_app(settings), base_url="http://127.0.0.1:8000")
        client.__enter__()
        clients.append(client)
        return client

    yield serve_
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(serve, settings) -> TestClient:
    return serve(settings)
