"""What a mend changed is followed through the slices beside, and what was right there stays."""

import json

import numpy as np
import pytest

from src_models.clicking.answering.known import whole
from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import End, Front
from src_models.clicking.mends.beginning import begun
from src_models.clicking.mends.following import Content, Followed, follow
from src_models.clicking.prompts import Click
from src_models.clicking.session import ClickSession
from src_models.images.axes import read_axes

SHAPE = (9, 60, 80)
ROWS, COLUMNS = np.mgrid[:60, :80]
DISK = (ROWS - 30) ** 2 + (COLUMNS - 30) ** 2 <= 100
ARM = (abs(ROWS - 30) <= 6) & (COLUMNS >= 30) & (COLUMNS < 62)
TUBE = np.stack([DISK & (1 <= k <= 7) for k in range(9)])
ARMED = TUBE | np.stack([ARM & (3 <= k <= 5) for k in range(9)])


def session_in(truth, network, plane=4):
    return ClickSession(truth.astype(np.float32), network, axes="ZYX", plane=(plane,))


def found(session):
    volume = np.zeros(SHAPE, bool)
    for (z,), known in session.state.planes.items():
        volume[z] = whole(known.answer)
    return volume


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def test_what_a_click_added_to_an_object_that_was_begun_with_is_followed_to_both_sides(bright):
    session = session_in(ARMED, bright)
    session.begin_with(TUBE)
    session.click(30, 50)
    reached = [plane for _, plane in session.follow()]
    now = found(session)
    assert sorted(reached) == [(3,), (5,)]
    assert now[3:6, 30, 32:58].all()
    assert (now & TUBE).sum() == TUBE.sum()  # nothing of it went
    np.testing.assert_array_equal(now[[0, 1, 2, 6, 7, 8]], TUBE[[0, 1, 2, 6, 7, 8]])


def test_what_a_click_took_away_is_followed_and_what_was_right_stays(bright):
    session = session_in(TUBE, bright)
    session.begin_with(ARMED)
    session.click(30, 50, positive=False)
    list(session.follow())
    now = found(session)
    assert not now[4, 30, 50]
    assert not now[3:6, 30, 45:58].any()
    assert (now & TUBE).sum() > 0.97 * TUBE.sum()
    np.testing.assert_array_equal(now[[1, 2, 6, 7]], TUBE[[1, 2, 6, 7]])


def test_a_mend_of_an_object_that_was_carried_is_followed_away_from_its_first_slice_alone(bright):
    truth, other = TUBE.copy(), (ROWS - 30) ** 2 + (COLUMNS - 56) ** 2 <= 49
    truth[5:8] |= other
    session = session_in(truth, bright, 3)
    session.click(30, 30)
    list(session.carry())
    before = found(session)
    assert not before[6, 30, 56]
    session.give(Click(30.0, 56.0), (6,))
    assert [plane for _, plane in session.follow()] == [(7,)]
    now = found(session)
    assert now[6:8, other].mean() > 0.9
    np.testing.assert_array_equal(now[:6], before[:6])


def test_undo_takes_a_mend_back_with_what_was_followed(bright):
    session = session_in(ARMED, bright)
    session.begin_with(TUBE)
    session.click(30, 50)
    list(session.follow())
    after = found(session)
    session.undo()
    np.testing.assert_array_equal(found(session), TUBE)
    session.redo()
    np.testing.assert_array_equal(found(session), after)
    assert not session.can_redo


def test_what_is_left_early_is_gone_on_with_and_stored(bright):
    whole_way, early = session_in(ARMED, bright), session_in(ARMED, bright)
    for session in (whole_way, early):
        session.begin_with(TUBE)
        session.click(30, 50)
    list(whole_way.follow())
    steps = early.follow()
    next(steps)
    steps.close()
    again = session_in(ARMED, bright)
    again.restore(json.loads(json.dumps(early.to_dict())))
    np.testing.assert_array_equal(found(again), found(early))
    assert len(again.state.fronts) == len(early.state.fronts) > 0
    for session in (early, again):
        list(session.follow())
        np.testing.assert_array_equal(found(session), found(whole_way))
        assert not session.state.fronts


def test_carrying_on_finds_nothing_anew_of_what_was_begun_with_and_goes_beyond_its_ends(bright):
    known = TUBE.copy()
    known[[1, 2, 6, 7]] = False
    known[4, 25:29, 25:29] = False  # a hole that a person may have wanted
    session = session_in(TUBE, bright)
    session.begin_with(known)
    reached = [plane for _, plane in session.carry()]
    assert sorted(reached) == [(1,), (2,), (6,), (7,)]
    now = found(session)
    np.testing.assert_array_equal(now[3:6], known[3:6])
    assert overlap(now[[1, 2, 6, 7]], TUBE[[1, 2, 6, 7]]) > 0.9
    assert [session.state.ends[side].plane for side in (-1, 1)] == [(1,), (7,)]
    session.undo()
    np.testing.assert_array_equal(found(session), known)
    assert session.undo()
    assert not session.state.planes


@pytest.mark.parametrize("side", [1, -1])
def test_each_plane_is_told_with_what_changed_in_it_and_the_end_at_last(bright, side):
    image = ClickImage(TUBE.astype(np.float32), bright, axes=read_axes(SHAPE, axes="ZYX"))
    state = begun(image, {(4,): DISK}, (4,))
    front = Front((4,), side, True, DISK)
    *steps, end = follow(image, state.planes, (4,), front, Content.of(state.planes, SHAPE[1:]))
    assert [step.plane for step in steps] == [(4 + side * n,) for n in (1, 2, 3)]
    for step in steps:
        assert isinstance(step, Followed)
        np.testing.assert_array_equal(step.changed, whole(step.found.answer))
    assert isinstance(end, End)
    assert end.plane == (4 + 3 * side,)
