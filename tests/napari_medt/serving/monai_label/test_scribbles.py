"""Strokes become objects: every stroke is a promise, and other slices are carried to or left."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from served_scans import AFFINES, SHAPE, middle_of, on_client, packed, places, truth, write_scan
from starlette.testclient import TestClient

from napari_medt.serving.app import make_app
from napari_medt.serving.settings import ServeSettings
from src_models.files.images import read_label_file

NAMES = ["organ", "foreground_scribbles", "background_scribbles"]
ORGAN, OVER, BESIDE = 1, 2, 3


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    for name in ("LAS", "oblique"):
        write_scan(folder / f"{name}.nii.gz", AFFINES[name])
    settings = ServeSettings(store=tmp_path_factory.mktemp("store"), folder=folder, models=("click",))
    with TestClient(make_app(replace(settings)), base_url="http://127.0.0.1:8000") as client:
        yield client


def strokes(name, over, beside=()):
    """Paint voxels of the client's grid; return segments, the affine, and where the first organ is."""
    affine = on_client(AFFINES[name])
    organ = truth(places(affine), middle_of(AFFINES[name])) == 1
    segments = np.zeros(SHAPE, np.int16)
    for places_, value in ((over, OVER), (beside, BESIDE)):
        for place in places_:
            segments[place] = value
    return segments, affine, organ


def centre(organ, k):
    """Return the middle (i, j) of an organ in a slice."""
    return np.argwhere(organ[..., k]).mean(0).round().astype(int)


def ask(client, name, segments, affine, tmp_path, **params):
    told = {"label_info": [{"name": each, "id": 9} for each in NAMES], "selected_label_name": "organ", **params}
    answer = client.post(
        "/infer/click-scribbles",
        params={"image": f"{name}.nii.gz"},
        data={"params": json.dumps(told)},
        files={"label": ("/tmp/x.nii.gz", packed(segments, affine))},
    )
    assert answer.status_code == 200, answer.text
    word = re.search("boundary=(.*)", answer.headers["content-type"])[1].encode()
    _, first, second, _ = answer.content.split(b"--" + word)
    assert json.loads(first.partition(b"\r\n\r\n")[2])["label_names"] == {"organ": 1}
    (tmp_path / "found.nrrd").write_bytes(second.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"))
    file = read_label_file(tmp_path / "found.nrrd")
    np.testing.assert_allclose(file.geometry.grid_affine, _grid(affine), atol=1e-4)
    return np.asarray(file.geometry.to_grid(file.data)).T > 0


def _grid(affine):
    """Return an affine of NIfTI as one from (k, j, i) to (superior, posterior, left)."""
    reverse = np.eye(4)[[2, 1, 0, 3]]
    return reverse @ np.diag([-1.0, -1, 1, 1]) @ affine @ reverse


def iou(found, wanted):
    return (found & wanted).sum() / (found | wanted).sum()


@pytest.mark.parametrize("name", ["LAS", "oblique"])
def test_a_stroke_over_an_organ_finds_it_where_it_is_and_carries_it(client, tmp_path, name):
    _, _, organ = strokes(name, ())
    k = int(organ.sum((0, 1)).argmax())
    i, j = centre(organ, k)
    line = np.s_[i - 4 : i + 5, j : j + 2, k]
    outside = np.s_[i - 14 : i - 11, j - 2 : j + 3, k]
    segments, affine, _ = strokes(name, [line], [outside])
    found = ask(client, name, segments, affine, tmp_path)
    assert found[line].all()
    assert not found[outside].any()
    assert iou(found[..., k], organ[..., k]) > 0.85
    assert iou(found, organ) > 0.7
    alone = ask(client, name, segments, affine, tmp_path, other_slices="left as they are")
    assert not np.delete(alone, k, axis=2).any()
    np.testing.assert_array_equal(alone[..., k], found[..., k])


def test_where_the_segment_is_already_other_slices_stay_and_strokes_mend_one(client, tmp_path):
    _, affine, organ = strokes("LAS", ())
    k = int(organ.sum((0, 1)).argmax())
    i, j = centre(organ, k)
    wrong = np.s_[i + 9 : i + 16, j - 3 : j + 4, k]  # what a model found too much
    segments = np.where(organ, ORGAN, 0).astype(np.int16)
    segments[wrong] = ORGAN
    stroke = np.s_[i + 11 : i + 14, j - 1 : j + 2, k]
    segments[stroke] = BESIDE
    found = ask(client, "LAS", segments, affine, tmp_path)
    np.testing.assert_array_equal(np.delete(found, k, axis=2), np.delete(organ, k, axis=2))
    assert not found[stroke].any()
    assert iou(found[..., k], organ[..., k]) > 0.85


def test_strokes_through_many_slices_are_promises_in_each(client, tmp_path):
    _, _, organ = strokes("LAS", ())
    held = np.flatnonzero(organ.any((0, 1)))
    i, j = centre(organ, held[len(held) // 2])
    sagittal = np.s_[i, j - 1 : j + 2, held[0] : held[-1] + 1]
    segments, affine, _ = strokes("LAS", [sagittal])
    found = ask(client, "LAS", segments, affine, tmp_path)
    assert found[sagittal].all()
    assert iou(found, organ) > 0.5


def test_strokes_that_say_nothing_are_refused_in_a_sentence(client):
    segments, affine, _ = strokes("LAS", (), [np.s_[0:3, 0:3, 1]])
    told = {"label_info": [{"name": each} for each in NAMES], "selected_label_name": "organ"}
    sent = {"params": {"image": "LAS.nii.gz"}, "data": {"params": json.dumps(told)}}
    beside = client.post("/infer/click-scribbles", files={"label": packed(segments, affine)}, **sent)
    assert (beside.status_code, beside.text.split(" first")[0]) == (400, "paint over the object")
    assert client.post("/infer/click-scribbles", **sent).status_code == 400
    away = affine.copy()
    away[0, 3] += 900
    apart = client.post("/infer/click-scribbles", files={"label": packed(segments, away)}, **sent)
    assert (apart.status_code, "lie apart" in apart.text) == (400, True)
    assert client.post("/infer/nobody-scribbles", files={"label": packed(segments, affine)}, **sent).status_code == 404


def test_strokes_are_offered_without_labels_of_their_own(client):
    told = client.get("/info/").json()["models"]["click-scribbles"]
    assert (told["type"], told["labels"], told["dimension"]) == ("scribbles", [], 3)
    assert all(isinstance(word, str) for word in told["config"]["other_slices"])
