"""What is carried to other planes: what is added there, what is taken away, and what stays whatever is found."""

import time

import numpy as np
import pytest

from src_models.clicking.click_image import ClickImage
from src_models.clicking.volume.answered import answered
from src_models.clicking.volume.carried import carried
from src_models.clicking.volume.given import Drawn, Point
from src_models.clicking.volume.views import VIEWS
from src_models.images.axes import read_axes

SHAPE = (9, 60, 80)
VIEW = VIEWS[0]
ROWS, COLUMNS = np.mgrid[:60, :80]
DISK = (ROWS - 30) ** 2 + (COLUMNS - 30) ** 2 <= 100
ARM = (abs(ROWS - 30) <= 6) & (COLUMNS >= 30) & (COLUMNS < 62)
TUBE = np.stack([DISK & (1 <= k <= 7) for k in range(9)])


@pytest.fixture
def opened(bright):
    return lambda truth: ClickImage(truth.astype(np.float32), bright, axes=read_axes(SHAPE, axes="ZYX"))


def act(image, mask, drawn, parts=(), initial=None, seconds=60.0):
    """Answer in one plane and carry it; returns the parts, and writes into the mask."""
    given = next(iter(drawn.planes(VIEW, SHAPE)))
    content = VIEW.plane(mask, given.index)
    found = answered(image, content, parts, VIEW, given)
    content[:] = found.content
    content[tuple(given.said.T)] = given.positive
    found = found.settled(content & ~found.aside, given.index)
    return carried(image, mask, initial, found, VIEW, given, time.monotonic() + seconds)


def test_it_is_written_up_to_its_ends(opened):
    mask = np.zeros(SHAPE, bool)
    (part,) = act(opened(TUBE), mask, Point((4, 30, 30)))
    assert sorted(part.planes) == [(k,) for k in range(1, 8)]
    assert (mask & TUBE).sum() > 0.95 * mask.sum() > 0.9 * TUBE.sum()


def test_it_is_added_to_what_was_carried_there_before(opened):
    image, mask = opened(TUBE), np.zeros(SHAPE, bool)
    parts = act(image, mask, Point((4, 30, 30)))
    mask[6, 40:44, 30] = True
    act(image, mask, Point((5, 30, 34)), parts)
    assert mask[6, 40:44, 30].all()


def test_what_a_click_added_is_followed_and_nothing_else_is_added_where_it_was_carried_before(opened):
    mask = np.zeros(SHAPE, bool)
    parts = act(opened(TUBE), mask, Point((3, 30, 30)))
    carried_first = mask.copy()
    more = TUBE.copy()
    more[4:6] |= ARM
    more[6:8] |= (abs(ROWS - 30) <= 6) & (COLUMNS <= 30) & (COLUMNS > 12)  # to the other side
    act(opened(more), mask, Point((4, 30, 50)), parts)
    assert mask[4:6, 30, 31:60].all()
    np.testing.assert_array_equal(mask[6:], carried_first[6:])
    np.testing.assert_array_equal(mask[:4], carried_first[:4])


def test_it_stops_before_what_lies_there_and_was_not_carried(opened):
    mask = np.zeros(SHAPE, bool)
    mask[6] = initial_slice = DISK & (COLUMNS < 28)
    act(opened(TUBE), mask, Point((4, 30, 30)), initial=mask.copy())
    np.testing.assert_array_equal(mask[6], initial_slice)
    assert not mask[7].any()
    assert mask[1:6].any((1, 2)).all()


def test_what_lies_beside_does_not_stop_it(opened):
    mask = np.zeros(SHAPE, bool)
    mask[:, 2:6, 60:70] = True
    act(opened(TUBE), mask, Point((4, 30, 30)), initial=mask.copy())
    assert mask[7, 30, 30]
    assert mask[:, 2:6, 60:70].all()


def test_what_is_taken_away_is_taken_away_beyond_as_far_as_it_goes_on(opened):
    leak = TUBE | np.stack([ARM & (5 <= k <= 7) for k in range(9)])
    image, mask = opened(leak), np.zeros(SHAPE, bool)
    parts = act(image, mask, Point((3, 30, 30)))
    mask[5:8] |= leak[5:8]
    for k in (5, 6, 7):
        assert mask[k, 30, 55]
    given = Drawn.box([(5, 6), (20, 41), (42, 66)], positive=False)
    without = opened(TUBE)  # a network that sees no leak there
    act(without, mask, given, tuple(_with(part, mask) for part in parts))
    assert not mask[5:8, 30, 55].any()
    assert mask[3:8, 30, 30].all()


def test_where_it_is_said_to_end_all_beyond_is_taken_away_but_what_was_there_before(opened):
    image, mask = opened(TUBE), np.zeros(SHAPE, bool)
    initial = np.zeros(SHAPE, bool)
    initial[7, 28:32, 28:32] = True
    parts = act(image, mask, Point((3, 30, 30)))
    mask |= initial
    act(image, mask, Drawn.box([(6, 7), (15, 46), (15, 46)], positive=False), parts, initial)
    assert not mask[6].any()
    np.testing.assert_array_equal(mask[7], initial[7])
    assert mask[3:6, 30, 30].all()


def test_without_time_it_goes_nowhere(opened):
    mask = np.zeros(SHAPE, bool)
    act(opened(TUBE), mask, Point((4, 30, 30)), seconds=-1.0)
    assert set(np.argwhere(mask)[:, 0]) == {4}


def _with(part, mask):
    """Return a part that has all that lies in its planes."""
    from dataclasses import replace

    from src_models.clicking.answering.known import settled

    for plane, known in part.planes.items():
        part = part.with_plane(plane, replace(known, answer=settled(known.answer, mask[plane[0]])))
    return part
