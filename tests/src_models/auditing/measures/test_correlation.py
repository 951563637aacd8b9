"""How alike maps are, against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from src_models.auditing.measures.correlation import cosine, rank_correlation


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=40))
def test_rank_correlation_is_spearmans_with_ties(pairs):
    first, second = (np.array(values, float) for values in zip(*pairs, strict=True))
    found = rank_correlation(first, second)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)


def test_rank_correlation_knows_nothing_but_order():
    values = np.random.default_rng(0).random((5, 7))
    assert rank_correlation(values, np.exp(9 * values)) == pytest.approx(1)
    assert rank_correlation(values, -(values**3)) == pytest.approx(-1)


def test_the_cosine_is_1_for_multiples_alone():
    values = np.array([1.0, 2.0, 2.0])
    assert cosine(values, 7 * values) == pytest.approx(1)
    assert cosine(values, np.array([2.0, -1.0, 0.0])) == pytest.approx(0)
    assert cosine(values, np.array([3.0, 0.0, 0.0])) == pytest.approx(1 / 3)
