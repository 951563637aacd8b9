"""Masks in which objects have no numbers: told apart from those that have."""

import doctest

import numpy as np
import pytest

import src_models.labels.numbering
from src_models.labels.numbering import one_number_each


def squares(*values):
    """A mask of squares of 8 px in a row, with these values."""
    mask = np.zeros((12, 12 * len(values)), np.uint8)
    for place, value in enumerate(values):
        mask[2:10, 12 * place + 2 : 12 * place + 10] = value
    return mask


def with_a_speck():
    mask = squares(1)
    mask[0, 0] = 1
    return mask


@pytest.mark.parametrize(
    ("masks", "expected"),
    [
        ([squares(255, 255)], True),
        ([squares(1, 1, 1), squares(1)], True),
        ([squares(0), squares(255, 255)], True),
        ([squares(1, 1), squares(2, 2)], True),
        ([squares(1, 2)], False),
        ([squares(7, 7), squares(1, 2)], False),
        ([squares(1), squares(1)], False),
        ([with_a_speck()], False),
        ([squares(0)], False),
        ([], False),
        ([np.stack([squares(1, 1)] * 3)], True),
    ],
)
def test_one_number_in_several_pieces_tells_no_objects_apart(masks, expected):
    assert one_number_each(masks) == expected


def test_masks_are_read_no_further_than_it_takes_to_tell():
    def masks():
        yield squares(1, 2)
        raise AssertionError("one mask with two numbers is enough")

    assert not one_number_each(masks())


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.labels.numbering).failed == 0
