"""A window is chosen by its name or by level and width, and the choice follows what a layer shows."""

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox

from napari_medt.controls.ct.window_choice import WindowChoice
from napari_medt.viewer.layer_notes import LayerNotes


@pytest.fixture
def scan():
    notes = LayerNotes(modality="CT", windows=(("as scanned", -160.5, 239.5),))
    return Image(np.linspace(-1000, 2000, 64).reshape(8, 8), contrast_limits=(-150, 250), metadata=notes.metadata())


@pytest.fixture
def choice(qtbot, scan):
    choice = WindowChoice("own")
    qtbot.addWidget(choice)
    choice.offer(scan)
    return choice


def listed(choice):
    return [choice.names.itemText(row) for row in range(choice.names.count())]


def type_in(box, value):
    box.lineEdit().setText(f"{value}")
    box.interpretText()
    box.editingFinished.emit()


def test_windows_of_ct_and_of_the_file_are_listed(choice, scan):
    assert listed(choice) == ["own", "soft tissue", "lung", "bone", "brain", "liver", "as scanned", "whole range"]
    choice.choose("liver")
    choice.offer(scan, is_ct=False)
    assert listed(choice) == ["own", "as scanned", "whole range"]
    assert choice.is_own()


@pytest.mark.parametrize(
    ("name", "limits"), [("liver", (-45, 105)), ("as scanned", (-160.5, 239.5)), ("whole range", (-1000, 2000))]
)
def test_what_is_named_is_what_the_layer_is_to_show(choice, scan, name, limits):
    scan.contrast_limits_range = (-1000, 2000)
    choice.choose(name)
    assert choice.wanted(scan) == limits
    assert choice.limits() == (None if name == "whole range" else limits)


def test_level_and_width_are_those_of_the_layer_and_what_is_typed_is_told(choice, scan):
    told = []
    choice.typed.connect(lambda low, high: told.append((low, high)))
    assert (choice.level.value(), choice.width.value()) == (50, 400)
    type_in(choice.width, 300)
    type_in(choice.level, 60)
    assert told == [(-100, 200), (-90, 210)]
    assert tuple(scan.contrast_limits) == (-150, 250)  # who has the choice acts on it


def test_numbers_that_were_only_looked_at_are_not_rounded_into_the_layer(choice, scan):
    scan.contrast_limits = (-33.27, 100.518)
    choice.follow(scan)
    told = []
    choice.typed.connect(lambda *limits: told.append(limits))
    for box in (choice.level, choice.width):
        box.editingFinished.emit()
    assert told == []


def test_limits_that_are_a_window_have_its_name_and_others_are_own(choice, scan):
    for limits, name in (((0, 80), "brain"), ((0, 81), "own"), ((-160.5, 239.5), "as scanned")):
        scan.contrast_limits = limits
        choice.follow(scan)
        assert choice.name() == name
        assert choice.level.value() == pytest.approx(sum(limits) / 2, abs=0.05)
        assert choice.width.value() == pytest.approx(limits[1] - limits[0], abs=0.05)


def test_every_control_has_a_tooltip_of_its_own_or_gets_one(choice):
    boxes = choice.findChildren(QDoubleSpinBox)
    assert len(boxes) == 2
    assert all(box.toolTip() for box in boxes)
    assert choice.findChildren(QComboBox) == [choice.names]
