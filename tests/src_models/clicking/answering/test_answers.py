"""What clicks say of where an object ends, and of how large it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from src_models.clicking.answering.answer import THRESHOLD, Answer
from src_models.clicking.answering.answers import AnswerMaker
from src_models.clicking.answering.crop import Crop
from src_models.clicking.prompts import Box, Click, Scribble

SHAPE = (96, 96)


class Seeing:
    """A network whose features are the image itself."""

    def with_features(self, image, given):
        return self(image[None], given[None])[0], image


class Fading(Seeing):
    """A network that is the less sure the further it is from the middle, whatever was clicked."""

    size = 128

    def __call__(self, images, given):
        return np.clip(images[:, 0], 0.01, 0.99)


class Clump(Seeing):
    """A network that takes a whole clump where it sees all of it, and one object of it close by."""

    size = 128

    def __call__(self, images, given):
        answers = []
        for image in images:
            bright = image[0] > 0.75
            clump = image[0] > 0.25
            answers.append(np.where(bright if bright.mean() > 0.03 else clump, 0.95, 0.02))
        return np.array(answers, np.float32)


def disc(y, x, radius):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def maker(network, plane):
    return AnswerMaker(network, lambda region: plane[None][(slice(None), *region)].astype(np.float32), SHAPE)


def mask_of(answer):
    whole = np.zeros(SHAPE, bool)
    whole[answer.region] = answer.mask
    return whole


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def fading():
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.clip(1 - np.hypot(rows - 48, columns - 48) / 40, 0, 1)


def away_from(y, x):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.hypot(rows - y, columns - x)


def test_a_click_beyond_the_edge_moves_the_edge_near_it():
    answers = maker(Fading(), fading())
    first = answers.next([Click(48, 48)], None)
    assert overlap(mask_of(first), disc(48, 48, 20)) > 0.9  # where the network is undecided
    before, after = mask_of(first), mask_of(answers.next([Click(48, 48), Click(48, 74)], first))
    assert after[away_from(48, 74) <= 3].all()
    assert (after & ~before).sum() > 60
    np.testing.assert_array_equal(after[:, :40], before[:, :40])  # the other side of the object


def test_a_click_that_takes_away_moves_the_edge_near_it_most():
    answers = maker(Fading(), fading())
    first = answers.next([Click(48, 48)], None)
    before, after = (mask_of(one) for one in (first, answers.next([Click(48, 48), Click(32, 48, False)], first)))
    assert before[32, 48]
    assert not after[away_from(32, 48) <= 2].any()
    far = away_from(32, 48) > 25
    assert (after & far).sum() / (before & far).sum() > 0.7 > (after & ~far).sum() / (before & ~far).sum()
    assert not (after & ~before).any()


class Half:
    """A network that finds what its first channel shows, and whose feature is the second one."""

    size = 128

    def __call__(self, images, given):
        return images[:, 0]

    def with_features(self, image, given):
        return self(image[None], given[None])[0], image[1:]


def test_of_what_was_missed_a_click_takes_along_what_looks_like_it_and_nothing_else():
    whole, found = disc(48, 48, 24), disc(48, 48, 24) & (np.arange(SHAPE[1]) < 52)
    planes = np.stack([np.where(found, 0.95, 0.25), whole]).astype(np.float32)  # undecided beside it, wherever that is
    answers = AnswerMaker(Half(), lambda region: planes[(slice(None), *region)], SHAPE)
    first = answers.next([Click(48, 36)], None)
    assert overlap(mask_of(first), found) > 0.9
    second = mask_of(answers.next([Click(48, 36), Click(48, 62)], first))
    assert overlap(second, whole) > 0.9
    assert not second[away_from(48, 48) > 26].any()


@pytest.mark.parametrize("last", [Click(48, 89), Click(40, 48)])
def test_where_an_object_ends_is_the_same_probability_after_any_click(last):
    answers = maker(Fading(), fading())
    first = answers.next([Click(48, 48)], None)
    assert answers.next([Click(48, 48), last], first).threshold == first.threshold == THRESHOLD


def test_a_click_that_takes_away_within_what_was_found_asks_for_something_smaller():
    small, clump = disc(48, 30, 7), disc(48, 48, 30)
    answers = maker(Clump(), np.where(small, 1.0, np.where(clump, 0.5, 0.0)))
    whole = Answer(
        Crop(0, 0, 96),
        (slice(0, 96), slice(0, 96)),
        np.where(np.kron(clump, np.ones((2, 2)))[:128, :128] > 0, 0.95, 0.02).astype(np.float32),
        np.zeros((3, 128, 128), np.float32),
        clump,
        SHAPE,
    )
    found = answers.next([Click(48, 30), Click(48, 60, positive=False)], whole)
    assert overlap(mask_of(found), small) > 0.8


def test_after_a_box_what_a_click_finds_counts_half_beside_what_both_squares_found():
    class Levels(Seeing):
        size = 128
        level = 0.9

        def __call__(self, images, given):
            return np.full((len(images), *images.shape[2:]), self.level, np.float32)

    network = Levels()
    answers, box = maker(network, fading()), Box(9.5, 9.5, 79.5, 79.5)
    first = answers.next([box], None)
    network.level = 0.7
    second = answers.next([box, Click(44.0, 44.0)], first)
    there = second.crop.to_grid(44, 44, 128)
    near = [round(at) for at in there]
    assert second.grid[*near] == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("place", [(-5, 3), (3, 200)])
def test_an_answer_says_nothing_of_places_beside_its_square(place):
    answers = maker(Fading(), fading())
    assert answers.next([Click(48, 48)], None).probability_at(*place) is None


class Forgetful(Seeing):
    """A network that finds what its first channel shows after one click, and what its second one shows after two."""

    size = 128

    def __call__(self, images, given):
        clicks = [int(ndimage.label(one[:2].max(0))[1]) for one in given]
        return np.array(
            [image[0] if count < 2 else image[1] for image, count in zip(images, clicks, strict=True)], np.float32
        )


@pytest.fixture
def forgetful():
    """What makes answers of it: a disc at first; then its lower half, a bump where was clicked, and another disc."""
    whole, bump, other = disc(48, 40, 24), disc(48, 66, 8), disc(85, 85, 6)
    rows = np.arange(SHAPE[0])[:, None]
    later = (whole & (rows > 48)) | bump | other
    planes = np.stack([np.where(one, 0.99, 0.01) for one in (whole, later)]).astype(np.float32)
    return AnswerMaker(Forgetful(), lambda region: planes[(slice(None), *region)], SHAPE), whole, bump


def test_a_click_on_the_object_adds_what_reaches_it_and_takes_nothing_away(forgetful):
    answers, whole, bump = forgetful
    first = answers.next([Click(48, 40)], None)
    found = mask_of(answers.next([Click(48, 40), Click(48, 68)], first))
    assert overlap(found, whole | bump) > 0.93
    assert not (mask_of(first) & ~found).any()


def test_a_click_beside_the_object_takes_away_what_reaches_it_and_adds_nothing(forgetful):
    answers, whole, _ = forgetful
    first = answers.next([Click(48, 40)], None)
    found = mask_of(answers.next([Click(56, 40), Click(36, 40, positive=False)], first))
    upper = whole & (np.arange(SHAPE[0])[:, None] <= 48)
    assert overlap(found, whole & ~upper) > 0.9
    assert not (found & ~mask_of(first)).any()


class Stubborn(Seeing):
    """A network that finds one disc whatever is clicked."""

    size = 128

    def __call__(self, images, given):
        return images[:, 0]


def test_what_was_clicked_is_in_the_object_or_out_of_it_from_then_on():
    answers = maker(Stubborn(), np.where(disc(48, 48, 20), 0.99, 0.01))
    prompts, answer = [], None
    for prompt in (
        Click(48, 48),
        Click(48, 80),
        Click(40, 40, positive=False),
        Scribble(((55, 50), (55, 60)), positive=False),
        Click(60, 44),
    ):
        prompts.append(prompt)
        answer = answers.next(prompts, answer)
        for each in prompts:
            for y, x in each.points():
                assert mask_of(answer)[round(y), round(x)] == each.positive, (prompt, each)


def test_an_object_stays_in_its_box():
    clump = disc(48, 48, 40)
    answers = maker(Stubborn(), np.where(clump, 0.99, 0.01))
    box = Box(29.5, 39.5, 49.5, 59.5)
    answer = answers.next([box], None)
    inside = np.zeros(SHAPE, bool)
    inside[30:50, 40:60] = True
    assert overlap(mask_of(answer), inside & clump) > 0.8
    loose = ndimage.binary_dilation(inside, np.ones((3, 3)), iterations=2)
    assert not (mask_of(answer) & ~loose).any()
    more = answers.next([box, Click(33, 50)], answer)
    assert not (mask_of(more) & ~loose).any()


def test_an_object_is_as_large_as_it_must_be_to_fill_its_box():
    answers = maker(Fading(), fading())
    for radius in (20, 24, 28):
        box = Box(48 - radius - 0.5, 48 - radius - 0.5, 48 + radius + 0.5, 48 + radius + 0.5)
        assert overlap(mask_of(answers.next([box], None)), disc(48, 48, radius)) > 0.8


def test_a_network_that_finds_nothing_is_given_the_clicked_place_and_asked_anew_the_next_time():
    answers = maker(Stubborn(), np.where(disc(20, 70, 9), 0.99, 0.01))
    first = answers.next([Click(70, 20)], None)
    assert not first.seen
    assert mask_of(first)[70, 20]
    assert mask_of(first).sum() < 40
    second = answers.next([Click(70, 20), Click(20, 70)], first)
    assert second.seen
    assert overlap(mask_of(second), disc(20, 70, 9)) > 0.8
    assert mask_of(second)[70, 20]


class Fickle(Seeing):
    """A network that finds something else with every click, as if by chance."""

    size = 32

    def __call__(self, images, given):
        return np.stack([self._found(image, one) for image, one in zip(images, given, strict=True)])

    def _found(self, image, given):
        drawn = int(np.abs(given).sum() * 1e3 + np.abs(image).sum() * 1e3)
        field = ndimage.gaussian_filter(np.random.default_rng(drawn).normal(size=image.shape[1:]), 2.5)
        return (1 / (1 + np.exp(-12 * field))).astype(np.float32)


places = st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1))
EDGES = st.sampled_from([-0.5, 0.0, 0.5, 40.5, SHAPE[0] - 0.5])


@settings(max_examples=25, deadline=None)
@example(95062, (92, 51), [((0, 0), True), ((71, 42), False)])  # nearest to the last click is what the first is about
@given(
    st.integers(0, 10**6),
    places,
    st.lists(st.tuples(st.one_of(places, st.tuples(EDGES, EDGES)), st.booleans()), min_size=1, max_size=5),
)
def test_whatever_a_network_says_a_click_is_a_promise(seed, first, later):
    answers = maker(Fickle(), np.random.default_rng(seed).random(SHAPE))
    prompts, answer, said = [], None, {}
    for (y, x), positive in ((first, True), *later):
        prompts.append(Click(float(y), float(x), positive))
        pixel = tuple(min(max(round(at), 0), SHAPE[0] - 1) for at in (y, x))
        said[pixel] = positive
        before, answer = answer, answers.next(prompts, answer)
        found = mask_of(answer)
        for place, positive_there in said.items():
            assert found[place] == positive_there, "what was clicked is in the object or out of it from then on"
        if before is None or not before.seen:
            continue
        old = mask_of(before)
        away, reach = (
            np.hypot(*(np.indices(SHAPE) - np.reshape(pixel, (2, 1, 1)))),
            3.5 * answer.crop.side / Fickle.size,
        )
        free = np.ones(SHAPE, bool)
        free[tuple(np.transpose([place for place in said if said[place] != positive]).astype(int))] = False
        other = away[free & (old != positive)].min(initial=np.inf)
        near = away <= 2 * reach + 1
        assert other > reach or (found != old)[near].any(), "a click changes something near it, if anything there may"
        if positive:
            assert not (old & ~found).any(), "a click on the object takes nothing away"
        else:
            assert not (found & ~old).any(), "one beside it adds nothing"


def test_a_box_is_shown_with_its_middle_in_two_squares_and_the_mean_counts():
    shown = []

    class Noting(Seeing):
        size = 128

        def __call__(self, images, given):
            shown.append(given.copy())
            return np.stack([np.full(images.shape[2:], level, np.float32) for level in (0.9, 0.2)[: len(images)]])

    box = Box(29.5, 39.5, 49.5, 59.5)
    answer = maker(Noting(), fading()).next([box], None)
    ((far, near),) = shown
    for seen, share in ((far, 0.5), (near, 0.5 / 0.7)):
        assert (seen[2] == 0.5).mean() == pytest.approx(share**2, rel=0.2)
        middle = np.argwhere(seen[0] > 0).mean(0)
        np.testing.assert_allclose(middle, [63.5, 63.5], atol=2)
        assert not seen[1].any()
    np.testing.assert_allclose(answer.grid, 0.55, atol=0.01)
    assert mask_of(answer)[30:50, 40:60].all()
