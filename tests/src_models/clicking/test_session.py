"""A session of clicks with a network that finds what is bright: every answer is known beforehand."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.prompts import Box, Click
from src_models.clicking.session import ClickSession
from src_models.clicking.training.evaluation import ObjectScore, click_until_right, summarise
from src_models.errors import UserError


def disk(y, x, radius, shape=(200, 260)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


SMALL, LARGE, WEAK = disk(40, 50, 6), disk(120, 180, 50), disk(60, 120, 12)
IMAGE = (SMALL | LARGE | WEAK).astype(np.float32)


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.fixture
def session(bright):
    return ClickSession(IMAGE, bright)


@pytest.mark.parametrize(
    ("truth", "click"), [(SMALL, (40, 50)), (LARGE, (120, 180)), (LARGE, (90, 160)), (WEAK, (60, 115))]
)
def test_one_click_finds_the_object_of_any_size_and_no_other(session, truth, click):
    session.click(*click)
    assert overlap(session.mask, truth) > 0.93
    others = (SMALL | LARGE | WEAK) & ~truth
    assert not (session.mask & others).any()
    rows, columns = session.answer.region
    assert session.answer.probability.shape == (rows.stop - rows.start, columns.stop - columns.start)


def test_small_objects_are_looked_at_from_near_and_large_ones_from_far(session):
    sides = []
    for click in ((40, 50), (120, 180)):
        session.reset()
        session.click(*click)
        sides.append(session.answer.region[0].stop - session.answer.region[0].start)
    assert sides[0] < 64 < 150 < sides[1]


def test_a_box_and_a_scribble_say_the_same_as_a_click(session):
    session.box(33, 43, 47, 57)
    assert overlap(session.mask, SMALL) > 0.93
    session.reset()
    session.scribble([(38, 48), (41, 53)])
    assert overlap(session.mask, SMALL) > 0.93


def test_clicks_on_two_parts_keep_both(session):
    session.click(40, 50)
    session.click(60, 120)
    assert overlap(session.mask, SMALL | WEAK) > 0.9


class Reference:
    """Undo and redo as anybody would write them: a list, and how much of it counts."""

    def __init__(self):
        self.given, self.at = [], 0

    def give(self, prompt):
        self.given = [*self.given[: self.at], prompt]
        self.at += 1


@settings(max_examples=15)
@given(st.lists(st.sampled_from(["click", "negative", "undo", "redo"]), max_size=12))
def test_undo_and_redo_are_those_of_a_list(bright, actions):
    session, reference = ClickSession(IMAGE, bright), Reference()
    answers = {}
    for number, action in enumerate(actions):
        if action == "undo":
            assert session.undo() == (reference.at > 0)
            reference.at = max(0, reference.at - 1)
        elif action == "redo":
            assert session.redo() == (reference.at < len(reference.given))
            reference.at = min(len(reference.given), reference.at + 1)
        elif action == "click" or reference.at:
            prompt = Click(38.0 + number % 5, 50.0, positive=action == "click")
            session.give(prompt)
            reference.give(prompt)
            answers[tuple(reference.given)] = session.mask
        assert session.prompts == tuple(reference.given[: reference.at])
        assert session.can_undo == (reference.at > 0)
        assert session.can_redo == (reference.at < len(reference.given))
        expected = answers.get(session.prompts, np.zeros_like(SMALL))
        np.testing.assert_array_equal(session.mask, expected)


def test_a_stored_session_goes_on_where_it_was(session, bright):
    session.click(120, 180)
    session.click(60, 120)
    session.click(20, 20, positive=False)
    session.undo()
    again = ClickSession(IMAGE, bright)
    again.restore(json.loads(json.dumps(session.to_dict())))
    np.testing.assert_array_equal(again.mask, session.mask)
    np.testing.assert_array_equal(again.answer.probability, session.answer.probability)
    assert again.prompts == session.prompts
    assert again.redo()
    assert again.prompts[-1] == Click(20, 20, positive=False)


def test_an_accepted_object_has_its_pixels_its_clicks_and_its_model(session):
    session.click(40, 50)
    mask, prompts = session.mask, session.prompts
    accepted = session.accept()
    (part,) = accepted.slices
    placed = np.zeros_like(mask)
    placed[part.region] = part.mask
    np.testing.assert_array_equal(placed, mask)
    assert (part.plane, part.prompts) == ((), prompts)
    assert accepted.area == mask.sum()
    stored = json.loads(json.dumps(accepted.to_dict()))
    assert stored["model_sha256"] == "ab" * 32
    assert stored["planes"] == [[]]
    assert stored["prompts"] == [{"plane": [], "kind": "click", "y": 40.0, "x": 50.0, "positive": True}]
    assert not session.mask.any()
    assert not session.can_undo
    with pytest.raises(UserError, match="no object to accept"):
        session.accept()


def test_stacks_colours_and_lazy_arrays_are_clicked_plane_by_plane(bright):
    import dask.array

    stack = np.stack([np.zeros_like(IMAGE), IMAGE])
    colour = np.stack([IMAGE] * 3, -1)
    for image, options in (
        (stack, {"axes": "ZYX", "plane": (1,)}),
        (colour, {"axes": "YXC"}),
        (dask.array.from_array(stack, chunks=(1, 50, 50)), {"axes": "TYX", "plane": (1,)}),
    ):
        session = ClickSession(image, bright, **options)
        session.click(40, 50)
        assert overlap(session.mask, SMALL) > 0.93


def test_only_the_surroundings_of_clicks_are_read_of_a_large_image(bright):
    import dask.array

    seen = []

    def block(block_info=None):
        location = block_info[None]["array-location"]
        seen.append(location)
        return np.zeros([stop - start for start, stop in location], np.float32)

    image = dask.array.map_blocks(block, chunks=((512,) * 40, (512,) * 40), dtype=np.float32)
    session = ClickSession(image, bright, axes="YX")
    before = len(set(map(tuple, seen)))
    session.box(10_000, 10_000, 10_040, 10_050)
    assert len(set(map(tuple, seen))) <= before + 4


@pytest.mark.parametrize("place", [(-3, 5), (5, 260), (200, 5)])
def test_a_click_outside_is_refused_and_changes_nothing(session, place):
    session.click(40, 50)
    mask = session.mask
    with pytest.raises(UserError, match="lies outside of the image, which has 200 x 260"):
        session.click(*place)
    np.testing.assert_array_equal(session.mask, mask)
    with pytest.raises(UserError, match="lies outside"):
        session.give(Box(300, 300, 310, 310))


def test_what_cannot_begin_or_go_on_is_refused_with_a_sentence(session, make_model):
    with pytest.raises(UserError, match="begin with a click on the object"):
        session.click(40, 50, positive=False)
    with pytest.raises(UserError, match="newer napari-medt"):
        session.restore({"version": 99, "prompts": [], "at": 0})
    with pytest.raises(UserError, match="not a stored session"):
        session.restore({"clicks": []})
    with pytest.raises(UserError, match="takes no clicks"):
        ClickNetwork(make_model())


def test_clicks_are_counted_until_the_object_is_right(session):
    ious, seconds, _ = click_until_right(session, SMALL)
    assert ious[0] > 0.93
    assert len(seconds) == len(ious) <= 20
    rows, columns = np.mgrid[:200, :260]
    half = SMALL & (columns <= 50)  # what this network cannot find by itself, clicks bring about
    ious, _, _ = click_until_right(session, half)
    assert ious[0] < 0.7
    assert len(ious) <= 20
    assert ious[-1] >= 0.95 > max(ious[:-1])
    ious, _, _ = click_until_right(session, SMALL & ((rows + columns) % 2 == 0))  # what no clicks can
    assert len(ious) == 20
    assert max(ious) < 0.7


def test_the_summary_is_that_of_its_definition():
    scores = [
        ObjectScore("a", 1, "", (0.7, 0.86, 0.96), (0.3, 0.1, 0.1)),
        ObjectScore("a", 2, "", (0.5,) * 20, (0.5, *(0.2,) * 19)),
    ]
    found = summarise(scores)
    assert found.clicks == {0.8: (2 + 20) / 2, 0.85: (2 + 20) / 2, 0.9: (3 + 20) / 2}
    assert found.failures == {0.8: 0.5, 0.85: 0.5, 0.9: 0.5}
    assert found.iou[1] == pytest.approx(0.6)
    assert found.iou[10] == pytest.approx((0.96 + 0.5) / 2)
    assert found.first_seconds == pytest.approx(0.4)
    assert found.later_seconds == pytest.approx(0.2)


class Seeing:
    """A network whose features are the image itself."""

    def with_features(self, image, given):
        return self(image[None], given[None])[0], image


class Nested(Seeing):
    """A network that finds the whole of what it sees from afar, and what is brightest of it from near.

    At a share of the square that is bright it takes the brightest of the parts that fit.
    """

    size = 128

    def __call__(self, images, given):
        answers = []
        for image in images:
            levels = [image[0] > level for level in (0.2, 0.5, 0.8)]  # each inside of the one before
            fitting = [inside for inside in levels if inside.mean() < 0.5]
            answers.append(np.where(fitting[0] if fitting else levels[-1], 0.95, 0.02))
        return np.array(answers, np.float32)


def rings():
    """A nucleus in a cell in a gland: of radius 8, 24 and 70."""
    return 0.3 * disk(100, 130, 70) + 0.3 * disk(100, 130, 24) + 0.4 * disk(100, 130, 8)


@pytest.fixture
def nested(bright):
    session = ClickSession(rings().astype(np.float32), bright)
    network = Nested()
    network.model = bright.model
    session.image.network = network
    return session


RINGS = (disk(100, 130, 8), disk(100, 130, 24), disk(100, 130, 70))


def ring_of(session):
    """Which of the nested objects was found."""
    overlaps = [overlap(session.mask, ring) for ring in RINGS]
    assert max(overlaps) > 0.85
    return int(np.argmax(overlaps))


def until_refused(step, session):
    found = [ring_of(session)]
    while True:
        try:
            step()
        except UserError as error:
            return found, str(error)
        found.append(ring_of(session))


def test_from_one_click_the_next_larger_and_smaller_objects_are_found_one_after_the_other(nested):
    nested.click(100, 130)
    found, why = until_refused(nested.smaller, nested)
    assert found == list(range(found[0] + 1))[::-1]
    assert "no smaller object" in why
    found, why = until_refused(nested.larger, nested)
    assert found == [0, 1, 2]
    assert "no larger object" in why
    assert nested.prompts == (Click(100, 130),)
    found, _ = until_refused(nested.smaller, nested)
    assert found == [2, 1, 0]


def test_each_larger_or_smaller_is_a_step_that_is_undone_and_stored(nested, bright):
    nested.click(100, 130)
    until_refused(nested.smaller, nested)
    nested.larger()
    nested.larger()
    nested.undo()
    assert ring_of(nested) == 1
    again = ClickSession(rings().astype(np.float32), bright)
    again.image.network = nested.image.network
    again.restore(json.loads(json.dumps(nested.to_dict())))
    np.testing.assert_array_equal(again.mask, nested.mask)
    assert nested.redo()
    assert again.redo()
    assert ring_of(nested) == ring_of(again) == 2
    nested.undo()
    nested.undo()
    assert ring_of(nested) == 0


def test_before_a_click_nothing_is_larger(session):
    for step in (session.larger, session.smaller):
        with pytest.raises(UserError, match="no object here yet: click on one first"):
            step()
    assert not session.can_undo


def test_what_a_box_found_has_a_larger_one_around_it_too(nested):
    nested.box(92, 122, 108, 138)
    assert ring_of(nested) == 0
    nested.larger()
    assert ring_of(nested) == 1
