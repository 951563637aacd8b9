"""Contrast by the standard's own examples, and shades that reach it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medt.controls.charts.contrast import FRAME, GRAPHICS, TEXT, contrast, readable

DARK, LIGHT = "#23242b", "#ebe7e6"  # napari's grounds
colours = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#ff0000", "#ffffff", 3.998),  # 1.05 / (0.2126 + 0.05)
        ("#777777", "#ffffff", 4.478),  # the grey that famously just fails
        ("#767676", "#ffffff", 4.542),
        ("#0000ff", "#000000", 2.444),  # (0.0722 + 0.05) / 0.05
    ],
)
def test_contrast_is_that_of_the_standard(first, second, ratio):
    assert contrast(first, second) == pytest.approx(ratio, abs=2e-3)
    assert contrast(second, first) == contrast(first, second)


@given(colour=colours, ground=st.sampled_from([DARK, LIGHT, "#000000", "#ffffff"]))
def test_a_readable_shade_has_the_contrast_and_is_the_colour_itself_where_that_has_it(colour, ground):
    shade = readable(colour, ground)
    assert contrast(shade, ground) >= TEXT
    if contrast(colour, ground) >= TEXT:
        assert shade == colour


def test_a_shade_keeps_its_hue():
    blue = bytes.fromhex(readable("#56b4e9", LIGHT)[1:])
    orange = bytes.fromhex(readable("#e69f00", LIGHT)[1:])
    assert blue[2] > blue[1] > blue[0]
    assert orange[0] > orange[1] > orange[2]


def test_where_no_shade_suffices_the_best_is_given():
    assert readable("#808080", "#777777", least=9) == "#000000"


def test_the_frame_is_seen_in_both_themes_of_napari():
    from napari.utils.theme import get_theme

    for theme in ("dark", "light"):
        ground = get_theme(theme).background.as_hex(format="long")
        assert contrast(FRAME, ground) >= GRAPHICS
