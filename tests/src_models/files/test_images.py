"""Image files of every kind, as programs write them: what is read, and what is refused."""

import doctest

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

import src_models.files.images
from src_models.errors import ImageError
from src_models.files.images import image_stem, read_image, read_labels

RANDOM = np.random.default_rng(0)


def numbers(*shape, dtype="uint16"):
    return RANDOM.integers(1, 255, shape).astype(dtype)


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.files.images).failed == 0


# TIFF


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


# PNG and JPEG


@pytest.mark.parametrize(
    ("data", "axes"),
    [
        pytest.param(numbers(20, 30, dtype="uint8"), "YX", id="grey"),
        pytest.param(numbers(20, 30, dtype="uint16") * 257, "YX", id="grey 16 bit"),
        pytest.param(numbers(20, 30, 3, dtype="uint8"), "YXC", id="rgb"),
        pytest.param(numbers(20, 30, 4, dtype="uint8"), "YXC", id="rgba"),
        pytest.param(numbers(20, 30) > 100, "YX", id="bool"),
    ],
)
def test_png_is_read(tmp_path, data, axes):
    iio.imwrite(tmp_path / "a.png", data)
    image = read_image(tmp_path / "a.png")
    assert image.reading.axes == axes
    assert image.data.dtype == data.dtype
    np.testing.assert_array_equal(image.data, data)


def test_grey_with_alpha_is_grey(tmp_path):
    data = numbers(20, 30, 2, dtype="uint8")
    Image.fromarray(data, "LA").save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image.data, data[..., 0])
    assert image.reading.axes == "YX"


def test_a_jpeg_for_print_is_read_as_rgb(tmp_path):
    Image.new("RGB", (30, 20), (250, 10, 10)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    image = read_image(tmp_path / "a.jpg")
    assert (image.reading.axes, image.data.shape) == ("YXC", (20, 30, 3))
    assert abs(image.data.astype(int) - (250, 10, 10)).max() <= 6


def test_of_a_palette_an_image_takes_the_colours_and_labels_the_numbers(tmp_path):
    mask = numbers(20, 30, dtype="uint8") % 4
    picture = Image.fromarray(mask, "L").convert("P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.putdata(mask.ravel().tolist())
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), mask)
    image = read_image(tmp_path / "a.png")
    assert image.data.shape == (20, 30, 3)
    np.testing.assert_array_equal(image.data[mask == 2][:, 1], 255)


def test_jpeg_is_read_by_its_content_whatever_its_name(tmp_path):
    iio.imwrite(tmp_path / "a.jpg", np.full((20, 30, 3), 128, "uint8"))
    (tmp_path / "a.jpg").rename(tmp_path / "a.tif")
    image = read_image(tmp_path / "a.tif")
    assert image.reading.rgb
    assert abs(image.data.astype(int) - 128).max() <= 2


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_picture_is_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    iio.imwrite(path, numbers(60, 60, 3, dtype="uint8"))
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ImageError, match="truncated or damaged") as caught:
        read_image(path)
    assert str(caught.value).startswith(str(path))


# zarr and OME-Zarr


