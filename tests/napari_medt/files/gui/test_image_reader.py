"""TIFF and OME-Zarr in napari are what the shell reads: lazy, in their place, channel by channel, with their labels."""

import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr
from slide_files import tissue_slide, write_svs

from napari_medt.files.image_reader import image_reader
from napari_medt.viewer.layer_notes import notes_of
from src_models.errors import ImageError
from src_models.files.images import read_image
from src_models.files.ngff.labels import write_labels_into
from src_models.files.series import lazy_tiff

PLUGIN = "napari-medt"
RANDOM = np.random.default_rng(0)
KINDS = {"t": "time", "c": "channel"}


@pytest.fixture
def viewer(plugin_registered):
    """A viewer without a window, which opens files like one with it."""
    from napari.components import ViewerModel

    return ViewerModel()


def ome_zarr(path, data, axes, *, scale, translation=None, units=None, levels=1, **attributes):
    """Write an OME-Zarr, each coarser level every second pixel."""
    group = zarr.open_group(path, mode="w")
    datasets = []
    for level in range(levels):
        part = data[..., :: 2**level, :: 2**level]
        group.create_array(str(level), data=part, chunks=(1,) * (part.ndim - 2) + (64, 64))
        steps = [*scale[:-2], *(step * 2**level for step in scale[-2:])]
        placed = [{"type": "scale", "scale": steps}]
        placed += [{"type": "translation", "translation": translation}] if translation else []
        datasets.append({"path": str(level), "coordinateTransformations": placed})
    described = [{"name": name, "type": KINDS.get(name, "space")} for name in axes]
    for axis, unit in zip(described, units or [None] * len(axes), strict=True):
        axis.update({"unit": unit} if unit else {})
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": described, "datasets": datasets}], **attributes}
    return path


def test_a_pyramid_opens_lazily_at_its_place_in_its_units(viewer, tmp_path):
    data = RANDOM.integers(0, 255, (3, 1, 4, 256, 192), dtype="uint8")
    units = ["millisecond", None, "nanometer", "micrometer", "micrometer"]
    path = ome_zarr(
        tmp_path / "a.zarr", data, "tczyx", scale=[500, 1, 800, 0.5, 0.25], units=units, levels=3,
        translation=[1000, 0, 1600, 12, -3],
    )  # fmt: skip
    (layer,) = viewer.open(path, plugin=PLUGIN)
    assert (layer.name, layer.axis_labels) == ("a", ("t", "z", "y", "x"))
    assert layer.multiscale
    assert [level.shape for level in layer.data] == [(3, 4, 256, 192), (3, 4, 128, 96), (3, 4, 64, 48)]
    assert all(isinstance(level, da.Array) for level in layer.data)
    assert [str(unit) for unit in layer.units] == ["second", "micrometer", "micrometer", "micrometer"]
    np.testing.assert_allclose(layer.data_to_world((0, 0, 0, 0)), (1.0, 1.6, 12.0, -3.0))
    np.testing.assert_allclose(layer.data_to_world((2, 3, 10, 20)), (2.0, 4.0, 17.0, 2.0))
    np.testing.assert_array_equal(np.asarray(layer.data[0]), data[:, 0])


def test_a_whole_slide_is_one_layer_of_all_its_levels_in_microns(viewer, tmp_path, monkeypatch):
    monkeypatch.setattr(lazy_tiff, "LAZY_BYTES", 100_000)
    slide, _ = tissue_slide(400, 480, [(200, 200, 120)])
    path = str(write_svs(tmp_path / "case.svs", slide, size=0.25))
    ((levels, options, _),) = image_reader(path)(path)
    layer = viewer.add_image(levels, **options)
    assert (layer.name, layer.rgb, layer.multiscale) == ("case", True, True)
    assert [level.shape for level in layer.data] == [(400, 480, 3), (100, 120, 3), (25, 30, 3)]
    assert all(isinstance(level, da.Array) for level in layer.data)
    assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"]
    np.testing.assert_allclose(layer.data_to_world((100, 40)), (25.0, 10.0))


