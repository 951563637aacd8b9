"""The values that series are written with."""

import numpy as np
import pytest


@pytest.fixture
def stored():
    """Stored numbers of three slices."""
    return np.random.default_rng(0).integers(0, 2000, (3, 6, 5)).astype(np.uint16)