def ome_zarr(path, data, *, zarr_format, axes, scale, unit, overall=1.0):
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    for level in range(2):
        part = data[..., :: 2**level, :: 2**level]
        group.create_array(str(level), shape=part.shape, dtype=part.dtype, chunks=(1,) * (part.ndim - 2) + (16, 16))
        group[str(level)][...] = part
    steps = [[*scale[:-2], *(step * 2**level for step in scale[-2:])] for level in range(2)]
    datasets = [
        {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": steps[level]}]}
        for level in range(2)
    ]
    described = [{"name": a, "type": "space", **({"unit": unit} if a in "zyx" else {})} for a in axes]
    whole = [{"type": "scale", "scale": [overall] * len(axes)}]
    multiscales = [{"axes": described, "datasets": datasets, "coordinateTransformations": whole}]
    if zarr_format == 2:
        group.attrs["multiscales"] = multiscales
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": multiscales}


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_ome_zarr_is_opened_lazily_with_axes_scale_and_unit(tmp_path, zarr_format):
    data = numbers(1, 2, 5, 40, 50)
    ome_zarr(
        tmp_path / "a.zarr",
        data,
        zarr_format=zarr_format,
        axes="tczyx",
        scale=[1, 1, 2.0, 0.5, 0.25],
        unit="micrometer",
    )
    image = read_image(tmp_path / "a.zarr")
    assert isinstance(image.data, da.Array)
    assert image.reading.axes == "CZYX", "an axis of length 1 is left out"
    assert image.reading.spacing == {"Z": 2.0, "Y": 0.5, "X": 0.25}
    assert (image.reading.unit, image.name) == ("µm", "a")
    np.testing.assert_array_equal(np.asarray(image.data), data[0])


def test_scales_of_the_level_and_of_the_image_multiply(tmp_path):
    ome_zarr(
        tmp_path / "a.zarr", numbers(40, 50), zarr_format=3, axes="yx", scale=[0.5, 0.25], unit="nanometer", overall=3
    )
    assert read_image(tmp_path / "a.zarr").reading.spacing == {"Y": 1.5, "X": 0.75}


def test_a_coarser_level_can_be_named(tmp_path):
    data = numbers(40, 50)
    ome_zarr(tmp_path / "a.zarr", data, zarr_format=2, axes="yx", scale=[1, 1], unit="micrometer")
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "a.zarr" / "1").data), data[::2, ::2])


def test_images_that_a_bioformats_converter_nested_are_found(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2, attributes={"bioformats2raw.layout": 3})
    del group
    ome_zarr(tmp_path / "a.zarr" / "0", numbers(40, 50), zarr_format=2, axes="yx", scale=[2, 2], unit="micrometer")
    assert read_image(tmp_path / "a.zarr").reading.spacing == {"Y": 2.0, "X": 2.0}


def test_a_plain_zarr_array_takes_its_dimension_names_or_a_guess(tmp_path):
    for name, dimensions in {"named": ["t", "y", "x"], "unnamed": None, "strange": ["a", "b", "c"]}.items():
        zarr.create_array(tmp_path / f"{name}.zarr", shape=(7, 20, 30), dtype="uint8", dimension_names=dimensions)
    readings = {name: read_image(tmp_path / f"{name}.zarr").reading.axes for name in ("named", "unnamed", "strange")}
    assert readings == {"named": "TYX", "unnamed": "ZYX", "strange": "ZYX"}
    assert read_image(tmp_path / "named.zarr", axes="CYX").reading.axes == "CYX"


def test_big_endian_zarr_comes_native(tmp_path):
    array = zarr.create_array(tmp_path / "a.zarr", shape=(20, 30), dtype=">u2", zarr_format=2)
    array[...] = 513
    data = read_image(tmp_path / "a.zarr").data
    assert data.dtype.isnative
    assert int(data[3, 3].compute()) == 513


