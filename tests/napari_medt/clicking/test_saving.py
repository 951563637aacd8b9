"""Clicked objects in files: the labels, and the clicks of those that are still there."""

from __future__ import annotations

import json
import threading

import nibabel
import numpy as np
import pytest
import tifffile
from napari.layers import Image, Labels

from napari_medt.clicking.saving import ObjectsToSave, with_ending
from napari_medt.viewer.labels.object_records import note_records
from src_models.errors import OutputError


def clicked_labels(shape=(6, 8), image=None):
    image = Image(np.zeros(shape), axis_labels="zyx"[-len(shape) :]) if image is None else image
    labels = Labels(np.zeros(shape, np.uint16), name="cells")
    labels.data[(0,) * (len(shape) - 2)][1:3, 1:3] = 1
    note_records(labels, [{"value": value, "time": f"{value}", "prompts": []} for value in (1, 2)])
    return ObjectsToSave.of(labels, image), labels


def test_objects_that_are_gone_are_left_out_of_the_clicks(tmp_path):
    objects, labels = clicked_labels()
    path, beside = objects.write(tmp_path / "cells")
    assert path.name == "cells.tif"
    np.testing.assert_array_equal(tifffile.imread(path), labels.data)
    stored = json.loads(beside.read_text())
    assert [entry["value"] for entry in stored["objects"]] == [1]
    assert stored["labels"] == "cells.tif"


@pytest.mark.parametrize("name", ["cells.tif", "cells.nii.gz"])
def test_a_worker_thread_writes_what_was_there_and_asks_neither_layer_nor_viewer(tmp_path, monkeypatch, name):
    import napari

    objects, labels = clicked_labels((2, 6, 8))
    labels.name, labels.metadata = "another", {}
    labels.data = np.zeros((3, 3), np.uint8)
    asked = []
    monkeypatch.setattr(napari, "current_viewer", lambda: asked.append(True))
    thread = threading.Thread(target=objects.write, args=(tmp_path / name,))
    thread.start()
    thread.join()
    stored = tifffile.imread(tmp_path / name) if name.endswith("tif") else nibabel.load(tmp_path / name).get_fdata()
    assert stored.sum() == 4
    assert asked == []


@pytest.mark.parametrize("name", ["cells.tif", "cells.nii.gz"])
def test_nothing_that_is_there_is_replaced_unasked(tmp_path, name):
    objects, labels = clicked_labels((2, 6, 8))
    first = [path.read_bytes() for path in objects.write(tmp_path / name)]
    labels.data[0, 5, 5] = 2
    with pytest.raises(OutputError, match="this file exists"):
        objects.write(tmp_path / name)
    (tmp_path / "cells.clicks.json").unlink()
    with pytest.raises(OutputError, match="exists"):
        objects.write(tmp_path / name)
    assert (tmp_path / name).read_bytes() == first[0]
    objects.write(tmp_path / name, overwrite=True)
    assert [entry["value"] for entry in json.loads((tmp_path / "cells.clicks.json").read_text())["objects"]] == [1, 2]


def test_a_scan_format_keeps_the_labels_of_a_stack(tmp_path):
    objects, labels = clicked_labels((3, 6, 8))
    path, _ = objects.write(tmp_path / "scan.nii.gz")
    stored = np.asarray(nibabel.load(path).dataobj)
    assert stored.sum() == labels.data.sum()
    assert sorted(stored.shape) == sorted(labels.data.shape)


def test_a_channel_axis_is_no_axis_of_the_file_and_colours_never_were_one(tmp_path):
    channels = Image(np.zeros((2, 6, 8)), axis_labels=("c", "y", "x"))
    objects, _ = clicked_labels((1, 6, 8), image=channels)
    objects.write(tmp_path / "channels.tif")
    assert tifffile.imread(tmp_path / "channels.tif").shape == (6, 8)
    colours = Image(np.zeros((6, 8, 3), np.uint8), rgb=True)
    objects, _ = clicked_labels((6, 8), image=colours)
    objects.write(tmp_path / "colours.tif")
    assert tifffile.imread(tmp_path / "colours.tif").shape == (6, 8)


def test_an_ending_that_cannot_be_written_is_refused_with_those_that_can(tmp_path):
    objects, _ = clicked_labels()
    with pytest.raises(OutputError, match=r"written as \.tif, \.tiff, \.nii\.gz, \.nii, \.seg\.nrrd"):
        objects.write(tmp_path / "cells.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "ending", "full"),
    [
        ("a", ".tif", "a.tif"),
        ("a.TIF", ".tif", "a.TIF"),
        ("a.nii.gz", ".tif", "a.nii.gz"),
        ("a.gz", ".tif", "a.nii.gz"),
        ("day 1.5", ".nii.gz", "day 1.5.nii.gz"),
        ("a.png", ".tif", "a.png"),
    ],
)
def test_names_get_the_ending_that_belongs_to_them(name, ending, full):
    assert str(with_ending(name, ending)) == full


@pytest.mark.parametrize("axes", ["ztyx", "xy", "xyz", "tzyx"])
def test_objects_of_an_image_of_any_order_of_axes_lie_on_it_voxel_on_voxel(tmp_path, axes):
    from src_models.files.images import read_image

    sizes = {"t": 2, "z": 3, "y": 6, "x": 8}
    shape = tuple(sizes[letter] for letter in axes)
    scale = [{"t": 1.0, "z": 0.5, "y": 0.25, "x": 0.125}[letter] for letter in axes]
    units = ["pixel" if letter == "t" else "µm" for letter in axes]
    image = Image(np.zeros(shape), axis_labels=tuple(axes), scale=scale, units=units)
    labels = Labels(np.arange(np.prod(shape), dtype=np.uint16).reshape(shape), axis_labels=tuple(axes))
    path, _ = ObjectsToSave.of(labels, image).write(tmp_path / "cells.tif")
    stored = read_image(path)
    letters = stored.reading.axes.lower()
    np.testing.assert_array_equal(np.einsum(f"{letters}->{axes}", stored.data), labels.data)
    expected = {letter.upper(): step for letter, step in zip(axes, scale, strict=True) if letter != "t"}
    assert stored.reading.spacing == pytest.approx(expected)


@pytest.mark.parametrize("ending", [".nrrd", ".seg.nrrd"])
def test_each_format_of_scans_keeps_the_labels(tmp_path, ending):
    from src_models.files.images import read_labels

    objects, labels = clicked_labels((3, 6, 8))
    path, beside = objects.write(tmp_path / f"scan{ending}")
    np.testing.assert_array_equal(read_labels(path), labels.data)
    assert beside.name == "scan.clicks.json"


def test_a_segmentation_of_dicom_is_refused_where_no_slices_are_known(tmp_path):
    objects, _ = clicked_labels((3, 6, 8))
    with pytest.raises(OutputError, match="DICOM"):
        objects.write(tmp_path / "scan.dcm")
    assert not list(tmp_path.iterdir())
