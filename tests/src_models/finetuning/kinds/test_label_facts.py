"""What can be seen of labels: against drawings whose measures are known."""

import numpy as np
import pytest

from src_models.corrections.correction import Source, mark
from src_models.finetuning.kinds.label_facts import facts_of


def facts(*labels, images=None, **options):
    images = images or [np.zeros(each.shape, np.uint8) for each in labels]
    corrections = [
        (str(number), mark(image, each, source=Source(layer=str(number)), **options))
        for number, (image, each) in enumerate(zip(images, labels, strict=True))
    ]
    return facts_of(corrections)


def blank():
    return np.zeros((60, 80), np.int32)


def test_numbers_are_counted_in_each_tile():
    one, two = blank(), blank()
    one[5:10, 5:10], one[5:10, 30:40], two[20:30, 20:30] = 1, 2, 2
    found = facts(one, two)
    assert found.numbers == (1, 2)
    assert found.occurrences == 3
    assert found.returning == 1.5
    assert not found.counts_up
    assert facts(one).counts_up
    assert found.whole == 1.0
    assert found.parts == 3


def test_parts_of_a_number_are_counted_without_slips_of_the_brush():
    labels = blank()
    labels[5:15, 5:15] = labels[30:40, 5:15] = 3
    labels[50, 50] = 3
    labels[5:15, 40:60] = 4
    found = facts(labels)
    assert found.parts == 3
    assert found.whole == 0.5


def test_a_band_has_its_width_and_length():
    labels = blank()
    labels[30:34, 0:80] = 1
    found = facts(labels)
    assert found.width == pytest.approx(4, abs=1)
    assert found.length == pytest.approx(80 / 4, rel=0.3)
    assert found.spans == 1.0


def test_a_disc_is_as_wide_as_it_is_long():
    y, x = np.mgrid[:60, :80]
    found = facts((np.hypot(y - 30, x - 40) < 20).astype(np.int32))
    assert found.width == pytest.approx(40, rel=0.1)
    assert found.length < 1
    assert found.spans == 0.0
    assert found.diameter == pytest.approx(40, rel=0.05)


def test_of_one_number_the_parts_are_what_would_be_objects():
    labels = blank()
    labels[5:15, 5:15] = labels[30:40, 5:15] = 255
    assert facts(labels).diameter == pytest.approx(2 * np.sqrt(100 / np.pi))


def test_what_does_not_count_says_nothing_but_an_object_is_looked_at_whole():
    labels = blank()
    labels[10:20, 10:20], labels[40:50, 40:50] = 1, 2
    found = facts(labels, mode="region", region=((0, 12), (0, 80)))
    assert found.numbers == (1,)
    assert found.diameter == pytest.approx(2 * np.sqrt(100 / np.pi))


def test_numbers_that_look_alike_each_time_are_told_from_those_that_do_not():
    rng = np.random.default_rng(0)

    def tiles(alike):
        drawn = []
        for _ in range(5):
            labels, image = blank(), np.full((60, 80), 100, np.uint8)
            order = [0, 1, 2] if alike else rng.permutation(3)
            for number, which in enumerate(order, 1):
                side = (6, 12, 18)[which]
                labels[10 : 10 + side, 26 * number - 24 : 26 * number - 24 + side] = number
                image[labels == number] = 60 * which + 20
            drawn.append((image, labels))
        return facts(*(labels for _, labels in drawn), images=[image for image, _ in drawn])

    assert tiles(alike=True).alike < 0.01
    assert tiles(alike=False).alike > 0.1


def test_of_nothing_there_is_nothing_to_see():
    assert facts(blank()).numbers == ()


def test_holes_in_an_image_leave_what_is_seen_as_it_is():
    """Numbers that return and look alike, in images with NaN in a corner of the background."""
    rng = np.random.default_rng(0)
    labels, images = [], []
    for _ in range(6):
        tile = blank()
        tile[10:20, 10:20], tile[30:50, 30:60] = 1, 2
        labels.append(tile)
        images.append((rng.normal(50, 2, tile.shape) + 30 * tile).astype(np.float32))
    whole = facts(*labels, images=images)
    holed = [image.copy() for image in images]
    for image in holed:
        image[0, 0] = np.nan
    assert facts(*labels, images=holed).alike == pytest.approx(whole.alike)