def test_a_group_of_several_arrays_or_a_plate_asks_which(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("left", shape=(20, 30), dtype="uint8")
    assert read_image(tmp_path / "a.zarr").data.shape == (20, 30)
    group.create_array("right", shape=(20, 30), dtype="uint8")
    with pytest.raises(ImageError, match="inside: left, right"):
        read_image(tmp_path / "a.zarr")
    group.attrs["plate"] = {}
    with pytest.raises(ImageError, match="plate of many images"):
        read_image(tmp_path / "a.zarr")


@pytest.mark.parametrize("content", ["", "{", '{"zarr_format": 99, "node_type": "array"}', "[]"])
def test_damaged_zarr_metadata_are_refused(tmp_path, content):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text(content)
    with pytest.raises(ImageError, match=r"a\.zarr: the zarr cannot be opened"):
        read_image(tmp_path / "a.zarr")


def test_a_damaged_chunk_is_an_error_about_the_file_when_it_is_read(tmp_path):
    array = zarr.create_array(tmp_path / "a.zarr", shape=(700, 700), chunks=(50, 50), dtype="uint8")
    array[...] = numbers(700, 700, dtype="uint8")
    (chunk,) = (tmp_path / "a.zarr").glob("c/12/13")
    chunk.write_bytes(chunk.read_bytes()[:20])
    image = read_image(tmp_path / "a.zarr")
    np.testing.assert_array_equal(np.asarray(image.data[:500, :500]), array[:500, :500])
    with pytest.raises(ImageError, match=r"a\.zarr: a chunk cannot be read"):
        np.asarray(image.data)


def test_tiny_chunks_are_read_several_at_a_time(tmp_path):
    array = zarr.create_array(tmp_path / "a.zarr", shape=(4, 700, 1300), chunks=(1, 50, 600), dtype="uint8")
    array[...] = numbers(4, 700, 1300, dtype="uint8")
    data = read_image(tmp_path / "a.zarr").data
    assert data.chunksize == (1, 500, 600)
    np.testing.assert_array_equal(np.asarray(data), array[...])


def test_broken_multiscales_are_refused(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    for broken in ([], [{}], [{"datasets": []}], [{"datasets": [{"path": "0"}]}]):
        group.attrs["ome"] = {"multiscales": broken}
        with pytest.raises(ImageError, match=r"a\.zarr: the zarr cannot be opened"):
            read_image(tmp_path / "a.zarr")


# Other things


def test_a_missing_file_an_empty_one_text_and_a_folder_are_refused(tmp_path):
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "text.tif").write_text("this is no picture\n")
    (tmp_path / "folder").mkdir()
    for name, says in {
        "missing.tif": "no such",
        "empty.tif": "empty",
        "text.tif": "no image",
        "folder": "folder",
    }.items():
        with pytest.raises(ImageError, match=says) as caught:
            read_image(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.ome.tif", "a"),
        ("a.b.TIF", "a.b"),
        ("a.ome.zarr", "a"),
        ("plate.zarr", "plate"),
        ("a.czi", "a"),
        (".tif", ".tif"),
    ],
)
def test_a_name_loses_its_suffix_also_a_double_one(name, stem):
    assert image_stem(f"some.folder/{name}") == stem


def test_images_inside_one_zarr_have_names_of_their_own():
    assert image_stem("screen/plate.ome.zarr/A/1/0") == "plate_A_1_0"


# Labels


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64", ">u4"])
def test_labels_of_every_integer_type_keep_their_numbers_with_gaps(tmp_path, dtype):
    mask = np.zeros((3, 20, 30), dtype)
    mask[1, 2:5, 2:5], mask[2, 9:12, 2:9] = 5, 100
    tifffile.imwrite(tmp_path / "a.tif", mask, photometric="minisblack")
    labels = read_labels(tmp_path / "a.tif")
    assert labels.dtype.isnative
    np.testing.assert_array_equal(labels, mask)


def test_three_masks_that_a_program_took_for_colours_stay_three_masks(tmp_path):
    mask = numbers(3, 20, 30)
    tifffile.imwrite(tmp_path / "a.tif", mask, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), mask)


def test_boolean_labels_become_0_and_1(tmp_path):
    mask = numbers(20, 30) > 100
    tifffile.imwrite(tmp_path / "a.tif", mask)
    labels = read_labels(tmp_path / "a.tif")
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, mask)


def test_labels_in_zarr_are_read(tmp_path):
    array = zarr.create_array(tmp_path / "a.zarr", shape=(3, 20, 30), dtype="int64")
    array[1] = 7
    np.testing.assert_array_equal(read_labels(tmp_path / "a.zarr"), array[...])


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        pytest.param(np.ones((20, 30), "float32"), "integers", id="fractions"),
        pytest.param(np.ones((20, 30, 3), "uint8"), "colours", id="colours"),
        pytest.param(np.full((20, 30), -1, "int16"), "negative", id="negative"),
    ],
)
def test_what_cannot_be_labels_is_refused(tmp_path, mask, says):
    tifffile.imwrite(tmp_path / "a.tif", mask)
    with pytest.raises(ImageError, match=says) as caught:
        read_labels(tmp_path / "a.tif")
    assert str(caught.value).startswith(str(tmp_path / "a.tif"))
