from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from served import TOKEN, connected, listening
from starlette.requests import Request

from napari_medt.serving.access import asker, new_token
from napari_medt.serving.settings import ServeSettings

HERE = "http://127.0.0.1:8000"


@pytest.fixture
def ask(settings):
    with connected(settings()) as client:
        yield lambda path, **headers: client.get(
            HERE + path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )


@pytest.mark.parametrize("path", [f"/{TOKEN}/info/", f"/{TOKEN}/auth/"])
def test_who_has_the_token_in_the_address_is_let_in(ask, path):
    assert ask(path).status_code == 200


@pytest.mark.parametrize("kind", ["Bearer", "bearer"])
def test_who_has_the_token_in_a_header_is_let_in(ask, kind):
    assert ask("/info/", Authorization=f"{kind} {TOKEN}").status_code == 200


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/info/", {}),
        ("/", {}),
        ("//info/", {}),
        (f"/{TOKEN[:-1]}/info/", {}),
        (f"/{TOKEN}x/info/", {}),
        (f"/{TOKEN.upper()}/info/", {}),
        ("/%00/info/", {}),
        ("/%ED%A0%80/info/", {}),
        ("/info/", {"Authorization": TOKEN}),
        ("/info/", {"Authorization": f"Basic {TOKEN}"}),
        ("/info/", {"Authorization": f"Bearer {TOKEN[:-1]}"}),
        ("/info/", {"Authorization": "Bearer "}),
        (f"/info/?token={TOKEN}", {}),
    ],
)
def test_others_are_told_what_is_missing(ask, path, headers):
    answer = ask(path, **headers)
    assert answer.status_code == 401
    assert "enter its whole address" in answer.text
    assert TOKEN not in answer.text


def test_that_the_server_is_there_may_be_asked_by_all(ask):
    assert ask("/healthz").status_code != 401


def test_tokens_are_compared_in_constant_time(ask, monkeypatch):
    compared = []
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: compared.append((a, b)) or a == b)
    ask("/wrong/info/")
    assert (b"wrong", TOKEN.encode()) in compared


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:9999", "LOCALHOST", "[::1]:8000", "192.168.1.7:8000"])
def test_the_server_is_reached_by_its_numbers_and_by_localhost(ask, host):
    assert ask(f"/{TOKEN}/info/", Host=host).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "", "a b"]
)
def test_names_that_were_made_to_lead_here_are_refused(ask, host):
    """DNS rebinding: the page of evil.example lets its name lead to 127.0.0.1."""
    answer = ask(f"/{TOKEN}/info/", Host=host)
    assert answer.status_code == 403
    assert "name" in answer.text


def test_the_name_that_it_was_started_with_is_its_own(tmp_path):
    settings = ServeSettings(store=tmp_path, host="seg.hospital.example", token=TOKEN, models=("click",))
    with connected(settings) as client:
        assert client.get("/info/", headers={"Host": "SEG.hospital.example:8000"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": HERE}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9000"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_pages_of_others_are_refused(ask, headers, status):
    answer = ask(f"/{TOKEN}/info/", **{**headers, "Host": "127.0.0.1:8000"})
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_without_a_token_programs_of_this_machine_are_let_in_and_pages_are_not(settings):
    with connected(settings(token=None)) as client:
        assert client.get("/info/").status_code == 200
        assert client.get("/info/", headers={"Host": "evil.example"}).status_code == 403
        assert client.get("/info/", headers={"Origin": "https://evil.example"}).status_code == 403


def test_other_protocols_are_not_spoken(settings):
    from starlette.websockets import WebSocketDisconnect

    with connected(settings()) as client, pytest.raises(WebSocketDisconnect), client.websocket_connect("/info/"):
        pass


def test_a_real_server_checks_too_and_logs_neither_token_nor_names(settings, capfd):
    with listening(settings()) as address:
        assert httpx.get(f"{address}/{TOKEN}/info/").status_code == 200
        assert httpx.get(f"{address}/info/").status_code == 401
        assert httpx.get(f"{address}/{TOKEN}/datastore/image", params={"image": "Miller^Anna"}).status_code == 404
    said = "".join(capfd.readouterr())
    assert "Miller" not in said
    assert TOKEN not in said


def test_new_tokens_differ_and_can_be_used():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        assert ServeSettings(store=Path("store"), token=token).token == token


def test_who_asks_is_told_by_machine_and_by_what_the_client_says():
    def request(host):
        return Request({"type": "http", "headers": [], "client": (host, 5000)})

    anna, bert = (
        asker(request("10.0.0.1"), {"client_id": "user-xyz"}),
        asker(request("10.0.0.2"), {"client_id": "user-xyz"}),
    )
    assert anna.key != bert.key
    assert anna.key != asker(request("10.0.0.1"), {"client_id": "other"}).key
    assert anna.machine_key == asker(request("10.0.0.1")).machine_key != bert.machine_key
