"""A set of corrections keeps what it was given, for us and for any tool, whatever happens."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import DataSetError, OutputError
from src_models.files.dataset import DataSet
from src_models.files.samples import read_sample

SHAPE = (12, 14)


def corrected(value=1, *, seed=0, layer="cells", plane=(), axes="YX", mode="slice", region=None, **options):
    rng = np.random.default_rng(seed)
    image = options.pop("image", rng.integers(0, 255, SHAPE).astype(np.uint8))
    labels = np.zeros(image.shape[:2], np.int32)
    labels[2:6, 3:8] = value
    source = Source(layer=layer, plane=plane, axes=axes)
    return mark(image, labels, source=source, mode=mode, region=region, **options)


def same(one, other):
    for field in ("image", "labels", "predicted", "makers"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    assert one.image.dtype.newbyteorder("=") == other.image.dtype.newbyteorder("=")
    assert one.record == other.record


def files(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


# Round trips

TYPES = [np.bool_, np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64]


@st.composite
def anything_marked(draw):
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    channels = draw(st.sampled_from([(), (), (1,), (2,), (3,), (4,), (5,)]))
    dtype = draw(st.sampled_from(TYPES))
    elements = st.integers(0, 1) if dtype is np.bool_ else st.integers(0, 100)
    image = draw(arrays(np.int64, (height, width, *channels), elements=elements)).astype(dtype)
    labels = draw(arrays(np.int64, (height, width), elements=st.sampled_from([0, 1, 2, 300, 70_000, 2**31 - 1])))
    found = draw(arrays(np.int32, (height, width), elements=st.integers(0, 2)))
    leading = draw(st.sampled_from(["", "Z", "TZ"]))
    source = Source(
        layer=draw(st.text(min_size=1, max_size=12)),
        file=draw(st.none() | st.text(max_size=5)),
        axes=f"{leading}YX",
        plane=tuple(draw(st.integers(0, 20)) for _ in leading),
        spacing=(draw(st.floats(0.1, 10)), draw(st.floats(0.1, 10))),
        unit=draw(st.sampled_from(["pixel", "µm", "mm", "parsec"])),
    )
    return mark(image, labels, found, source=source, clicked=draw(st.sets(st.integers(0, 2))))


@settings(max_examples=25, deadline=None)
@given(anything_marked())
def test_whatever_is_added_is_read_back(correction):
    with tempfile.TemporaryDirectory() as folder:
        kept = CorrectionSet.open(folder)
        name = kept.add(correction)
        same(kept.read(name), correction)
        again = CorrectionSet.open(folder)
        assert [item.name for item in again.items] == [name]
        same(again.read(name), correction)
        assert again.sha256 == kept.sha256


@settings(max_examples=20, deadline=None)
@given(anything_marked())
def test_any_set_is_a_data_set(correction):
    with tempfile.TemporaryDirectory() as folder:
        name = CorrectionSet.open(folder).add(correction)
        (sample,) = DataSet.open(folder).samples
        assert sample.split == "train"
        assert sample.name == name
        image, mask = read_sample(sample)
        _, numbered = np.unique(correction.labels, return_inverse=True)
        _, read = np.unique(mask, return_inverse=True)
        np.testing.assert_array_equal(read, numbered)
        if correction.image.ndim == 2:
            np.testing.assert_array_equal(image, correction.image)
        else:
            np.testing.assert_array_equal(image[..., :3], correction.image[..., :3])


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_an_image_of_any_number_of_channels_is_one_page(tmp_path, channels):
    """Many programs take a second page for a second image."""
    import tifffile

    image = np.random.default_rng(0).integers(0, 99, (*SHAPE, channels)).astype(np.uint16)
    name = CorrectionSet.open(tmp_path).add(corrected(image=image))
    with tifffile.TiffFile(tmp_path / "images" / name) as file:
        assert len(file.pages) == 1
    read = CorrectionSet.open(tmp_path).read(name).image
    np.testing.assert_array_equal(read, image[..., 0] if channels == 1 else image)


def test_the_size_of_a_pixel_is_in_the_files(tmp_path):
    import tifffile

    labels = np.ones(SHAPE, int)
    source = Source(layer="a", spacing=(0.5, 0.25), unit="µm")
    name = CorrectionSet.open(tmp_path).add(mark(np.zeros(SHAPE, "u1"), labels, source=source))
    with tifffile.TiffFile(tmp_path / "masks" / name) as file:
        x, y = (file.pages[0].tags[tag].value for tag in ("XResolution", "YResolution"))
    assert 1e4 * x[1] / x[0] == pytest.approx(0.25)
    assert 1e4 * y[1] / y[0] == pytest.approx(0.5)


# Names


def test_items_are_called_by_layer_and_plane(tmp_path):
    kept = CorrectionSet.open(tmp_path)
    assert kept.add(corrected(layer="my cells / day 1", plane=(0, 7), axes="TZYX")) == "my_cells_day_1_t0_z7.tif"
    assert kept.add(corrected(layer="../..")) == "image.tif"
    assert kept.add(corrected(2, layer="../..")) == "image-2.tif"
    names = [kept.add(corrected(value, layer="x" * 400)) for value in (1, 2)]
    assert len(set(names)) == 2
    assert max(map(len, names)) < 120
    assert len(kept) == 3


def test_names_that_differ_only_in_case_do_not_share_a_file(tmp_path):
    """Of two such files many disks keep only one."""
    kept = CorrectionSet.open(tmp_path)
    names = {kept.add(corrected(layer=layer)).casefold() for layer in ("Cells", "cells", "CELLS")}
    assert len(names) == 3


# What is replaced


def test_a_plane_that_is_corrected_again_is_replaced_and_stays_in_the_history(tmp_path):
    kept = CorrectionSet.open(tmp_path)
    first = kept.add(corrected(1, plane=(3,), axes="ZYX"))
    before = files(tmp_path)
    second = kept.add(corrected(2, plane=(3,), axes="ZYX"))
    other = kept.add(corrected(1, plane=(4,), axes="ZYX"))
    for opened in (kept, CorrectionSet.open(tmp_path)):
        assert [item.name for item in opened.items] == [second, other]
        assert [(item.name, item.replaced) for item in opened.history] == [
            (first, True),
            (second, False),
            (other, False),
        ]
        assert len(opened) == 2
        assert opened.read(first).labels.max() == 1
    after = files(tmp_path)
    assert all(after[path] == content for path, content in before.items() if path.name != "manifest.csv")
    data = DataSet.open(tmp_path)
    assert sorted(sample.name for split in ("train", "val") for sample in data.split(split)) == sorted([second, other])
    assert [sample.name for sample in data.split("replaced")] == [first]


HALVES = {"top": ((0, 6), (0, 14)), "bottom": ((6, 12), (0, 14)), "middle": ((3, 9), (0, 14))}


def test_only_what_is_covered_is_replaced(tmp_path):
    kept = CorrectionSet.open(tmp_path)
    top = kept.add(corrected(1, mode="region", region=HALVES["top"]))
    middle = kept.add(corrected(2, mode="region", region=HALVES["middle"]))
    assert [item.name for item in kept.items] == [top, middle]
    both = kept.add(corrected(3, mode="region", region=((0, 9), (0, 14))))
    assert [item.name for item in kept.items] == [both]
    whole = kept.add(corrected(4))
    assert [item.name for item in kept.items] == [whole]
    part = kept.add(corrected(5, mode="region", region=HALVES["bottom"]))
    assert [item.name for item in kept.items] == [whole, part]


def test_corrections_of_other_places_are_not_covered(tmp_path):
    kept = CorrectionSet.open(tmp_path)
    places = [{"layer": "a"}, {"layer": "b"}, *({"layer": "a", "axes": "ZYX", "plane": (z,)} for z in range(2))]
    for place in places:
        kept.add(corrected(**place))
    assert len(kept) == 4
    one = mark(np.zeros(SHAPE, "u1"), np.ones(SHAPE, int), source=Source(layer="a", file="/data/1.tif"))
    other = dataclasses.replace(
        one, record=dataclasses.replace(one.record, source=Source(layer="renamed", file="/data/1.tif"))
    )
    kept.add(one)
    assert len(kept) == 5
    kept.add(other)  # a layer that was renamed is still of the same file
    assert len(kept) == 5


def test_another_image_of_the_same_name_replaces_nothing(tmp_path):
    """Two images that were never in a file may both be called "Image"."""
    kept = CorrectionSet.open(tmp_path)
    names = [kept.add(corrected(seed=seed, layer="Image")) for seed in (0, 1)]
    assert [item.name for item in kept.items] == names
    again = kept.add(corrected(2, seed=0, layer="Image"))
    assert [item.name for item in kept.items] == [names[1], again]


boxes = st.tuples(*[st.tuples(st.integers(0, 9), st.integers(1, 6)).map(lambda at: (at[0], at[0] + at[1]))] * 2)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.none() | boxes, min_size=1, max_size=5))
def test_the_newest_correction_of_a_pixel_wins(regions):
    """What all items that count say, one over the other, is what was said last; and no item is there for nothing."""
    expected = np.full(SHAPE, -1)
    with tempfile.TemporaryDirectory() as folder:
        kept = CorrectionSet.open(folder)
        for number, region in enumerate(regions, 1):
            labels = np.full(SHAPE, number)
            mode = "slice" if region is None else "region"
            kept.add(mark(np.zeros(SHAPE, "u1"), labels, source=Source(layer="a"), mode=mode, region=region))
            (top, bottom), (left, right) = region or ((0, 12), (0, 14))
            expected[top:bottom, left:right] = number
        told = np.full(SHAPE, -1)
        for _, correction in CorrectionSet.open(folder).corrections():
            told[correction.counts] = correction.labels[correction.counts]
        np.testing.assert_array_equal(told, expected)
        whole = [number for number, region in enumerate(regions) if region is None]
        assert len(kept) <= len(regions) - max(whole, default=0)


def test_a_correction_can_be_withdrawn(tmp_path):
    kept = CorrectionSet.open(tmp_path)
    first, second = kept.add(corrected(layer="a")), kept.add(corrected(layer="b"))
    kept.withdraw(first)
    assert [item.name for item in CorrectionSet.open(tmp_path).items] == [second]
    same(kept.read(first), dataclasses.replace(corrected(layer="a"), record=kept.history[0].record))
    for name in (first, "no such"):
        with pytest.raises(DataSetError, match=f"no correction '{name}' to withdraw"):
            kept.withdraw(name)
    kept.withdraw(second)
    assert len(CorrectionSet.open(tmp_path)) == 0
    kept.add(corrected(layer="c"))
    assert len(CorrectionSet.open(tmp_path)) == 1


# The version of a set


def test_the_version_changes_with_pixels_and_records_and_with_nothing_else(tmp_path):
    kept = CorrectionSet.open(tmp_path)
    versions = [kept.sha256]
    one = corrected(1, layer="a", model_name="m")
    first = kept.add(one)
    versions.append(kept.sha256)
    kept.add(corrected(1, layer="b"))
    versions.append(kept.sha256)
    # The same elsewhere, and again with other bookkeeping.
    copied = tmp_path / "copy"
    shutil.copytree(tmp_path, copied)
    (copied / "models").mkdir()
    assert CorrectionSet.open(copied).sha256 == versions[-1]
    kept.add(dataclasses.replace(one, labels=one.labels * 2))
    versions.append(kept.sha256)
    assert first not in [item.name for item in kept.items]
    record = next((tmp_path / "records").glob("b*.json"))
    record.write_text(record.read_text().replace('"model_name": null', '"model_name": "other"'))
    versions.append(CorrectionSet.open(tmp_path).sha256)
    assert len(set(versions)) == len(versions)
    kept = CorrectionSet.open(tmp_path)
    before, extra = kept.sha256, kept.add(corrected(9, layer="extra"))
    kept.withdraw(extra)
    assert kept.sha256 == before


@pytest.mark.parametrize("folder", ["images", "masks", "predicted", "marked"])
def test_the_version_changes_with_each_kind_of_pixels(tmp_path, folder):
    kept = CorrectionSet.open(tmp_path)
    name = kept.add(corrected())
    before, path = kept.sha256, tmp_path / folder / name
    path.write_bytes(path.read_bytes() + b"\0")
    assert kept.sha256 != before


# Merging


def test_merging_keeps_what_both_said(tmp_path):
    one, other = CorrectionSet.open(tmp_path / "one"), CorrectionSet.open(tmp_path / "other")
    for kept, value in ((one, 1), (other, 2)):
        kept.add(corrected(value, layer="shared"))
        kept.add(corrected(value, layer=f"own {value}"))
        kept.add(corrected(5, layer="equal"))
    replaced = other.add(corrected(7, layer="own 2"))
    other.add(corrected(8, layer="own 2"))
    before = files(tmp_path / "other")
    added = one.merge(other)
    assert files(tmp_path / "other") == before
    assert len(added) == 2  # what is equal to the pixel is there already, and what was replaced is of the past
    assert len(one) == 5
    values = sorted(
        int(correction.labels.max()) for _, correction in CorrectionSet.open(tmp_path / "one").corrections()
    )
    assert values == [1, 1, 2, 5, 8]
    assert not any(item.replaced for item in one.history)
    assert replaced not in added
    assert one.merge(other) == []
    assert one.merge(one) == []


def test_a_set_of_other_channels_is_not_merged_at_all(tmp_path):
    one, other = CorrectionSet.open(tmp_path / "one"), CorrectionSet.open(tmp_path / "other")
    one.add(corrected())
    other.add(corrected(image=np.zeros((*SHAPE, 3), np.uint8), layer="colour"))
    before = files(tmp_path / "one")
    with pytest.raises(DataSetError, match=r"colour has 3 channels and the corrections in .* have 1"):
        one.merge(other)
    with pytest.raises(DataSetError, match="keep them in another folder"):
        one.add(corrected(image=np.zeros((*SHAPE, 2), np.uint8)))
    assert files(tmp_path / "one") == before


def test_two_windows_on_one_folder_lose_nothing(tmp_path):
    one, other = CorrectionSet.open(tmp_path), CorrectionSet.open(tmp_path)
    names = [one.add(corrected(layer="a")), other.add(corrected(layer="b")), one.add(corrected(2, layer="b"))]
    assert len(set(names)) == 3
    assert [item.name for item in CorrectionSet.open(tmp_path).history] == names
    assert [item.name for item in CorrectionSet.open(tmp_path).items] == [names[0], names[2]]
    other.withdraw(names[0])
    assert [item.name for item in CorrectionSet.open(tmp_path).items] == [names[2]]


# What goes wrong


def test_a_new_and_an_empty_folder_are_empty_sets(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".DS_Store").touch()
    for folder in (tmp_path / "empty", tmp_path / "none" / "yet"):
        assert CorrectionSet.open(folder).items == ()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("other", ["thesis.docx", "photos"])
def test_a_folder_of_other_things_is_refused(tmp_path, other):
    (tmp_path / other).mkdir()
    with pytest.raises(DataSetError, match="holds other things than corrections"):
        CorrectionSet.open(tmp_path)


def test_a_data_set_of_another_kind_is_refused(tmp_path):
    (tmp_path / "manifest.csv").write_text("file,split\na.tif,train\n")
    with pytest.raises(DataSetError, match=r"a\.json is missing: this folder is not a set of corrections"):
        CorrectionSet.open(tmp_path)
    (tmp_path / "manifest.csv").write_text("name,weight\na,3\n")
    with pytest.raises(DataSetError, match="the columns file and split are missing"):
        CorrectionSet.open(tmp_path)


def test_a_missing_or_damaged_file_is_named(tmp_path):
    kept = CorrectionSet.open(tmp_path)
    name = kept.add(corrected())
    with pytest.raises(DataSetError, match="there is no correction 'other'"):
        kept.read("other")
    path = tmp_path / "predicted" / name
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    with pytest.raises(DataSetError, match=r"predicted.*cells\.tif is damaged"):
        kept.read(name)
    path.unlink()
    with pytest.raises(DataSetError, match=r"predicted.*cells\.tif is missing; put it back"):
        kept.read(name)
    small = CorrectionSet.open(tmp_path / "other").add(corrected(image=np.zeros((8, 9), np.uint8)))
    shutil.copy(tmp_path / "other" / "masks" / small, path)
    with pytest.raises(DataSetError, match=r"the files of cells\.tif differ in size"):
        kept.read(name)


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("file", range(6))
def test_a_full_disk_leaves_the_set_as_it_was(tmp_path, monkeypatch, file):
    """Of the six files of an addition, so many are written before the disk is full."""
    kept = CorrectionSet.open(tmp_path)
    first = kept.add(corrected(1))
    version, brought = kept.sha256, []
    really = os.fsync

    def fsync(descriptor):
        brought.append(descriptor)
        return full() if len(brought) > file else really(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(OutputError, match="cannot be written: the disk is full"):
            kept.add(corrected(2))
    for opened in (kept, CorrectionSet.open(tmp_path)):
        assert [item.name for item in opened.history] == [first]
        assert opened.sha256 == version
        assert opened.read(first).labels.max() == 1
    assert len(DataSet.open(tmp_path).samples) == 1
    assert not [path for path in tmp_path.rglob("*") if ".part" in path.name]
    second = kept.add(corrected(2))  # when there is room again
    assert [item.name for item in CorrectionSet.open(tmp_path).items] == [second]


def test_a_process_that_died_in_its_first_addition_left_an_empty_set(tmp_path):
    folder = tmp_path / "set"
    CorrectionSet.open(folder).add(corrected())
    (folder / "manifest.csv").unlink()
    kept = CorrectionSet.open(folder)
    assert len(kept) == 0
    kept.add(corrected(3))
    assert CorrectionSet.open(folder).read("cells.tif").labels.max() == 3


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        CorrectionSet.open(tmp_path / "set").add(corrected())


def test_a_file_where_the_folder_should_be_is_a_sentence(tmp_path):
    Path(tmp_path / "set").write_text("a file")
    with pytest.raises((OutputError, DataSetError)):
        CorrectionSet.open(tmp_path / "set").add(corrected())
