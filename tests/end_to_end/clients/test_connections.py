"""How the server is reached: through a tunnel, past a proxy, with a token; and by programs that it is not made for."""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest


def pump(one, other):
    """Hand on what one end of a connection says to the other."""
    with contextlib.suppress(OSError):
        while piece := one.recv(65536):
            other.sendall(piece)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_WR)


@pytest.fixture
def tunnel(server):
    """The server's address at another port, as ``ssh -L`` gives it."""
    target = urlsplit(server.address)
    listening = socket.create_server(("127.0.0.1", 0))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection((target.hostname, target.port))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://localhost:{listening.getsockname()[1]}{target.path}"
    listening.close()


def test_through_a_tunnel_both_extensions_work(tunnel, tmp_path):
    from nnInteractive.inference.remote import nnInteractiveRemoteInferenceSession
    from slicer_module import Module

    assert Module(tunnel, tmp_path).refresh()["models"]
    with nnInteractiveRemoteInferenceSession(tunnel) as session:
        assert session.ping()


def test_a_proxy_stands_in_the_way_of_one_client_until_it_is_told_where_not_to_ask(server, tmp_path, monkeypatch):
    from nnInteractive.inference.remote import nnInteractiveRemoteInferenceSession
    from slicer_module import Module

    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", nobody)
    monkeypatch.setenv("http_proxy", nobody)
    assert Module(server.address, tmp_path).refresh()["models"]
    with pytest.raises(Exception, match=r"(?i)connect|refused"):
        nnInteractiveRemoteInferenceSession(server.address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with nnInteractiveRemoteInferenceSession(server.address) as session:
        assert session.ping()


def test_without_the_token_nobody_gets_in(server):
    bare = server.address.rpartition("/")[0]
    for path in ("/info/", "/datastore/", "/datastore/image?image=RAS.nrrd", "/wrong-token/info/"):
        with pytest.raises(urllib.error.HTTPError, match="401") as raised:
            urllib.request.urlopen(bare + path)
        assert "enter its whole address" in raised.value.read().decode()


def test_a_page_of_another_origin_gets_nothing(server):
    request = urllib.request.Request(f"{server.address}/info/", headers={"Origin": "http://evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/status", id="ITK-SNAP"),
        pytest.param("GET", "/start_session", id="ITK-SNAP, a session"),
        pytest.param("POST", "/infer/wsi/nuclei?image=a&output=asap", id="QuPath"),
        pytest.param("POST", "/infer/wsi_v2/nuclei", id="QuPath, newer"),
        pytest.param("GET", "/dicom/studies", id="OHIF"),
        pytest.param("GET", "/ohif/", id="OHIF, its pages"),
    ],
)
def test_programs_that_speak_other_protocols_are_told_that_it_is_not_there(server, method, path):
    request = urllib.request.Request(server.address + path, method=method, data=b"" if method == "POST" else None)
    with pytest.raises(urllib.error.HTTPError, match=r"40[45]") as raised:
        urllib.request.urlopen(request)
    assert raised.value.headers.get_content_type() == "text/plain"
    assert raised.value.read()
