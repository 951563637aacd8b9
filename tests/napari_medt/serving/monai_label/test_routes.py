"""Whatever is sent to any address, it is answered in words, and no file outside of the store is touched."""

from __future__ import annotations

import asyncio
import gzip
import json
import pickle
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import httpx
import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from served import ball

from napari_medt.serving.app import make_app
from napari_medt.serving.settings import Limits, ServeSettings

SEQUENCES, REQUESTS = 200, 10
SMALL = ball((12, 10, 4), (6, 5, 2), 4.0)
NIFTI = nib.Nifti1Image(SMALL, np.eye(4)).to_bytes()
NRRD = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 12 10 4\nencoding: raw\nendian: little\n\n" + SMALL.T.tobytes()

# --- what is watched ------------------------------------------------------------------------------------------------

_watch = SimpleNamespace(paths=None)


def _hook(event, arguments):
    if _watch.paths is not None and arguments and event in ("open", "os.remove", "os.rename", "os.rmdir", "os.mkdir"):
        _watch.paths.extend(str(path) for path in arguments[:2] if isinstance(path, str))


sys.addaudithook(_hook)

# --- what is sent ---------------------------------------------------------------------------------------------------

HOSTILE = [
    "", ".", "..", "../secret/scan.nii.gz", "..\\secret", "/etc/passwd", "file:///etc/passwd", "SECRET", "-1", "con",
    "SECRET/scan.nii.gz", "%2e%2e%2fsecret", "\x00", "a\x00b", "~root", "$(id)", "'; drop table images", "a" * 300,
    "\ud800", "𝕊", "sent",
]  # fmt: skip
ids = st.sampled_from(HOSTILE) | st.just("sent") | st.text(max_size=20)
numbers = st.integers(-3, 13) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
points = st.lists(st.lists(st.integers(-1, 12), min_size=3, max_size=3), max_size=3)
anything = st.recursive(
    st.none() | st.booleans() | numbers | ids,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ids, inner, max_size=3),
    max_leaves=8,
)
params = st.fixed_dictionaries(
    {},
    optional={
        "foreground": points | anything, "background": points | anything, "slice": st.integers(-1, 5) | anything,
        "label": ids | anything, "image": ids, "path": ids, "device": ids, "client_id": ids, "objects": anything,
        "sensitivity": numbers | anything, "grey_values": ids | anything, "label_info": anything, "roi": anything,
        "result_extension": ids, "model_filename": ids, "session_id": ids,
    },
)  # fmt: skip
contents = st.sampled_from(
    [
        b"", NIFTI, gzip.compress(NIFTI), NRRD, NRRD.replace(b"encoding", b"data file: SECRET/scan.nii.gz\nencoding"),
        NRRD.replace(b"12 10 4", b"-1 10 99999999999999999999"), NRRD.replace(b"raw", b"gzip"), NIFTI[:200],
        b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", pickle.dumps({}), b"\xff\xd8\xff\xe0", b"\x1f\x8b\x08\x00",
    ]
) | st.binary(max_size=60)  # fmt: skip


@st.composite
def changed(draw):
    """Files with some bytes changed."""
    content = bytearray(draw(contents))
    for _ in range(draw(st.integers(0, 4)) if content else 0):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content)


PATHS = [
    "/info/", "/auth/", "/auth/token", "/session/", "/session/{id}", "/datastore/", "/datastore/image",
    "/datastore/image/info", "/datastore/label", "/datastore/label/info", "/infer/click", "/infer/click-through-slices",
    "/infer/{id}", "/{id}", "/train/{id}", "/activelearning/{id}",
]  # fmt: skip
NNINTERACTIVE = [
    "/healthz", "/claim", "/capabilities", "/release", "/heartbeat", "/lease_status", "/set_image", "/undo", "/predict",
    "/set_target_buffer", "/add_point_interaction", "/add_lasso_interaction", "/add_initial_seg_interaction",
]  # fmt: skip


