"""A simulated person: begins on the object, and clicks where an answer is wrong."""

import numpy as np
from plates import HEADER, plates
from scipy import ndimage

from src_models.clicking.training.examples import ClickExamples, Example, ObjectImage
from src_models.clicking.training.simulated_person import FORGOTTEN, SimulatedPerson


def people(count, seed=3):
    """Examples of one image, and people who have begun on them."""
    image, labels = plates()
    source = ObjectImage.of(image, labels, HEADER, classes=False, name="plates")
    examples = ClickExamples([[source]], made_up=0.0, size=64, seed=seed)
    return [
        (examples[number], SimulatedPerson(examples[number], np.random.default_rng(number))) for number in range(count)
    ]


def beginning(person):
    """Say how a person began: a box is half sure, and a mask, of a neighbouring slice or nearly right, is smooth."""
    positive, negative, previous = person.channels()
    if not previous.any():
        return "place"
    if set(np.unique(previous)) == {0, 0.5}:
        return "box"
    discs = ndimage.label(positive)[1] + ndimage.label(negative)[1]
    return "mending" if discs > 1 else "carried"


def test_a_person_begins_on_the_object_with_a_place_a_box_or_a_mask():
    begun = {"place": 0, "box": 0, "carried": 0, "mending": 0}
    for example, person in people(100):
        positive, _, previous = person.channels()
        kind = beginning(person)
        begun[kind] += 1
        if kind == "box":
            assert not positive.any()
            assert (previous[example.truth] == 0.5).mean() > 0.6
        elif kind == "place":
            assert (positive.astype(bool) & example.truth).any()
    assert begun["place"] > 45
    assert 10 <= begun["box"] <= 30
    assert 3 <= begun["carried"] <= 20
    assert 3 <= begun["mending"] <= 20


def test_who_begins_as_after_some_clicks_has_clicked_where_what_is_nearly_right_is_wrong():
    mending = [(example.truth, *person.channels()) for example, person in people(150) if beginning(person) == "mending"]
    inside = []
    for truth, positive, negative, previous in mending:
        nearly = previous > 0.5
        assert 0.3 < (nearly & truth).sum() / (nearly | truth).sum() < 1
        for place in centres(negative):
            assert not truth[place]
            assert previous[place] > 0.2
        inside += [truth[place] for place in centres(positive)]
    assert np.mean(inside) > 0.9


def test_the_mask_of_a_neighbouring_slice_is_much_like_the_object_but_not_it_and_usually_clicked_on():
    carried = [(example.truth, *person.channels()) for example, person in people(80) if beginning(person) == "carried"]
    for truth, positive, _, previous in carried:
        neighbour = previous > 0.5
        assert 0.3 < (neighbour & truth).sum() / (neighbour | truth).sum() < 1
        assert ((previous > 0.05) & (previous < 0.95)).any()
        if positive.any():  # as a session that carries an object clicks: within both
            middle = tuple(np.argwhere(positive).mean(0).round().astype(int))
            assert truth[middle]
            assert previous[middle] > 0.3
    assert np.mean([positive.any() for _, positive, _, _ in carried]) > 0.7


def centres(drawn):
    """Return the middles of what was drawn."""
    numbered, count = ndimage.label(drawn)
    return [tuple(np.argwhere(numbered == n).mean(0).round().astype(int)) for n in range(1, count + 1)]


def test_a_person_answers_errors_with_their_sign():
    for example, person in people(40):
        before = person.channels()
        if before[1].any() or example.truth.mean() > 0.9:
            continue
        person.react(np.ones((64, 64), np.float32))  # all of the square was found: too much
        _, negative, _ = person.channels()
        (middle,) = centres(negative)
        assert not example.truth[middle]


def square(seed):
    """A person who has begun on a square of 20 x 20."""
    truth = np.zeros((64, 64), bool)
    truth[22:42, 22:42] = True
    return truth, SimulatedPerson(Example(np.zeros((3, 64, 64), np.float32), truth), np.random.default_rng(seed))


def test_what_is_missing_is_clicked_on_the_object_and_the_answer_is_fed_back():
    fed_back = 0
    for seed in range(60):
        truth, person = square(seed)
        before = person.channels()
        answer = np.where(np.arange(64) < 32, truth * 0.9, 0.0).astype(np.float32)  # the left half was found
        person.react(answer)
        positive, negative, previous = person.channels()
        np.testing.assert_array_equal(negative, before[1])
        new = np.argwhere((positive > 0) & (before[0] == 0))
        assert len(new)
        assert truth[tuple(new.mean(0).round().astype(int))]
        assert new.mean(0)[1] > 30, "in the half that is missing"
        assert np.array_equal(previous, answer) or not previous.any()
        fed_back += bool(previous.any())
    assert 0.8 < fed_back / 60 <= 1
    assert FORGOTTEN < 0.2


def test_a_right_answer_is_not_clicked_again():
    for seed in range(20):
        truth, person = square(seed)
        before = person.channels()[:2]
        person.react(truth.astype(np.float32))
        np.testing.assert_array_equal(person.channels()[:2], before)


def test_the_same_random_numbers_make_the_same_person():
    for seed in range(10):
        np.testing.assert_array_equal(square(seed)[1].channels(), square(seed)[1].channels())
