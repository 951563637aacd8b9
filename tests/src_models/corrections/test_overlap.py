"""What two corrections of one plane share."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from src_models.corrections.correction import Source, mark
from src_models.corrections.overlap import counted_of, same_image

SHAPE = (12, 14)


def corrected(*, image=None, region=None):
    labels = np.zeros(SHAPE, np.int32)
    labels[2:6, 3:8] = 1
    plane = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8) if image is None else image
    return mark(
        plane, labels, source=Source(layer="cells"), mode="slice" if region is None else "region", region=region
    )


def test_the_same_image_is_known_by_what_two_regions_of_it_share():
    image = np.arange(168.0).reshape(SHAPE)
    image[5, 5] = np.nan
    other = np.where(np.arange(14) < 7, image, 0)
    left, right = ((0, 9), (0, 7)), ((4, 12), (6, 14))
    whole = corrected(image=image)
    # what lies beyond a region is cut off only where a plane is large: so it is here, by hand
    part = dataclasses.replace(
        whole, image=other[:9, :7], record=dataclasses.replace(whole.record, mode="region", region=left)
    )
    assert same_image(whole, part)
    assert same_image(part, whole)
    beyond = dataclasses.replace(part, image=other[4:, 6:], record=dataclasses.replace(part.record, region=right))
    assert same_image(part, beyond)
    assert not same_image(whole, beyond)
    assert not same_image(beyond, whole)


def test_what_counts_is_found_in_any_other_region_of_the_plane():
    correction = corrected(region=((2, 5), (3, 7)))
    counts = counted_of(correction, ((4, 8), (0, 5)))
    expected = np.zeros((4, 5), bool)
    expected[:1, 3:] = True
    np.testing.assert_array_equal(counts, expected)
    assert not counted_of(correction, ((40, 44), (0, 5))).any()


spans = st.tuples(st.integers(0, 10), st.integers(1, 12)).map(lambda at: (at[0], at[0] + at[1]))


@given(marked=st.tuples(spans, spans), asked=st.tuples(spans, spans))
def test_it_counts_where_both_regions_are(marked, asked):
    """Looked up pixel by pixel in the whole plane."""
    correction = corrected(region=marked)
    plane = np.zeros((30, 30), bool)
    (top, bottom), (left, right) = marked
    plane[top : min(bottom, 12), left : min(right, 14)] = True
    np.testing.assert_array_equal(counted_of(correction, asked), plane[slice(*asked[0]), slice(*asked[1])])


def test_places_that_share_nothing_do_not_tell_images_apart():
    whole = corrected()
    upper, lower = (
        dataclasses.replace(whole, image=image, record=dataclasses.replace(whole.record, region=(rows, (0, 14))))
        for image, rows in ((whole.image[:5], (0, 5)), (whole.image[7:] + 9, (7, 12)))
    )
    assert same_image(upper, lower)
    assert not same_image(whole, lower)
