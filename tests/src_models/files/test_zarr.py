"""zarr and OME-Zarr as programs write them: axes, scale and values; and what is refused."""

import dask.array as da
import numpy as np
import pytest
import zarr

from src_models.errors import ImageError
from src_models.files.images import read_image
from src_models.files.zarr import open_zarr

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


# Axes and places


def described(path, data, *, axes, transformations, zarr_format=3):
    """Write an OME-Zarr with these axes and transformations; each further level is half as large."""
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    datasets = []
    for level, transformed in enumerate(transformations):
        part = data[..., :: 2**level, :: 2**level]
        group.create_array(str(level), shape=part.shape, dtype=part.dtype, chunks=(1,) * (part.ndim - 2) + (16, 16))
        group[str(level)][...] = part
        datasets.append({"path": str(level), "coordinateTransformations": transformed})
    multiscales = [{"axes": axes, "datasets": datasets}]
    if zarr_format == 2:
        group.attrs["multiscales"] = [{"version": "0.4", **multiscales[0]}]
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": multiscales}


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_types_units_and_translations_are_honoured(tmp_path, zarr_format):
    axes = [
        {"name": "frame no", "type": "time", "unit": "millisecond"},
        {"name": "z", "type": "channel"},
        {"name": "slab", "type": "space", "unit": "nanometer"},
        {"name": "y", "type": "space", "unit": "micrometer"},
        {"name": "x", "type": "space", "unit": "micrometer"},
    ]
    placed = [
        {"type": "scale", "scale": [500, 1, 800, 0.5, 0.25]},
        {"type": "translation", "translation": [1000, 0, 1600, 12, -3]},
    ]
    data = numbers(2, 3, 4, 40, 50)
    described(tmp_path / "a.zarr", data, axes=axes, transformations=[placed], zarr_format=zarr_format)
    reading = read_image(tmp_path / "a.zarr").reading
    assert reading.axes == "TCZYX"
    assert (reading.spacing, reading.unit) == ({"Z": 0.8, "Y": 0.5, "X": 0.25}, "µm")
    assert reading.origin == {"T": 1.0, "Z": 1.6, "Y": 12.0, "X": -3.0}
    assert reading.frame_seconds == 0.5


def test_a_level_that_is_named_knows_the_axes_and_place_of_its_image(tmp_path):
    axes = [{"name": "c", "type": "channel"}, *({"name": each, "type": "space", "unit": "mm"} for each in "yx")]
    levels = [
        [{"type": "scale", "scale": [1, step, step]}, {"type": "translation", "translation": [0, start, start]}]
        for step, start in ((0.5, 7.0), (1.0, 7.25))
    ]
    described(tmp_path / "a.zarr", numbers(7, 40, 50), axes=axes, transformations=levels)
    reading = read_image(tmp_path / "a.zarr" / "1").reading
    assert (reading.axes, reading.shape) == ("CYX", (7, 20, 25)), "seven channels are no slices"
    assert (reading.spacing, reading.origin) == ({"Y": 1.0, "X": 1.0}, {"Y": 7.25, "X": 7.25})


def test_axes_by_hand_open_what_is_placed_in_a_way_that_is_not_read(tmp_path):
    axes = [{"name": each, "type": "space"} for each in "yx"]
    described(tmp_path / "a.zarr", numbers(40, 50), axes=axes, transformations=[[{"type": "rotation"}]])
    with pytest.raises(ImageError, match=r"a transformation of the type 'rotation'.*name its axes by hand"):
        read_image(tmp_path / "a.zarr")
    assert read_image(tmp_path / "a.zarr", axes="YX").reading.shape == (40, 50)


def test_axes_by_hand_keep_sizes_and_places(tmp_path):
    axes = [{"name": each, "type": "space", "unit": "um"} for each in "zyx"]
    placed = [{"type": "scale", "scale": [3, 0.5, 0.25]}, {"type": "translation", "translation": [1, 7, -9]}]
    described(tmp_path / "a.zarr", numbers(4, 40, 50), axes=axes, transformations=[placed])
    reading = read_image(tmp_path / "a.zarr", axes="tyx").reading
    assert (reading.axes, reading.spacing, reading.unit) == ("TYX", {"Y": 0.5, "X": 0.25}, "µm")
    assert (reading.origin["Y"], reading.origin["X"]) == (7.0, -9.0)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_what_xarray_writes_has_names_and_coordinates(tmp_path, zarr_format):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=zarr_format)
    contents = {
        "cells": (["channel", "time", "y", "x"], numbers(7, 3, 20, 30)),
        "time": (["time"], np.array([10.0, 12.0, 14.0])),
        "y": (["y"], 5 + 0.5 * np.arange(20)),
        "x": (["x"], 0.25 * np.arange(30)),
        "channel": (["channel"], np.arange(7)),
    }
    for name, (dimensions, values) in contents.items():
        named = {"dimension_names": dimensions} if zarr_format == 3 else {}
        array = group.create_array(name, data=values, **named)
        array.attrs["units"] = "s" if name == "time" else "um"
        if zarr_format == 2:
            array.attrs["_ARRAY_DIMENSIONS"] = dimensions
    for path in (tmp_path / "a.zarr", tmp_path / "a.zarr" / "cells"):
        image = read_image(path)
        assert image.reading.axes == "CTYX"
        assert (image.reading.spacing, image.reading.unit) == ({"Y": 0.5, "X": 0.25}, "µm")
        assert (image.reading.origin, image.reading.frame_seconds) == ({"T": 10.0, "Y": 5.0}, 2.0)
        np.testing.assert_array_equal(np.asarray(image.data), contents["cells"][1])


def plate(path, wells, *, there):
    """Write a plate that lists wells with their fields, of which some are there."""
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.attrs["plate"] = {"wells": [{"path": well} for well in wells]}
    for well, fields in wells.items():
        group.create_group(well).attrs["well"] = {"images": [{"path": field} for field in fields]}
    for field in there:
        group.create_array(field, shape=(40, 50), dtype="u1")


def test_a_plate_and_a_well_name_fields_that_are_there(tmp_path):
    wells = {"B/3": ["0", "1"], "C/5": ["0", "7"], "D/1": ["0"]}
    plate(tmp_path / "p.zarr", wells, there=["B/3/1", "C/5/0", "C/5/7"])
    for path, first, other in ((tmp_path / "p.zarr", "B/3/1", "C/5/0"), (tmp_path / "p.zarr" / "C" / "5", "0", "7")):
        with pytest.raises(ImageError) as refused:
            open_zarr(path)
        assert f"name one of its fields, such as {path}/{first} (or another of {other})" in str(refused.value)
        assert read_image(path / first).data.shape == (40, 50)
    with pytest.raises(ImageError, match="none of them is there"):
        open_zarr(tmp_path / "p.zarr" / "D" / "1")


def test_all_levels_are_opened_without_axes_of_length_one(tmp_path):
    data = numbers(1, 2, 40, 52)
    axes = [
        {"name": each, "type": kind} for each, kind in zip("tcyx", ("time", "channel", "space", "space"), strict=True)
    ]
    sizes = [[{"type": "scale", "scale": [1, 1, 2.0**level, 2.0**level]}] for level in range(3)]
    described(tmp_path / "a.zarr", data, axes=axes, transformations=sizes)
    image = read_image(tmp_path / "a.zarr")
    assert [level.shape for level in image.levels] == [(2, 20, 26), (2, 10, 13)]
    for step, level in ((2, image.levels[0]), (4, image.levels[1])):
        np.testing.assert_array_equal(np.asarray(level), data[0, :, ::step, ::step])
