"""Labels in an OME-Zarr image: on its pixels at every level, by the rules of NGFF, and never over others."""

import json
from contextlib import nullcontext

import dask.array as da
import numpy as np
import pytest
import zarr

from src_models.errors import OutputError
from src_models.files.images import read_image, read_labels
from src_models.files.ngff.labels import check_labels, labels_inside, write_labels_into

RANDOM = np.random.default_rng(0)
UNITS = {"t": ("time", "second"), "c": ("channel", None), **dict.fromkeys("zyx", ("space", "micrometer"))}


def ome_zarr(path, shape=(1, 2, 6, 64, 48), *, axes="tczyx", zarr_format=3, levels=3, halves=True, consolidated=False):
    """Write an image that lies at (2, 10, -20) µm; coarser levels lie where the mean of 2 x 2 pixels does."""
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    datasets = []
    for level in range(levels):
        sizes = [size >> level if name in "yx" else size for size, name in zip(shape, axes, strict=True)]
        chunks = [min(size, 32) if name in "yx" else 1 for size, name in zip(sizes, axes, strict=True)]
        group.create_array(str(level), shape=sizes, chunks=chunks, dtype="uint16")
        fine = dict(zip("tczyx", (30.0, 1.0, 2.0, 0.5, 0.25), strict=True))
        start = dict(zip("tczyx", (0.0, 0.0, 2.0, 10.0, -20.0), strict=True))
        for name in "yx":
            start[name] += fine[name] * (2**level - 1) / 2 if halves else 0
            fine[name] *= 2**level
        scale = {"type": "scale", "scale": [fine[name] for name in axes]}
        translation = {"type": "translation", "translation": [start[name] for name in axes]}
        datasets.append({"path": str(level), "coordinateTransformations": [scale, translation]})
    described = [{"name": name, "type": UNITS[name][0], "unit": UNITS[name][1]} for name in axes]
    described = [{key: value for key, value in axis.items() if value} for axis in described]
    multiscale = {"name": "cells", "axes": described, "datasets": datasets}
    if zarr_format == 2:
        group.attrs["multiscales"] = [{"version": "0.4", **multiscale}]
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale]}
    if consolidated:
        with pytest.warns() if zarr_format == 3 else nullcontext():
            zarr.consolidate_metadata(path)
    return path


def attributes(path):
    attrs = dict(zarr.open_group(path, mode="r").attrs)
    return attrs.get("ome", attrs)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_labels_have_the_levels_axes_and_transformations_of_their_image(tmp_path, zarr_format):
    image = ome_zarr(tmp_path / "a.zarr", zarr_format=zarr_format)
    labels = RANDOM.integers(0, 300, (6, 64, 48))
    path = write_labels_into(image, "nuclei", labels)
    assert path == image / "labels" / "nuclei"
    (own,), (its,) = attributes(path)["multiscales"], attributes(image)["multiscales"]
    assert own["axes"] == [axis for axis in its["axes"] if axis["name"] != "c"]
    for level, (mine, theirs) in enumerate(zip(own["datasets"], its["datasets"], strict=True)):
        for transformed, as_theirs in zip(
            mine["coordinateTransformations"], theirs["coordinateTransformations"], strict=True
        ):
            kind = transformed["type"]
            assert transformed[kind] == [as_theirs[kind][axis] for axis in (0, 2, 3, 4)], "less the channel"
        array = zarr.open_group(path, mode="r")[mine["path"]]
        assert array.shape == (1, 6, 64 >> level, 48 >> level)
        assert array.metadata.zarr_format == zarr_format
    assert attributes(path)["image-label"]["source"] == {"image": "../../"}
    assert attributes(image / "labels")["labels"] == ["nuclei"]
    np.testing.assert_array_equal(read_labels(path), labels)
    assert read_image(path).reading == read_image(image).reading.without_channels()


def test_each_coarse_pixel_has_the_number_that_lies_at_its_centre(tmp_path):
    labels = RANDOM.integers(0, 2**20, (6, 64, 48), dtype="int32")
    for name, halves in (("means", True), ("strides", False)):
        image = ome_zarr(tmp_path / f"{name}.zarr", halves=halves)
        levels = [labels, *(np.asarray(level) for level in read_image(write_labels_into(image, "all", labels)).levels)]
        for level, stored in enumerate(levels):
            # The mean of 2**n pixels lies between two of them: the first of these. A stride lies on its first pixel.
            first = (2**level - 1) // 2 if halves else 0
            np.testing.assert_array_equal(stored, labels[:, first :: 2**level, first :: 2**level])


@pytest.mark.parametrize(("highest", "dtype"), [(1, "uint8"), (255, "uint8"), (256, "uint16"), (70000, "uint32")])
def test_numbers_take_the_smallest_type_that_holds_them(tmp_path, highest, dtype):
    labels = np.zeros((6, 64, 48), "int64")
    labels[2, 3, 4] = highest
    path = write_labels_into(ome_zarr(tmp_path / "a.zarr"), "a", labels)
    assert zarr.open_group(path)["0"].dtype == dtype