def test_channels_are_layers_with_their_names_and_colours(viewer, tmp_path):
    data = RANDOM.integers(0, 255, (2, 64, 48), dtype="uint8")
    looks = [
        {"label": "DAPI", "color": "0000FF", "window": {"start": 10, "end": 90}},
        {"label": "GFP", "color": "00FF00", "window": {"start": 0, "end": 200}, "active": False},
    ]
    path = ome_zarr(tmp_path / "a.zarr", data, "cyx", scale=[1, 0.5, 0.5], omero={"channels": looks})
    layers = viewer.open(path, plugin=PLUGIN)
    assert [layer.name for layer in layers] == ["a - DAPI", "a - GFP"]
    assert [layer.visible for layer in layers] == [True, False]
    assert [layer.contrast_limits for layer in layers] == [[10, 90], [0, 200]]
    np.testing.assert_array_equal(layers[0].colormap.colors[-1, :3], (0, 0, 1))
    for number, layer in enumerate(layers):
        np.testing.assert_array_equal(np.asarray(layer.data), data[number])


def test_channels_that_an_image_has_last_are_layers_and_colours_are_one(viewer, tmp_path):
    dyes = RANDOM.integers(0, 255, (64, 48, 2), dtype="uint8")
    zarr.create_array(tmp_path / "dyes.zarr", data=dyes, chunks=(64, 48, 2), dimension_names=["y", "x", "c"])
    layers = viewer.open(tmp_path / "dyes.zarr", plugin=PLUGIN)
    assert [layer.name for layer in layers] == ["dyes - channel 0", "dyes - channel 1"]
    np.testing.assert_array_equal(np.asarray(layers[1].data), dyes[..., 1])
    tissue = RANDOM.integers(0, 255, (64, 48, 3), dtype="uint8")
    tifffile.imwrite(tmp_path / "tissue.tif", tissue, photometric="rgb")
    (layer,) = viewer.open(tmp_path / "tissue.tif", plugin=PLUGIN)
    assert (layer.rgb, layer.axis_labels) == (True, ("y", "x"))
    np.testing.assert_array_equal(layer.data, tissue)


