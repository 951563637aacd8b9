"""How maps set objects apart, against maps that were made of the objects."""

import numpy as np
import pytest

from src_models.attention.map_contrast import object_contrast, telling_first
from src_models.attention.placed_map import PlacedMap


def placed(data, step, name="gate 2"):
    first = tuple(size / 2 - 0.5 for size in step)
    return PlacedMap(name, "attention gate", "", 2, np.asarray(data, np.float32), tuple(step), first)


@pytest.mark.parametrize("step", [(1, 1), (2, 2), (4, 2), (0.5, 0.5)])
def test_means_are_those_of_the_cells_in_and_out_of_objects(step):
    labels = np.zeros((40, 60), int)
    labels[8:24, 20:40] = 7
    cells = np.zeros([round(size / s) for size, s in zip(labels.shape, step, strict=True)])
    rows, columns = (slice(round(a / s), round(b / s)) for (a, b), s in zip(((8, 24), (20, 40)), step, strict=True))
    cells[rows, columns] = 1
    found = object_contrast(placed(0.2 + 0.6 * cells, step), labels)
    assert (found.inside, found.outside) == pytest.approx((0.8, 0.2), abs=1e-6)
    assert found.separation == pytest.approx(1 / cells.std(), rel=1e-5)


def test_of_a_large_map_cells_all_over_it_are_taken():
    labels = np.zeros((3, 2000, 700), np.uint8)
    labels[:, 1000:] = 1
    found = object_contrast(placed(labels[:, ::2, ::2], (1, 2, 2)), labels)
    assert (found.inside, found.outside) == pytest.approx((1, 0), abs=0.01)


def test_without_objects_or_background_there_is_nothing_to_tell():
    for labels in (np.zeros((8, 8), int), np.ones((8, 8), int)):
        assert object_contrast(placed(np.eye(8), (1, 1)), labels) is None


def test_the_map_on_which_objects_are_bright_comes_first_and_the_one_on_which_they_are_dark_last():
    labels = np.zeros((16, 16), int)
    labels[4:9, 4:9] = 1
    noise = np.random.default_rng(0).random((16, 16))
    dark, faint, bright = (
        placed(0.5 + weight * (labels > 0) + 0.1 * noise, (1, 1), name)
        for weight, name in ((-0.4, "gate 2"), (0.01, "gate 3"), (0.05, "gate 4"))
    )
    assert telling_first([dark, faint, bright], labels) == [bright, faint, dark]
    assert telling_first([dark, faint, bright], np.zeros_like(labels)) == [dark, faint, bright]
