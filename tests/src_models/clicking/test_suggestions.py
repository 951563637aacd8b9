"""Objects like some examples, in images whose objects are known, with a network that finds what is bright."""

import json

import numpy as np
import pytest

from src_models.clicking.click_image import ClickImage
from src_models.clicking.prompts import Click
from src_models.clicking.session import ClickSession
from src_models.clicking.suggestions import suggest
from src_models.errors import UserError

SHAPE = (200, 300)
ALL = (slice(0, SHAPE[0]), slice(0, SHAPE[1]))
EXAMPLE = (30, 30)
SAME = [(30, 100), (60, 60), (90, 140), (120, 30), (150, 90), (170, 200), (60, 200), (110, 250)]
FREE = np.zeros(SHAPE, bool)


def disk(y, x, radius, shape=SHAPE):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def disks(places=(EXAMPLE, *SAME), radius=9):
    """An image of equal disks, a little noisy."""
    image = np.zeros(SHAPE)
    for place in places:
        image[disk(*place, radius)] = 1
    return (0.9 * image + np.random.default_rng(0).normal(0, 0.02, SHAPE)).astype(np.float32)


def accepted(image, network, place=EXAMPLE, **options):
    session = ClickSession(image, network, **options)
    session.click(*place)
    return session.image, session.accept()


def run(generator):
    """Return what a generator returns."""
    while True:
        try:
            next(generator)
        except StopIteration as ended:
            return ended.value


def whole(answer):
    found = np.zeros(answer.shape, bool)
    found[answer.region] = answer.mask
    return found


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def places_of(found, truths, radius=9):
    """Return which of the true disks the suggestions are, each checked to be one of them."""
    places = []
    for one in found:
        ious = [overlap(whole(one.answer), disk(*place, radius)) for place in truths]
        assert max(ious) > 0.85
        places.append(truths[int(np.argmax(ious))])
    assert len(set(places)) == len(places)
    return set(places)


def test_all_alike_are_found_each_once(bright):
    image, example = accepted(disks(), bright)
    found = run(suggest(image, (), [example], ALL, FREE))
    assert places_of(found, SAME) == set(SAME)


@pytest.mark.parametrize("radius", [5, 9, 24])
def test_objects_of_any_size_are_found(bright, radius):
    apart = 2 * radius + 26
    truths = [(y, x) for y in range(apart, 199 - radius, apart) for x in range(apart, 299 - radius, apart)]
    image, example = accepted(disks(truths, radius), bright, truths[0])
    found = run(suggest(image, (), [example], ALL, FREE))
    assert places_of(found, truths, radius) == set(truths[1:])


def test_the_larger_the_smaller_and_the_dimmer_are_not_alike(bright):
    values = disks([*SAME[:4], EXAMPLE])
    values[disk(140, 240, 40)] = 0.9
    values[disk(20, 250, 4)] = 0.9
    values[disk(60, 250, 9)] = 0.56
    image, example = accepted(values, bright)
    found = run(suggest(image, (), [example], ALL, FREE))
    assert places_of(found, SAME) == set(SAME[:4])


def test_other_colours_are_not_alike(bright):
    red = disks([*SAME, EXAMPLE])
    values = np.stack([red, np.zeros(SHAPE), np.zeros(SHAPE)], axis=-1).astype(np.float32)
    for place in SAME[:3]:  # white: the network finds it all the same, for it looks at red alone
        values[disk(*place, 9)] = 0.9
    image, example = accepted(values, bright, axes="YXC")
    found = run(suggest(image, (), [example], ALL, FREE))
    assert places_of(found, SAME) == set(SAME[3:])


def test_two_examples_stand_for_all_between_them(bright):
    values = disks([EXAMPLE, *SAME])
    values[disk(150, 150, 12)] = 0.65  # dimmer and larger
    values[disk(150, 260, 11)] = 0.7
    image, first = accepted(values, bright)
    _, second = accepted(values, bright, (150, 150))
    wanted = {*SAME, (150, 260)}
    assert {(int(one.click.y), int(one.click.x)) for one in run(suggest(image, (), [first], ALL, FREE))}
    found = run(suggest(image, (), [first, second], ALL, FREE))
    assert {place for place in wanted if any(whole(one.answer)[place] for one in found)} == wanted


