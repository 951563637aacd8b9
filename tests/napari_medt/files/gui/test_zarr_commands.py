"""OME-Zarr opened and labels saved into it by dialogs: napari's own, and those of the plugin's commands."""

import numpy as np
import pytest
import zarr
from qtpy.QtWidgets import QFileDialog, QMessageBox

from src_models.errors import OutputError, UserError
from src_models.files.images import read_labels

PLUGIN = "napari-medt"
pytestmark = pytest.mark.usefixtures("plugin_registered")


@pytest.fixture
def image(tmp_path):
    """An image of one plane."""
    group = zarr.open_group(tmp_path / "cells.zarr", mode="w")
    group.create_array("0", shape=(64, 48), chunks=(32, 32), dtype="uint8")
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    datasets = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [0.5, 0.25]}]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    return tmp_path / "cells.zarr"


@pytest.fixture
def viewer(make_napari_viewer, image):
    """A viewer with an image, and labels over it that are selected."""
    viewer = make_napari_viewer()
    viewer.open(image, plugin=PLUGIN)
    viewer.add_labels(np.ones((64, 48), int), name="mine", scale=(0.5, 0.25), units=("um", "um"))
    return viewer


def run_command(name):
    from napari._app_model import get_app_model

    return get_app_model().commands.execute_command(name).result()


def test_an_image_is_asked_for_and_opened(make_napari_viewer, image, tmp_path, monkeypatch):
    viewer = make_napari_viewer()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(image))
    run_command("napari-medt.read_images")
    assert [(layer.name, list(layer.scale)) for layer in viewer.layers] == [("cells", [0.5, 0.25])]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    with pytest.raises(UserError, match="this folder is no zarr"):
        run_command("napari-medt.read_images")


def test_labels_are_saved_into_the_image_below_and_replaced_only_if_that_is_said(viewer, image, monkeypatch, messages):
    asked, answers = [], iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *given: asked.append(given[-1]) or str(image))
    monkeypatch.setattr(QMessageBox, "question", lambda *given: asked.append(given[-1]) or next(answers))
    path = image / "labels" / "mine"
    run_command("napari-medt.write_zarr_labels")
    assert asked == [str(image)], "the image that is open is offered"
    assert messages == [f"Saved {path}."]
    for number, kept in ((2, 1), (3, 3)):
        viewer.layers["mine"].data = np.full((64, 48), number)
        run_command("napari-medt.write_zarr_labels")
        assert read_labels(path).max() == kept
        assert asked[-1] == "cells.zarr has labels that are called 'mine'. Replace them?"


@pytest.mark.parametrize("command", ["read_images", "write_zarr_labels"])
def test_a_dialog_that_is_cancelled_does_nothing(viewer, command, monkeypatch, tmp_path):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    run_command(f"napari-medt.{command}")
    assert len(viewer.layers) == 2
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cells.zarr/labels/seen", "MedT labels in OME-Zarr"),
        ("cells.zarr/labels/seen", "napari builtins labels"),
        ("alone.zarr", "MedT labels in OME-Zarr"),
        ("alone.zarr", "napari builtins labels"),
        ("alone.zarr", "MedT labels of a scan"),  # a name without an ending would get that of this type
    ],
)
def test_napari_s_own_dialog_writes_zarr_whatever_type_is_chosen(viewer, tmp_path, monkeypatch, name, kind):
    def answer(*_args, **options):
        (chosen,) = [one for one in options["filter"].split(";;") if one.startswith(kind)]
        return str(tmp_path / name), chosen

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    run_command("napari.window.file.save_layers_dialog.selected")
    assert read_labels(tmp_path / name).min() == 1


def test_saving_says_which_labels_it_lacks(viewer):
    viewer.add_labels(np.zeros((4, 5), int))
    viewer.layers.selection = {viewer.layers["cells"]}
    with pytest.raises(OutputError, match="select the one Labels layer"):
        run_command("napari-medt.write_zarr_labels")
