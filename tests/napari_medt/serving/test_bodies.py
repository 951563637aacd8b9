from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from napari_medt.serving.answers import HANDLERS, Unforeseen
from napari_medt.serving.bodies import Limited, read_form, read_json

MOST = 5000


@pytest.fixture
def client():
    async def form(request):
        async with read_form(request) as form:
            file = form.file("files", "file")
            return JSONResponse({"params": form.params(), "bytes": len(await file.read())})

    async def body(request):
        return JSONResponse(await read_json(request))

    app = Starlette(
        routes=[Route("/form", form, methods=["PUT"]), Route("/json", body, methods=["PUT"])],
        middleware=[Middleware(Unforeseen), Middleware(Limited, MOST)],
        exception_handlers=HANDLERS,
    )
    return TestClient(app)


def test_a_form_has_fields_and_files(client):
    answer = client.put("/form", files={"params": (None, '{"k": [1, 2]}'), "file": ("/home/anna/x.nrrd", b"12345")})
    assert answer.json() == {"params": {"k": [1, 2]}, "bytes": 5}


def test_a_boundary_as_3d_slicer_makes_it_is_read(client):
    word = "----------ThIs_Is_tHe_bouNdaRY_$"
    head = 'Content-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: text/plain'
    body = f"--{word}\r\n{head}\r\n\r\nabc\r\n--{word}--\r\n"
    answer = client.put("/form", content=body, headers={"Content-Type": f"multipart/form-data; boundary={word}"})
    assert answer.json() == {"params": {}, "bytes": 3}


def chunks(total):
    """Send a body without saying how long it is."""
    for _ in range(total // 100):
        yield b"x" * 100


@pytest.mark.parametrize("path", ["/form", "/json"])
@pytest.mark.parametrize("told", [True, False], ids=["length told", "length not told"])
def test_bodies_beyond_the_limit_are_refused_whatever_their_headers_say(client, path, told):
    start = b'--w\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    content = start + b"x" * MOST if told else (part for part in (start, *chunks(MOST)))
    answer = client.put(path, content=content, headers={"Content-Type": "multipart/form-data; boundary=w"})
    assert answer.status_code == 413
    assert "larger than" in answer.text


def test_a_body_that_belies_its_length_is_counted():
    """A server in front may pass on what it likes; we count ourselves."""
    seen = []

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            seen.append(1)

    async def receive():
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    import asyncio

    from napari_medt.serving.answers import Refusal

    scope = {"type": "http", "headers": [(b"content-length", b"10")]}
    with pytest.raises(Refusal, match="larger"):
        asyncio.run(Limited(app, MOST)(scope, receive, None))
    assert len(seen) == MOST // 1000


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "1", "null", '{"a": NaN}', '{"a": Infinity}', '{"a":' * 70 + "1" + "}" * 70, "[" * 100_000, "\x00"],
)
def test_what_is_no_json_object_is_refused(client, text):
    assert client.put("/json", content=text[:MOST]).status_code == 400
    files = {"params": (None, text[: MOST // 2]), "file": ("a", b"1")}
    assert client.put("/form", files=files).status_code == 400


def test_nothing_is_an_empty_object(client):
    assert client.put("/json").json() == {}
    assert client.put("/json", content=" \n").json() == {}


def test_an_ordinary_object_is_itself(client):
    told = {"model": "nuclei", "a": [[1, 2, 3], []], "ü": None}
    assert client.put("/json", content=json.dumps(told)).json() == told


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "multipart/form-data; boundary=w"),
        (b"abc", "multipart/form-data; boundary=w"),
        (b"abc", "multipart/form-data"),
        (b"--w\r\n\r\n\r\n--w--", "multipart/form-data; boundary=w"),
        (
            b'--w\r\nContent-Disposition: form-data; name="x"; filename="a"\r\n\r\n1\r\n--w--\r\n',
            "multipart/form-data; boundary=w",
        ),
        (b"file=1", "application/x-www-form-urlencoded"),
        (b"abc", "text/plain"),
    ],
)
def test_a_form_without_its_file_is_refused(client, content, kind):
    answer = client.put("/form", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text


def test_too_many_files_are_refused(client):
    files = [("file", (str(number), b"1")) for number in range(3)]
    assert client.put("/form", files=files).status_code == 400
