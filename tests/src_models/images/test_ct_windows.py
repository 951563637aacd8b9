"""Windows of the Hounsfield scale."""

import numpy as np
import pytest

from src_models.errors import UserError
from src_models.images.ct_windows import ct_window, ct_windows, looks_like_ct
from src_models.images.intensity import measure


@pytest.mark.parametrize(
    ("name", "black", "white"),
    [("soft tissue", -150, 250), ("lung", -1350, 150), ("bone", -500, 1300), ("brain", 0, 80)],
)
def test_black_and_white_are_half_a_width_from_the_level(name, black, white):
    window = ct_window(name)
    assert window.limits == (black, white)
    assert black + white == 2 * window.level
    normalised = measure(np.array([-3000, black, window.level, white, 3000]), window.intensity)
    np.testing.assert_allclose(normalised(np.array([-3000, black, window.level, white, 3000])), [0, 0, 0.5, 1, 1])


def test_all_windows_are_listed_by_their_names():
    assert [ct_window(window.name) for window in ct_windows()] == list(ct_windows())


def test_an_unknown_window_is_refused_with_those_there_are():
    with pytest.raises(UserError, match="'liver'; choose one of soft tissue, lung, bone, brain"):
        ct_window("liver")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(np.r_[np.full(5, -1000), np.full(95, 40)], True, id="air and tissue"),
        pytest.param(np.r_[np.full(5, -2000), np.full(95, 40)], True, id="padding outside the field of view"),
        pytest.param(np.full(100, 40), False, id="tissue alone"),
        pytest.param(np.linspace(-3, 3, 100), False, id="standardised values"),
        pytest.param(np.arange(100, dtype="uint16"), False, id="counts"),
        pytest.param(np.linspace(-30_000, 30_000, 100), False, id="far below air"),
        pytest.param(np.zeros(0), False, id="nothing"),
    ],
)
def test_hounsfield_units_are_known_by_air(values, expected):
    assert looks_like_ct(values) is expected