@st.composite
def requests(draw):
    """One request; mostly of a form, and to an address, that the server knows."""
    method = draw(st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"]))
    path = draw(st.sampled_from([*PATHS, *NNINTERACTIVE])).replace("{id}", quote(draw(ids), safe="", errors="replace"))
    query = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "image": ids, "id": ids, "label": ids, "tag": ids, "session_id": ids, "expiry": ids | st.just("1"),
                "output": st.sampled_from(["", "all", "json", "image", "train", "stats", "dicom_seg"]) | ids,
                "uncompress": st.just("true"), "image_in": ids,
            },
        )
    )  # fmt: skip
    query = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    kind = draw(st.sampled_from(["form", "form", "form", "json", "raw", "none"]))
    if kind == "form":
        name = draw(st.sampled_from(["file", "files", "label", "image"]))
        text = json.dumps(draw(params))
        files = [("params", (None, text.encode())), (name, ("/home/x/../y.nrrd", draw(changed())))]
        return {"method": method, "url": path, "params": query, "files": files[: draw(st.integers(1, 2))]}
    if kind == "json":
        return {"method": method, "url": path, "params": query, "content": json.dumps(draw(anything)).encode()}
    if kind == "raw":
        header = draw(st.sampled_from(["multipart/form-data; boundary=w", "multipart/form-data", "text/plain", "x"]))
        content = draw(st.binary(max_size=80))
        return {"method": method, "url": path, "params": query, "content": content, "headers": {"Content-Type": header}}
    return {"method": method, "url": path, "params": query}


@pytest.fixture(scope="module")
def world(tmp_path_factory, tiny_model_path):
    """A server with a store, and beside it a folder that nobody may touch."""
    top = tmp_path_factory.mktemp("world")
    (top / "secret").mkdir()
    (top / "secret" / "scan.nii.gz").write_bytes(gzip.compress(NIFTI))
    limits = Limits(sessions=8, disk_bytes=2**20, body_bytes=2**16)
    chosen = ServeSettings(store=top / "store", models=("click", str(tiny_model_path)), limits=limits)
    app = make_app(chosen)
    transport = httpx.ASGITransport(app)
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
        yield SimpleNamespace(top=top, runner=runner, client=client, statuses=[])
        runner.run(client.aclose())
        app.state.server.work.close()


def outside(world):
    """Return what lies beside the store."""
    return {
        path: path.read_bytes() if path.is_file() else None
        for path in world.top.rglob("*")
        if world.top / "store" not in (path, *path.parents)
    }


@settings(
    max_examples=SEQUENCES,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a sequence that fails is told as it is: making it short takes minutes
    suppress_health_check=list(HealthCheck),
)
@given(asked=st.lists(requests(), min_size=REQUESTS, max_size=REQUESTS))
def test_every_request_is_answered_in_words_and_touches_the_store_alone(world, asked):
    before = outside(world)
    answers = world.runner.run(_answers(world, asked))
    for request, answer in zip(asked, answers, strict=True):
        assert (
            answer.status_code in (200, 307) or 400 <= answer.status_code < 500 or answer.status_code in (503, 507)
        ), request
        if answer.status_code >= 400 and request["method"] != "HEAD":
            told = "application/json" if request["url"] in NNINTERACTIVE else "text/plain"
            assert answer.status_code == 405 or answer.headers["content-type"].startswith(told)
            assert len(answer.text) > 10
            assert "\n" not in answer.text
            assert str(world.top / "store") not in answer.text
    assert outside(world) == before


async def _answers(world, asked):
    sent = {"params": (None, "{}"), "file": ("a.nii.gz", gzip.compress(NIFTI))}
    await world.client.put("/datastore/", params={"image": "sent"}, files=sent)
    _watch.paths = []
    try:
        answers = [await world.client.request(**_placed(request, world.top)) for request in asked]
    finally:
        touched, _watch.paths = _watch.paths, None
    forbidden = [path for path in touched if "secret" in path or path.startswith("/etc/pass") or "file:" in path]
    assert not forbidden
    return answers


def _placed(request, top: Path):
    """Put the place of what nobody may touch into a request."""
    secret = str(top / "secret")
    params = {name: value.replace("SECRET", secret) for name, value in request["params"].items()}
    files = [
        (name, (file, content.replace(b"SECRET", secret.encode())))
        for name, (file, content) in request.get("files", ())
    ]
    return {**request, "params": params, **({"files": files} if files else {})}


def test_it_was_no_idle_exercise(world):
    """Volumes are taken, and clicks answered, by requests of this kind."""

    async def ask():
        files = {"params": (None, "{}"), "file": ("a", gzip.compress(NIFTI))}
        assert (await world.client.put("/datastore/", params={"image": "x"}, files=files)).status_code == 200
        told = {"params": (None, json.dumps({"foreground": [[6, 5, 2]], "slice": 2}))}
        return await world.client.post("/infer/click", params={"image": "x", "output": "image"}, files=told)

    assert world.runner.run(ask()).content.startswith(b"NRRD")
    assert threading.active_count() < 60
