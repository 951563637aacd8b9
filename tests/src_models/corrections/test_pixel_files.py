"""The TIFF files of a set of corrections: what is written is read, and what cannot be read is named."""

import numpy as np
import pytest
import tifffile

from src_models.corrections.correction import Source, mark
from src_models.corrections.pixel_files import channels_in, read_tiff, unsigned, write_slices, write_tiff
from src_models.errors import DataSetError
from src_models.files.images import read_image

RECORD = mark(np.zeros((4, 4)), np.eye(4, dtype=int), source=Source(layer="a", spacing=(0.5, 0.25), unit="µm")).record
RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 2), (7, 9, 3), (7, 9, 5)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_planes_are_read_as_they_were_written(tmp_path, shape, dtype):
    array = RANDOM.integers(0, 200, shape).astype(dtype)
    write_tiff(tmp_path / "a.tif", array, RECORD)
    back = read_tiff(tmp_path / "a.tif")
    assert back.dtype == array.dtype
    assert (back == array).all()
    assert channels_in(tmp_path / "a.tif") == (1 if len(shape) == 2 else shape[2])
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        resolution = file.pages[0].tags["XResolution"].value
    assert resolution[0] / resolution[1] == pytest.approx(1e4 / 0.25)


@pytest.mark.parametrize("shape", [(1, 7, 9), (3, 7, 9), (5, 7, 9), (4, 7, 9, 3)])
def test_slices_are_read_as_they_were_written(tmp_path, shape):
    array = RANDOM.integers(0, 2000, shape).astype(np.uint16)
    write_slices(tmp_path / "a.tif", array)
    assert read_tiff(tmp_path / "a.tif").reshape(shape).tolist() == array.tolist()


def test_labels_take_no_more_room_than_they_need():
    assert [unsigned(np.array([0, high])).dtype.name for high in (255, 256, 2**16)] == ["uint8", "uint16", "uint32"]


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DataSetError, match=r"a\.tif is missing; put it back"):
        read_tiff(tmp_path / "a.tif")
    (tmp_path / "a.tif").write_bytes(b"nothing")
    with pytest.raises(DataSetError, match=r"a\.tif is damaged"):
        read_tiff(tmp_path / "a.tif")


def test_four_dyes_are_read_as_four_channels_by_whoever_reads_the_file(tmp_path):
    dyes = np.random.default_rng(0).integers(0, 255, (20, 30, 4)).astype(np.uint8)
    record = mark(dyes, np.ones((20, 30), int), source=Source(layer="dyes")).record
    write_tiff(tmp_path / "a.tif", dyes, record)
    np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif"), dyes)
    file = read_image(tmp_path / "a.tif")
    assert (file.reading.axes, file.reading.rgb) == ("CYX", False)
    np.testing.assert_array_equal(file.data, np.moveaxis(dyes, -1, 0))


def test_a_transparency_stays_one(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 4)).astype(np.uint8)
    picture[..., 3] = 255
    record = mark(picture, np.ones((20, 30), int), source=Source(layer="picture")).record
    write_tiff(tmp_path / "a.tif", picture, record)
    assert read_image(tmp_path / "a.tif").reading.rgb
