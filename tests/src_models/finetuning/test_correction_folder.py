"""What the widget "Correct and learn" reads from a folder."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
import tifffile

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import DataSetError, UserError
from src_models.finetuning.correction_folder import (
    Marked,
    checksum,
    default_folder,
    keep,
    merge,
    parts_of,
    read_folder,
    use_version,
    versions_folder,
    withdraw,
    write_note,
)
from src_models.finetuning.versions import ModelVersions
from src_models.images.region import Region
from src_models.models.checkpoint import Model, load


@pytest.fixture
def folder(tmp_path, tiny_model_path):
    """A set of two corrections, and a version that was learnt from them."""
    kept = CorrectionSet.open(tmp_path / "set")
    for plane in range(2):
        source = Source(layer="cells", axes="ZYX", plane=(plane,))
        kept.add(mark(np.zeros((8, 8), "u1"), np.eye(8, dtype=int), source=source))
    parent = load(tiny_model_path)
    header = dataclasses.replace(parent.header, parent_sha256=parent.sha256)
    ModelVersions(versions_folder(kept.root)).add(Model(parent.network, header), tiny_model_path)
    return kept.root


def test_the_first_model_is_found_among_those_that_are_listed_or_where_it_was(folder, tiny_model_path, tmp_path):
    assert read_folder(folder).base == tiny_model_path.resolve()
    copy = shutil.copy(tiny_model_path, tmp_path / "copy.safetensors")
    assert read_folder(folder, [copy]).base == copy


def test_a_first_model_that_was_replaced_by_another_is_not_taken_for_it(folder, tiny_model_path):
    moved = ModelVersions(versions_folder(folder))
    stored = moved._stored()
    moved._store({**stored, "base": str(moved.list()[0].path)})
    assert read_folder(folder).base is None
    assert read_folder(folder, [tiny_model_path]).base == tiny_model_path


def test_what_is_withdrawn_is_left_out_and_said_if_it_is_gone(folder):
    first, second = read_folder(folder).items
    assert withdraw(folder, first.name).items == (second,)
    assert len(CorrectionSet.open(folder).history) == 2
    with pytest.raises(DataSetError, match="no correction"):
        withdraw(folder, first.name)


def test_a_version_is_used_until_another_is(folder):
    assert read_folder(folder).active is None
    (version,) = read_folder(folder).versions
    assert use_version(folder, version.name).active == version.name
    assert read_folder(folder).version(version.name) == version
    assert use_version(folder, None).active is None


def other_tool(root, count=3):
    """Images and masks that were not made here."""
    for kind, value in (("images", 100), ("masks", 1)):
        (root / kind).mkdir(parents=True)
        for number in range(count):
            tifffile.imwrite(root / kind / f"{number}.tif", np.full((8, 8), value + number, np.uint8))
    return root


def test_a_note_stays_with_its_version(folder):
    (version,) = read_folder(folder).versions
    write_note(folder, version.name, "the better one")
    assert read_folder(folder).version(version.name).note == "the better one"
    assert read_folder(folder).version_at(version.path).name == version.name
    assert read_folder(folder).version("another") is None


def test_the_corrections_of_another_folder_are_added_once(folder, tmp_path):
    theirs = CorrectionSet.open(tmp_path / "theirs")
    theirs.add(mark(np.ones((8, 8), "u1"), np.eye(8, dtype=int), source=Source(layer="others")))
    held, added = merge(folder, theirs.root)
    assert (len(held.items), added) == (3, 1)
    held, added = merge(folder, theirs.root)
    assert (len(held.items), added) == (3, 0)


def test_images_and_masks_of_another_tool_are_added_and_stay_as_they_are(folder, tmp_path):
    other = other_tool(tmp_path / "other")
    before = {path: path.read_bytes() for path in other.rglob("*.tif")}
    held, added = merge(folder, other)
    assert (len(held.items), added) == (5, 3)
    assert [item.record.source.layer for item in held.items[2:]] == ["0", "1", "2"]
    assert {path: path.read_bytes() for path in other.rglob("*") if path.is_file()} == before
    with pytest.raises(DataSetError, match="were not marked here"):
        read_folder(other)


def test_a_folder_of_something_else_is_not_added(folder, tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(UserError, match="photos holds no corrections: choose a folder"):
        merge(folder, tmp_path / "photos")
    assert len(read_folder(folder).items) == 2


def test_a_marked_plane_is_kept_with_what_was_changed_in_it(tmp_path):
    stack = np.arange(3 * 6 * 7, dtype=np.uint8).reshape(3, 6, 7)
    found = np.zeros((6, 7), np.int32)
    found[1:3, 1:3] = 1
    painted = found.copy()
    painted[4, 2:5], painted[1, 1], painted[0, 5] = 2, 0, 120  # an object, an erased pixel, and background
    places = np.flatnonzero(painted != found)
    marked = Marked(
        folder=tmp_path / "set",
        data=stack,
        region=Region("ZYX", (1, slice(0, 6), slice(0, 7)), stack.shape, rgb=False),
        predicted=found,
        changed=(places, painted.ravel()[places].astype(np.uint8)),
        background=120,
        source=Source(layer="stack", axes="ZYX", plane=(1,)),
        mode="slice",
    )
    kept = keep(marked)
    ((name, correction),) = CorrectionSet.open(tmp_path / "set").corrections()
    assert (kept.name, [item.name for item in kept.items]) == (name, [name])
    np.testing.assert_array_equal(correction.image, stack[1])
    right = np.where(painted == 120, 0, painted)
    np.testing.assert_array_equal(correction.labels, right)
    np.testing.assert_array_equal(correction.changed, painted != found)
    assert [list(along) for along in kept.background] == [[0], [5]]
    assert kept.checksum == checksum(right.astype(np.uint8))


def test_corrections_of_an_image_have_a_folder_whose_name_any_disk_takes():
    assert default_folder("day 1: a/b*c").name == "day 1_ a_b_c"
    assert default_folder(" .. ").name == "image"
    assert default_folder("cells").parent.name == "napari-medt corrections"


def test_the_parts_of_a_model_are_told_with_what_they_cost(tiny_model_path):
    parts = {part.name: part for part in parts_of(tiny_model_path)}
    assert list(parts) == ["full", "decoder", "gates"]
    whole = sum(parameter.numel() for parameter in load(tiny_model_path).network.parameters())
    assert parts["full"].parameters == whole
    assert whole > parts["decoder"].parameters > parts["gates"].parameters > 0
