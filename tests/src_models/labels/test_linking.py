"""Outlines of one object in neighbouring planes get one number; objects whose identity is known by construction."""

import numpy as np
import pytest
import zarr

from src_models.errors import UserError
from src_models.images.axes import read_axes
from src_models.images.planes import Planes
from src_models.labels import labelling
from src_models.labels.linking import ENOUGH_IOU, WITHIN, link_axes, link_objects


def linked(labels, axes="ZYX", link="z"):
    """Link a copy of labels."""
    planes = Planes(read_axes(labels.shape, axes=axes, labels=True), 2)
    found = labels.copy()
    for _ in link_objects(found, planes, link_axes(link, planes)):
        pass
    return found


def apart(truth, axes="ZYX"):
    """Number the objects of each plane anew, in a mixed-up order, as a network that sees each plane alone does."""
    random = np.random.default_rng(0)
    planes = Planes(read_axes(truth.shape, axes=axes, labels=True), 2)
    found, next_id = np.zeros_like(truth), 1
    for plane in planes:
        where = planes.label_index(plane, (slice(None), slice(None)))
        for number in random.permutation(np.unique(truth[where])):
            if number:
                found[where][truth[where] == number] = next_id
                next_id += 1
    return found


def identities(truth, found):
    """Return the set of pairs of true and found numbers."""
    np.testing.assert_array_equal(truth > 0, found > 0)
    return {tuple(pair) for pair in np.stack([truth[truth > 0], found[truth > 0]], axis=1)}


def assert_same_objects(truth, found):
    """Each true object has one number, of its own; numbers go from 1 without gaps."""
    pairs = identities(truth, found)
    count = len(np.unique(truth)) - 1
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}) == count
    assert {b for _, b in pairs} == set(range(1, count + 1))


