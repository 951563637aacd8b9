"""A volume that a person clicks and draws in: with a network that finds what is bright, and on a real CT."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src_models.clicking.prompts import Click
from src_models.clicking.session import ClickSession
from src_models.clicking.volume.given import Drawn, Point
from src_models.clicking.volume.interactive import InteractiveVolume
from src_models.errors import ImageError

SHAPE = (14, 60, 70)
K, J, I = np.mgrid[tuple(map(slice, SHAPE))]  # noqa: E741


def ball(k, j, i, radius):
    return (2 * (K - k)) ** 2 + (J - j) ** 2 + (I - i) ** 2 <= radius**2


BALL = ball(7, 25, 30, 11)
OTHER = ball(7, 45, 58, 8)


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def volume(bright, truth=BALL, **options):
    return InteractiveVolume(truth.astype(np.float32), bright, spacing=(2.0, 1.0, 1.0), **options)


def box_of(truth):
    places = np.argwhere(truth)
    return tuple((int(low), int(high)) for low, high in zip(places.min(0), places.max(0) + 1, strict=True))


def scribble(start, shape, positive=True, kind="scribble"):
    return Drawn(kind, start, np.ones(shape, bool), positive)


def test_one_click_gives_the_object_in_all_its_slices(bright):
    work = volume(bright)
    assert work.give(Point((7, 25, 30))) == box_of(work.mask)
    assert overlap(work.mask, BALL) > 0.93


def test_without_carrying_only_the_slice_is_answered(bright):
    work = volume(bright, carrying=False)
    work.give(Point((7, 25, 30)))
    assert set(np.argwhere(work.mask)[:, 0]) == {7}
    assert overlap(work.mask[7], BALL[7]) > 0.95


@pytest.mark.parametrize(
    ("axis", "bounds"),
    [(0, [(7, 8), (14, 37), (19, 42)]), (1, [(2, 13), (25, 26), (19, 42)]), (2, [(2, 13), (14, 37), (30, 31)])],
)
def test_a_box_is_answered_in_the_plane_that_it_was_drawn_in(bright, axis, bounds):
    work = volume(bright, carrying=False)
    work.give(Drawn.box(bounds))
    index = bounds[axis][0]
    assert {int(voxel[axis]) for voxel in np.argwhere(work.mask)} == {index}
    assert overlap(np.take(work.mask, index, axis), np.take(BALL, index, axis)) > 0.9


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_box_in_any_view_is_carried_along_that_view(bright, axis):
    work = volume(bright)
    bounds = list(box_of(BALL))
    middle = (7, 25, 30)[axis]
    bounds[axis] = (middle, middle + 1)
    work.give(Drawn.box(bounds))
    assert overlap(work.mask, BALL) > 0.85


def test_a_slice_is_answered_as_a_session_of_clicks_answers_it(bright):
    image = (BALL | OTHER).astype(np.float32)
    work = volume(bright, BALL | OTHER, carrying=False)
    session = ClickSession(image, bright, axes="ZYX", plane=(7,))
    for row, column, positive in ((25, 30, True), (25, 38, False), (31, 26, True)):
        work.give(Point((7, row, column), positive))
        session.give(Click(row, column, positive))
    np.testing.assert_array_equal(work.mask[7], session.mask)


def test_carried_it_is_as_a_session_carries_it(bright):
    work = volume(bright)
    work.give(Point((7, 25, 30)))
    session = ClickSession(BALL.astype(np.float32), bright, axes="ZYX", plane=(7,))
    session.click(25, 30)
    for _ in session.carry():
        pass
    for k in range(SHAPE[0]):
        session.plane = (k,)
        np.testing.assert_array_equal(work.mask[k], session.mask)


def test_points_are_answered_across_the_axis_along_which_planes_are_far_apart(bright):
    image = np.ascontiguousarray(np.moveaxis(BALL, 0, 2)).astype(np.float32)
    work = InteractiveVolume(image, bright, spacing=(1.0, 1.0, 4.0), carrying=False)
    work.give(Point((25, 30, 7)))
    assert set(np.argwhere(work.mask)[:, 2]) == {7}


def test_a_second_object_is_added_and_the_first_stays(bright):
    work = volume(bright, BALL | OTHER)
    work.give(Point((7, 25, 30)))
    first = work.mask.copy()
    work.give(Point((7, 45, 58)))
    assert (work.mask & first).sum() == first.sum()
    assert overlap(work.mask, BALL | OTHER) > 0.9


def test_what_was_segmented_before_stays_where_nothing_is_said(bright):
    work = volume(bright, BALL | OTHER)
    before = OTHER | ball(2, 8, 8, 4)
    work.begin_with(before.astype(np.uint8) * 255)
    np.testing.assert_array_equal(work.mask, before)
    work.give(Point((7, 25, 30)))
    assert work.mask[before].all()
    assert overlap(work.mask, BALL | before) > 0.9
    work.give(Point((7, 45, 58), positive=False))
    assert not work.mask[7, 45, 58]
    elsewhere = before.copy()
    elsewhere[7] = False
    assert work.mask[elsewhere].all()
    assert work.undo()[0]
    assert work.undo()[0]
    np.testing.assert_array_equal(work.mask, before)
    assert work.undo() == (False, None)


def test_an_object_that_was_left_for_another_is_gone_on_with(bright):
    leak = BALL | ((K >= 6) & (abs(J - 25) <= 4) & (I >= 36) & (I < 60))
    work, other = volume(bright, leak), volume(bright, leak)
    beside = Drawn.box([(8, 9), (15, 36), (44, 66)], positive=False)
    for each in (work, other):
        each.give(Point((7, 25, 30)))
    found = work.mask.copy()
    work.reset()
    work.give(Point((7, 45, 10)))
    work.reset()
    work.begin_with(found)
    assert work.undo() == (False, None)
    work.give(beside)
    other.give(beside)
    np.testing.assert_array_equal(work.mask, other.mask)
    assert (found & ~work.mask).any((1, 2)).sum() > 1  # taken away beyond, as from what was carried
    work.give(Point((7, 25, 30), positive=False))
    assert not work.mask[7, 25, 30]


def test_so_is_one_that_began_with_a_mask_which_stays_as_before(bright):
    work = volume(bright, BALL | OTHER)
    work.begin_with(OTHER)
    work.give(Point((7, 25, 30)))
    found = work.mask.copy()
    work.reset()
    work.begin_with(found)
    work.give(Point((7, 45, 58), positive=False))
    others = OTHER.copy()
    others[7] = False
    assert work.mask[others].all()


def test_a_mask_that_has_no_slice_here_is_carried_no_further_than_to_it(bright):
    work = volume(bright)
    before = np.where(K <= 5, BALL, False)
    before[4:6, 25, 30] = False  # a person corrected this
    work.begin_with(before)
    work.give(Point((8, 25, 30)))
    np.testing.assert_array_equal(work.mask[:6], before[:6])
    assert overlap(work.mask[6:], BALL[6:]) > 0.9


def test_a_scribble_beside_takes_away_what_it_goes_over_and_no_other_slice_of_a_mask(bright):
    work = volume(bright)
    work.begin_with(BALL)
    work.give(scribble((7, 25, 22), (1, 1, 14), positive=False))
    assert not work.mask[7, 25, 22:36].any()
    others = BALL.copy()
    others[7] = False
    assert work.mask[others].all()


def test_a_lasso_beside_takes_away_all_in_it(bright):
    work = volume(bright)
    work.give(Point((7, 25, 30)))
    work.give(scribble((7, 20, 32), (1, 10, 12), positive=False, kind="lasso"))
    assert not work.mask[7, 20:30, 32:44].any()
    assert work.mask[7, 25, 25]


def test_a_lasso_keeps_what_it_goes_around_from_the_rest(bright):
    joined = BALL | OTHER | ((K == 7) & (abs(J - 35 - (I - 44) * 0.7) < 3) & (I > 33) & (I < 56))
    work = volume(bright, joined, carrying=False)
    work.give(scribble((7, 13, 18), (1, 25, 25), kind="lasso"))
    assert work.mask[7, :, 45:].sum() == 0
    assert (work.mask[7] & BALL[7]).sum() > 0.9 * BALL[7].sum()


def test_a_scribble_from_the_side_changes_each_slice_that_it_crosses(bright):
    work = volume(bright)
    work.give(Point((7, 25, 30)))
    before = work.mask.copy()
    work.give(scribble((5, 23, 30), (5, 3, 1), positive=False))
    assert not work.mask[5:10, 23:26, 30].any()
    changed = np.argwhere(before != work.mask)
    assert set(changed[:, 0]) == {5, 6, 7, 8, 9}
    assert np.ptp(changed[:, 2]) >= 2  # more than the one plane that was drawn in


def test_a_click_beside_an_end_takes_away_what_was_carried_beyond_it(bright):
    neck = BALL | ((K >= 10) & ((J - 25) ** 2 + (I - 30) ** 2 <= 36))
    work = volume(bright, neck)
    work.give(Point((7, 25, 30)))
    assert work.mask[13, 25, 30]
    work.give(Drawn.box([(11, 12), (15, 36), (20, 41)], positive=False))
    assert not work.mask[11:].any()
    assert overlap(work.mask[:10], neck[:10]) > 0.9


def test_what_waits_is_answered_at_once_and_undone_at_once(bright):
    work = volume(bright, BALL | OTHER)
    assert work.wait(Point((7, 25, 30)))
    assert work.wait(Point((7, 45, 58)))
    assert not work.mask.any()
    assert work.predict() == box_of(work.mask)
    assert overlap(work.mask, BALL | OTHER) > 0.9
    assert work.predict() is None
    assert work.undo()[0]
    assert not work.mask.any()
    assert work.wait(Point((7, 25, 30)))
    assert work.undo() == (True, None)
    assert work.predict() is None


@pytest.mark.parametrize(
    "outside",
    [
        Point((14, 20, 20)),
        Point((-1, 20, 20)),
        Point((3, 10**9, 20)),
        Drawn.box([(20, 21), (0, 5), (0, 5)]),
        Drawn.box([(7, 8), (-9, -2), (0, 5)]),
        scribble((7, 60, 0), (1, 4, 4)),
        Drawn("scribble", (7, 20, 20), np.zeros((1, 4, 4), bool)),
    ],
)
def test_what_lies_outside_changes_nothing(bright, outside):
    work = volume(bright)
    work.give(Point((7, 25, 30)))
    before = work.mask.copy()
    assert work.give(outside) is None
    np.testing.assert_array_equal(work.mask, before)
    assert work.undo()[0]
    assert not work.mask.any()


def test_a_click_beside_nothing_is_kept_in_mind(bright):
    work = volume(bright)
    assert work.give(Point((7, 25, 30), positive=False)) is None
    work.give(Point((7, 25, 26)))
    assert not work.mask[7, 25, 30]
    assert overlap(work.mask, BALL) > 0.8


def test_a_failure_leaves_all_as_it_was(bright, monkeypatch):
    work = volume(bright)
    work.give(Point((7, 25, 30)))
    before = work.mask.copy()
    monkeypatch.setattr("src_models.clicking.volume.interactive.carried", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        work.give(Point((7, 25, 36), positive=False))
    np.testing.assert_array_equal(work.mask, before)
    monkeypatch.undo()
    work.give(Point((9, 25, 30)))
    assert work.mask[7, 25, 36]


def test_when_time_is_up_it_is_carried_no_further(bright):
    work = volume(bright, seconds=-1.0)
    work.give(Point((7, 25, 30)))
    assert set(np.argwhere(work.mask)[:, 0]) == {7}


def test_a_mask_of_another_shape_and_an_image_without_values_are_refused(bright):
    with pytest.raises(ImageError, match="14x60x71 voxels, and the volume 14x60x70"):
        volume(bright).begin_with(np.zeros((14, 60, 71)))
    with pytest.raises(ImageError, match="three"):
        InteractiveVolume(np.zeros((4, 4)), bright)
    with pytest.raises(ImageError, match="finite"):
        InteractiveVolume(np.full((2, 4, 4), np.nan), bright)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint16", "float16", "float64", "int64"])
def test_values_of_any_type_are_read(bright, dtype):
    work = InteractiveVolume(BALL.astype(dtype), bright, carrying=False)
    work.give(Point((7, 25, 30)))
    assert overlap(work.mask[7], BALL[7]) > 0.95


voxels = st.tuples(st.integers(0, 13), st.integers(10, 55), st.integers(15, 69))
points = st.builds(Point, voxels, st.booleans())


@st.composite
def drawings(draw):
    start, axis = draw(voxels), draw(st.integers(0, 2))
    sizes = [draw(st.integers(1, 12)) for _ in range(3)]
    sizes[axis] = 1
    painted = np.ones(sizes, bool)
    painted[::2] = draw(st.booleans())
    return Drawn(draw(st.sampled_from(["box", "lasso", "scribble"])), start, painted, draw(st.booleans()))


@given(
    steps=st.lists(st.one_of(points, drawings(), st.just("undo"), st.just("switch")), max_size=7), begun=st.booleans()
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_promise_is_kept_and_undo_restores_whatever_is_given(bright, steps, begun):
    work = volume(bright, BALL | OTHER)
    if begun:
        work.begin_with(OTHER)
    masks, said = [work.mask.copy()], [{}]
    for step in steps:
        if step == "switch":
            work.carrying = not work.carrying
        elif step == "undo":
            assert work.undo()[0] == (len(masks) > 1)
            masks, said = (masks[:-1], said[:-1]) if len(masks) > 1 else (masks, said)
        else:
            known = dict(said[-1])
            inside = step.clipped(SHAPE) if isinstance(step, Drawn) else step
            bounds = work.give(step)
            if inside is None:
                assert bounds is None
                continue
            if isinstance(inside, Point):
                known[inside.voxel] = inside.positive
            elif inside.kind == "scribble" or not inside.positive:
                drawn = np.argwhere(inside.painted) + inside.start
                known.update(dict.fromkeys(map(tuple, drawn.tolist()), inside.positive))
            changed = np.argwhere(work.mask != masks[-1])
            found = (
                tuple((int(a), int(b)) for a, b in zip(changed.min(0), changed.max(0) + 1, strict=True))
                if len(changed)
                else None
            )
            assert bounds == found
            masks.append(work.mask.copy())
            said.append(known)
        np.testing.assert_array_equal(work.mask, masks[-1])
        assert all(work.mask[voxel] == positive for voxel, positive in said[-1].items())
    while work.undo()[0]:
        masks.pop()
        np.testing.assert_array_equal(work.mask, masks[-1])
    assert len(masks) == 1


@pytest.fixture(scope="module")
def shipped():
    from src_models.clicking.answering.network import ClickNetwork
    from src_models.models.checkpoint import load

    return ClickNetwork(load("click"), "cpu")


@pytest.fixture(scope="module")
def abdomen(shared):
    """Ten slices of a CT (HU; 2 mm apart, 0.98 mm pixels), and what its organs are."""
    import nibabel as nib

    folder = shared / "data" / "ct_totalseg"
    if not folder.is_dir():
        pytest.skip("needs the CT of ct_totalseg")
    cut = (slice(8, 18), slice(100, 356), slice(128, 384))
    scan, organs = (
        np.asarray(nib.load(folder / part / "abdomen_512.nii.gz").dataobj).T[cut] for part in ("images", "masks")
    )
    return scan.astype(np.int16), organs


AORTA = 52


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_the_aorta_of_a_real_ct_is_found_in_all_slices_by_one_click(abdomen, shipped):
    scan, organs = abdomen
    work = InteractiveVolume(scan, shipped, spacing=(2.0, 0.977, 0.977))
    assert "-150 to 250" in work.read_as  # soft tissue, as for every CT
    row, column = np.argwhere(organs[5] == AORTA).mean(0).round().astype(int)
    work.give(Point((5, int(row), int(column))))
    assert dice(work.mask, organs == AORTA) > 0.85
    assert work.mask.any((1, 2)).all()


def test_a_box_from_the_front_finds_it_along_its_length(abdomen, shipped):
    scan, organs = abdomen
    truth = organs == AORTA
    work = InteractiveVolume(scan, shipped, spacing=(2.0, 0.977, 0.977))
    row = int(np.argwhere(truth)[:, 1].mean())
    columns = np.flatnonzero(truth[:, row].any(0))
    work.give(Drawn.box([(0, 10), (row, row + 1), (int(columns[0]), int(columns[-1]) + 1)]))
    assert dice(work.mask[:, row], truth[:, row]) > 0.75
