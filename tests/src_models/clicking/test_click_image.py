"""An image that is clicked in: its planes, its grey values, and when these are measured."""

import numpy as np
import pytest

from src_models.clicking.click_image import ClickImage
from src_models.clicking.prompts import Click
from src_models.errors import ImageError, UserError
from src_models.images.grey.ct_windows import ct_window


def disc(y, x, radius=12, shape=(80, 100)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(rows - y, columns - x) < radius


STACK = np.stack([disc(30, 30), disc(50, 70)]).astype(np.float32)


def answered(image, plane, y, x):
    answer = image.answers(plane).next([Click(y, x, True)], None)
    found = np.zeros(image.shape, bool)
    found[answer.region] = answer.mask
    return found


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def test_each_plane_is_asked_about_by_itself(bright):
    image = ClickImage(STACK, bright, axes="ZYX")
    assert (image.shape, image.leading_shape, image.depth, image.first) == ((80, 100), (2,), 2, (0,))
    assert overlap(answered(image, (0,), 30, 30), STACK[0] > 0) > 0.9
    assert overlap(answered(image, (1,), 50, 70), STACK[1] > 0) > 0.9
    assert image.answers((1,)) is image.answers((1,))


def test_what_was_read_of_planes_can_be_forgotten_and_is_read_again(bright):
    class Counted(np.ndarray):
        reads = 0

        def __getitem__(self, index):
            Counted.reads += 1
            return super().__getitem__(index)

    image = ClickImage(STACK.view(Counted), bright, axes="ZYX")
    first = answered(image, (0,), 30, 30)
    answered(image, (1,), 50, 70)
    kept = image.answers((1,))
    image.forget(but=(1,))
    assert image.answers((1,)) is kept
    Counted.reads = 0
    answered(image, (1,), 50, 70)
    assert Counted.reads == 0
    np.testing.assert_array_equal(answered(image, (0,), 30, 30), first)
    assert Counted.reads > 0


def test_a_window_of_ct_decides_what_is_bright(bright):
    scan = np.where(disc(30, 30), 1000.0, np.where(disc(50, 70), 60.0, -1000.0)).astype(np.float32)
    narrow = ClickImage(scan, bright, intensity=ct_window("soft tissue").intensity)
    assert overlap(answered(narrow, (), 50, 70), disc(50, 70)) > 0.85
    bone = ClickImage(scan, bright, intensity=ct_window("bone").intensity)
    assert not (answered(bone, (), 30, 30) & disc(50, 70)).any()


def test_a_lazy_image_is_measured_when_it_is_opened_and_read_around_clicks_later(bright):
    class Watched:
        def __init__(self, values):
            self.values, self.shape, self.dtype, self.read = values, values.shape, values.dtype, []

        def __getitem__(self, index):
            self.read.append(self.values[index].size)
            return self.values[index]

    lazy = Watched(np.repeat(STACK, 2, axis=0))
    image = ClickImage(lazy, bright, axes="ZYX")
    assert lazy.read, "intensities are known before the first click"
    lazy.read.clear()
    image.answers((2,))
    assert lazy.read == []
    answered(image, (2,), 50, 70)
    assert lazy.read


def test_what_does_not_fit_is_refused_at_once(bright):
    image = ClickImage(STACK, bright, axes="ZYX", name="scan")
    for plane in ((2,), (-1,), (), (0, 0)):
        with pytest.raises(UserError, match="scan has no plane"):
            image.answers(plane)
    with pytest.raises(ImageError, match="scan has 2 channels"):
        ClickImage(STACK, bright, axes="CYX", name="scan")
    with pytest.raises(ImageError, match="scan has no value that is a finite number"):
        ClickImage(np.full((20, 30), np.nan), bright, name="scan")
