"""Carrying an object through stacks whose truth is known, with a network that finds what is bright."""

import json

import numpy as np
import pytest

from src_models.clicking.prompts import Box, Click
from src_models.clicking.session import ClickSession
from src_models.errors import UserError

SHAPE = (90, 110)


def disk(y, x, radius):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def stack_of(*planes):
    return np.stack(planes)


def cone(depth=14):
    """A cone that moves as it shrinks: of radius 20 in its first slice, gone in the last three."""
    radii = [max(0.0, 20 - 2 * z) for z in range(depth)]
    return stack_of(
        *(disk(40 + z, 45 + z, radius) if radius else np.zeros(SHAPE, bool) for z, radius in enumerate(radii))
    )


def tube(first, last, depth=12, y=45, x=50, radius=9):
    """A tube from one slice to another."""
    inside = disk(y, x, radius)
    return stack_of(*(inside & (first <= z <= last) for z in range(depth)))


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def masks(session):
    """The object in every plane it lies in."""
    found = {}
    for plane, known in session.state.planes.items():
        whole = np.zeros(session.shape, bool)
        whole[known.answer.region] = known.answer.mask
        found[plane] = whole
    return found


def carried(image, network, click, plane, **options):
    session = ClickSession(image.astype(np.float32), network, plane=plane, **{"axes": "ZYX", **options})
    session.click(*click)
    for _ in session.carry():
        pass
    return session


def check(session, truth, planes):
    """Check that the object lies in these planes alone, and is the truth there."""
    found = masks(session)
    assert sorted(found) == sorted(planes)
    for plane in planes:
        assert overlap(found[plane], truth[plane]) > 0.9, plane


def test_a_cone_is_followed_slice_by_slice_until_it_is_too_small(bright):
    truth = cone()
    session = carried(truth, bright, (43, 48), (3,))
    last = max(z for z in range(len(truth)) if truth[z].sum() >= 40)
    assert last == 8
    check(session, truth, [(z,) for z in range(last + 1)])
    assert session.state.ends[-1].plane == (0,)
    assert session.state.ends[-1].why == "the stack ends there"
    assert session.state.ends[1].plane == (last,)
    assert session.state.ends[1].why == "the object vanishes after it"


def test_a_tube_is_followed_to_both_of_its_ends(bright):
    truth = tube(2, 8)
    session = carried(truth, bright, (45, 50), (5,))
    check(session, truth, [(z,) for z in range(2, 9)])
    assert {direction: (end.plane, end.why) for direction, end in session.state.ends.items()} == {
        1: ((8,), "the object vanishes after it"),
        -1: ((2,), "the object vanishes after it"),
    }


def test_it_tells_of_each_slice_as_it_is_found(bright):
    session = ClickSession(tube(2, 6).astype(np.float32), bright, axes="ZYX", plane=(4,))
    session.click(45, 50)
    assert list(session.carry()) == [(1, (5,)), (2, (6,)), (3, (3,)), (4, (2,))]


def test_a_neighbour_that_goes_on_is_not_taken_for_the_object_that_ended(bright):
    one, other = tube(0, 5, x=40), tube(0, 11, x=64)
    session = carried(one | other, bright, (45, 40), (2,))
    check(session, one, [(z,) for z in range(6)])
    assert session.state.ends[1].plane == (5,)
    assert session.state.ends[1].why in ("what follows looks like something else", "the object vanishes after it")


@pytest.mark.parametrize(
    ("moved", "why"), [(22, "what follows looks like something else"), (50, "the object vanishes after it")]
)
def test_an_object_that_jumps_is_left_where_it_was(bright, moved, why):
    truth = tube(0, 5, x=30) | tube(6, 11, x=30 + moved)
    session = carried(truth, bright, (45, 30), (1,))
    check(session, truth, [(z,) for z in range(6)])
    assert session.state.ends[1].plane == (5,)
    assert session.state.ends[1].why == why


def test_what_grows_out_of_proportion_is_something_else(bright):
    truth = tube(0, 4) | tube(5, 11, radius=35)
    session = carried(truth, bright, (45, 50), (2,))
    check(session, truth, [(z,) for z in range(5)])
    assert session.state.ends[1].why == "what follows looks like something else"


def test_where_nothing_looks_like_the_object_any_more_it_stops(bright):
    image = tube(0, 11).astype(np.float32)
    image[7:] *= 0.505  # just above what the network takes for an object
    session = carried(image, bright, (45, 50), (2,))
    check(session, image > 0, [(z,) for z in range(7)])
    assert session.state.ends[1].why == "the object vanishes after it"


