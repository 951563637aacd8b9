"""Labels layers saved as OME-Zarr: into the image below them or alone, and never over anything else."""

import numpy as np
import pytest
import zarr

from napari_medt.files.zarr_writer import is_in_zarr, write_zarr_labels
from napari_medt.viewer.placement import placement
from src_models.errors import OutputError
from src_models.files.images import read_image, read_labels
from src_models.files.ngff.labels import labels_inside

PLUGIN = "napari-medt"
LABELS = np.random.default_rng(0).integers(0, 300, (4, 64, 48))


@pytest.fixture
def image(tmp_path):
    """A stack of two channels at (2, 10, -20) µm, of two levels."""
    group = zarr.open_group(tmp_path / "cells.zarr", mode="w")
    datasets = []
    for level in range(2):
        shape = (2, 4, 64 >> level, 48 >> level)
        group.create_array(str(level), shape=shape, chunks=(1, 1, 32, 32), dtype="uint8")
        scale = {"type": "scale", "scale": [1, 2.0, 0.5 * 2**level, 0.25 * 2**level]}
        placed = [scale, {"type": "translation", "translation": [0, 2.0, 10.0, -20.0]}]
        datasets.append({"path": str(level), "coordinateTransformations": placed})
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    return tmp_path / "cells.zarr"


@pytest.fixture
def viewer(plugin_registered):
    """A viewer without a window."""
    from napari.components import ViewerModel

    return ViewerModel()


@pytest.fixture
def layer(viewer, image):
    """Labels over the image, as a widget makes them."""
    channel, _ = viewer.open(image, plugin=PLUGIN)
    return viewer.add_labels(LABELS, name="my nuclei", **placement(channel))


@pytest.mark.parametrize("name", ["labels/nuclei", "labels/nuclei.zarr", ""])
def test_labels_are_saved_into_their_image_on_its_pixels(viewer, image, layer, name):
    (written,) = layer.save(str(image / name), plugin=PLUGIN)
    expected = image / "labels" / ("nuclei" if name else "my_nuclei")
    assert written == str(expected)
    np.testing.assert_array_equal(read_labels(expected), LABELS)
    assert read_image(expected).reading == read_image(image).reading.without_channels()
    (again,) = viewer.open(expected, plugin=PLUGIN)
    for place in ((0, 0, 0), (3, 63, 47)):
        np.testing.assert_allclose(again.data_to_world(place), layer.data_to_world(place))


def test_an_image_is_never_replaced_and_labels_only_where_napari_has_asked(image, layer, tmp_path):
    zarr.create_array(tmp_path / "plain.zarr", shape=(4, 64, 48), dtype="uint8")
    zarr.open_group(tmp_path / "plate.zarr", mode="w").attrs["ome"] = {"plate": {"wells": []}}
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for name in ("plain", "plate"):
        with pytest.raises(OutputError, match=rf"{name}\.zarr exists already"):
            layer.save(str(tmp_path / f"{name}.zarr"), plugin=PLUGIN)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    layer.save(str(image), plugin=PLUGIN)
    layer.data = LABELS + 1
    more, attributes, _ = layer.as_layer_data_tuple()
    for asked in (image, image / "labels" / "my nuclei"):  # the dialog asked about these, and not about my_nuclei
        with pytest.raises(OutputError, match="my_nuclei exists already"):
            write_zarr_labels(str(asked), more, attributes)
    (path,) = labels_inside(image)
    with pytest.raises(OutputError, match="my_nuclei exists already"):
        layer.save(str(path), plugin=PLUGIN)  # napari adds an ending to it, and has asked nobody
    np.testing.assert_array_equal(read_labels(path), LABELS)
    write_zarr_labels(str(path), more, attributes)
    np.testing.assert_array_equal(read_labels(path), LABELS + 1)


def test_labels_that_do_not_lie_on_the_image_are_refused(viewer, image, layer):
    place = placement(layer)
    shifted = viewer.add_labels(LABELS, name="shifted", **{**place, "translate": (2, 10, -19)})
    larger = viewer.add_labels(LABELS, name="larger", **{**place, "scale": (2, 0.5, 0.5)})
    fewer = viewer.add_labels(LABELS[0], name="fewer", scale=(0.5, 0.25))
    turned = viewer.add_labels(LABELS, name="turned", **{**place, "rotate": (0, 0, 30)})
    negative = viewer.add_labels(LABELS - 5, name="negative", **place)
    aside = "does not lie on the image"
    for wrong, reason in (
        (shifted, aside), (larger, aside), (fewer, "labels in an image cover"), (turned, "turned or sheared"),
        (negative, "negative numbers"),
    ):  # fmt: skip
        with pytest.raises(OutputError, match=f"layer '{wrong.name}'.* {reason}"):
            wrong.save(str(image), plugin=PLUGIN)
    assert labels_inside(image) == []


def test_the_same_place_in_other_units_and_a_layer_in_pixels_are_taken(viewer, image):
    units = ("nm", "nm", "nm")
    viewer.add_labels(LABELS, name="nm", scale=(2000, 500, 250), translate=(2000, 10000, -20000), units=units)
    viewer.add_labels(LABELS, name="pixels")
    for name in ("nm", "pixels"):
        viewer.layers[name].save(str(image), plugin=PLUGIN)
    assert [path.name for path in labels_inside(image)] == ["nm", "pixels"]


def test_labels_without_an_image_are_a_zarr_of_their_own_and_open_as_labels(viewer, tmp_path, image, layer):
    films = viewer.add_labels(
        LABELS, name="film", scale=(30, 0.5, 0.25), translate=(0, 3, 4), units=("s", "um", "um"),
        axis_labels=("t", "y", "x"),
    )  # fmt: skip
    for saved, name in ((layer, "stack"), (films, "film.zarr")):
        (written,) = write_zarr_labels(str(tmp_path / name), *saved.as_layer_data_tuple()[:2])
        assert written == str(tmp_path / f"{name.removesuffix('.zarr')}.zarr")
        (again,) = viewer.open(written, plugin=PLUGIN)
        np.testing.assert_array_equal(again.data, LABELS)
        assert (again.axis_labels, again.units) == (saved.axis_labels, saved.units)
        np.testing.assert_allclose(again.data_to_world((1, 2, 3)), saved.data_to_world((1, 2, 3)))
    with pytest.raises(OutputError, match=r"stack\.zarr exists already"):
        # Nobody was asked about the name with its ending.
        write_zarr_labels(str(tmp_path / "stack"), *layer.as_layer_data_tuple()[:2])
    layer.data = LABELS + 1
    layer.save(str(tmp_path / "stack.zarr"), plugin=PLUGIN)
    np.testing.assert_array_equal(read_labels(tmp_path / "stack.zarr"), LABELS + 1)


def test_a_path_is_of_a_zarr_by_its_ending_or_its_folder():
    paths = {"a.zarr": True, "a.ZARR": True, "a.zarr/labels/b": True, "labels/b": False, "a.tif": False, "a": False}
    assert {path: is_in_zarr(path) for path in paths} == paths
