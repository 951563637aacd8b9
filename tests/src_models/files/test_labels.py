"""Labels on disk: whole, in place over their image, readable by other programs."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src_models.disk.atomic import atomic_path
from src_models.errors import OutputError
from src_models.files.images import read_image, read_labels
from src_models.files.labels import output_zarr, write_labels
from src_models.images.axes import read_axes

SPACING = {"Z": 2.0, "Y": 0.5, "X": 0.25}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    axes=st.sampled_from(["YX", "ZYX", "TYX", "TZYX"]),
    dtype=st.sampled_from(["uint8", "int32", "int64", "uint16", "bool"]),
    highest=st.sampled_from([1, 255, 65535, 65536, 2**31 - 1]),
    unit=st.sampled_from(["µm", "mm", "nm"]),
)
def test_labels_come_back_with_their_axes_spacing_and_numbers(tmp_path, axes, dtype, highest, unit):
    shape = (2, 3, 20, 30)[-len(axes) :]
    highest = 1 if dtype == "bool" else min(highest, np.iinfo(dtype).max)
    labels = np.zeros(shape, dtype)
    labels[..., 4:8, 5:9] = highest
    reading = read_axes((*shape, 3), axes=f"{axes}C", spacing=SPACING, unit=unit)
    path = write_labels(tmp_path / "a_labels.tif", labels, reading=reading, overwrite=True)
    image = read_image(path)
    assert image.reading.axes == axes
    assert image.reading.spacing == pytest.approx(reading.spacing)
    assert image.reading.unit == unit
    np.testing.assert_array_equal(read_labels(path), labels)


@pytest.mark.parametrize(
    ("dtype", "highest", "written", "kind"),
    [
        ("uint8", 2, "uint8", "imagej"),
        ("int32", 2, "uint16", "imagej"),
        ("int32", 65535, "uint16", "imagej"),
        ("int32", 65536, "uint32", "ome"),
    ],
)
def test_labels_take_the_type_that_programs_read(tmp_path, dtype, highest, written, kind):
    labels = np.full((3, 20, 30), highest, dtype)
    path = write_labels(tmp_path / "a.tif", labels, reading=read_axes(labels.shape, axes="ZYX"))
    with tifffile.TiffFile(path) as tiff:
        assert tiff.series[0].dtype == np.dtype(written)
        assert kind in tiff.flags


@pytest.mark.parametrize("axes", ["ZTYX", "XY", "XYZ", "ZXY", "TXYZ", "YXZ", "XTYZ", "YTX"])
@pytest.mark.parametrize("highest", [1, 300, 70_000])
def test_labels_lie_on_an_image_of_any_order_of_axes_voxel_on_voxel(tmp_path, axes, highest):
    sizes = {"T": 2, "Z": 3, "Y": 20, "X": 30}
    labels = np.arange(np.prod([sizes[letter] for letter in axes])).reshape([sizes[letter] for letter in axes])
    labels = (labels % (highest + 1)).astype("int32")
    reading = read_axes(labels.shape, axes=axes, spacing=SPACING, unit="µm")
    path = write_labels(tmp_path / "a_labels.tif", labels, reading=reading)
    image = read_image(path)
    assert image.reading.axes == axes.translate({ord("Y"): None, ord("X"): None}) + "YX"
    assert image.reading.spacing == pytest.approx(reading.spacing)
    assert image.reading.unit == "µm"
    by_name = np.einsum(f"{image.reading.axes}->{axes}", image.data)  # transposes by the letters
    np.testing.assert_array_equal(by_name, labels)
    np.testing.assert_array_equal(read_labels(path, like=reading), labels)


def test_labels_that_imagej_cannot_order_are_read_by_others_in_the_image_s_order(tmp_path):
    labels = np.arange(2 * 3 * 20 * 30, dtype="uint16").reshape(2, 3, 20, 30)
    path = write_labels(tmp_path / "a.tif", labels, reading=read_axes(labels.shape, axes="ZTYX", spacing=SPACING))
    with tifffile.TiffFile(path) as tiff:
        pixels = tifffile.xml2dict(tiff.ome_metadata)["OME"]["Image"]["Pixels"]
        assert (pixels["DimensionOrder"][:2], pixels["SizeZ"], pixels["SizeT"]) == ("XY", 2, 3)
        np.testing.assert_array_equal(tiff.asarray(), labels)


def test_one_pixel_and_an_unknown_spacing_are_written(tmp_path):
    path = write_labels(tmp_path / "a.tif", np.ones((1, 1), "int32"), reading=read_axes((1, 1)))
    assert read_labels(path).tolist() == [[1]]
    assert read_image(path).reading.unit == "pixel"


def test_what_are_no_labels_of_the_image_is_a_bug_and_leaves_nothing(tmp_path):
    reading = read_axes((20, 30))
    for labels in (np.ones((20, 30), "float32"), np.full((20, 30), -1), np.ones((2, 20, 30), "uint8")):
        with pytest.raises(ValueError, match="labels"):
            write_labels(tmp_path / "a.tif", labels, reading=reading)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_unless_told(tmp_path):
    reading, target = read_axes((20, 30)), tmp_path / "a.tif"
    target.write_bytes(b"a year of work")
    with pytest.raises(OutputError, match=r"a\.tif exists already"):
        write_labels(target, np.ones((20, 30), int), reading=reading)
    assert target.read_bytes() == b"a year of work"
    write_labels(target, np.ones((20, 30), int), reading=reading, overwrite=True)
    assert read_labels(target).all()


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path, monkeypatch):
    reading, target = read_axes((20, 30)), tmp_path / "a.tif"
    write_labels(target, np.ones((20, 30), int), reading=reading)
    old = target.read_bytes()

    def write(self, *args, **kwargs):  # as tifffile's writer meets it, after a part was written
        Path(self.path).write_bytes(b"half")
        Path("/dev/full").write_bytes(b"the other half")

    monkeypatch.setattr(tifffile.FileHandle, "write", write)
    with pytest.raises(OutputError, match=r"a\.tif cannot be written: the disk is full"):
        write_labels(target, np.full((20, 30), 2), reading=reading, overwrite=True)
    assert target.read_bytes() == old
    assert list(tmp_path.iterdir()) == [target]


def test_a_zarr_is_written_in_chunks_and_read_in_place(tmp_path):
    reading = read_axes((2, 2000, 30), axes="CYX", spacing=SPACING, unit="um")
    with atomic_path(tmp_path / "a_labels.zarr") as beside:
        array = output_zarr(beside, (2000, 30), "int32", reading=reading)
        assert array.chunks == (1024, 30)
        array[1990:, 3:5] = 70000
        assert not (tmp_path / "a_labels.zarr").exists()
    image = read_image(tmp_path / "a_labels.zarr")
    assert (image.reading.axes, image.reading.unit) == ("YX", "µm")
    assert image.reading.spacing == {"Y": 0.5, "X": 0.25}
    labels = read_labels(tmp_path / "a_labels.zarr")
    assert (int(labels.sum()), int(labels[1995, 4])) == (10 * 2 * 70000, 70000)
    with pytest.raises(OutputError, match="exists already"):
        output_zarr(tmp_path / "a_labels.zarr", (20, 30), "int32")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc, where not even root can write (Linux)")
def test_a_read_only_place_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"/proc/a\.zarr cannot be written"):
        output_zarr("/proc/a.zarr", (20, 30), "int32")
    with pytest.raises(OutputError, match=r"/proc/a\.tif cannot be written"):
        write_labels("/proc/a.tif", np.ones((2, 3), int), reading=read_axes((2, 3)))
