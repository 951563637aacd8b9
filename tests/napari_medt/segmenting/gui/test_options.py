"""Controls of the Segment widget, each by itself: what they offer for a model or an image, and what they return."""

from __future__ import annotations

import dataclasses
import sys

import pytest
from qtpy.QtCore import Qt

from napari_medt.segmenting.options import (
    AttentionList,
    DeviceCombo,
    DiameterBox,
    LeftOut,
    LinkCombo,
    PiecesBox,
    ResultCombo,
    SensitivitySlider,
    TileBox,
)
from src_models.images.axes import read_axes
from src_models.models.architectures import attention_names, usual_attention
from src_models.models.header import read_header
from src_models.models.library import find_model


@pytest.fixture
def made(qtbot):
    """Return a function that makes a control."""

    def make(kind, *arguments):
        control = kind(*arguments)
        qtbot.addWidget(control)
        return control

    return make


@pytest.fixture(scope="module")
def header():
    return read_header(find_model("nuclei-medt"))


def test_every_map_of_a_model_can_be_ticked_and_those_worth_a_layer_are(made, header):
    maps = made(AttentionList)
    maps.set_model(header)
    names = attention_names(header.architecture, header.config)
    assert [maps.item(row).data(Qt.ItemDataRole.UserRole) for row in range(maps.count())] == list(names)
    assert set(maps.names()) == set(usual_attention(header.architecture, header.config)) != set(names)
    maps.tick((names[1],))
    assert maps.names() == (names[1],)
    maps.set_model(None)
    assert (maps.count(), maps.names(), maps.height()) == (0, (), 0)


def test_labels_are_at_first_what_the_model_was_made_for(made, header, blob_model_path):
    result = made(ResultCombo)
    result.set_model(header)
    assert result.result() == header.result == "instances"
    result.set_model(read_header(blob_model_path))
    assert result.result() == "semantic"


@pytest.mark.parametrize(
    ("axes", "shape", "dimensions", "offered"),
    [
        ("YX", (64, 64), 2, None),
        ("ZYX", (5, 64, 64), 2, ["z", ""]),
        ("ZYX", (5, 64, 64), 3, None),  # the network has seen the depth itself
        ("TYX", (5, 64, 64), 2, ["", "t"]),
        ("TZYX", (5, 4, 64, 64), 2, ["z", "zt", "t", ""]),
        ("TZYX", (5, 4, 64, 64), 3, ["", "t"]),
        ("TZYX", (1, 4, 64, 64), 2, ["z", ""]),
    ],
)
def test_objects_are_linked_through_the_axes_that_there_are(made, axes, shape, dimensions, offered):
    link = made(LinkCombo)
    anything = link.offer(read_axes(shape, axes=axes, dimensions=dimensions), dimensions)
    assert anything == (offered is not None)
    if offered is not None:
        assert [link.itemData(row) for row in range(link.count())] == offered
        assert link.link() == offered[0]


def test_a_choice_of_linking_stays_while_it_fits(made):
    link = made(LinkCombo)
    link.offer(read_axes((5, 64, 64), axes="ZYX"), 2)
    link.setCurrentIndex(1)
    link.offer(read_axes((9, 32, 32), axes="ZYX"), 2)
    assert link.link() == ""
    link.offer(read_axes((5, 4, 64, 64), axes="TZYX"), 2)
    assert link.link() == "z"


def test_a_size_of_nothing_is_left_to_the_model(made, header):
    diameter = made(DiameterBox)
    assert diameter.diameter() is None
    diameter.set_model(header)
    assert diameter.text() == ("automatic" if header.estimates_diameter else "as it is")
    diameter.set_model(dataclasses.replace(header, estimates_diameter=False, image_zoom=0.48))
    assert diameter.text() == "image x 0.48"
    assert "resized 0.48 times, and sees them so" in diameter.toolTip()
    diameter.setValue(24)
    assert (diameter.diameter(), diameter.text()) == (24.0, "24 px")


def test_sensitivity_goes_from_fewer_to_more(made):
    sensitivity, heard = made(SensitivitySlider), []
    sensitivity.changed.connect(lambda: heard.append(sensitivity.sensitivity()))
    assert (sensitivity.sensitivity(), sensitivity.said.text()) == (0, "usual")
    sensitivity.slider.setValue(-35)
    assert sensitivity.said.text() == "-35 %"
    sensitivity.slider.setValue(500)
    assert (heard, sensitivity.said.text()) == ([-0.35, 1.0], "+100 %")


def test_nothing_is_left_out_at_first(made):
    left_out = made(LeftOut)
    assert (left_out.least_size(), left_out.drop_edge(), left_out.least.text()) == (0.0, False, "nothing")
    left_out.least.setValue(12)
    left_out.edge.setChecked(True)
    assert (left_out.least_size(), left_out.drop_edge(), left_out.least.text()) == (12.0, True, "under 12 px")


def test_the_largest_pieces_are_kept_where_the_model_says_so_and_where_a_person_does(made, header):
    pieces = made(PiecesBox)
    assert (pieces.isChecked(), pieces.pieces()) == (False, None)
    pieces.setChecked(True)
    assert pieces.pieces() == 1
    organs = {"classes": ("background", "liver", "lungs"), "result": "semantic"}
    organs = dataclasses.replace(header, **organs, largest_pieces={"liver": 1, "lungs": 2})
    pieces.set_model(organs)
    assert (pieces.isChecked(), pieces.pieces()) == (True, None)
    assert "the largest piece of liver; the 2 largest of lungs" in pieces.toolTip()
    pieces.setChecked(False)
    assert pieces.pieces() == "all"


def test_tiles_are_the_models_own_unless_a_person_says_otherwise(made, header):
    tile = made(TileBox)
    tile.set_model(header)
    assert (tile.tile(), tile.text()) == (None, f"automatic ({header.tile[-1]} px)")
    tile.setValue(256)
    assert tile.tile() == 256


def test_the_device_of_the_preferences_is_chosen_where_there_is_one_of_that_kind(made):
    assert made(DeviceCombo, "cpu").device() == "cpu"
    other = "cuda" if sys.platform == "darwin" else "mps"
    assert made(DeviceCombo, other).device() == "auto"
