"""The protocol over HTTP, as its clients speak it, with a network that finds what is bright."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from served import TOKEN, connected

from napari_medt.serving.nninteractive.packing import pack, unpack

SHAPE = (9, 50, 60)
K, J, I = np.mgrid[tuple(map(slice, SHAPE))]  # noqa: E741
PROMPT = {"include_interaction": True, "run_prediction": True, "override_capability_checks": False}


def ball(k, j, i, radius=8):
    return (2 * (K - k)) ** 2 + (J - j) ** 2 + (I - i) ** 2 <= radius**2


BALL = ball(4, 25, 30)


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


class Speaker:
    """A client that does what nnInteractive's does: one lease, and a copy of the segmentation."""

    def __init__(self, http):
        self.http = http
        self.told = http.post("/claim").json()
        self.headers = {"X-Lease-Token": self.told["lease_token"]}
        self.buffer = None

    def post(self, path, body=None, meta=None, array=None):
        if array is None:
            return self.http.post(path, content=json.dumps(body or {}), headers=self.headers)
        headers = {**self.headers, "X-Meta": json.dumps(meta or {}), "Content-Type": "application/octet-stream"}
        return self.http.post(path, content=array if isinstance(array, bytes) else pack(array), headers=headers)

    def get(self, path):
        return self.http.get(path, headers=self.headers)

    def initialise(self, image, spacing=(2.0, 1.0, 1.0)):
        meta = {"image_properties": {"spacing": spacing}}
        assert self.post("/set_image", meta=meta, array=image[None]).json() == {
            "original_image_shape": [1, *image.shape]
        }
        self.buffer = np.zeros(image.shape, np.uint8)
        assert self.post("/set_target_buffer", {"shape": list(image.shape), "dtype": "uint8"}).json() == {}
        assert self.post("/reset_interactions").json() == {}
        return self

    def written(self, response):
        assert response.status_code == 200, response.text
        meta = json.loads(response.headers["X-Meta"])
        if meta["bbox"] is None:
            assert response.content == b""
        else:
            self.buffer[tuple(slice(*pair) for pair in meta["bbox"])] = unpack(response.content, 1 << 24)
        return meta

    def point(self, *place, positive=True):
        body = {**PROMPT, "coordinates": list(place), "include_interaction": positive}
        return self.written(self.post("/add_point_interaction", body))


@pytest.fixture
def http(settings, bright_model_path):
    with connected(settings(models=(str(bright_model_path),))) as client:
        yield client


@pytest.fixture
def speaker(http):
    return Speaker(http).initialise(BALL.astype(np.float32))


def test_a_client_finds_out_what_can_be_given(http):
    speaker = Speaker(http)
    assert set(speaker.told) == {"lease_token", "idle_timeout_seconds", "liveness_timeout_seconds", "max_sessions"}
    told = speaker.get("/capabilities").json()
    assert set(told) == {
        "supported_interactions",
        "channel_mapping",
        "num_interaction_channels",
        "supports_initial_label",
        "supports_zero_shot_label_refinement",
        "preferred_scribble_thickness",
        "interaction_decay",
        "patch_size",
        "do_autozoom",
        "inference_session_version",
        "license",
        "supports_undo",
    }
    assert told["supported_interactions"] == {
        "points": True,
        "scribble": True,
        "lasso": True,
        "bbox2d": True,
        "bbox3d": False,
    }
    assert told["license"].startswith("napari-medt, model bright: ")
    assert speaker.post("/release").json() == {"released": True}
    assert speaker.get("/capabilities").status_code == 410


def test_a_click_gives_the_object_and_undo_takes_it_back(speaker):
    meta = speaker.point(4, 25, 30)
    places = np.argwhere(speaker.buffer)
    assert meta == {
        "ran_prediction": True,
        "bbox": [[int(low), int(high) + 1] for low, high in zip(places.min(0), places.max(0), strict=True)],
    }
    assert overlap(speaker.buffer > 0, BALL) > 0.9
    assert speaker.written(speaker.post("/undo"))["ran_prediction"]
    assert not speaker.buffer.any()
    assert speaker.written(speaker.post("/undo")) == {"ran_prediction": False, "bbox": None}


def test_without_autozoom_one_slice_is_answered(speaker):
    assert speaker.post("/set_do_autozoom", {"do_autozoom": False}).json() == {}
    assert speaker.get("/capabilities").json()["do_autozoom"] is False
    assert speaker.point(4, 25, 30)["bbox"][0] == [4, 5]


def test_boxes_scribbles_and_lassos_are_answered_in_the_view_that_they_come_from(speaker):
    speaker.post("/set_do_autozoom", {"do_autozoom": False})
    box = {**PROMPT, "bbox_coords": [[0, 9], [25, 26], [22, 39]]}
    assert speaker.written(speaker.post("/add_bbox_interaction", box))["bbox"][1] == [25, 26]
    drawn = np.ones((1, 3, 9), np.uint8)
    meta = {**PROMPT, "include_interaction": False, "interaction_bbox": [[4, 5], [24, 27], [26, 35]]}
    speaker.written(speaker.post("/add_scribble_interaction", meta=meta, array=drawn))
    assert not speaker.buffer[4, 24:27, 26:35].any()
    lasso = {**PROMPT, "interaction_bbox": [[0, 9], [16, 35], [30, 31]]}
    found = speaker.written(speaker.post("/add_lasso_interaction", meta=lasso, array=np.ones((9, 19, 1), np.uint8)))
    assert found["bbox"][2] == [30, 31]
    assert speaker.written(speaker.post("/predict", {"force_full_refine": True}))["bbox"] is None


