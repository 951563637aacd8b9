"""TIFF files as programs write them: axes, spacing and values; and what is refused."""

import numpy as np
import pytest
import tifffile

from src_models.errors import ImageError
from src_models.files.images import read_image
from src_models.images.axes import read_axes

RANDOM = np.random.default_rng(0)


def numbers(*shape, dtype="uint16"):
    return RANDOM.integers(1, 255, shape).astype(dtype)


def test_an_imagej_hyperstack_gives_axes_and_spacing(tmp_path):
    data = numbers(2, 3, 4, 20, 30)
    tifffile.imwrite(
        tmp_path / "a.tif",
        data,
        imagej=True,
        resolution=(4, 2),
        metadata={"axes": "TZCYX", "unit": "um", "spacing": 2.0},
    )
    image = read_image(tmp_path / "a.tif")
    assert image.reading.axes == "TZCYX"
    assert image.reading.spacing == {"Z": 2.0, "Y": 0.5, "X": 0.25}
    assert image.reading.unit == "µm"
    np.testing.assert_array_equal(image.data, data)


def test_an_ome_tiff_gives_axes_and_spacing_in_one_unit(tmp_path):
    metadata = {"axes": "CZYX", "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 500.0}
    metadata |= {"PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 0.002, "PhysicalSizeZUnit": "mm"}
    tifffile.imwrite(tmp_path / "a.ome.tif", numbers(2, 3, 20, 30), ome=True, metadata=metadata)
    image = read_image(tmp_path / "a.ome.tif")
    assert image.reading.axes == "CZYX"
    assert image.reading.spacing == pytest.approx({"Z": 2.0, "Y": 0.5, "X": 0.25})
    assert (image.reading.unit, image.name) == ("µm", "a")


def test_of_a_pyramid_the_finest_level_is_read(tmp_path):
    data = numbers(64, 64)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as tiff:
        tiff.write(data, subifds=1, tile=(16, 16), metadata={"axes": "YX"})
        tiff.write(data[::2, ::2], subfiletype=1, tile=(16, 16))
    np.testing.assert_array_equal(read_image(tmp_path / "a.ome.tif").data, data)


@pytest.mark.parametrize(
    ("resolution", "unit", "spacing"),
    [
        pytest.param((2e4, 4e4), "CENTIMETER", {"Y": 0.25, "X": 0.5}, id="microscope"),
        pytest.param((72, 72), "INCH", {"Y": 1.0, "X": 1.0}, id="dpi say nothing"),
        pytest.param((28.35, 28.35), "CENTIMETER", {"Y": 1.0, "X": 1.0}, id="dpi in centimetres neither"),
    ],
)
def test_a_plain_tiff_gives_spacing_where_it_means_the_object(tmp_path, resolution, unit, spacing):
    tifffile.imwrite(tmp_path / "a.tif", numbers(20, 30), resolution=resolution, resolutionunit=unit)
    assert read_image(tmp_path / "a.tif").reading.spacing == pytest.approx(spacing)


def test_colours_stored_plane_by_plane_come_last(tmp_path):
    data = numbers(3, 20, 30, dtype="uint8")
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig="separate")
    image = read_image(tmp_path / "a.tif")
    assert image.reading.axes == "YXC"
    np.testing.assert_array_equal(image.data, np.moveaxis(data, 0, -1))


def test_pages_without_metadata_are_slices_unless_named(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers(3, 20, 30), metadata=None, photometric="minisblack")
    assert read_image(tmp_path / "a.tif").reading.axes == "ZYX"
    assert read_image(tmp_path / "a.tif", axes="CYX").reading.axes == "CYX"
    with pytest.raises(ImageError, match=r"a\.tif: axes 'YX'"):
        read_image(tmp_path / "a.tif", axes="YX")


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        pytest.param((40, 50, 2), "YXC", id="two channels last"),
        pytest.param((40, 50, 1), "YXC", id="one channel last"),
        pytest.param((7, 40, 50, 2), "ZYXC", id="stack with two channels last"),
        pytest.param((2, 40, 50), "CYX", id="two channels first"),
        pytest.param((7, 40, 50), "ZYX", id="stack"),
    ],
)
def test_an_array_that_was_written_without_a_word_is_read_as_in_python(tmp_path, shape, axes):
    """tifffile writes its last two axes as pages, also where these are the width and two channels."""
    data = numbers(*shape, dtype="float32")
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="minisblack")
    image = read_image(tmp_path / "a.tif")
    assert image.reading == read_axes(shape, dtype="float32")
    assert image.reading.axes == axes
    np.testing.assert_array_equal(image.data, data)


def test_pages_that_are_strips_of_two_columns_are_channels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers(40, 50, 2), metadata=None)
    assert read_image(tmp_path / "a.tif").reading.axes == "YXC"


@pytest.mark.parametrize("dtype", ["bool", "uint8", ">u2", "<u2", ">f4", "float64", "int16", "uint32", "int64"])
def test_every_type_comes_in_native_byte_order(tmp_path, dtype):
    data = (numbers(20, 30) * 16).astype(dtype)  # 12-bit values, as cameras give
    tifffile.imwrite(tmp_path / "a.tif", data, byteorder=">" if dtype.startswith(">") else "<")
    image = read_image(tmp_path / "a.tif")
    assert image.data.dtype.isnative
    assert image.data.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(image.data, data)


@pytest.mark.parametrize("compression", ["zlib", "lzw"])
def test_compressed_files_are_read(tmp_path, compression):
    pytest.importorskip("imagecodecs", reason="LZW needs imagecodecs")
    data = numbers(20, 30)
    tifffile.imwrite(tmp_path / "a.tif", data, compression=compression, predictor=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").data, data)


TIFF_KINDS = {
    "plain": {},
    "imagej": {"imagej": True, "metadata": {"axes": "ZYX"}},
    "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
    "compressed": {"compression": "zlib"},
    "compressed ome": {"compression": "zlib", "ome": True, "metadata": {"axes": "ZYX"}},
    "pages": {"metadata": None},
    "tiles": {"metadata": None, "compression": "zlib", "tile": (16, 16)},
    "bigtiff": {"bigtiff": True},
}


@pytest.mark.parametrize("kind", TIFF_KINDS)
def test_a_truncated_tiff_is_refused_or_read_whole_never_in_part(tmp_path, kind):
    data = numbers(6, 30, 40)
    tifffile.imwrite(tmp_path / "whole.tif", data, **TIFF_KINDS[kind])
    content = (tmp_path / "whole.tif").read_bytes()
    cut, refused = tmp_path / "cut.tif", 0
    for length in [*range(0, len(content), len(content) // 61), len(content) - 1]:
        cut.write_bytes(content[:length])
        try:
            image = read_image(cut)
        except ImageError:
            refused += 1
        else:
            np.testing.assert_array_equal(image.data, data)
    assert refused > 30


def test_damage_is_not_printed_besides_being_said(tmp_path, capfd):
    tifffile.imwrite(tmp_path / "a.tif", numbers(6, 30, 40), compression="zlib")
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match="truncated or damaged"):
        read_image(tmp_path / "a.tif")
    assert capfd.readouterr() == ("", "")