def spheres(centres, radii, shape, step=1.0):
    """Balls in planes `step` px apart; where two overlap, the nearer centre wins."""
    z, y, x = np.ogrid[tuple(slice(0, size) for size in shape)]
    truth, nearest = np.zeros(shape, np.int32), np.full(shape, np.inf)
    for number, (centre, radius) in enumerate(zip(centres, radii, strict=True), start=1):
        distance = (z * step - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 - radius**2
        mine = (distance < 0) & (distance < nearest)
        truth[mine], nearest[mine] = number, distance[mine]
    return truth


def squares(*planes, shape=(40, 40)):
    """Planes of squares: for each plane a dictionary of a number to (y, x, size)."""
    labels = np.zeros((len(planes), *shape), np.int32)
    for plane, content in zip(labels, planes, strict=True):
        for number, (y, x, size) in content.items():
            plane[y : y + size, x : x + size] = number
    return labels


@pytest.mark.parametrize("step", [1.0, 2.0, 4.0])
def test_spheres_are_counted_once_each(step):
    """Nine at different depths, two of which touch side by side."""
    centres = [(8 + 5 * (k % 3), 16 + 25 * (k // 3), 16 + 25 * (k % 3)) for k in range(9)] + [(13, 41, 57)]
    truth = spheres(centres, [9.5] * 9 + [6.5], (int(30 / step), 84, 84), step)
    middle = truth[int(13 / step)]
    assert ((middle[:, 1:] != middle[:, :-1]) & (middle[:, 1:] > 0) & (middle[:, :-1] > 0)).any(), "two touch"
    outlines = apart(truth)
    assert len(np.unique(outlines)) - 1 > 3 * len(centres) / step, "as many numbers as outlines"
    assert_same_objects(truth, linked(outlines))


def test_of_an_object_that_splits_the_more_similar_part_goes_on():
    planes = squares({5: (4, 4, 20)}, {8: (4, 4, 15), 3: (20, 20, 4)}, {1: (4, 4, 15), 2: (20, 20, 4)})
    found = linked(planes)
    assert found[0].max() == found[1, 5, 5] == found[2, 5, 5] == 1
    assert found[1, 21, 21] == found[2, 21, 21] == 2


def test_where_two_become_one_the_more_similar_one_goes_on_and_the_other_ends():
    found = linked(squares({1: (4, 4, 6), 2: (4, 12, 12)}, {3: (4, 10, 14)}))
    assert (found[0, 5, 5], found[0, 5, 13]) == (1, 2)
    assert set(np.unique(found[1])) == {0, 2}


def test_a_link_that_is_better_is_made_first():
    """The small one covers more of the new one than of itself before; it does not take the large one's successor."""
    found = linked(squares({1: (0, 0, 10), 2: (0, 10, 10)}, {3: (0, 8, 10), 4: (0, 18, 10)}))
    assert found[1, 0, 9] == found[0, 0, 15], "8 of 10 columns are shared with the second, 2 with the first"
    assert found[1, 0, 20] == 3, "which leaves its other neighbour without one"


@pytest.mark.parametrize(("empty", "objects"), [(0, 1), (1, 1), (2, 2), (3, 2)])
def test_an_object_missed_in_one_plane_goes_on_and_one_missed_in_two_is_another(empty, objects):
    found = linked(squares({1: (4, 4, 9)}, *[{}] * empty, {2: (4, 5, 9)}, {3: (4, 5, 9)}))
    assert found.max() == objects
    assert found[-1].max() == found[-2].max() == objects


def test_what_went_on_meanwhile_is_not_taken_for_missed():
    """After a plane, a second object lies where the first one was; the first one has only moved aside."""
    found = linked(squares({1: (4, 4, 10)}, {2: (4, 7, 10)}, {3: (4, 10, 10), 4: (4, 2, 8)}))
    assert found[0].max() == found[1].max() == found[2, 5, 19] == 1
    assert found[2, 5, 3] == 2
    assert linked(squares({1: (4, 4, 10)}, {}, {4: (4, 2, 8)})).max() == 1, "it would have been near enough"


@pytest.mark.parametrize("length", [10, 6])
def test_the_least_overlap_is_a_share_of_both_or_nearly_all_of_the_smaller(length):
    """Rows of 10 px and of `length` px, of which some are shared."""
    for shared in range(1, length + 1):
        one, two = (np.zeros((1, 40), np.int32) for _ in range(2))
        one[0, 10:20], two[0, 20 - shared : 20 - shared + length] = 1, 2
        enough = shared / (10 + length - shared) >= ENOUGH_IOU or shared / length >= WITHIN
        assert (linked(np.stack([one, two])).max() == 1) == enough


def test_the_tip_of_a_round_object_belongs_to_it_unless_it_is_a_speck():
    disc = squares({1: (4, 4, 30)}, {2: (15, 15, 6)}, {3: (17, 17, 1)})
    found = linked(disc)
    assert found[0, 5, 5] == found[1, 16, 16] == 1, "36 of 900 px"
    assert found[2, 17, 17] == 2, "1 of 36 px is below the least share"


def test_numbers_go_in_order_of_appearance():
    found = linked(squares({90: (0, 0, 5)}, {40: (0, 0, 5), 70: (10, 10, 5)}, {7: (10, 10, 5), 3: (20, 20, 5)}))
    assert [found[0, 1, 1], found[1, 11, 11], found[2, 11, 11], found[2, 21, 21]] == [1, 2, 2, 3]


def moving(times=4, depth=5):
    """Two balls in time: one that stays, and one that moves by 2 px and rises by a plane at each point in time."""
    still, drifting = [(2, 10, 10)] * times, [(1 + t, 30, 10 + 2 * t) for t in range(times)]
    return np.stack([spheres([a, b], [8, 8], (depth, 45, 45), step=1) for a, b in zip(still, drifting, strict=True)])


@pytest.mark.parametrize("axes", ["TZYX", "ZTYX", "YXTZ"])
def test_volumes_are_followed_through_time_whatever_the_order_of_axes(axes):
    truth = np.ascontiguousarray(np.transpose(moving(), ["TZYX".index(letter) for letter in axes]))
    outlines = apart(truth, axes)
    assert_same_objects(truth, linked(outlines, axes, "zt"))
    through_z = linked(outlines, axes, "z")
    assert through_z.max() == 2 * 4, "an object is another one at each point in time"
    assert len(identities(truth, through_z)) == 2 * 4
    through_t = linked(outlines, axes, "t")
    tracks = {(n, z) for n in (1, 2) for z in range(5) if (np.moveaxis(truth, axes.index("Z"), 0)[z] == n).any()}
    assert through_t.max() == len(tracks), "one in each plane"


def test_labels_on_disk_are_linked_block_by_block(tmp_path, monkeypatch):
    centres = [(6, 20, 20), (9, 20, 60), (8, 44, 33), (5, 44, 70)]
    truth = spheres(centres, [11] * 4, (14, 64, 90), step=1.5)
    outlines = apart(truth)
    expected = linked(outlines)
    monkeypatch.setitem(labelling.BLOCK, 2, 32)
    read = []

    class Watched:
        def __init__(self, array):
            self._array, self.shape = array, array.shape

        def __getitem__(self, index):
            block = self._array[index]
            read.append(block.size)
            return block

        def __setitem__(self, index, values):
            self._array[index] = values

    stored = zarr.create_array(tmp_path / "labels.zarr", shape=truth.shape, dtype="int32", chunks=(1, 32, 32))
    stored[:] = outlines
    planes = Planes(read_axes(truth.shape, axes="ZYX", labels=True), 2)
    told = list(link_objects(Watched(stored), planes, "Z"))
    np.testing.assert_array_equal(stored[:], expected)
    assert max(read) <= 32 * 32
    assert len(told) == len(truth)
    assert told[-1] == expected.max() + 1


def test_axes_that_need_no_linking_are_passed_over_and_others_refused():
    stack = Planes(read_axes((3, 4, 20, 20), axes="TZYX"), 2)
    assert [link_axes(link, stack) for link in ("z", "Z", "t", "tz", "zt", "")] == ["Z", "Z", "T", "ZT", "ZT", ""]
    assert link_axes("zt", Planes(read_axes((3, 4, 20, 20), axes="TZYX"), 3)) == "T", "depth is seen whole"
    assert link_axes("zt", Planes(read_axes((20, 20), axes="YX"), 2)) == ""
    assert link_axes("zt", Planes(read_axes((1, 20, 20), axes="ZYX"), 2)) == ""
    with pytest.raises(UserError, match="through z, t or zt, not through 'y'"):
        link_axes("y", stack)
