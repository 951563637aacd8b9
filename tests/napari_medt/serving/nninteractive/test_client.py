"""What is kept for a client: its volume, and what of it the client does not have yet."""

import numpy as np
import pytest

from napari_medt.serving.answers import Refusal
from napari_medt.serving.nninteractive.client import Client
from napari_medt.serving.nninteractive.packing import PackingError, pack, unpack
from src_models.clicking.answering.network import ClickNetwork
from src_models.errors import ImageError, UserError

SHAPE = (9, 50, 60)
MOST = 1 << 24
K, J, I = np.mgrid[tuple(map(slice, SHAPE))]  # noqa: E741
BALL = ((2 * (K - 4)) ** 2 + (J - 25) ** 2 + (I - 30) ** 2 <= 64).astype(np.float32)
CLICK = {"coordinates": [4, 25, 30], "include_interaction": True, "run_prediction": True}


@pytest.fixture(scope="module")
def network(bright_model):
    return ClickNetwork(bright_model, "cpu")


@pytest.fixture
def client(network):
    client = Client(lambda: network)
    client.set_image(pack(BALL[None]), {"image_properties": {"spacing": [2, 1, 1]}}, MOST)
    return client


def put(buffer, prediction):
    """Write what is answered as clients do."""
    if prediction.bounds is not None:
        part = unpack(prediction.packed, MOST)
        assert part.dtype == np.uint8
        buffer[tuple(slice(*pair) for pair in prediction.bounds)] = part
    return buffer


def test_what_is_answered_is_what_changed(client):
    buffer = np.zeros(SHAPE, np.uint8)
    prediction = client.point(CLICK)
    put(buffer, prediction)
    assert prediction.meta == {"ran_prediction": True, "bbox": [list(pair) for pair in prediction.bounds]}
    assert (buffer & (BALL > 0)).sum() / ((buffer > 0) | (BALL > 0)).sum() > 0.9
    client.sent()
    assert client.point(CLICK).meta == {"ran_prediction": True, "bbox": None}
    client.sent()
    for _ in range(2):
        put(buffer, client.undo())
        client.sent()
    assert not buffer.any()
    assert client.undo().meta == {"ran_prediction": False, "bbox": None}


def test_what_did_not_reach_the_client_comes_with_the_next_answer(client):
    lost = client.point(CLICK)
    beside = client.point({**CLICK, "coordinates": [4, 25, 34], "include_interaction": False})
    buffer = put(np.zeros(SHAPE, np.uint8), beside)
    assert all(a <= c and d <= b for (a, b), (c, d) in zip(beside.bounds, lost.bounds, strict=True))
    again = Client(client._network)
    again.set_image(pack(BALL[None]), {"image_properties": {"spacing": [2, 1, 1]}}, MOST)
    known = put(np.zeros(SHAPE, np.uint8), again.point(CLICK))
    again.sent()
    put(known, again.point({**CLICK, "coordinates": [4, 25, 34], "include_interaction": False}))
    np.testing.assert_array_equal(buffer, known)


def test_off_it_is_not_carried(client):
    client.carrying = False
    assert client.point(CLICK).bounds[0] == (4, 5)


def test_prompts_can_wait_for_their_answer(client):
    later = {**CLICK, "run_prediction": False}
    assert client.point(later).meta == {"ran_prediction": False, "bbox": None}
    assert client.predict().bounds is not None


@pytest.mark.parametrize(
    "act",
    [
        lambda client: client.point({"coordinates": [900, 0, 0]}),
        lambda client: client.point({"coordinates": "here"}),
        lambda client: client.point({}),
        lambda client: client.box({"bbox_coords": [[0, 9], [0, 50], [0, 60]]}),
        lambda client: client.drawn("scribble", {}, b"nothing"),
        lambda client: client.drawn("lasso", {}, pack(np.zeros(SHAPE, np.uint8))),
        lambda client: client.drawn("lasso", {}, pack(np.zeros((2, 2), np.uint8))),
    ],
)
def test_what_cannot_be_used_changes_nothing_and_is_no_error(client, act):
    assert act(client).meta == {"ran_prediction": True, "bbox": None}


def test_what_was_segmented_before_is_there_already(client):
    client.point(CLICK)
    assert client.begin_with(pack((K == 2).astype(np.uint8))).meta == {"ran_prediction": False, "bbox": None}
    assert client.undo().ran is False
    prediction = client.point({**CLICK, "coordinates": [2, 5, 5], "include_interaction": False})
    assert prediction.bounds[0] == (2, 3)
    assert put(np.ones(SHAPE, np.uint8), prediction)[2, 5, 5] == 0


def test_a_segmentation_of_another_shape_is_refused(client):
    with pytest.raises(ImageError, match="9x50x60"):
        client.begin_with(pack(np.zeros((9, 50, 61), np.uint8)))
    client.check_buffer([9, 50, 60])
    with pytest.raises(Refusal, match=r"\[9, 50, 60\]"):
        client.check_buffer([9, 50])


def test_nothing_can_be_done_before_there_is_a_volume(network):
    client = Client(lambda: network)
    client.reset()
    for act in (client.predict, client.undo, lambda: client.point(CLICK), lambda: client.check_buffer([1])):
        with pytest.raises(Refusal, match="initialise again") as refused:
            act()
        assert refused.value.status == 409


@pytest.mark.parametrize(
    "image", [np.zeros((2, 3, 4, 5), np.uint8), np.zeros((4, 5), np.uint8), np.zeros((1, 0, 4, 5))]
)
def test_what_is_no_volume_of_one_channel_is_refused_and_the_former_is_gone(client, image):
    with pytest.raises(UserError):
        client.set_image(pack(image), {}, MOST)
    assert client.nbytes == 0
    with pytest.raises(Refusal):
        client.predict()


def test_a_volume_that_is_too_large_is_refused(client):
    with pytest.raises(PackingError, match="at most"):
        client.set_image(pack(np.zeros((1, 64, 128, 129), np.uint8)), {}, 1 << 20)
    assert client.set_image(pack(np.ones((64, 128, 128), np.uint8)), {}, 1 << 20) == [1, 64, 128, 128]
    assert client.nbytes == 1 << 20
