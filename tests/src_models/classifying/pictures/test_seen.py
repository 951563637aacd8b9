"""The picture that a model saw: where its pixels lie on the image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.classifying.pictures.picture import fitted
from src_models.classifying.pictures.seen import SeenPicture
from src_models.errors import UserError

SIZE = 32


def seen(height, width, corner=(0, 0)):
    return SeenPicture(np.zeros((1, SIZE, SIZE), np.float32), (), corner, (height, width), (0.0, 0.0))


@given(st.integers(5, 200), st.integers(5, 200), st.integers(-40, 40), st.floats(0, 1), st.floats(0, 1))
def test_a_place_of_the_image_and_its_pixel_lead_to_each_other(height, width, corner, down, right):
    picture = seen(height, width, (corner, -corner))
    place = (corner - 0.49 + down * (height - 0.02), -corner - 0.49 + right * (width - 0.02))
    pixel = picture.pixel(place)
    np.testing.assert_allclose(picture.place(pixel), place, atol=1e-9)


@pytest.mark.parametrize("shape", [(32, 64), (64, 32), (64, 64), (16, 32)])
def test_a_pixel_shows_what_lies_at_its_place(shape):
    """Grey values that say where they are, brought to the picture as a model is shown it."""
    picture = seen(*shape)
    for axis in (0, 1):
        ramp = np.broadcast_to(np.expand_dims(np.arange(shape[axis], dtype=np.float32), 1 - axis), shape)
        shown = fitted(ramp[None], SIZE)[0]
        for place in ((10.5, 13.5), (4.5, 24.5)):
            row, column = picture.pixel(place)
            assert shown[round(row), round(column)] == pytest.approx(place[axis], abs=1)


def test_values_of_cells_lie_over_what_they_are_of_without_the_room():
    cells = np.arange(16, dtype=np.float32).reshape(4, 4)  # of 8 px: the first and the last row are room
    placed = seen(32, 64, (100, 200)).placed(cells, "window 1.1 received", "attention received", "words", stride=8)
    assert placed.data.shape == (16, 32)
    np.testing.assert_array_equal(placed.data[::8, ::8], cells[1:3])
    assert placed.scale == (2, 2)
    assert placed.translate == (100.5, 200.5)


def test_beside_what_was_seen_there_is_nothing_to_ask():
    with pytest.raises(UserError, match="outside of what the model saw"):
        seen(32, 64).pixel((33, 10))
    with pytest.raises(UserError, match="outside of what the model saw"):
        seen(32, 64).pixel((3, -1))
