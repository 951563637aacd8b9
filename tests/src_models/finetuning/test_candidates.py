"""What is worth correcting next: where the network is unsure, unlike what is corrected already, and each tile once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import ImageError, UserError
from src_models.finetuning.candidates import rank_steps, uncertainty
from src_models.images.axes import read_axes
from src_models.models.checkpoint import Model

TILE = 32


def ranked(*args, **options):
    """Exhaust the steps, and return their progress and the list."""
    steps, told = rank_steps(*args, device="cpu", **{"tile": TILE, **options}), []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return told, end.value


# Uncertainty


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_it_is_entropy_plus_mutual_information(seed):
    rng = np.random.default_rng(seed)
    views = rng.dirichlet(np.ones(3), size=(4, 5)).transpose(0, 2, 1)  # (views, classes, pixels)
    found = uncertainty(views)
    for pixel in range(5):
        mean = views[:, :, pixel].mean(0)
        entropy = -sum(p * np.log(p) for p in mean)
        # mutual information as a Kullback-Leibler divergence, which the code does not compute it by
        divergences = [sum(p * np.log(p / q) for p, q in zip(view, mean, strict=True)) for view in views[..., pixel]]
        assert found[pixel] == pytest.approx(entropy + np.mean(divergences))


def test_sure_and_agreeing_views_have_none_and_contradicting_ones_the_most():
    sure = np.zeros((4, 2, 1))
    sure[:, 0] = 1
    assert uncertainty(sure) == pytest.approx(0)
    contradicting = sure.copy()
    contradicting[:2] = contradicting[:2, ::-1]
    assert uncertainty(contradicting) == pytest.approx(2 * np.log(2))
    undecided = np.full((4, 2, 1), 0.5)
    assert uncertainty(undecided) == pytest.approx(np.log(2)), "views that agree disagree in nothing"


# Ranking


def textured(rng, low, high):
    return rng.uniform(low, high, (TILE, TILE))


@pytest.fixture
def mosaic():
    """Six tiles, of which one is speckled where all others are flat."""
    rng = np.random.default_rng(0)
    image = np.full((2 * TILE, 3 * TILE), 20.0, np.float32)
    image[TILE:, TILE : 2 * TILE] = textured(rng, 0, 100)
    return image + rng.normal(0, 0.5, image.shape).astype(np.float32)


def test_every_tile_is_looked_at_once_and_told_of(mosaic, make_model):
    told, found = ranked(mosaic, make_model())
    assert [progress.done for progress in told] == list(range(1, 7))
    assert {progress.total for progress in told} == {6}
    regions = {candidate.region for candidate in found}
    assert regions == {((y, y + 32), (x, x + 32)) for y in (0, 32) for x in (0, 32, 64)}
    assert all(candidate.plane == () for candidate in found)


def test_what_is_unlike_all_others_comes_before_more_of_the_same(mosaic, make_model):
    _, found = ranked(mosaic, make_model())
    assert ((32, 64), (32, 64)) in [candidate.region for candidate in found[:2]]


def test_an_image_that_is_no_multiple_of_a_tile_is_covered_by_whole_tiles(make_model):
    _, found = ranked(np.random.default_rng(0).uniform(0, 100, (40, 70)), make_model())
    covered = np.zeros((40, 70), int)
    for candidate in found:
        (top, bottom), (left, right) = candidate.region
        assert (bottom - top, right - left) == (32, 32)
        covered[top:bottom, left:right] += 1
    assert (covered > 0).all()


def test_a_small_image_is_one_tile(make_model):
    _, found = ranked(np.random.default_rng(0).uniform(0, 100, (20, 24)), make_model())
    assert [candidate.region for candidate in found] == [((0, 20), (0, 24))]


def test_the_list_is_no_longer_than_wanted_and_begins_alike(mosaic, make_model):
    model = make_model()
    _, all_of_them = ranked(mosaic, model)
    _, two = ranked(mosaic, model, most=2)
    assert two == all_of_them[:2]


def test_planes_of_a_stack_are_told_apart(make_model):
    stack = np.random.default_rng(0).uniform(0, 100, (3, 32, 32)).astype(np.float32)
    _, found = ranked(stack, make_model(), axes="ZYX")
    assert sorted(candidate.plane for candidate in found) == [(0,), (1,), (2,)]


# What is corrected already


def correct(folder, image, region, *, layer="cells", plane=(), axes="YX"):
    kept = CorrectionSet.open(folder)
    source = Source(layer=layer, plane=plane, axes=axes)
    kept.add(mark(image, np.ones(image.shape[:2], int), source=source, mode="region", region=region))
    return CorrectionSet.open(folder)


@pytest.mark.parametrize(("rows", "left_out"), [((0, 32), True), ((0, 15), False), ((0, 17), True)])
def test_a_tile_of_which_most_is_corrected_is_left_out(mosaic, make_model, tmp_path, rows, left_out):
    corrections = correct(tmp_path, mosaic, (rows, (32, 64)))
    told, found = ranked(mosaic, make_model(), corrections=corrections, source="cells")
    assert (((0, 32), (32, 64)) not in [candidate.region for candidate in found]) == left_out
    assert len(told) == len(found) == (5 if left_out else 6)


def test_what_was_corrected_in_another_image_or_plane_is_left_out_of_neither(mosaic, make_model, tmp_path):
    whole = ((0, 64), (0, 96))
    other = correct(tmp_path / "other", mosaic, whole, layer="another image")
    _, found = ranked(mosaic, make_model(), corrections=other, source="cells")
    assert len(found) == 6
    stack = np.stack([mosaic, mosaic])
    second = correct(tmp_path / "plane", mosaic, whole, plane=(1,), axes="ZYX")
    _, found = ranked(stack, make_model(), axes="ZYX", corrections=second, source="cells")
    assert {candidate.plane for candidate in found} == {(0,)}


def test_what_looks_like_a_correction_is_less_new(mosaic, make_model, tmp_path):
    """The speckled tile of another image is corrected: then the one that is left tells less."""
    model = make_model()
    _, before = ranked(mosaic, model, most=6)
    speckled = textured(np.random.default_rng(1), 0, 100).astype(np.float32)
    corrections = correct(tmp_path, speckled, ((0, 32), (0, 32)), layer="another image")
    _, after = ranked(mosaic, model, corrections=corrections, source="cells")
    novelty = [{found.region: found.novelty for found in each}[(32, 64), (32, 64)] for each in (before, after)]
    flat = max(found.novelty for found in after if found.region != ((32, 64), (32, 64)))
    assert novelty[1] < flat
    assert all(found.novelty >= 0 for found in after)


# What cannot be ranked


def test_models_of_clicks_and_of_volumes_do_not_rank(mosaic, make_model, bright_model):
    with pytest.raises(UserError, match="the model 'bright' does not segment planes by itself"):
        next(rank_steps(mosaic, bright_model))
    volumes = make_model(dimensions=3, tile=(16, 32, 32), overlap=(2, 4, 4))
    with pytest.raises(UserError, match="does not segment planes by itself; choose another one"):
        next(rank_steps(mosaic, volumes))


def test_a_network_of_one_size_looks_at_tiles_that_it_takes_once_they_are_enlarged(make_model):
    config = {"image_size": 64, "compatible": True}
    model = make_model("axial-unet", config=config, image_zoom=2.0)
    image = np.random.default_rng(0).integers(0, 255, (80, 48), dtype=np.uint8)
    _, found = ranked(image, model, tile=128)
    assert {tuple(stop - start for start, stop in each.region) for each in found} == {(32, 32)}
    assert len(found) == 3 * 2


def test_an_image_of_other_channels_is_named(make_model):
    model = make_model()
    of_five = Model(model.network, dataclasses.replace(model.header, channels=("a", "b")))
    with pytest.raises(ImageError, match="wells"):
        next(rank_steps(np.zeros((5, 40, 40), np.uint8), of_five, axes="CYX", name="wells"))


def test_a_model_that_was_made_for_a_spacing_looks_at_tiles_resampled_to_it(mosaic, make_model):
    """The same mosaic in pixels half as large is ranked as the mosaic is."""
    model = make_model(sharpness=4, spacing=(1.5, 1.5), unit="mm")
    fine = np.kron(mosaic, np.ones((2, 2), np.float32))
    readings = [read_axes(each.shape, spacing=(size, size), unit="mm") for each, size in ((mosaic, 1.5), (fine, 0.75))]
    (_, own), (_, enlarged) = (
        ranked(image, model, axes=reading, tile=tile)
        for image, reading, tile in zip((mosaic, fine), readings, (TILE, 2 * TILE), strict=True)
    )
    places = [np.array(candidate.region) // 2 for candidate in enlarged]
    assert sorted(map(str, places)) == sorted(str(np.array(candidate.region)) for candidate in own)
    np.testing.assert_array_equal(places[0], own[0].region)
    unsure = [[each.uncertainty for each in sorted(found, key=lambda one: one.region)] for found in (own, enlarged)]
    np.testing.assert_allclose(unsure[1], unsure[0], rtol=0.1)
