"""Sessions of clicks as the Click widget's worker thread leads them: no window, a real small network, known discs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from src_models.clicking.in_work import ClickedImage
from src_models.clicking.prompts import Click
from src_models.clicking.sessions import ClickSessions, Destination
from src_models.clicking.writing import Again, ObjectLabels, pixels_of
from src_models.errors import UserError
from src_models.images.axes import read_axes
from src_models.images.labels_axes import LabelsAxes


def disc(y, x, radius, shape=(100, 130)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


SMALL, LARGE, OTHER = disc(25, 30, 8), disc(60, 90, 20), disc(80, 25, 9)
IMAGE = (SMALL | LARGE | OTHER).astype(np.float32)
RADII = (0, 9, 12, 14, 12, 9, 0)
STACK = np.stack([disc(50, 65, radius) & (radius > 0) for radius in RADII]).astype(np.float32)


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


class Labels:
    """Labels as the widget keeps them: objects are planned by the sessions and written here."""

    def __init__(self, shape, key="mine"):
        self.data = np.zeros(shape, np.uint16)
        self.key = key
        self.records = []

    def sent(self):
        return ObjectLabels(self.key, self.key, self.data, tuple(self.records))

    def into(self, **options):
        return Destination(self.sent(), **options)

    def write(self, subject, taken, *, overwrite=False):
        found = pixels_of(taken.plans, self.sent(), subject.covering, overwrite=overwrite)
        self.data[found.places] = found.values
        gone = {(plan.again.value, plan.again.time) for plan in taken.plans if plan.again is not None}
        self.records = [r for r in self.records if (r["value"], r["time"]) not in gone] + list(found.records)
        return found.written

    def accept(self, sessions, subject, **options):
        """Accept the object and write it; what comes next."""
        taken = sessions.accept(subject, self.into(**options))
        self.write(subject, taken, overwrite=options.get("overwrite", False))
        return sessions.written(subject, taken.plans, self.key)


@pytest.fixture
def sessions():
    return ClickSessions()


@pytest.fixture
def flat(bright_model_path):
    return clicked(IMAGE, bright_model_path)


@pytest.fixture
def stack(bright_model_path):
    return clicked(STACK, bright_model_path)


def clicked(data, model, key="image", **options):
    letters = "ZYX"[-data.ndim :]
    return ClickedImage(
        key=key, data=data, reading=read_axes(data.shape, axes=letters), covering=LabelsAxes(letters, data.shape),
        name="layer 'image'", model=model, device="cpu", threads=1, **options,
    )  # fmt: skip


def mask(seen, shape=IMAGE.shape, plane=()):
    whole = np.zeros(shape, bool)
    found = seen.state.planes.get(plane)
    if found is not None:
        whole[found.answer.region] = found.answer.mask
    return whole


def test_clicks_are_answered_taken_back_and_given_again(sessions, flat):
    assert not sessions.open(flat).state.planes
    one = sessions.give(flat, (), Click(25, 30))
    assert overlap(mask(one), SMALL) > 0.9
    two = sessions.give(flat, (), Click(60, 90))
    assert overlap(mask(two), SMALL | LARGE) > 0.9
    assert (two.can_undo, two.can_redo) == (True, False)
    back = sessions.undo(flat)
    np.testing.assert_array_equal(mask(back), mask(one))
    assert (back.can_undo, back.can_redo) == (True, True)
    np.testing.assert_array_equal(mask(sessions.redo(flat)), mask(two))
    assert not sessions.reset(flat).state.planes
    json.dumps(two.stored)


def test_what_cannot_be_done_is_said_and_the_object_stays(sessions, flat):
    before = mask(sessions.give(flat, (), Click(25, 30)))
    for refused, words in (
        (lambda: sessions.give(flat, (), Click(-9, 4)), "lies outside of layer 'image'"),
        (lambda: sessions.attention(flat, (3,)), "no answer in this plane yet"),
        (lambda: sessions.accept_all(flat, Destination()), "nothing is suggested: press N"),
        (lambda: list(sessions.suggest(flat, (), (slice(0, 100), slice(0, 130)), None)), "accept one or two objects"),
        (lambda: list(sessions.carry(flat, ())), "has one plane alone"),
    ):
        with pytest.raises(UserError, match=words):
            refused()
        np.testing.assert_array_equal(mask(sessions.open(flat)), before)


def test_objects_wait_in_their_images_and_go_with_them(sessions, bright_model_path, flat):
    other = clicked(IMAGE[::-1].copy(), bright_model_path, key="other")
    sessions.give(flat, (), Click(25, 30))
    sessions.give(other, (), Click(39, 90))
    assert overlap(mask(sessions.open(flat)), SMALL) > 0.9
    assert overlap(mask(sessions.open(other)), LARGE[::-1]) > 0.9
    sessions.forget(lambda key: key != "image")
    assert not sessions.open(flat).state.planes
    assert sessions.open(other).state.planes


def test_data_and_models_that_change_are_answered_anew(sessions, flat, bright_model, tmp_path):
    from src_models.models.checkpoint import save

    sessions.give(flat, (), Click(25, 30))
    wider = disc(25, 30, 13).astype(np.float32)
    assert overlap(mask(sessions.open(replace(flat, data=wider))), disc(25, 30, 13)) > 0.9
    dark = replace(bright_model.header.intensity, low=5.0, high=6.0)  # nothing is brighter than that
    left = np.argwhere(mask(sessions.open(replace(flat, intensity=dark))))
    assert np.abs(left - (25, 30)).max() <= 3, "more is left than what was clicked on"
    copied = save(bright_model, tmp_path / "copy.safetensors")
    again = sessions.open(replace(flat, model=copied))
    assert overlap(mask(again), SMALL) > 0.9
    assert again.state.planes[()].prompts == (Click(25, 30),)
    smaller = np.zeros((50, 60), np.float32)
    letters = LabelsAxes("YX", smaller.shape)
    cropped = replace(flat, data=smaller, covering=letters, reading=read_axes(smaller.shape, axes="YX"))
    assert not sessions.open(cropped).state.planes  # of another size: the object is gone


def test_an_object_is_carried_from_where_it_lies_and_ends_where_a_person_says(sessions, stack):
    sessions.give(stack, (3,), Click(50, 65))
    steps = list(sessions.carry(stack, (6,), or_from_first=True))  # it does not lie there
    assert [count for count, _ in steps] == [1, 2, 3, 4]
    seen = sessions.open(stack)
    assert sorted(seen.state.planes) == [(z,) for z in range(1, 6)]
    for z in range(1, 6):
        assert overlap(mask(seen, plane=(z,)), STACK[z] > 0) > 0.85
    with pytest.raises(UserError, match="no object to carry from here"):
        list(sessions.carry(stack, (6,)))
    ended = sessions.end_here(stack, (4,))
    assert sorted(ended.state.planes) == [(z,) for z in range(1, 5)]
    assert "you said" in ended.state.ends[1].why
    assert sorted(sessions.undo(stack).state.planes) == [(z,) for z in range(1, 6)]


def test_carrying_that_is_left_early_keeps_what_was_found(sessions, stack):
    sessions.give(stack, (3,), Click(50, 65))
    steps = sessions.carry(stack, (3,))
    assert next(steps) == (1, (4,))
    steps.close()
    assert sorted(sessions.open(stack).state.planes) == [(3,), (4,)]


def test_accepted_objects_are_numbered_even_before_any_is_written(sessions, flat):
    labels = Labels(IMAGE.shape)
    sessions.give(flat, (), Click(25, 30))
    first = sessions.accept(flat, labels.into())
    assert not first.seen.state.planes
    assert not first.seen.can_undo
    sessions.give(flat, (), Click(60, 90))
    second = sessions.accept(flat, labels.into())
    for taken in (first, second):
        labels.write(flat, taken)
    assert overlap(labels.data == 1, SMALL) > 0.9
    assert overlap(labels.data == 2, LARGE) > 0.9


def test_an_object_that_cannot_be_put_anywhere_stays_in_work(sessions, flat):
    labels = Labels(IMAGE.shape)
    labels.data[:] = 3
    before = mask(sessions.give(flat, (), Click(25, 30)))
    with pytest.raises(UserError, match="tick Overwrite finished objects"):
        sessions.accept(flat, labels.into())
    np.testing.assert_array_equal(mask(sessions.open(flat)), before)
    labels.accept(sessions, flat, overwrite=True)
    np.testing.assert_array_equal(labels.data == 4, before)
    with pytest.raises(UserError, match="no object to accept"):
        sessions.accept(flat, labels.into())


def test_objects_of_a_class_have_its_number(sessions, flat):
    labels = Labels(IMAGE.shape)
    for place in ((25, 30), (60, 90)):
        sessions.give(flat, (), Click(*place))
        labels.accept(sessions, flat, value=5)
    assert overlap(labels.data == 5, SMALL | LARGE) > 0.9
    assert [(r["value"], r["class"]) for r in labels.records] == [(5, True)] * 2


def reopen(sessions, subject, labels, record=None):
    from src_models.clicking.writing import Again

    return sessions.reopen(subject, Again.of(record or labels.records[-1], labels.key), labels.sent())


def test_an_accepted_object_is_mended_under_its_number(sessions, flat):
    labels = Labels(IMAGE.shape)
    sessions.give(flat, (), Click(25, 30))
    sessions.give(flat, (), Click(60, 90))
    labels.accept(sessions, flat)
    sessions.give(flat, (), Click(80, 25))
    labels.accept(sessions, flat)
    labels.data[25, 28:33] = 0  # a person painted
    labels.data[2, 2:6] = 1
    reopened = reopen(sessions, flat, labels, labels.records[0])
    assert (reopened.seen.again.value, reopened.painted) == (1, 9)
    assert reopened.seen.stored["again"] == {"value": 1, "time": labels.records[0]["time"]}
    sessions.undo(flat)
    labels.accept(sessions, flat)
    assert overlap(labels.data == 1, SMALL) > 0.9
    assert not (labels.data == 1)[40:].any()  # the second disc is given up
    assert not labels.data[2].any()
    assert overlap(labels.data == 2, OTHER) > 0.9
    assert sorted(record["value"] for record in labels.records) == [1, 2]


@pytest.mark.parametrize("drop", ["reset", "undo"])
def test_what_is_begun_after_an_object_was_dropped_is_new(sessions, flat, drop):
    labels = Labels(IMAGE.shape)
    sessions.give(flat, (), Click(25, 30))
    labels.accept(sessions, flat)
    reopen(sessions, flat, labels)
    assert not getattr(sessions, drop)(flat).state.planes
    assert sessions.give(flat, (), Click(60, 90)).again is None
    labels.accept(sessions, flat)
    assert overlap(labels.data == 1, SMALL) > 0.9
    assert overlap(labels.data == 2, LARGE) > 0.9


def test_an_object_that_is_open_again_is_a_new_one_in_other_labels(sessions, flat):
    labels, others = Labels(IMAGE.shape), Labels(IMAGE.shape, key="others")
    sessions.give(flat, (), Click(25, 30))
    labels.accept(sessions, flat)
    others.data[90:, 100:] = 6
    reopen(sessions, flat, labels)
    others.accept(sessions, flat)
    assert overlap(others.data == 7, SMALL) > 0.9
    assert overlap(labels.data == 1, SMALL) > 0.9


def test_an_object_that_could_not_be_written_goes_on_under_its_number(sessions, flat):
    labels = Labels(IMAGE.shape)
    before = mask(sessions.give(flat, (), Click(25, 30)))
    labels.accept(sessions, flat)
    reopen(sessions, flat, labels)
    taken = sessions.accept(flat, labels.into())
    back = sessions.give_back(flat, taken.plans)
    np.testing.assert_array_equal(mask(back), before)
    assert back.again.value == 1
    sessions.give(flat, (), Click(60, 90))
    labels.accept(sessions, flat)
    assert set(np.unique(labels.data)) == {0, 1}


def test_the_object_accepted_last_is_opened_where_there_is_no_other(sessions, stack):
    labels = Labels(STACK.shape)
    assert sessions.reopen_last(stack, labels.sent()) is None
    sessions.give(stack, (3,), Click(50, 65))
    labels.accept(sessions, stack)
    assert sessions.reopen_last(stack, None) is None
    assert sessions.reopen_last(stack, Labels(STACK.shape, key="others").sent()) is None
    assert sessions.reopen_last(stack, labels.sent()).seen.again.value == 1
    assert sessions.reopen_last(stack, labels.sent()) is None  # there is an object now
    list(sessions.carry(stack, (3,)))
    labels.accept(sessions, stack)
    assert set(np.unique(labels.data)) == {0, 1}
    assert overlap(labels.data == 1, STACK > 0) > 0.85
    assert len(labels.records) == 1


def test_a_stored_object_goes_on_as_what_it_was(sessions, flat):
    labels = Labels(IMAGE.shape)
    sessions.give(flat, (), Click(25, 30))
    labels.accept(sessions, flat)
    reopen(sessions, flat, labels)
    stored = json.loads(json.dumps(sessions.give(flat, (), Click(80, 25)).stored))
    later = ClickSessions()
    seen = later.restore(flat, stored, labels.sent())
    assert overlap(mask(seen), SMALL | OTHER) > 0.9
    assert seen.again.value == 1
    assert later.undo(flat).again.value == 1
    labels.accept(later, flat)
    assert set(np.unique(labels.data)) == {0, 1}
    assert ClickSessions().restore(flat, stored, Labels(IMAGE.shape).sent()).again is None  # these do not know it
    with pytest.raises(UserError, match="not a stored session"):
        later.restore(flat, {"again": {"value": 1, "time": ""}})


DISCS = [disc(y, x, 7) for y in (20, 50, 80) for x in (25, 65, 105)]
ALL = tuple(slice(0, size) for size in IMAGE.shape)


@pytest.fixture
def many(bright_model_path):
    return clicked(np.any(DISCS, axis=0).astype(np.float32), bright_model_path)


def search(sessions, subject, labels):
    steps = sessions.suggest(subject, (), ALL, labels.sent())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def found_by(labels, discs=DISCS):
    """Which discs have a number of their own."""
    return [max((overlap(labels.data == n, truth) for n in range(1, 12)), default=0) > 0.8 for truth in discs]


def test_suggestions_come_one_by_one_and_the_finished_and_the_skipped_do_not_come_again(sessions, many):
    labels = Labels(IMAGE.shape)
    for place in ((50, 65), (20, 25)):
        sessions.give(many, (), Click(*place))
        assert labels.accept(sessions, many) is None  # nothing is suggested yet
    assert sessions.next_suggestion(many) is None
    assert search(sessions, many, labels) == 7
    suggested = sessions.next_suggestion(many)
    assert suggested.left == 6
    skipped = mask(suggested.seen)
    suggested = sessions.next_suggestion(many)
    while suggested.left is not None:
        truth = max(DISCS, key=lambda one: overlap(mask(suggested.seen), one))
        assert overlap(mask(suggested.seen), truth) > 0.8
        assert not labels.data[truth].any()
        suggested = labels.accept(sessions, many)
    assert not suggested.seen.state.planes
    assert found_by(labels) == [not overlap(skipped, truth) > 0.8 for truth in DISCS]
    assert sessions.next_suggestion(many) is None


def test_all_suggestions_are_accepted_each_with_a_number_and_its_clicks(sessions, many):
    labels = Labels(IMAGE.shape)
    sessions.give(many, (), Click(50, 65))
    labels.accept(sessions, many)
    count = search(sessions, many, labels)
    sessions.next_suggestion(many)
    taken = sessions.accept_all(many, labels.into())
    assert len(taken.plans) == count == 8
    written = labels.write(many, taken)
    assert [one.value for one in written] == list(range(2, 10))
    assert sessions.written(many, taken.plans, labels.key) is None  # nothing waits any more
    assert all(found_by(labels))
    for record in labels.records:
        (prompt,) = record["prompts"]
        assert labels.data[round(prompt["y"]), round(prompt["x"])] == record["value"]
    last = reopen(sessions, many, labels)
    np.testing.assert_array_equal(mask(last.seen), labels.data == labels.records[-1]["value"])
    assert last.painted == 0


def test_suggestions_that_were_dropped_do_not_come_back(sessions, many):
    labels = Labels(IMAGE.shape)
    sessions.give(many, (), Click(50, 65))
    labels.accept(sessions, many)
    search(sessions, many, labels)
    before = mask(sessions.next_suggestion(many).seen)
    sessions.drop_suggestions()
    np.testing.assert_array_equal(mask(sessions.open(many)), before)  # the one that was shown stays in work
    assert labels.accept(sessions, many) is None


# An object of labels that nobody clicked


def begun(sessions, subject, labels, place=(25, 30), plane=()):
    return sessions.begin_with(subject, labels.sent(), plane, place)


def test_an_object_of_labels_is_mended_in_its_place_and_nothing_else_is_touched(sessions, flat):
    labels = Labels(IMAGE.shape)
    labels.data[SMALL & (np.arange(130) < 30)] = 3
    labels.data[OTHER] = 3
    labels.data[20:23, 40:44] = 9
    before = labels.data.copy()
    begun(sessions, flat, labels, (25, 28))
    sessions.give(flat, (), Click(25.0, 34.0))
    sessions.give(flat, (), Click(25.0, 22.0, positive=False))
    labels.accept(sessions, flat)
    assert labels.data[25, 34] == 3
    assert labels.data[25, 22] == 0
    assert (labels.data[before == 9] == 9).all()
    np.testing.assert_array_equal(labels.data[OTHER], before[OTHER])


def test_what_is_begun_with_goes_on_after_it_was_stored_under_its_number(sessions, flat):
    labels = Labels(IMAGE.shape)
    labels.data[SMALL | OTHER] = 3
    begun(sessions, flat, labels)
    stored = json.loads(json.dumps(sessions.give(flat, (), Click(25.0, 22.0, positive=False)).stored))
    seen = ClickSessions().restore(flat, stored, labels.sent())
    assert seen.again.value == 3
    later = ClickSessions()
    later.restore(flat, stored, labels.sent())
    labels.accept(later, flat)
    assert labels.data[25, 22] == 0
    assert (labels.data[OTHER] == 3).all()


def test_an_accepted_mend_of_labels_is_opened_and_mended_again(sessions, flat):
    labels = Labels(IMAGE.shape)
    labels.data[SMALL | OTHER] = 3
    begun(sessions, flat, labels)
    sessions.give(flat, (), Click(25.0, 22.0, positive=False))
    labels.accept(sessions, flat)
    (record,) = labels.records
    sessions.reopen(flat, Again.of(record, labels.key), labels.sent())
    sessions.undo(flat)
    labels.accept(sessions, flat)
    assert (labels.data[SMALL | OTHER] == 3).all()
    assert len(labels.records) == 1


def test_a_mend_is_followed_through_the_slices_of_what_was_begun_with(sessions, stack):
    labels = Labels(STACK.shape)
    labels.data[(STACK > 0) & (np.arange(130) < 65)] = 2
    begun(sessions, stack, labels, (50, 60), (3,))
    sessions.give(stack, (3,), Click(50.0, 70.0))
    for _ in sessions.follow(stack):
        pass
    labels.accept(sessions, stack)
    assert overlap(labels.data == 2, STACK > 0) > 0.9


def test_nothing_is_begun_with_where_nothing_lies_or_something_is_in_work(sessions, flat):
    labels = Labels(IMAGE.shape)
    with pytest.raises(UserError, match="no object at this place"):
        begun(sessions, flat, labels)
    labels.data[SMALL] = 1
    sessions.give(flat, (), Click(60.0, 90.0))
    with pytest.raises(UserError, match="accept the object"):
        begun(sessions, flat, labels)
    assert sessions.open(flat).again is None