def test_labels_inside_are_labels_layers_on_their_image(viewer, tmp_path):
    path = ome_zarr(
        tmp_path / "a.zarr", np.ones((2, 64, 48), "uint8"), "cyx", scale=[1, 0.5, 0.25], translation=[0, 7, -9],
        units=[None, "millimeter", "millimeter"], levels=2,
    )  # fmt: skip
    found = RANDOM.integers(0, 300, (64, 48))
    write_labels_into(path, "nuclei", found)
    write_labels_into(path, "cells", found // 2)
    *images, nuclei, cells = viewer.open(path, plugin=PLUGIN)
    assert (len(images), nuclei.name, cells.name) == (2, "nuclei", "cells")
    assert {type(layer).__name__ for layer in (nuclei, cells)} == {"Labels"}
    np.testing.assert_array_equal(nuclei.data, found)
    nuclei.data_setitem((np.array([3]), np.array([4])), 301)
    assert nuclei.data[3, 4] == 301, "they can be painted in"
    for place in ((0, 0), (63, 47)):
        np.testing.assert_allclose(nuclei.data_to_world(place), images[0].data_to_world(place))
    (alone,) = viewer.open(path / "labels" / "cells", plugin=PLUGIN)
    assert (type(alone).__name__, alone.data.max()) == ("Labels", found.max() // 2)


@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_a_tiff_opens_with_the_sizes_that_the_shell_reads(viewer, tmp_path, kind):
    data = RANDOM.integers(0, 255, (3, 4, 64, 48), dtype="uint8")
    path = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    if kind == "ome":
        sizes = {f"PhysicalSize{letter}": size for letter, size in zip("ZYX", (2.0, 0.5, 0.25), strict=True)}
        metadata = {"axes": "TZYX", **sizes, "TimeIncrement": 30.0}
        tifffile.imwrite(path, data, ome=True, metadata=metadata)
    else:
        metadata = {"axes": "TZYX", "unit": "um", "spacing": 2.0, "finterval": 30.0}
        tifffile.imwrite(path, data, imagej=True, resolution=(4, 2), metadata=metadata)
    (layer,) = viewer.open(path, plugin=PLUGIN)
    assert (layer.name, layer.axis_labels) == ("a", ("t", "z", "y", "x"))
    np.testing.assert_allclose(layer.scale, (30, 2, 0.5, 0.25))
    assert [str(unit) for unit in layer.units] == ["second", *["micrometer"] * 3]
    np.testing.assert_array_equal(layer.data, data)
    assert read_image(path).reading.spacing == dict(zip("ZYX", layer.scale[1:], strict=True))


def test_several_images_in_a_file_are_layers_that_are_told_apart(viewer, tmp_path):
    sizes = {"left": 0.5, "right": 0.25}
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as tiff:
        for number, (name, size) in enumerate(sizes.items(), start=1):
            place = {"PhysicalSizeX": size, "PhysicalSizeY": size}
            tiff.write(np.full((64, 48), number, "uint8"), metadata={"axes": "YX", "Name": name, **place})
    layers = viewer.open(tmp_path / "a.ome.tif", plugin=PLUGIN)
    assert [(layer.name, layer.data.max()) for layer in layers] == [("a_left", 1), ("a_right", 2)]
    assert [list(layer.scale) for layer in layers] == [[0.5, 0.5], [0.25, 0.25]]
    assert [notes_of(layer).series for layer in layers] == ["left", "right"]


def test_a_large_tiff_in_tiles_is_a_lazy_pyramid(viewer, tmp_path):
    data = np.tile(RANDOM.integers(0, 255, (512, 512), dtype="uint8"), (12, 12))
    with tifffile.TiffWriter(tmp_path / "slide.ome.tif", ome=True) as tiff:
        tiff.write(data, subifds=1, tile=(512, 512), compression="zlib", metadata={"axes": "YX", "PhysicalSizeX": 0.5})
        tiff.write(data[::4, ::4], subfiletype=1, tile=(512, 512), compression="zlib")
    (layer,) = viewer.open(tmp_path / "slide.ome.tif", plugin=PLUGIN)
    assert [(type(level), level.shape) for level in layer.data] == [(da.Array, (6144, 6144)), (da.Array, (1536, 1536))]
    np.testing.assert_array_equal(np.asarray(layer.data[1][:300]), data[:1200:4, ::4])


def test_without_sizes_a_layer_is_in_pixels(viewer, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((64, 48), "uint8"))
    (layer,) = viewer.open(tmp_path / "a.tif", plugin=PLUGIN)
    assert ([str(unit) for unit in layer.units], list(layer.scale)) == (["pixel", "pixel"], [1, 1])
    path = ome_zarr(tmp_path / "b.zarr", np.ones((64, 48), "uint8"), "yx", scale=[3, 2], units=["rods", "furlongz"])
    (layer,) = viewer.open(path, plugin=PLUGIN)
    assert ([str(unit) for unit in layer.units], list(layer.scale)) == (["pixel", "pixel"], [3, 2])


def test_planes_are_shown_whatever_the_order_of_the_axes(viewer, tmp_path):
    data = RANDOM.integers(0, 255, (64, 48, 5), dtype="uint8")
    zarr.create_array(tmp_path / "a.zarr", data=data, chunks=data.shape, dimension_names=["x", "y", "z"])
    (layer,) = viewer.open(tmp_path / "a.zarr", plugin=PLUGIN)
    assert layer.axis_labels == ("z", "y", "x")
    np.testing.assert_array_equal(np.asarray(layer.data), data.T)


def test_what_is_neither_is_left_to_others(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.tif").write_text("no TIFF")
    for name in ("folder", "text.tif", "missing.zarr"):
        assert image_reader(str(tmp_path / name)) is None


def test_a_damaged_image_is_a_sentence_and_no_layer(viewer, tmp_path):
    zarr.open_group(tmp_path / "a.zarr", mode="w").attrs["ome"] = {"multiscales": [{"datasets": []}]}
    with pytest.raises(ImageError, match=r"a\.zarr: the zarr cannot be opened"):
        viewer.open(tmp_path / "a.zarr", plugin=PLUGIN)
    assert len(viewer.layers) == 0


def test_a_person_who_chooses_none_of_several_images_gets_no_layer_and_no_error(viewer, tmp_path, monkeypatch):
    from napari_medt.files import series_dialog

    with tifffile.TiffWriter(tmp_path / "cells.ome.tif", ome=True) as tiff:
        for name in ("left", "right"):
            tiff.write(np.zeros((8, 9), "uint8"), metadata={"axes": "YX", "Name": name})
    monkeypatch.setattr(series_dialog, "ask_series", lambda path, images: ())
    assert viewer.open(tmp_path / "cells.ome.tif", plugin=PLUGIN) == []
