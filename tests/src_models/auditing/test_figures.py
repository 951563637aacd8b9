"""Figures of an audit: areas under curves, and what is clear enough to be said."""

import numpy as np
import pytest

from src_models.auditing.figures import LEAST_GAIN, Curve, Gain, Randomisation


def test_the_area_is_that_of_the_trapezoids_also_at_uneven_steps():
    assert Curve.through((0, 1), (1, 0)).area == 0.5
    assert Curve.through((0, 0.2, 1), (1, 0.5, 0)).area == pytest.approx(0.2 * 0.75 + 0.8 * 0.25)
    fractions = np.linspace(0, 1, 2001)
    assert Curve.through(fractions.tolist(), (fractions**2).tolist()).area == pytest.approx(1 / 3, abs=1e-6)


@pytest.mark.parametrize(
    ("mean", "uncertainty", "verdict"),
    [
        (0.1, 0.04, 1),
        (-0.1, 0.04, -1),
        (0.1, 0.05, 0),  # exactly twice the uncertainty is not clear
        (LEAST_GAIN, 0.0, 0),
        (LEAST_GAIN + 1e-6, 0.0, 1),
        (0.0, 0.0, 0),
    ],
)
def test_only_what_exceeds_chance_and_its_uncertainty_is_clear(mean, uncertainty, verdict):
    assert Gain(mean, uncertainty).verdict == verdict


def test_the_last_correlation_counts_also_where_the_map_is_flat():
    assert Randomisation(("out", "in"), (1.0, 0.2)).final == 0.2
    assert Randomisation(("out", "in"), (0.4, None)).final is None
