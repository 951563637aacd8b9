from __future__ import annotations

import time

import numpy as np
import pytest
from served import affine, ball, server_of, write_nifti


@pytest.fixture
def scan(tmp_path):
    return write_nifti(tmp_path / "scan.nii.gz", ball(), affine())


def begin(client, path, **query):
    # As 3D Slicer sends it: the base name, and a kind that is wrong.
    files = {"files": (path.name, path.read_bytes(), "text/plain")}
    return client.put("/session/", params=query, data={"client_id": "user-xyz"}, files=files)


def test_a_volume_is_lent_told_of_and_given_up(connect, scan):
    client = connect()
    answer = begin(client, scan).json()
    session = answer["session_id"]
    assert answer["session_info"]["name"] == session
    told = client.get(f"/session/{session}", params={"update_ts": "true"}).json()
    assert told["name"] == session
    assert str(scan.parent) not in str(told)
    assert client.get(f"/session/{session}", params={"image": "true"}).content == scan.read_bytes()
    (kept,) = (server_of(client).settings.store / "sessions").rglob("image*")
    assert client.delete(f"/session/{session}").json()["name"] == session
    assert not kept.exists()
    assert client.delete(f"/session/{session}").status_code == 404


@pytest.mark.parametrize("name", ["unknown", "..", "%2e%2e%2f%2e%2e", "a b", "%00"])
def test_of_a_session_that_is_not_there_nothing_is_told_and_that_is_success(connect, name):
    """With 404, the module of 3D Slicer stays stuck; with an empty answer it sends the volume again."""
    answer = connect().get(f"/session/{name}")
    assert answer.status_code in (200, 404)
    if name == "unknown":
        assert (answer.status_code, answer.json()) == (200, {})


def test_a_session_ends_when_nobody_asks(connect, scan, monkeypatch):
    client = connect()
    session = begin(client, scan, expiry=100).json()["session_id"]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 99)
    assert client.get(f"/session/{session}", params={"update_ts": "true"}).json()
    monkeypatch.setattr(time, "time", lambda: now + 99 + 99)
    assert client.get(f"/session/{session}").json(), "it was asked about"
    monkeypatch.setattr(time, "time", lambda: now + 99 + 101)
    assert client.get(f"/session/{session}").json() == {}
    assert not list((server_of(client).settings.store / "sessions").iterdir())


def test_there_are_only_so_many(connect, scan):
    client = connect(sessions=2)
    first = begin(client, scan).json()["session_id"]
    begin(client, scan)
    answer = begin(client, scan)
    assert answer.status_code == 503
    assert "try again later" in answer.text
    client.delete(f"/session/{first}")
    assert begin(client, scan).status_code == 200


def test_what_is_no_volume_is_refused_and_not_kept(connect, tmp_path):
    client = connect()
    path = tmp_path / "scan.nii.gz"
    for content in (b"", b"PK\x03\x04 an archive", np.zeros(9).tobytes()):
        path.write_bytes(content)
        for query in ({}, {"uncompress": "true"}):
            answer = begin(client, path, **query)
            assert answer.status_code == 400
            assert "send NRRD, NIfTI" in answer.text
    assert not list((server_of(client).settings.store / "sessions").iterdir())


def test_a_request_without_a_file_is_refused(connect):
    assert connect().put("/session/", data={"client_id": "x"}).status_code == 400


def test_a_disk_that_is_full_is_told_and_nothing_half_written_is_left(connect, scan, monkeypatch):
    from src_models.disk import atomic

    client = connect()

    def full(path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(atomic, "_bring_to_disk", full)
    answer = begin(client, scan)
    assert answer.status_code == 507
    assert "disk of the server is full" in answer.text
    monkeypatch.undo()
    assert not list((server_of(client).settings.store / "sessions").rglob("*image*"))
    assert begin(client, scan).status_code == 200
