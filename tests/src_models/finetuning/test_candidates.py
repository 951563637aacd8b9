"""Where a correction would teach most: uncertainty by its formula, and a list that shows no thing twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import ImageError, UserError
from src_models.finetuning.candidates import rank_steps, uncertainty
from src_models.models.header import Intensity


@pytest.fixture
def model(make_model):
    return make_model(intensity=Intensity(kind="window", low=0, high=1))


def ranked(image, model, **options):
    steps = rank_steps(image, model, device="cpu", **{"tile": 32, **options})
    told = []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return end.value, told


def textures(*shape):
    """Noise that is stronger to the right."""
    return (np.random.default_rng(0).random(shape) * np.linspace(0.1, 1, shape[-1])).astype(np.float32)


@given(seed=st.integers(0, 1000), views=st.integers(1, 5), classes=st.integers(2, 4))
def test_uncertainty_is_entropy_of_the_mean_plus_mutual_information(seed, views, classes):
    """Against SciPy's entropy, and the identity of mutual information and Kullback-Leibler divergence."""
    answers = np.random.default_rng(seed).dirichlet(np.ones(classes), (views, 3, 3))  # views, 3, 3, classes
    found = uncertainty(np.moveaxis(answers, -1, 1))
    mean = answers.mean(axis=0)
    divergence = np.mean([entropy(answer, mean, axis=-1) for answer in answers], axis=0)
    np.testing.assert_allclose(found, entropy(mean, axis=-1) + divergence, atol=1e-9)


def test_sure_and_equal_answers_leave_nothing_uncertain():
    sure = np.zeros((4, 2, 5, 5))
    sure[:, 1] = 1
    np.testing.assert_array_equal(uncertainty(sure), 0)
    sure[:2] = 1 - sure[:2]  # each is sure, and they contradict each other
    np.testing.assert_allclose(uncertainty(sure), 2 * np.log(2))


def test_tiles_cover_the_image_and_all_are_whole(model):
    found, told = ranked(textures(70, 100), model, most=99)
    covered = np.zeros((70, 100), int)
    for each in found:
        (top, bottom), (left, right) = each.region
        assert (bottom - top, right - left) == (32, 32)
        covered[top:bottom, left:right] += 1
    assert covered.min() >= 1
    assert len(found) == len(told) == 3 * 4
    assert [step.done for step in told] == list(range(1, 13))


def test_every_plane_of_a_stack_is_ranked_and_the_list_is_no_longer_than_asked(model):
    found, told = ranked(textures(3, 32, 64), model, axes="ZYX", most=4)
    assert len(told) == 6
    assert len(found) == 4
    assert len({(each.plane, each.region) for each in found}) == 4
    everything, _ = ranked(textures(3, 32, 64), model, axes="ZYX", most=99)
    assert {each.plane for each in everything} == {(0,), (1,), (2,)}


def test_the_most_uncertain_tile_comes_first_and_equal_ones_last(model):
    """Of three tiles two are the same: once one of them is chosen, the other one teaches nothing new."""
    one, other = textures(32, 32), textures(32, 64)[:, 32:]
    found, _ = ranked(np.concatenate([one, other, one], axis=1), model)
    assert found[0].uncertainty == max(each.uncertainty for each in found)
    same = [each for each in found if each.region[1] in ((0, 32), (64, 96))]
    assert same[0].uncertainty == pytest.approx(same[1].uncertainty, abs=1e-6)
    assert same[1].novelty < 0.005, "a cosine distance; views from four sides differ a little"


def test_what_was_corrected_is_left_out_and_what_looks_like_it_comes_later(model, tmp_path):
    image = textures(32, 96)
    before, _ = ranked(image, model, most=3)
    assert {each.novelty for each in before[:1]} == {0.0}, "nothing is corrected yet"
    corrections = CorrectionSet.open(tmp_path / "set")
    corrected = ((0, 32), (64, 96))
    labels = np.ones(image.shape, np.int32)
    corrections.add(mark(image, labels, source=Source(layer="cells"), mode="region", region=corrected))
    after, _ = ranked(image, model, corrections=corrections, source="cells")
    assert {each.region for each in after} == {((0, 32), (0, 32)), ((0, 32), (32, 64))}
    elsewhere, _ = ranked(image, model, corrections=corrections, source="another layer")
    known = next(each for each in elsewhere if each.region == corrected)
    assert known.novelty == min(each.novelty for each in elsewhere) < 0.005, "it looks like what was corrected"


def test_what_cannot_be_ranked_is_refused(model, make_model, bright_model):
    with pytest.raises(UserError, match="does not segment planes by itself"):
        ranked(textures(64, 64), bright_model)
    with pytest.raises(UserError, match="does not segment planes by itself"):
        ranked(textures(16, 64, 64), make_model(dimensions=3))
    with pytest.raises(ImageError, match="cells has 2 channels"):
        ranked(textures(2, 64, 64), model, axes="CYX", name="cells")