def test_lazy_labels_are_written_chunk_by_chunk(tmp_path):
    labels = RANDOM.integers(0, 300, (6, 64, 48), dtype="int32")
    taken = []

    def watched(block):
        taken.append(block.shape)
        return block

    lazy = da.from_array(labels, chunks=(1, 32, 32)).map_blocks(
        watched, dtype="int32", meta=np.empty((0,) * 3, "int32")
    )
    path = write_labels_into(ome_zarr(tmp_path / "a.zarr"), "a", lazy)
    np.testing.assert_array_equal(read_labels(path), labels)
    assert max(np.prod(shape) for shape in taken) == 32 * 32


def test_labels_that_are_there_are_kept_unless_told_and_others_stay_listed(tmp_path):
    image = ome_zarr(tmp_path / "a.zarr", (64, 48), axes="yx")
    first, second = np.full((64, 48), 1), np.full((64, 48), 2)
    path = write_labels_into(image, "by hand", first)
    assert path.name == "by_hand"
    for refuse in (check_labels, lambda *given: write_labels_into(*given, second)):
        with pytest.raises(OutputError, match=r"labels/by_hand exists already"):
            refuse(image, "by hand")
    assert read_labels(path).max() == 1
    write_labels_into(image, "nuclei", second)
    write_labels_into(image, "by hand", second, overwrite=True)
    assert read_labels(path).min() == 2
    assert labels_inside(image) == [path, image / "labels" / "nuclei"]
    assert attributes(image / "labels")["labels"] == ["by_hand", "nuclei"]


def test_a_failure_leaves_the_image_as_it_was(tmp_path):
    image = ome_zarr(tmp_path / "a.zarr", (64, 48), axes="yx")
    before = sorted(image.rglob("*"))

    def failing(block):
        raise OSError(28, "No space left on device")

    meta = np.empty((0, 0), "int32")
    lazy = da.zeros((64, 48), chunks=32, dtype="int32").map_blocks(failing, dtype="int32", meta=meta)
    with pytest.raises(OutputError, match=r"labels/a cannot be written: the disk is full"):
        write_labels_into(image, "a", lazy)
    for wrong in (np.zeros((48, 64), int), np.zeros((64, 48)), np.full((64, 48), -1)):
        with pytest.raises(ValueError, match="labels"):
            write_labels_into(image, "a", wrong)
    assert sorted(image.rglob("*")) == before


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_metadata_that_are_kept_at_one_place_know_the_labels(tmp_path, zarr_format):
    image = ome_zarr(tmp_path / "a.zarr", (64, 48), axes="yx", zarr_format=zarr_format, consolidated=True)
    write_labels_into(image, "a", np.ones((64, 48), int))
    assert zarr.open_group(image, mode="r", use_consolidated=True)["labels/a/1"][0, 0] == 1


def test_what_is_no_ome_zarr_is_refused(tmp_path):
    zarr.create_array(tmp_path / "plain.zarr", shape=(64, 48), dtype="uint8")
    old = zarr.open_group(tmp_path / "old.zarr", mode="w", zarr_format=2)
    old.create_array("0", shape=(1, 1, 1, 64, 48), dtype="uint8")
    old.attrs["multiscales"] = [{"version": "0.1", "datasets": [{"path": "0"}]}]
    for name, reason in (
        ("plain", "no OME-Zarr image"),
        ("old", "does not name axes"),
        ("missing", "cannot be opened"),
    ):
        with pytest.raises(OutputError, match=reason):
            write_labels_into(tmp_path / f"{name}.zarr", "a", np.ones((64, 48), int))
    assert labels_inside(tmp_path / "plain.zarr") == []


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_another_program_reads_the_same_scale_and_translation(tmp_path, zarr_format):
    ngff_zarr = pytest.importorskip("ngff_zarr", reason="needs ngff-zarr, which reads OME-Zarr by code of its own")
    image = ome_zarr(tmp_path / "a.zarr", zarr_format=zarr_format)
    labels = RANDOM.integers(0, 300, (6, 64, 48))
    path = write_labels_into(image, "nuclei", labels)
    version = {2: "0.4", 3: "0.5"}[zarr_format]
    own, its = (ngff_zarr.from_ngff_zarr(str(each), version=version).images for each in (path, image))
    assert len(own) == len(its) == 3
    for mine, theirs in zip(own, its, strict=True):
        for found, expected in ((mine.scale, theirs.scale), (mine.translation, theirs.translation)):
            assert {name: found[name] for name in "zyx"} == {name: expected[name] for name in "zyx"}
        assert {name: mine.axes_units[name] for name in "zyx"} == dict.fromkeys("zyx", "micrometer")
    assert its[0].scale["x"] == 0.25
    assert its[1].translation["x"] == -20 + 0.125
    np.testing.assert_array_equal(np.asarray(own[0].data)[0], labels)


def test_the_attributes_are_those_that_ngff_asks_for(tmp_path):
    path = write_labels_into(ome_zarr(tmp_path / "a.zarr"), "a", np.zeros((6, 64, 48), int))
    content = json.loads((path / "zarr.json").read_text())["attributes"]["ome"]
    assert set(content) == {"version", "multiscales", "image-label"}
    assert json.loads((path / "0" / "zarr.json").read_text())["dimension_names"] == ["t", "z", "y", "x"]
    old = write_labels_into(ome_zarr(tmp_path / "b.zarr", zarr_format=2), "a", np.zeros((6, 64, 48), int))
    assert set(json.loads((old / ".zattrs").read_text())) == {"multiscales", "image-label"}
    assert json.loads((old / "0" / ".zarray").read_text())["dimension_separator"] == "/"