class Seeing:
    """A network whose features are the image itself."""

    def with_features(self, image, given):
        return self(image[None], given[None])[0], image


class ThirdChannel(Seeing):
    """A network that finds what its third channel shows, and is as sure of it as that is bright."""

    size = 128

    def __call__(self, images, given):
        return np.clip(images[:, 2], 0.02, 0.98)


def test_where_grey_values_tell_nothing_it_stops_where_the_network_is_unsure(bright):
    shown = tube(0, 11).astype(np.float32)
    shown[7:] *= 0.6
    image = np.stack([1 - shown, np.full_like(shown, 0.5), shown], -1)  # of one grey throughout
    session = ClickSession(image, bright, axes="ZYXC", plane=(2,))
    session.image.network = ThirdChannel()
    session.click(45, 50)
    list(session.carry())
    check(session, shown > 0, [(z,) for z in range(7)])
    assert session.state.ends[1].why == "the network is not sure after it"


class Believing(Seeing):
    """A network that goes on believing in what was found before, wherever it is clicked."""

    size = 128

    def __call__(self, images, given):
        return np.clip(np.maximum(images[:, 0] > 0.5, 0.95 * (given[:, 2] > 0.5)), 0.02, 0.98).astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_an_object_that_has_ended_is_not_found_where_the_network_still_believes_in_it(bright, noise):
    truth = tube(2, 6, depth=9)
    image = 0.1 + 0.8 * truth + noise * np.random.default_rng(0).normal(size=truth.shape)
    session = ClickSession(image.astype(np.float32), bright, axes="ZYX", plane=(4,))
    session.image.network = Believing()
    session.click(45, 50)
    list(session.carry())
    check(session, truth, [(z,) for z in range(2, 7)])
    assert {direction: end.plane for direction, end in session.state.ends.items()} == {1: (6,), -1: (2,)}


def test_what_fades_with_depth_is_followed(bright):
    truth = tube(0, 11)
    image = truth * np.linspace(1.0, 0.65, 12)[:, None, None]
    session = ClickSession(image.astype(np.float32), bright, axes="ZYX", plane=(0,))
    session.image.network = Believing()
    session.click(45, 50)
    list(session.carry())
    check(session, truth, [(z,) for z in range(12)])


def test_it_goes_no_further_than_it_is_asked_to(bright):
    truth = tube(0, 11)
    session = ClickSession(truth.astype(np.float32), bright, axes="ZYX", plane=(5,))
    session.click(45, 50)
    assert len(list(session.carry(between=(4, 7)))) == 3
    check(session, truth, [(4,), (5,), (6,), (7,)])
    assert {end.why for end in session.state.ends.values()} == {"it was asked to go no further"}


def test_undo_takes_a_carry_back_and_redo_brings_it_again(bright):
    session = carried(tube(2, 8), bright, (45, 50), (5,))
    whole = masks(session)
    assert session.undo()
    assert list(masks(session)) == [(5,)]
    assert not session.state.ends
    assert session.redo()
    assert masks(session).keys() == whole.keys()
    assert session.state.ends[1].plane == (8,)
    assert session.undo()
    assert session.undo()
    assert not session.can_undo
    assert not masks(session)


def test_a_second_carry_that_was_asked_for_is_undone_alone(bright):
    session = ClickSession(tube(0, 11).astype(np.float32), bright, axes="ZYX", plane=(5,))
    session.click(45, 50)
    for between in ((4, 6), (2, 8)):
        list(session.carry(between=between))
    assert sorted(masks(session)) == [(z,) for z in range(2, 9)]
    session.undo()
    assert sorted(masks(session)) == [(4,), (5,), (6,)]


@pytest.fixture
def mended(bright):
    """A tube found from slice 4 on; a second one beside it belongs to it in slice 7, as a person said there."""
    truth = tube(0, 11)
    image = truth.astype(np.float32)
    image[7] = np.maximum(image[7], disk(45, 85, 7))
    session = carried(image, bright, (45, 50), (4,))
    before = dict(session.state.planes)
    session.give(Click(45.0, 85.0), (7,))
    clicked = dict(session.state.planes)
    list(session.carry((7,)))
    return session, before, clicked, image > 0


