"""How sure a network is of its objects: one number, whatever blocks it is summed over."""

import numpy as np
import pytest

from src_models.prediction.certainty import Certainty


def made(chances):
    """Probabilities (3, *S) whose chance of being an object is divided between interior and boundary."""
    chances = np.asarray(chances, np.float64)
    return np.stack([1 - chances, 0.75 * chances, 0.25 * chances])


def test_it_is_the_mean_chance_where_that_is_above_one_half():
    certainty = Certainty()
    certainty.add(made([[0.1, 0.5, 0.6], [0.8, 1.0, 0.49]]))
    assert certainty.mean == pytest.approx((0.6 + 0.8 + 1.0) / 3)


def test_blocks_add_up_to_the_whole():
    chances = np.random.default_rng(0).random((60, 70))
    whole, parts = Certainty(), Certainty()
    whole.add(made(chances))
    for rows in (slice(0, 7), slice(7, 41), slice(41, 60)):
        parts.add(made(chances[rows]))
    assert parts.mean == pytest.approx(whole.mean)
    assert whole.mean == pytest.approx(chances[chances > 0.5].mean())


def test_without_an_object_there_is_none():
    certainty = Certainty()
    assert certainty.mean is None
    certainty.add(made(np.full((4, 4), 0.4)))
    assert certainty.mean is None


def test_many_pixels_of_half_precision_are_summed_exactly():
    """In half precision a sum stops growing at 2048 ones; in single precision at 2**24."""
    certainty = Certainty()
    block = made(np.full((1000, 1000), 0.75)).astype(np.float16)
    for _ in range(20):
        certainty.add(block)
    assert certainty.mean == pytest.approx(0.75, abs=1e-4)


def test_what_was_summed_up_elsewhere_counts_as_if_it_had_been_here():
    random = np.random.default_rng(0)
    blocks = [random.dirichlet((1, 1, 1), size=(8, 9)).transpose(2, 0, 1) for _ in range(3)]
    here, parts = Certainty(), [Certainty() for _ in blocks]
    together = Certainty()
    for block, part in zip(blocks, parts, strict=True):
        here.add(block)
        part.add(block)
        together.join(part)
    assert together.mean == pytest.approx(here.mean, rel=1e-12)
    together.join(Certainty())
    assert together.totals == pytest.approx(here.totals)
