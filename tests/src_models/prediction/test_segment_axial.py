"""Axial networks on images of any size: smaller than their window, and in tiles of it."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from src_models.errors import UserError
from src_models.models.header import Intensity
from src_models.nets.axial.attention import AxialAttention
from src_models.prediction.segment import segment

WINDOW = Intensity(kind="window", low=0, high=100)
FORMS = [
    pytest.param("medt", {}, id="medt"),
    pytest.param("axial-unet", {}, id="axial-unet"),
    pytest.param("gated-axial-unet", {"compatible": True}, id="the authors' arithmetic"),
]


def texture(*shape, seed=0):
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    return (50 + 150 * smooth).clip(0, 100).astype(np.float32)


@pytest.fixture
def make(make_model):
    """A random network whose attention and classes are far from even."""

    def made(name, config=None):
        model = make_model(name, config=config, intensity=WINDOW, sharpness=40)
        for module in model.network.modules():
            if isinstance(module, AxialAttention):
                module.qkv.conv.weight.data *= 3
        return model

    return made


def run(image, model, **options):
    return segment(image, model, device="cpu", **options)


def on_window(model, image):
    """Probabilities of an image of up to 64 px, its border repeated until the window of 64 px is full."""
    rows, columns = image.shape
    padded = np.pad(image / 100, [(0, 64 - rows), (0, 64 - columns)], mode="edge").astype(np.float32)
    with torch.inference_mode():
        return model.network(torch.from_numpy(padded)[None, None]).softmax(1)[0, :, :rows, :columns].numpy()


@pytest.mark.parametrize(("name", "config"), FORMS)
@pytest.mark.parametrize("shape", [(40, 50), (64, 33), (1, 1)])
def test_an_image_smaller_than_the_window_is_continued_by_its_border(make, name, config, shape):
    model, image = make(name, config), texture(*shape)
    found, wanted = run(image, model), on_window(model, image)
    np.testing.assert_allclose(found.probabilities.astype(np.float32), wanted, atol=1e-3)
    sure = np.abs(wanted[1] - wanted[0]) > 0.01
    np.testing.assert_array_equal(found.labels[sure], wanted.argmax(0)[sure])


@pytest.mark.parametrize(("name", "config"), FORMS)
def test_a_large_image_is_computed_in_tiles_of_the_window(make, name, config):
    """Tiles start at multiples of 8 px, the last ones where the image is covered: at 136 (of 200), at 88 (of 150)."""
    model, image = make(name, config), texture(200, 150)
    found = run(image, model).probabilities.astype(np.float32)
    assert found.shape == (2, 200, 150)
    middle = 24  # px from a corner that no other tile reaches
    for rows, columns, corner in (
        (slice(0, 64), slice(0, 64), (slice(middle), slice(middle))),
        (slice(0, 64), slice(88, None), (slice(middle), slice(-middle, None))),
        (slice(136, None), slice(88, None), (slice(-middle, None), slice(-middle, None))),
    ):
        wanted = on_window(model, image[rows, columns])
        np.testing.assert_allclose(found[:, *corner], wanted[:, *corner], atol=1e-3)
    assert np.ptp(found[1]) > 0.1


def test_tiles_larger_than_the_authors_arithmetic_takes_are_refused(make):
    model, image = make("gated-axial-unet", {"compatible": True}), texture(100, 100)
    with pytest.raises(UserError, match="a tile of 96 px is too large: the model 'random' takes at most 64 px"):
        run(image, model, tile=96)
    free = make("gated-axial-unet")
    assert np.abs(run(image, free, tile=128).probabilities - run(image, free).probabilities).max() > 1e-3


# Attention


def pixels_of(placed, changed):
    """The corners (px) of the smallest box of cells that holds every changed cell."""
    where = np.nonzero(changed)
    low = [t + s * (w.min() - 0.5) + 0.5 for t, s, w in zip(placed.translate, placed.scale, where, strict=True)]
    high = [t + s * (w.max() + 0.5) + 0.5 for t, s, w in zip(placed.translate, placed.scale, where, strict=True)]
    return *low, *high


@pytest.mark.parametrize("patch", [(0, 0), (1, 2), (3, 1)])
def test_a_change_in_one_patch_shows_in_local_maps_over_that_patch_and_in_global_ones_everywhere(make, patch):
    """The patches of a window of 64 px are of 16 px, and none sees another."""
    model, image = make("medt"), texture(64, 64)
    top, left = (16 * place for place in patch)
    other = image.copy()
    other[top : top + 16, left : left + 16] = texture(16, 16, seed=5)
    names = ["local 1.1 received", "local 2.2 received", "local 3.2 received", "global 1.1 received"]
    maps, changed = (run(each, model, attention=names).attention for each in (image, other))
    assert {placed.name for placed in maps} == set(names)
    for before, after in zip(maps, changed, strict=True):
        assert before.data.mean() == pytest.approx(1, abs=1e-4)
        local = before.name.startswith("local")
        assert pixels_of(before, before.data != after.data) == (
            (top, left, top + 16, left + 16) if local else (0, 0, 64, 64)
        )


def test_a_change_in_a_large_image_shows_in_local_maps_over_the_patch_around_it(make):
    """The first patch lies in one tile alone; cells end where the image ends."""
    model, image = make("medt"), texture(100, 90)
    other = image.copy()
    other[:16, :16] = texture(16, 16, seed=5)
    names = ["local 1.1 received", "local 3.2 received"]
    maps, changed = (run(each, model, attention=names).attention for each in (image, other))
    for before, after, stride in zip(maps, changed, (2, 8), strict=True):
        assert before.scale == (stride, stride)
        assert before.data.shape == (-(-100 // stride), -(-90 // stride))
        assert pixels_of(before, before.data != after.data) == (0, 0, 16, 16)


def test_maps_of_a_small_image_end_with_it(make):
    """Cells of 2, 4 and 8 px: as many as it takes to cover 40 x 50 px."""
    names = ["local 1.1 received", "local 2.2 received", "local 3.2 received", "global 2.2 received"]
    maps = run(texture(40, 50), make("medt"), attention=names).attention
    shapes = {placed.name: placed.data.shape for placed in maps}
    assert shapes == dict(zip(names, [(20, 25), (10, 13), (5, 7), (10, 13)], strict=True))
    for placed in maps:
        assert [t - s / 2 for t, s in zip(placed.translate, placed.scale, strict=True)] == [-0.5, -0.5]
