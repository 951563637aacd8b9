"""zarr and OME-Zarr as programs write them: axes, scale and values; and what is refused."""

import dask.array as da
import numpy as np
import pytest
import zarr

from src_models.errors import ImageError
from src_models.files.images import read_image

RANDOM = np.random.default_rng(0)


def numbers(*shape, dtype="uint16"):
    return RANDOM.integers(1, 255, shape).astype(dtype)


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


def test_a_group_of_several_arrays_asks_which(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("left", shape=(20, 30), dtype="uint8")
    assert read_image(tmp_path / "a.zarr").data.shape == (20, 30)
    group.create_array("right", shape=(20, 30), dtype="uint8")
    with pytest.raises(ImageError, match=r"it holds 2 images: 0 'left'.*, 1 'right'"):
        read_image(tmp_path / "a.zarr")
    assert read_image(tmp_path / "a.zarr", series="right").name == "a_right"


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
