"""Whether slices lie at even distances: what is said of those that do not is true."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.files.volumes.dicom.spacing import UnevenSlicesError, check_even, commonest, even_places, place_of


def slices(places, thickness=2.5, normal=(0, 0, 1)):
    """Slices, as far as their distances hang on them."""
    thicknesses = np.broadcast_to(np.asarray(thickness, object), len(places))
    direction = np.array(normal, float)
    return [
        SimpleNamespace(
            name=f"{number:02}.dcm",
            position=place * direction,
            normal=direction,
            thickness=thick,
        )
        for number, (place, thick) in enumerate(zip(places, thicknesses, strict=True))
    ]


def told(places, thickness=2.5, left_out=""):
    with pytest.raises(UnevenSlicesError) as refused:
        check_even(slices(places, thickness), "scan", left_out)
    return str(refused.value)


@given(
    step=st.floats(0.3, 8),
    count=st.integers(2, 400),
    start=st.floats(-900, 900),
    decimals=st.sampled_from([1, 2, 3, 6]),
)
def test_even_places_are_even_whatever_they_were_rounded_to(step, count, start, decimals):
    check_even(slices(np.round(start + step * np.arange(count), decimals), step), "scan")


@given(
    step=st.floats(0.3, 8),
    count=st.integers(6, 300),
    start=st.floats(-900, 900),
    decimals=st.sampled_from([1, 2, 3, 6]),
    gone=st.floats(0, 1),
)
def test_one_that_is_missing_is_noticed_whatever_places_were_rounded_to(step, count, start, decimals, gone):
    places = np.round(start + step * np.arange(count), decimals)
    number = 1 + int(gone * (count - 3))
    message = told(np.delete(places, number), step)
    if step > 1:  # else rounding may be as large as a tenth of it
        assert "1 slice is missing between" in message
        assert f"{number - 1:02}.dcm" in message


def test_how_many_are_missing_and_where():
    places = np.delete(2.5 * np.arange(20), [4, 11, 12])
    assert "3 slices are missing, 2 of them between 09.dcm (25.00 mm) and 10.dcm (32.50 mm): they are 7.5 mm" in told(
        places
    )
    assert "1 slice is missing between 01.dcm (2.50 mm) and 02.dcm (7.50 mm): they are 5 mm apart, others 2.5 mm" in (
        told((0, 2.5, 7.5, 10))
    )


def test_without_a_thickness_nothing_is_claimed():
    assert "1 slice seems to be missing between" in told((0, 2.5, 7.5, 10), None)


@pytest.mark.parametrize("thickness", [np.repeat([2.5, 5.0], [11, 8]), None, 2.5])
def test_a_thin_and_a_thick_part_lack_nothing(thickness):
    places = np.r_[2.5 * np.arange(11), 25 + 5 * np.arange(1, 9)]
    message = told(places, thickness)
    assert "slice is missing" not in message
    assert "are missing" not in message
    lacks = ", and none is missing" if np.ndim(thickness) else ""  # else nobody can tell
    assert f"parts of different distances{lacks}: 00.dcm (0.00 mm) to 10.dcm (25.00 mm) 2.5 mm apart" in message
    assert "10.dcm (25.00 mm) to 18.dcm (65.00 mm) 5 mm apart" in message


def test_one_that_is_missing_in_a_thick_part_is_told_from_the_change_of_thickness():
    places = np.r_[2.5 * np.arange(11), 25 + 5 * np.array([1, 2, 4, 5])]
    message = told(places, np.repeat([2.5, 5.0], [11, 4]))
    assert "1 slice is missing between 12.dcm (35.00 mm) and 13.dcm (45.00 mm): they are 10 mm apart" in message


def test_other_distances_are_told_as_they_are():
    assert "slices are uneven between 03.dcm (7.50 mm) and 04.dcm (10.60 mm): they are 3.1 mm apart, others 2.5 mm" in (
        told((0, 2.5, 5, 7.5, 10.6))
    )


def test_what_was_left_out_is_said_and_what_to_do_is_apart():
    with pytest.raises(UnevenSlicesError) as refused:
        check_even(slices((0, 2.5, 7.5, 10)), "scan", "left out: a.dcm, which is in colour")
    assert str(refused.value).startswith("scan: 1 slice is missing")
    assert str(refused.value).endswith("left out: a.dcm, which is in colour")
    assert "--uneven resample" in str(refused.value)
    assert "resample" not in refused.value.told
    assert refused.value.told.endswith("left out: a.dcm, which is in colour")


def test_the_commonest_distance_is_that_of_most_gaps():
    assert commonest(np.array([2.5] * 5 + [5.0] * 4)) == 2.5
    assert commonest(np.array([2.5] * 4 + [5.0] * 5)) == 5.0
    assert commonest(np.array([0.6, 0.7, 0.6, 0.6, 0.7, 3.0])) == 0.6
    assert commonest(np.array([2.5, 5.0])) == 2.5


@given(gaps=st.lists(st.floats(0.5, 9), min_size=1, max_size=30))
def test_even_places_reach_from_end_to_end_at_one_distance(gaps):
    places = np.cumsum([-3.0, *gaps])
    even = even_places(places)
    assert (even[0], even[-1]) == pytest.approx((places[0], places[-1]))
    np.testing.assert_allclose(np.diff(even), np.diff(even)[0])
    assert np.diff(even)[0] <= np.mean(gaps) * 1.5


def test_a_single_narrow_gap_does_not_make_a_hundred_slices():
    assert len(even_places(np.r_[0, 0.2, 5 * np.arange(1, 21)])) == 21


def test_a_place_is_told_along_the_normal():
    assert place_of(slices([3.14159], normal=(0, 1, 0))[0]) == "3.14 mm"
