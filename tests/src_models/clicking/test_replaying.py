"""Steps of a stored session, done again."""

import numpy as np
import pytest

from src_models.clicking.replaying import do_again
from src_models.clicking.session import ClickSession
from src_models.errors import UserError

IMAGE = np.zeros((4, 40, 50), np.float32)
IMAGE[1:3, 10:20, 10:24] = 1


@pytest.fixture
def session(bright):
    return ClickSession(IMAGE, bright, axes="ZYX", plane=(1,))


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"kind": "click", "plane": [1], "y": 3},
        {"kind": "click", "plane": ["a"], "y": 3, "x": 3},
        {"kind": "carry", "plane": [1]},
        {"kind": "follow", "plane": [1], "steps": "all"},
        {"kind": "begin with", "plane": [1]},
        {"kind": "begin with", "plane": [1], "masks": [{"plane": [1], "rows": [0, 4], "columns": [0, 4], "bits": "?"}]},
        {"kind": "click", "plane": [1], "y": 15, "x": 15, "positive": True, "crop": [1, 2]},
    ],
)
def test_what_is_no_step_is_refused_with_a_sentence_and_does_nothing(session, what):
    with pytest.raises(UserError, match="not a stored"):
        do_again(session, what)
    assert not session.state.planes


def test_a_step_does_what_it_did(session):
    do_again(session, {"kind": "click", "plane": [1], "y": 15.0, "x": 15.0, "positive": True})
    do_again(session, {"kind": "carry", "plane": [1], "between": [0, 3]})
    assert sorted(session.state.planes) == [(1,), (2,)]
    do_again(session, {"kind": "end here", "plane": [2]})
    assert session.state.said == {1: (2,)}
