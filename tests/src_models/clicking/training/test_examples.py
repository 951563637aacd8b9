"""Examples that a network of clicks learns from: the object is where the image shows it, whatever was done to both."""

import numpy as np
import pytest
from plates import HEADER, plates
from scipy import ndimage

from src_models.clicking.training.examples import ClickExamples, ObjectImage
from src_models.labels.instances import connected_parts


def test_an_example_shows_one_object_and_says_where_it_is():
    _, labels = plates()
    source = ObjectImage.of(labels.astype(np.float32) / 10, labels, HEADER, classes=False, name="plates")
    for seed in range(30):
        example = source.example(np.random.default_rng(seed), 64)
        assert example.image.shape == (3, 64, 64)
        inner = ndimage.binary_erosion(example.truth, iterations=9)
        if inner.any():  # away from edges, where neighbours mix, all of it has one value: that of one object
            values = np.round(10 * example.image[0][inner], 2)
            assert np.ptp(values) < 0.6
        height, width = (len(np.flatnonzero(example.truth.any(axis))) for axis in (1, 0))
        assert max(height, width) >= 0.05 * 64
        assert max(
            height, width
        ) > 0.97 * 64 or any(  # as much as the square holds, or the whole of it: it has the form of one of the plates
            abs(height * (box[1].stop - box[1].start) - width * (box[0].stop - box[0].start))
            <= 2.5 * max(box[0].stop - box[0].start, box[1].stop - box[1].start)
            for box in source.boxes.values()
        )


def test_beyond_the_image_nothing_is_labelled():
    labels = np.ones((30, 40), np.int32)
    source = ObjectImage.of(np.ones((30, 40)), labels, HEADER, classes=False, name="full")
    for seed in range(10):
        example = source.example(np.random.default_rng(seed), 64)
        rows, columns = (np.flatnonzero(example.truth.any(axis)) for axis in (1, 0))
        assert len(rows) / len(columns) == pytest.approx(30 / 40, rel=0.35)
        assert not example.truth.all()


def test_parts_of_a_class_are_objects():
    mask = np.zeros((20, 30), np.uint8)
    mask[2:6, 2:6], mask[2:6, 12:16], mask[10:16, 6:20] = 1, 1, 2
    parts = connected_parts(mask)
    assert sorted(np.bincount(parts.ravel())[1:]) == [16, 16, 84]
    assert len(np.unique(parts[mask == 1])) == 2


def test_specks_in_the_labels_are_no_objects():
    labels = np.zeros((30, 30), np.int32)
    labels[2:5, 2:5], labels[10:20, 10:20] = 1, 2
    assert list(ObjectImage(np.zeros((3, 30, 30)), labels).boxes) == [2]


def test_an_example_is_that_of_its_number_and_varies_with_it():
    image, labels = plates()
    source = ObjectImage.of(image, labels, HEADER, classes=False, name="plates")
    one, again = (ClickExamples([[source]], made_up=0.3, size=48, seed=5) for _ in range(2))
    for number in (0, 7, 3):
        np.testing.assert_array_equal(one[number].image, again[number].image)
        np.testing.assert_array_equal(one[number].truth, again[number].truth)
    assert not np.array_equal(one[0].image, one[1].image)


def test_turning_and_mirroring_keep_object_and_image_together():
    labels = np.zeros((120, 150), np.int32)
    labels[30:45, 40:90] = 1
    labels[45:70, 40:52] = 1  # no turn of it is itself
    source = ObjectImage.of(labels > 0, labels, HEADER, classes=False, name="angle")
    examples = ClickExamples([[source]], made_up=0.0, size=48, seed=2)
    for number in range(25):
        example = examples[number]
        inside, outside = example.image[0][example.truth], example.image[0][~example.truth]
        threshold = (np.median(inside) + np.median(outside)) / 2
        right = (example.image[0] > threshold) == (example.truth == (np.median(inside) > threshold))
        assert right.mean() > 0.9


def bright(value):
    """An image with one plate, all of one grey value."""
    labels = np.zeros((40, 40), np.int32)
    labels[10:30, 10:30] = 1
    return ObjectImage(np.full((3, 40, 40), value, np.float32), labels)


def drawn(count, **options):
    """Return how often each of the sets was drawn, told by the grey value of its only image."""
    examples = ClickExamples(
        [[bright(value)] for value in (0.25, 0.5, 1.0)], size=16, seed=4, augmented=False, **options
    )
    values = [round(float(np.median(examples[number].image)), 2) for number in range(count)]
    return {value: values.count(value) for value in (0.25, 0.5, 1.0)}


def test_sets_are_drawn_by_their_shares_exactly_and_early():
    shares = [3, 1, 4]
    assert drawn(64, made_up=0.0, shares=shares) == {0.25: 24, 0.5: 8, 1.0: 32}
    assert drawn(8, made_up=0.0, shares=shares) == {0.25: 3, 0.5: 1, 1.0: 4}
    assert drawn(64, made_up=0.25, shares=[1, 1, 2]) == {0.25: 12, 0.5: 12, 1.0: 24}


def test_a_set_without_objects_gives_its_share_to_the_others():
    empty = ObjectImage(np.zeros((3, 20, 20), np.float32), np.zeros((20, 20), np.int32))
    examples = ClickExamples(
        [[bright(0.5)], [empty], [bright(1.0)]], made_up=0.0, size=16, seed=4, augmented=False, shares=[1, 5, 3]
    )
    values = [round(float(np.median(examples[number].image)), 2) for number in range(16)]
    assert (values.count(0.5), values.count(1.0)) == (4, 12)


def test_shares_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="as many shares"):
        ClickExamples([[bright(0.5)]], made_up=0.0, size=16, seed=0, shares=[1, 2])


def test_objects_mostly_take_about_half_of_the_square_and_now_and_then_much_less_or_more():
    labels = np.zeros((200, 200), np.int32)
    labels[80:120, 80:120] = 1
    source, lengths = ObjectImage(np.zeros((3, 200, 200)), labels), []
    for seed in range(300):
        truth = source.example(np.random.default_rng(seed), 64).truth
        lengths.append(max(len(np.flatnonzero(truth.any(axis))) for axis in (0, 1)) / 64)
    assert 0.6 < np.mean([0.24 < length < 0.87 for length in lengths]) < 0.95
    assert min(lengths) < 0.2
    assert max(lengths) == 1
