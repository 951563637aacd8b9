"""Which part of an image is run on: what suits the image at first, and a person's choice while it can be made."""

from __future__ import annotations

import pytest

from napari_medt.controls.region_combo import RegionCombo
from src_models.images.axes import read_axes


@pytest.fixture
def combo(qtbot):
    combo = RegionCombo()
    qtbot.addWidget(combo)
    return combo


def offered(combo):
    return [combo.itemData(row) for row in range(combo.count())]


def choose(combo, choice):
    combo.setCurrentIndex(combo.findData(choice))


def test_before_an_image_is_there_all_would_be_run_on(combo):
    assert combo.choice() == "all"


def test_of_a_stack_the_plane_in_view_comes_first_and_of_one_plane_there_is_no_other(combo):
    combo.offer(read_axes((5, 64, 64), axes="ZYX"), 2)
    assert set(offered(combo)) == {"plane", "all", "visible"}
    assert combo.choice() == "plane"
    combo.offer(read_axes((64, 64)), 2)
    assert set(offered(combo)) == {"all", "visible"}
    assert combo.choice() == "all"


def test_of_a_plane_that_would_take_minutes_what_is_in_view_comes_first(combo):
    combo.offer(read_axes((9000, 9000)), 2)
    assert combo.choice() == "visible"


def test_a_choice_is_kept_for_the_next_image_that_offers_the_same(combo):
    combo.offer(read_axes((5, 64, 64), axes="ZYX"), 2)
    choose(combo, "all")
    combo.offer(read_axes((7, 32, 32), axes="ZYX"), 2)
    assert combo.choice() == "all"
    combo.offer(read_axes((64, 64)), 2)
    combo.offer(read_axes((7, 32, 32), axes="ZYX"), 2)
    assert combo.choice() == "plane"