def test_another_segment_begins_with_what_it_holds(speaker):
    speaker.point(4, 25, 30)
    speaker.post("/reset_interactions")
    before = ball(4, 40, 10, 4).astype(np.uint8)
    speaker.buffer[:] = before  # as clients do by themselves
    meta = speaker.written(speaker.post("/add_initial_seg_interaction", meta={"run_prediction": False}, array=before))
    assert meta == {"ran_prediction": False, "bbox": None}
    speaker.point(4, 25, 30)
    assert overlap(speaker.buffer > 0, BALL | (before > 0)) > 0.9


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/add_point_interaction", {"coordinates": [9000, 0, 0]}),
        ("/add_point_interaction", {}),
        ("/add_bbox_interaction", {"bbox_coords": [[0, 9], [0, 50], [0, 60]]}),
        ("/add_bbox_interaction", {"bbox_coords": "all"}),
    ],
)
def test_a_prompt_that_cannot_be_used_is_no_error(speaker, path, body):
    assert speaker.written(speaker.post(path, body)) == {"ran_prediction": True, "bbox": None}


@pytest.mark.parametrize("path", ["/add_point_interaction", "/add_bbox_interaction"])
def test_a_prompt_that_is_no_json_is_no_error(speaker, path):
    response = speaker.http.post(path, content=b"{" * 9, headers=speaker.headers)
    assert speaker.written(response) == {"ran_prediction": True, "bbox": None}


def test_paint_that_is_none_is_no_error(speaker):
    for sent in (b"", b"NNIA", pack(np.ones((1, 2, 2), np.uint8))):
        response = speaker.post("/add_scribble_interaction", meta=PROMPT, array=sent)
        assert speaker.written(response) == {"ran_prediction": True, "bbox": None}


def test_errors_are_sentences_where_clients_look_for_them(http):
    speaker = Speaker(http)
    refused = speaker.post("/undo")
    assert refused.status_code == 409
    assert "initialise again" in refused.json()["detail"]
    refused = speaker.post("/set_image", array=b"no array at all")
    assert (refused.status_code, refused.json()) == (400, {"detail": "what was sent is no array of nnInteractive's"})
    refused = speaker.post("/set_image", array=np.full((1, 2, 8, 8), np.nan, np.float32))
    assert refused.status_code == 400
    assert "finite" in refused.json()["detail"]


def test_who_has_no_place_is_told_that_it_is_gone(http):
    for call in (http.get("/capabilities"), http.get("/lease_status"), http.post("/heartbeat"), http.post("/undo")):
        assert call.status_code == 410
        assert "initialise again" in call.json()["detail"]
    assert http.post("/release").json() == {"released": True}


def test_a_client_too_many_is_told_why(settings, bright_model_path):
    with connected(settings(models=(str(bright_model_path),), sessions=2)) as http:
        first, _ = Speaker(http), Speaker(http)
        refused = http.post("/claim")
        assert refused.status_code == 503
        assert "2 places, and all are taken" in refused.json()["detail"]
        first.post("/release")
        assert http.post("/claim").status_code == 200


def test_a_server_without_a_model_of_clicks_says_so(settings):
    with connected(settings(models=("nuclei",))) as http:
        refused = http.post("/claim")
        assert refused.status_code == 503
        assert "--model click" in refused.json()["detail"]


def test_a_place_is_counted_down_by_looking_and_not_by_beating(speaker):
    status = speaker.get("/lease_status").json()
    assert 0 < status["remaining_seconds"] <= status["idle_timeout_seconds"] == speaker.told["idle_timeout_seconds"]
    assert 0 < speaker.post("/heartbeat").json()["remaining_seconds"] <= status["remaining_seconds"]


def test_only_who_has_the_token_gets_in_and_either_way(settings, bright_model_path):
    with connected(settings(models=(str(bright_model_path),)), raise_server_exceptions=False) as http:
        bare = "http://127.0.0.1:8000"
        assert http.get(f"{bare}/healthz").json() == {"ok": True}
        assert http.post(f"{bare}/claim").status_code == 401
        assert http.post(f"{bare}/claim", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert http.post(f"{bare}/{TOKEN}/claim").status_code == 200


def test_a_volume_larger_than_the_limit_is_refused_before_it_is_unpacked(settings, bright_model_path):
    with connected(settings(models=(str(bright_model_path),), body_bytes=100_000)) as http:
        speaker = Speaker(http)
        small = pack(np.zeros((1, 400, 400, 400), np.uint8))  # 64 MB of zeros in a few bytes
        assert len(small) < 1000
        refused = speaker.post("/set_image", array=small)
        assert refused.status_code == 400
        assert "at most 0 MB" in refused.json()["detail"]


def test_clients_at_once_do_not_mix(http):
    centres = [(4, 12, 12), (4, 12, 45), (4, 38, 12), (4, 38, 45)]

    def work(centre):
        truth = ball(*centre)
        speaker = Speaker(http).initialise(truth.astype(np.float32))
        for _ in range(2):
            speaker.point(*centre)
            speaker.point(centre[0], centre[1], centre[2] + 3, positive=False)
            speaker.written(speaker.post("/undo"))
            found = overlap(speaker.buffer > 0, truth)
            speaker.written(speaker.post("/undo"))
            assert not speaker.buffer.any()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert min(pool.map(work, centres)) > 0.9
