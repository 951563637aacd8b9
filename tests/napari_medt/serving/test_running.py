from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import nibabel as nib
import numpy as np
import pytest
from served import TOKEN, affine, ball, infer, labels_of, listening, write_nifti

from napari_medt.serving.running import address, listen, make_server, serve
from src_models.errors import UserError

CLICK = {"dimension": 2, "background": []}


def client_of(where):
    return httpx.Client(base_url=f"{where}/{TOKEN}", timeout=60, trust_env=False)


def test_four_people_at_once_each_get_their_own(settings, tmp_path):
    """Each has a volume of a shape and a place of their own, under one name, and clicks three times."""
    shapes = [(40 + 3 * n, 36 + 2 * n, 8 + n) for n in range(4)]

    def work(number):
        folder = tmp_path / str(number)
        folder.mkdir()
        shape = shapes[number]
        centre = (14 + 4 * number, 15, 4)
        truth = ball(shape, centre)
        path = write_nifti(folder / "scan.nii.gz", truth, affine("LAS"))
        found = []
        with client_of(where) as client:
            session = client.put("/session/", files={"files": path.open("rb")}).json()["session_id"]
            points = [centre, (centre[0] + 2, 15, 4), (centre[0], 12, 4)]
            for count in range(1, 4):
                params = {**CLICK, "foreground": [list(point) for point in points[:count]], "slice": 4}
                while (answer := infer(client, "click", "Volume", params, session_id=session)).status_code == 503:
                    assert "busy" in answer.text
                    time.sleep(0.05)
                found.append(labels_of(answer, folder)[0])
        return truth, found

    with listening(settings(waiting=1)) as where, ThreadPoolExecutor(4) as people:
        for truth, found in people.map(work, range(4)):
            for labels in found:
                inside, wanted = labels[:, :, 4] > 0, truth[:, :, 4] > 0
                assert labels.shape == truth.shape
                assert 2 * (inside & wanted).sum() > 0.85 * (inside.sum() + wanted.sum())


def wait_for(happened):
    for _ in range(1000):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def test_the_work_for_clients_that_vanish_is_passed_over(settings, tmp_path):
    """A client breaks off while it waits for another; and the one that is computed breaks off, too."""
    server = make_server(settings())
    state = server.config.app.state.server
    done, hold = [], threading.Event()
    store_find = state.store.open

    def slow_open(image):
        done.append(image.id)
        hold.wait(20)
        return store_find(image)

    object.__setattr__(state.store, "open", slow_open)
    with listen(settings()) as taken:
        where = ("127.0.0.1", taken.getsockname()[1])
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            with client_of(f"http://{where[0]}:{where[1]}") as client:
                path = write_nifti(tmp_path / "scan.nii.gz", ball(), affine())
                session = client.put("/session/", files={"files": path.open("rb")}).json()["session_id"]
                vanishing = [asked(where, session, name) for name in ("first", "second")]
                wait_for(lambda: done == ["first"] and state.work.waiting == 1)
                for connection in vanishing:
                    connection.close()
                wait_for(lambda: state.work.waiting == 0)
                hold.set()
                params = {**CLICK, "foreground": [[20, 18, 9]], "slice": 9}
                assert infer(client, "click", "third", params, session_id=session).status_code == 200
        finally:
            server.should_exit = True
            thread.join()
    assert done == ["first", "third"]


def asked(where, session, name):
    """Send a request for clicks by hand, and return the connection."""
    params = json.dumps({**CLICK, "foreground": [[20, 18, 9]], "slice": 9})
    body = f'--w\r\nContent-Disposition: form-data; name="params"\r\n\r\n{params}\r\n--w--\r\n'
    head = (
        f"POST /{TOKEN}/infer/click?image={name}&session_id={session} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: multipart/form-data; boundary=w\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(where)
    connection.sendall((head + body).encode())
    if name == "first":
        time.sleep(0.3)
    return connection


def test_a_client_that_breaks_off_while_it_sends_leaves_nothing(settings, tmp_path):
    chosen = settings()
    with listening(chosen) as where:
        host, port = where.removeprefix("http://").split(":")
        head = (
            f"PUT /{TOKEN}/session/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3000000\r\n"
            'Content-Type: multipart/form-data; boundary=w\r\n\r\n--w\r\nContent-Disposition: form-data; name="files"; '
            'filename="a"\r\n\r\nNRRD0004\n'
        )
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head.encode() + b"x" * 2_000_000)
        with client_of(where) as client:
            assert client.get("/info/").status_code == 200
    assert list((chosen.store / "sessions").iterdir()) == []