def test_a_mend_is_carried_on_away_from_the_first_slice_alone(mended):
    session, before, clicked, truth = mended
    after = session.state.planes
    for z in range(7):
        assert after[(z,)] is before[(z,)]
    assert after[(7,)] is clicked[(7,)]
    assert overlap(masks(session)[(7,)], truth[7]) > 0.9
    for z in range(8, 12):
        assert after[(z,)] is not before[(z,)]
        assert after[(z,)].prompts == ()
    assert session.state.ends[-1].plane == (0,)
    assert session.state.ends[1].plane == (11,)


def test_before_the_first_slice_a_mend_is_carried_backward(bright):
    session = carried(tube(0, 11), bright, (45, 50), (6,))
    before = dict(session.state.planes)
    session.give(Click(46.0, 51.0), (3,))
    assert [plane for _, plane in session.carry((3,))] == [(2,), (1,), (0,)]
    for z in range(4, 12):
        assert session.state.planes[(z,)] is before[(z,)]


def test_undo_takes_a_mend_back_with_what_followed_from_it(mended):
    session, before, _, _ = mended
    after = dict(session.state.planes)
    assert session.undo()
    assert dict(session.state.planes) == before
    assert session.redo()
    assert dict(session.state.planes) == after
    assert not session.can_redo


def test_what_a_person_gave_in_a_slice_counts_there_again_when_the_object_is_found_anew(mended):
    session, _, _, truth = mended
    session.give(Click(44.0, 50.0), (5,))
    list(session.carry((5,)))
    again = session.state.planes[(7,)]
    assert again.prompts == (Click(45.0, 85.0),)
    assert overlap(masks(session)[(7,)], truth[7]) > 0.9
    assert session.prompts == (Click(45.0, 50.0), Click(44.0, 50.0), Click(45.0, 85.0))


def test_a_carry_that_was_left_early_keeps_what_was_found(bright):
    session = ClickSession(tube(0, 11).astype(np.float32), bright, axes="ZYX", plane=(5,))
    session.click(45, 50)
    going = session.carry()
    for _ in range(3):
        next(going)
    going.close()
    assert sorted(masks(session)) == [(5,), (6,), (7,), (8,)]
    assert session.state.ends[1].plane == (8,)
    assert session.state.ends[-1].plane == (5,)
    session.undo()
    assert sorted(masks(session)) == [(5,)]


def restored(session, image, network):
    again = ClickSession(image, network, axes="ZYX", plane=session.plane)
    again.restore(json.loads(json.dumps(session.to_dict())))
    return again


def same(one, other):
    first, second = masks(one), masks(other)
    assert first.keys() == second.keys()
    for plane, mask in first.items():
        np.testing.assert_array_equal(mask, second[plane])
    assert one.prompts == other.prompts
    assert dict(one.state.ends) == dict(other.state.ends)


def test_a_stored_carry_is_the_same_again_in_every_slice(mended, bright):
    session, _, _, truth = mended
    image = truth.astype(np.float32)
    again = restored(session, image, bright)
    same(session, again)
    session.undo()
    again.undo()
    same(session, again)
    session.redo()
    same(session, restored(session, image, bright))


def test_a_stored_carry_that_was_left_early_ends_where_it_did(bright):
    image = tube(1, 11).astype(np.float32)
    session = ClickSession(image, bright, axes="ZYX", plane=(3,))
    session.click(45, 50)
    going = session.carry()
    next(going)
    next(going)
    going.close()
    same(session, restored(session, image, bright))


def test_an_accepted_object_has_all_its_slices_with_what_was_given_in_each(mended):
    session, _, _, truth = mended
    accepted = session.accept()
    assert [part.plane for part in accepted.slices] == [(z,) for z in range(12)]
    assert [part.plane for part in accepted.slices if part.prompts] == [(4,), (7,)]
    assert accepted.area == pytest.approx(truth.sum(), rel=0.05)
    stored = json.loads(json.dumps(accepted.to_dict()))
    assert stored["planes"] == [[z] for z in range(12)]
    assert [prompt["plane"] for prompt in stored["prompts"]] == [[4], [7]]


def test_a_moving_object_is_followed_through_time(bright):
    truth = stack_of(*(disk(40, 25 + 4 * t, 9) for t in range(12)))
    session = carried(truth, bright, (40, 25), (0,), axes="TYX")
    check(session, truth, [(t,) for t in range(12)])


