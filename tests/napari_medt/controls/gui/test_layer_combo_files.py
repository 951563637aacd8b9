"""A layer that napari's own reader made of the first image of a file is not taken for the whole file in silence."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.utils.notifications import notification_manager

from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.viewer.layer_notes import LayerNotes
from src_models.files import image_list


@pytest.fixture
def positions(tmp_path):
    with tifffile.TiffWriter(tmp_path / "cells.ome.tif", ome=True) as tiff:
        for name in ("left", "right"):
            tiff.write(np.zeros((20, 30 + len(name)), "uint8"), metadata={"axes": "YX", "Name": name})
    return tmp_path / "cells.ome.tif"


@pytest.fixture
def listed(qtbot, plugin_registered):
    viewer = ViewerModel()
    combo = ImageLayerCombo(viewer)
    qtbot.addWidget(combo)
    yield viewer
    combo.disconnect_viewer()


def said():
    return [each.message for each in notification_manager.records if "images (" in each.message]


def test_a_file_of_several_images_is_said_with_their_names_once(listed, positions, qtbot):
    for count in range(len(said()) + 1, len(said()) + 3):
        (layer,) = listed.open(positions, plugin="napari")
        assert layer.data.shape == (20, 34)  # the first image: napari leaves out the other
        qtbot.waitUntil(lambda count=count: len(said()) == count)
        listed.layers.selection.active = None
        listed.layers.selection.active = layer
        assert len(said()) == count
    assert "cells.ome.tif holds 2 images (left, right), and layer 'cells.ome'" in said()[-2]
    assert "File > Open with Plugin" in said()[-1]


def test_nothing_is_said_of_what_is_known_to_be_one_of_several(listed, positions, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(image_list, "others_in_file", lambda *of: asked.append(of) or "")
    listed.add_image(np.zeros((20, 30)), metadata=LayerNotes(series="left").metadata())
    listed.add_image(np.zeros((20, 30)))
    (layer,) = listed.open(positions, plugin="napari")
    qtbot.waitUntil(lambda: bool(asked))
    assert asked == [(positions, layer.name)]


@pytest.mark.parametrize("content", ["one image", "no image", "nothing"])
def test_of_other_files_there_is_nothing_to_say(tmp_path, content):
    path = tmp_path / "a.tif"
    if content == "one image":
        tifffile.imwrite(path, np.zeros((5, 20, 30), "uint8"))
    elif content == "no image":
        path.write_text("text")
    assert image_list.others_in_file(path, "a") == ""