def test_nothing_is_suggested_outside_of_the_view_or_cut_by_it(bright):
    image, example = accepted(disks(), bright)
    view = (slice(45, 155), slice(20, 146))  # it cuts the disk at column 140
    found = run(suggest(image, (), [example], view, FREE))
    assert places_of(found, SAME) == {(60, 60), (120, 30)}
    assert run(suggest(image, (), [example], (slice(-50, 900), slice(-9, 999)), FREE))


@pytest.mark.parametrize("size", [(199, 291), (187, 277), (130, 163)])
def test_views_of_any_size_are_looked_through(bright, size):
    truths = [(40, 40), (40, 105), (100, 40), (100, 105)]
    image, example = accepted(disks(truths, radius=25), bright, truths[0])
    found = run(suggest(image, (), [example], tuple(slice(0, length) for length in size), FREE))
    assert places_of(found, truths, 25) == set(truths[1:])


def test_an_object_at_the_border_of_the_image_is_suggested(bright):
    values = disks([EXAMPLE])
    values[disk(100, 2, 9)] = 0.9
    image, example = accepted(values, bright)
    (found,) = run(suggest(image, (), [example], ALL, FREE))
    assert overlap(whole(found.answer), disk(100, 2, 9)) > 0.85


def test_what_is_taken_is_not_suggested(bright):
    image, example = accepted(disks(), bright)
    taken = disk(*SAME[0], 9) | disk(SAME[1][0], SAME[1][1] - 6, 9) | disk(SAME[2][0], SAME[2][1] - 14, 9)
    assert (taken & disk(*SAME[2], 9)).sum() < 0.2 * disk(*SAME[2], 9).sum() < (taken & disk(*SAME[1], 9)).sum()
    found = run(suggest(image, (), [example], ALL, taken))
    assert places_of(found, SAME) == set(SAME[2:])


def test_the_best_come_first_and_scores_are_shares(bright):
    values = disks()
    for number, place in enumerate(SAME):
        values[disk(*place, 9 + number / 2)] = 0.9
    image, example = accepted(values, bright)
    found = run(suggest(image, (), [example], ALL, FREE))
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < scores[0] <= 1
    assert [
        SAME.index(place)
        for place in (min(SAME, key=lambda p: abs(p[0] - one.click.y) + abs(p[1] - one.click.x)) for one in found)
    ] == list(range(len(found)))


def test_no_more_places_are_asked_about_than_wanted(bright):
    image, example = accepted(disks(), bright)
    assert len(run(suggest(image, (), [example], ALL, FREE, most=3))) == 3


def test_where_nothing_is_alike_nothing_is_suggested(bright):
    image, example = accepted(disks([EXAMPLE]), bright)
    assert run(suggest(image, (), [example], ALL, FREE)) == []
    flat, filled = accepted(np.ones((60, 60), np.float32), bright)
    assert run(suggest(flat, (), [filled], (slice(0, 60), slice(0, 60)), np.zeros((60, 60), bool))) == []


def test_it_is_the_same_every_time_and_can_be_left_between_batches(bright):
    image, example = accepted(disks(), bright)
    first, second = (run(suggest(image, (), [example], ALL, FREE)) for _ in range(2))
    assert [(one.click, one.score) for one in first] == [(one.click, one.score) for one in second]
    going = suggest(image, (), [example], ALL, FREE)
    told = [next(going), next(going)]
    going.close()
    assert all(0 <= progress.done <= progress.total and progress.message for progress in told)
    assert list(going) == []