def test_in_a_series_of_stacks_an_object_stays_at_its_time(bright):
    series = np.stack([tube(3, 8), tube(1, 6), tube(0, 11)])
    session = carried(series, bright, (45, 50), (1, 4), axes="TZYX")
    check(session, series, [(1, z) for z in range(1, 7)])
    with pytest.raises(UserError, match="lies in the stack of plane"):
        session.give(Click(45.0, 50.0), (2, 4))


def test_only_the_slices_that_it_comes_to_are_read_of_a_lazy_stack(bright):
    import dask.array

    truth, seen = tube(20, 30, depth=60), set()

    def block(block_info=None):
        location = block_info[None]["array-location"]
        seen.add(location[0][0])
        return truth[tuple(slice(*part) for part in location)].astype(np.float32)

    image = dask.array.map_blocks(block, chunks=((1,) * 60, (SHAPE[0],), (SHAPE[1],)), dtype=np.float32)
    session = ClickSession(image, bright, axes="ZYX", plane=(25,))
    seen.clear()  # of its intensities, a sample was looked at
    session.click(45, 50)
    assert seen == {25}
    list(session.carry())
    assert seen == set(range(19, 32))
    check(session, truth, [(z,) for z in range(20, 31)])


def test_what_cannot_be_carried_is_refused_with_a_sentence(bright):
    stack = tube(0, 11).astype(np.float32)
    session = ClickSession(stack, bright, axes="ZYX", plane=(3,))
    with pytest.raises(UserError, match="no object to carry from here: click on one first"):
        next(session.carry())
    session.click(45, 50)
    with pytest.raises(UserError, match="no object to carry from here: click on one first"):
        next(session.carry((4,)))
    with pytest.raises(UserError, match="carry it here before you click in plane"):
        session.give(Box(30.0, 30.0, 60.0, 60.0), (9,))
    with pytest.raises(UserError, match=r"has no plane \(12,\)"):
        ClickSession(stack, bright, axes="ZYX", plane=(12,)).click(45, 50)
    flat = ClickSession(stack[0], bright, axes="YX")
    flat.click(45, 50)
    with pytest.raises(UserError, match="has one plane alone"):
        next(flat.carry())
    assert list(masks(session)) == [(3,)]
    assert len(session.to_dict()["done"]) == 1


def test_where_a_person_says_that_it_ends_the_slices_beyond_are_dropped(bright):
    truth = tube(0, 11)
    session = carried(truth, bright, (45, 50), (4,))
    session.end_here((7,))
    check(session, truth, [(z,) for z in range(8)])
    assert session.state.ends[1].plane == (7,)
    assert session.state.ends[1].why == "you said that it ends there"
    assert session.state.ends[-1].plane == (0,)
    session.end_here((2,))
    check(session, truth, [(z,) for z in range(2, 8)])
    session.undo()
    check(session, truth, [(z,) for z in range(8)])
    session.undo()
    check(session, truth, [(z,) for z in range(12)])
    session.redo()
    session.redo()
    check(session, truth, [(z,) for z in range(2, 8)])


def test_a_later_carry_goes_no_further_than_where_a_person_said_that_it_ends(bright):
    image = tube(0, 11)
    session = carried(image, bright, (45, 50), (4,))
    session.end_here((7,))
    for plane in ((4,), (6,), (7,)):
        list(session.carry(plane))
        check(session, image, [(z,) for z in range(8)])
        assert session.state.ends[1].why == "you said that it ends there"
    same(session, restored(session, image.astype(np.float32), bright))
    session.give(Click(45.0, 50.0), (10,))  # who clicks beyond it and carries on from there thinks otherwise
    list(session.carry((10,)))
    assert (11,) in masks(session)
    assert 1 not in session.state.said


def test_it_is_said_what_ends_nowhere(bright):
    image = tube(0, 11)
    session = ClickSession(image.astype(np.float32), bright, axes="ZYX", plane=(4,))
    with pytest.raises(UserError, match="does not lie in this slice"):
        session.end_here()
    session.click(45, 50)
    with pytest.raises(UserError, match="begun in this slice, and lies in no other"):
        session.end_here()
    list(session.carry())
    with pytest.raises(UserError, match="goes on to both sides of it"):
        session.end_here()
    assert len(session.to_dict()["done"]) == 2


def test_where_it_was_begun_it_can_end_too_if_it_lies_on_one_side_alone(bright):
    image = tube(4, 11)
    session = carried(image, bright, (45, 50), (4,))
    session.end_here((4,))
    check(session, image, [(4,)])
