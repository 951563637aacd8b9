"""A network is given the window of the Hounsfield scale that a person looks through; and which windows there are."""

from __future__ import annotations

import json

import numpy as np
import pytest
from napari.layers import Image

from napari_medt.viewer.ct_layer import same_limits, show_window, shown_limits, shown_window, windows_for
from napari_medt.viewer.layer_notes import LayerNotes


@pytest.mark.parametrize("limits", [(-160, 240), (-1350.5, 150)])
def test_contrast_limits_are_the_window(limits):
    layer = Image(np.zeros((8, 8), np.int16), contrast_limits=limits)
    window = shown_window(layer)
    assert (window.kind, window.low, window.high) == ("window", *limits)


def test_a_window_is_shown_with_room_for_it_in_the_slider():
    layer = Image(np.zeros((8, 8), np.float32), contrast_limits=(0, 100))
    layer.contrast_limits_range = (-10, 100)
    show_window(layer, (-45, 105))
    assert shown_limits(layer) == (-45, 105)
    assert layer.contrast_limits_range == [-45, 105]
    show_window(layer, (0, 80))
    assert layer.contrast_limits_range == [-45, 105]


def test_windows_are_those_of_ct_and_those_of_the_file():
    notes = LayerNotes(windows=(("as scanned: BONE", -450.5, 1049.5),))
    scan = Image(np.zeros((8, 8), np.int16), metadata=notes.metadata())
    assert windows_for(scan)["liver"] == (-45, 105)
    assert list(windows_for(scan)) == ["soft tissue", "lung", "bone", "brain", "liver", "as scanned: BONE"]
    assert windows_for(scan, is_ct=False) == {"as scanned: BONE": (-450.5, 1049.5)}
    assert windows_for(Image(np.zeros((8, 8))), is_ct=False) == {}
    stored = json.loads(json.dumps(notes.metadata()))  # as a journal keeps it
    assert windows_for(Image(np.zeros((8, 8)), metadata=stored)) == windows_for(scan)


def test_rounding_makes_no_other_window():
    assert same_limits((-150, 250), (-150.0000001, 250))
    assert not same_limits((-150, 250), (-151, 250))
    assert not same_limits((0, 1e-6), (0, 2e-6))
