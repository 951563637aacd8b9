"""The set of a model: objects are told apart, classes are told by name, and what was submitted again is newer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from scipy import ndimage
from served_scans import packed

from napari_medt.serving.monai_label.learning.model_corrections import ModelCorrections
from napari_medt.serving.monai_label.learning.submitted import read_sent
from napari_medt.serving.monai_label.learning.teaching import labelled
from napari_medt.serving.settings import ServeSettings
from napari_medt.serving.store.ids import Asker
from napari_medt.serving.store.store import Store
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import UserError
from src_models.models.header import read_header, slice_channels
from src_models.models.library import find_model


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    tifffile.imwrite(folder / "cells.tif", picture, photometric="rgb")
    return Store(ServeSettings(store=tmp_path / "store", folder=folder))


def bring_in(store, corrections, drawn, names, *, name="cells.tif", **told):
    """Submit what was drawn over the picture (rows, columns), as a client has it: one slice, (i, j, k); or a stack."""
    image = store.find(name, Asker())
    grid = store.open(image).geometry.grid_affine
    affine = np.diag([-1.0, -1, 1, 1]) @ np.eye(4)[[2, 1, 0, 3]] @ grid @ np.eye(4)[[2, 1, 0, 3]]
    file = packed(np.atleast_3d(np.asarray(drawn).T), affine)
    values, note, suffix = read_sent(store, image, file)
    np.testing.assert_array_equal(values, drawn)
    assert note is None
    info = {"label_info": [{"name": name} for name in names], "client_id": "ada", **told}
    labels = store.labels.add(image.key, image.id, "final", file, suffix, info)
    names = corrections.bring_in(labelled(store, image), labels, store.labels.path(labels))
    assert corrections.knows(labels)
    return names


def test_of_a_model_of_objects_each_part_is_one_also_where_segments_touch(store, tmp_path):
    corrections = ModelCorrections(tmp_path / "set" / "nuclei", read_header(find_model("nuclei")))
    drawn = np.zeros((20, 30), np.int16)
    drawn[2:6, 2:6], drawn[2:6, 6:9], drawn[12:15, 20:25], drawn[0, 29] = 1, 2, 1, 3
    (name,) = bring_in(store, corrections, drawn, ["nuclei", "dividing", "background_scribbles"])
    kept = CorrectionSet.open(corrections.folder).read(name)
    wanted = [ndimage.label(drawn == value)[0] == part for value, part in ((1, 1), (1, 2), (2, 1))]
    assert len(np.unique(kept.labels)) == 4
    for part in wanted:
        assert len(np.unique(kept.labels[part])) == 1
        assert (kept.labels == kept.labels[part][0]).sum() == part.sum()
    np.testing.assert_array_equal(kept.image, np.asarray(store.open(store.find("cells.tif", Asker())).data))


def test_classes_are_told_by_name_and_new_ones_keep_their_number(store, tmp_path):
    header = replace(
        read_header(find_model("nuclei")), name="organs", result="semantic", classes=("background", "liver", "spleen")
    )
    corrections = ModelCorrections(tmp_path / "set" / "organs", header)
    drawn = np.zeros((20, 30), np.int16)
    drawn[2:6], drawn[8:10], drawn[15] = 1, 2, 3
    (first,) = bring_in(store, corrections, drawn, ["Spleen", "cyst", "background", "never drawn"])
    assert corrections.kind.names == ("liver", "spleen", "cyst")
    (second,) = bring_in(store, corrections, drawn, ["cyst", "vessel", "liver"])
    assert corrections.kind.names == ("liver", "spleen", "cyst", "vessel")
    kept = CorrectionSet.open(corrections.folder)
    assert [item.name for item in kept.items] == [second]
    for name, numbers in ((first, (2, 3, 0)), (second, (3, 4, 1))):
        labels = kept.read(name).labels
        assert (labels[3, 0], labels[8, 0], labels[15, 0]) == numbers


def test_labels_without_names_are_numbers_of_the_model_s_classes(store, tmp_path):
    header = replace(read_header(find_model("nuclei")), result="semantic", classes=("background", "liver", "spleen"))
    corrections = ModelCorrections(tmp_path / "set" / "organs", header)
    drawn = np.zeros((20, 30), np.int16)
    drawn[4], drawn[5] = 2, 3
    (name,) = bring_in(store, corrections, drawn, [])
    labels = CorrectionSet.open(corrections.folder).read(name).labels
    assert (labels[4, 0], labels[5, 0]) == (2, 3)
    assert corrections.kind.names == ("liver", "spleen", "class 3")


def test_too_many_classes_are_refused_before_anything_is_kept(tmp_path):
    header = replace(read_header(find_model("nuclei")), result="semantic", classes=("background", "liver", "spleen"))
    corrections = ModelCorrections(tmp_path / "set", header)
    with pytest.raises(UserError, match="classes"):
        corrections.check({value: f"organ {value}" for value in range(1, 40)})
    ModelCorrections(tmp_path / "set", read_header(find_model("nuclei"))).check({1: "", 2: "anything"})


def test_a_damaged_note_of_what_is_there_costs_nothing_but_work(store, tmp_path):
    corrections = ModelCorrections(tmp_path / "set" / "nuclei", read_header(find_model("nuclei")))
    drawn = np.zeros((20, 30), np.int16)
    drawn[3:8, 3:8] = 1
    bring_in(store, corrections, drawn, ["nuclei"])
    (tmp_path / "set" / "nuclei.json").write_text("{")
    assert corrections.images == set()
    bring_in(store, corrections, drawn, ["nuclei"])
    kept = CorrectionSet.open(corrections.folder)
    assert (len(kept.items), len(kept.history)) == (1, 2)


def test_a_network_of_slices_gets_each_with_its_neighbours(tmp_path):
    stack = np.random.default_rng(0).integers(0, 255, (6, 20, 30)).astype(np.uint8)
    (tmp_path / "pictures").mkdir()
    tifffile.imwrite(tmp_path / "pictures" / "stack.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    store = Store(ServeSettings(store=tmp_path / "store", folder=tmp_path / "pictures"))
    header = replace(read_header(find_model("nuclei")), channels=slice_channels(3))
    corrections = ModelCorrections(tmp_path / "set" / "slices", header)
    drawn = np.zeros((6, 20, 30), np.int16)
    drawn[2, 2:6, 3:9] = drawn[5, 8:12, 3:9] = 1
    names = bring_in(store, corrections, drawn, ["nuclei"], name="stack.tif")
    kept = [CorrectionSet.open(corrections.folder).read(name) for name in names]
    assert [each.record.source.plane for each in kept] == [(2,), (5,)]
    for each, first in zip(kept, (1, 3), strict=True):
        np.testing.assert_array_equal(each.around.image, stack[first : first + 3])
        np.testing.assert_array_equal(each.around.image[each.around.place], each.image)
