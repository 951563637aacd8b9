from __future__ import annotations

import io
import time

import pytest

from napari_medt.serving.answers import Refusal
from napari_medt.serving.settings import Limits
from napari_medt.serving.store.sessions import Sessions

CONTENT = b"NRRD0004\ntype: uchar\ndimension: 1\nsizes: 4\nencoding: raw\n\nabcd"


@pytest.fixture
def make(tmp_path):
    """Return a function that starts sessions, and one that refuses room."""

    def make_(check=lambda size: None, **limits):
        return Sessions(tmp_path / "sessions", Limits(**limits), check)

    return make_


def test_a_session_holds_a_file_until_it_is_ended(make):
    sessions = make()
    session = sessions.begin(io.BytesIO(CONTENT))
    assert sessions.find(session.id) is session
    assert session.path.read_bytes() == CONTENT
    assert sessions.held_bytes == len(CONTENT)
    assert sessions.end(session.id) is session
    assert not session.path.parent.exists()
    assert sessions.find(session.id) is sessions.end(session.id) is None
    assert sessions.held_bytes == 0


def test_ids_cannot_be_guessed(make):
    sessions = make(sessions=99)
    ids = {sessions.begin(io.BytesIO(CONTENT)).id for _ in range(50)}
    assert len(ids) == 50
    assert all(len(one) == 32 for one in ids)


@pytest.mark.parametrize(("wanted", "given"), [(None, 1000), (0, 1000), (5, 60), (500, 500), (10**9, 1000)])
def test_how_long_it_lasts_is_for_the_server_to_say(make, wanted, given):
    assert make(idle_seconds=1000).begin(io.BytesIO(CONTENT), wanted).lasts == given


def test_it_goes_when_nobody_asks(make, monkeypatch):
    sessions = make(idle_seconds=1000)
    asked, not_asked = (sessions.begin(io.BytesIO(CONTENT)) for _ in range(2))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 999)
    assert sessions.find(asked.id)
    assert sessions.find(not_asked.id, used=False)
    monkeypatch.setattr(time, "time", lambda: now + 1001)
    assert sessions.find(asked.id)
    assert sessions.find(not_asked.id) is None
    assert not not_asked.path.exists()


def test_those_of_an_earlier_run_have_gone(make):
    session = make().begin(io.BytesIO(CONTENT))
    assert make().find(session.id) is None
    assert not session.path.exists()


def test_what_has_no_room_is_not_kept(make, tmp_path):
    def check(size):
        assert size == len(CONTENT)
        raise Refusal(507, "no room")

    with pytest.raises(Refusal, match="no room"):
        make(check).begin(io.BytesIO(CONTENT))
    assert list((tmp_path / "sessions").iterdir()) == []


def test_what_is_told_says_nothing_of_the_disk(make, tmp_path):
    told = make().begin(io.BytesIO(CONTENT)).told()
    assert str(tmp_path) not in str(told)
    assert told["expiry"] == 3600
