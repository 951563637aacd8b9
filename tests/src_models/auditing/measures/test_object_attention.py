"""Where pixels inside objects look, against sums over single pixels."""

import numpy as np
import pytest

from src_models.auditing.measures.object_attention import look_at_objects, queries_in_objects, shares
from src_models.probing.axial_probe import AxialProbe
from src_models.probing.look_probe import PointedMap


def labels():
    drawn = np.zeros((32, 32), np.int32)
    drawn[4:12, 4:12] = 3
    drawn[16:30, 10:20] = 7
    return drawn


def pointed(weights, cell=2, first=None):
    first = ((cell - 1) / 2,) * 2 if first is None else first
    return PointedMap(np.asarray(weights, np.float32), (cell, cell), first, (0, 0))


def test_even_weights_give_what_chance_gives():
    found = shares(pointed(np.full((16, 16), 1 / 256)), labels(), 3)
    assert found == pytest.approx((64 / 1024, 64 / 1024, (64 + 140) / 1024, (64 + 140) / 1024))


def test_weight_in_an_object_is_told_from_weight_in_others():
    weights = np.full((16, 16), 1e-9)
    weights[3, 3], weights[10, 6], weights[0, 0] = 0.5, 0.3, 0.2  # in 3, in 7, outside
    same, _, any_, _ = shares(pointed(weights), labels(), 3)
    assert (same, any_) == pytest.approx((0.5, 0.8), abs=1e-6)


def test_chance_is_that_of_the_patch_where_a_block_sees_a_patch():
    weights = np.zeros((16, 16))
    weights[:8, :8] = 1 / 64
    assert shares(pointed(weights), labels(), 3)[1] == pytest.approx(64 / 256)


def test_padding_beyond_the_image_is_left_out():
    weights = np.full((20, 16), 1.0 / 320)  # four rows of cells below the image
    found = shares(pointed(weights), labels(), 3)
    assert found[0] == found[1] == pytest.approx(64 / 1024)
    assert shares(pointed(np.full((4, 4), 1 / 16), first=(16.5, 10.5)), labels(), 7)[0] == pytest.approx(1)


def test_queries_lie_in_different_objects_of_the_region():
    region = (slice(2, 20), slice(2, 32))
    pixels = queries_in_objects(labels(), region, np.random.default_rng(0))
    assert sorted(labels()[pixel] for pixel in pixels) == [3, 7]
    assert all(part.start <= place < part.stop for pixel in pixels for place, part in zip(pixel, region, strict=True))


def test_every_block_is_asked_and_gives_what_single_pixels_sum_to(make_model):
    generator = np.random.default_rng(1)
    image, drawn = generator.random((64, 64), np.float32), np.zeros((64, 64), np.int32)
    drawn[10:30, 12:40], drawn[40:60, 30:50] = 1, 2
    probe, pixels = AxialProbe(image, make_model("medt"), device="cpu"), [(15, 20), (45, 33)]
    steps, said = look_at_objects(probe, drawn, pixels, ()), []
    while True:
        try:
            said.append(next(steps))
        except StopIteration as finished:
            found = finished.value
            break
    assert [one.block for one in found] == [*probe.blocks, "global (rollout)", "local (rollout)"]
    assert len(said) == len(found)
    for one in found:
        if "rollout" in one.block:
            continue
        wanted = np.zeros(2)
        for pixel in pixels:
            looked = probe.look(pixel, one.block)
            cell = 64 // len(looked.weights)
            spread = np.kron(looked.weights, np.ones((cell, cell))) / cell**2
            wanted += (spread[drawn == drawn[pixel]].sum() / 2, spread[drawn > 0].sum() / 2)
        assert (one.same_object, one.any_object) == pytest.approx(tuple(wanted), abs=1e-5)
        if one.block.startswith("global"):
            assert one.any_object_chance == pytest.approx((drawn > 0).mean())