def test_an_answer_is_one_whole_with_its_length(settings, tmp_path):
    """Chunks, or gzip, would hang the client of 3D Slicer, or end up in its file."""
    folder = tmp_path / "images"
    folder.mkdir()
    write_nifti(folder / "a.nii.gz", np.zeros((64, 64, 64), np.int16), affine())
    with listening(settings(folder=folder)) as where, client_of(where) as client:
        for path in ("/info/", "/datastore/", "/datastore/image?image=a.nii.gz", "/session/none"):
            answer = client.get(path, headers={"Accept-Encoding": "gzip"})
            assert answer.status_code == 200
            assert "transfer-encoding" not in answer.headers
            assert "content-encoding" not in answer.headers
            assert int(answer.headers["content-length"]) == len(answer.content)


def test_what_is_said_of_a_file_stays_out_of_the_log(settings, tmp_path, caplog, monkeypatch):
    """Readers begin with the name of the file, which may be a patient's."""
    import uvicorn

    folder = tmp_path / "images"
    folder.mkdir()
    shapeless = nib.Nifti1Image(np.zeros((8, 8, 8), np.int16), None)
    shapeless.header.set_sform(None, 0)
    shapeless.header.set_qform(None, 0)
    nib.save(shapeless, folder / "Miller.nii")
    heard = []

    def run(self, sockets):
        heard.append(logging.getLogger("src_models.files.volumes.nifti").isEnabledFor(logging.WARNING))
        self.config.app.state.server.store.open(self.config.app.state.server.store.images()[0])

    monkeypatch.setattr(uvicorn.Server, "run", run)
    before = logging.getLogger("src_models.files.volumes.nifti").isEnabledFor(logging.WARNING)
    serve(settings(folder=folder), lambda _: None)
    assert heard == [False]
    assert "Miller" not in caplog.text
    assert logging.getLogger("src_models.files.volumes.nifti").isEnabledFor(logging.WARNING) is before is True


def test_a_port_that_is_taken_is_told(settings):
    chosen = settings()
    with listen(chosen) as taken:
        from dataclasses import replace

        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} .* --port"):
            listen(replace(chosen, port=port))


@pytest.mark.parametrize("host", ["192.0.2.7", "nowhere.invalid"])
def test_a_host_that_is_none_of_this_machine_is_told(settings, host):
    with pytest.raises(UserError, match="cannot listen"):
        listen(settings(host=host))


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("seg.example", "seg.example")]
)
def test_the_address_is_what_one_enters(settings, host, shown):
    assert address(settings(host=host), 8123) == f"http://{shown}:8123/{TOKEN}"


def test_for_all_addresses_one_is_shown_that_others_reach(settings):
    import ipaddress

    shown = address(settings(host="0.0.0.0"), 8123).removeprefix("http://").partition(":")[0]
    assert not ipaddress.ip_address(shown).is_unspecified


def test_without_a_token_none_is_shown(settings):
    assert address(settings(token=None), 8000) == "http://127.0.0.1:8000"


def test_short_answers_do_not_wait_for_more_to_send(settings):
    async def options():
        taken = []

        class Noting(asyncio.Protocol):
            def connection_made(self, transport):
                found = transport.get_extra_info("socket")
                taken.append(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        loop = asyncio.get_running_loop()
        with listen(settings()) as listening_socket:
            server = await loop.create_server(Noting, sock=listening_socket)
            reader, writer = await asyncio.open_connection(*listening_socket.getsockname())
            await reader.read()
            writer.close()
            server.close()
        return taken

    assert all(asyncio.run(options()))