def test_places_that_are_asked_about_together_are_answered_as_alone(bright):
    answers = ClickImage(disks(), bright).answers(())
    clicks = [Click(y, x) for y, x in SAME]
    for click, answer in zip(clicks, answers.look_for_each(clicks, 19), strict=True):
        alone = answers.look(answer.crop, (click,))
        np.testing.assert_allclose(answer.grid, alone.grid, atol=1e-5)
        np.testing.assert_array_equal(answer.mask, alone.mask)
        assert overlap(whole(answer), disk(click.y, click.x, 9)) > 0.9
        assert sorted(map(tuple, answer.pixels)) == sorted(map(tuple, np.argwhere(whole(answer))))


def test_a_session_goes_on_from_a_suggestion(bright):
    image, example = accepted(disks(), bright)
    best = run(suggest(image, (), [example], ALL, FREE))[0]
    session = ClickSession(image)
    session.take(best.click, best.answer)
    np.testing.assert_array_equal(session.mask, whole(best.answer))
    session.click(best.click.y + 1, best.click.x)
    again = ClickSession(image)
    again.restore(json.loads(json.dumps(session.to_dict())))
    np.testing.assert_array_equal(again.mask, session.mask)
    assert again.prompts == session.prompts
    again.undo()
    np.testing.assert_array_equal(again.mask, whole(best.answer))


def test_examples_of_one_slice_serve_in_another(bright):
    stack = np.stack([disks([EXAMPLE]), disks(SAME), np.zeros(SHAPE, np.float32)])
    image, example = accepted(stack, bright, axes="ZYX", plane=(0,))
    for given in (example, example.slices[0]):
        found = run(suggest(image, (1,), [given], ALL, FREE))
        assert places_of(found, SAME) == set(SAME)


def test_of_an_example_with_many_slices_the_one_in_this_plane_counts(bright):
    stack = np.stack([disks([EXAMPLE], radius=5), disks([EXAMPLE, *SAME], radius=9), disks([EXAMPLE], radius=12)])
    session = ClickSession(stack, bright, axes="ZYX", plane=(1,))
    session.click(*EXAMPLE)
    list(session.carry())
    example = session.accept()
    assert len(example.slices) == 3
    found = run(suggest(session.image, (1,), [example], ALL, FREE))
    assert places_of(found, SAME) == set(SAME)


def test_of_a_large_image_the_view_and_its_surroundings_are_read(bright):
    import dask.array

    seen = set()
    values = disks([EXAMPLE, (60, 60)])

    def block(block_info=None):
        location = tuple(start for start, _ in block_info[None]["array-location"])
        seen.add(location)
        return values[:100, :100] if location == (600, 600) else np.zeros((100, 100), np.float32)

    blocks = ((100,) * 12, (100,) * 12)
    lazy = dask.array.map_blocks(block, chunks=blocks, dtype=np.float32)
    image, example = accepted(lazy, bright, (630, 630), axes="YX")
    seen.clear()
    view = (slice(600, 700), slice(600, 700))
    (found,) = run(suggest(image, (), [example], view, np.zeros((1200, 1200), bool)))
    assert (found.click.y, found.click.x) == pytest.approx((660, 660), abs=3)
    assert all(500 <= y <= 700 and 500 <= x <= 700 for y, x in seen)


def test_what_cannot_be_looked_for_is_refused_with_a_sentence(bright):
    image, example = accepted(disks(), bright)
    with pytest.raises(UserError, match="accept one or two objects first"):
        suggest(image, (), [], ALL, FREE)
    with pytest.raises(UserError, match="nothing of the image is in view"):
        suggest(image, (), [example], (slice(300, 400), slice(0, 50)), FREE)
    with pytest.raises(ValueError, match="taken has the shape"):
        suggest(image, (), [example], ALL, FREE[:50])
    large = ClickImage(np.zeros((5000, 5000), np.uint8), bright)
    with pytest.raises(UserError, match="zoom in to at most 16 million px"):
        suggest(large, (), [example], (slice(0, 5000), slice(0, 5000)), np.zeros((5000, 5000), bool))
