"""The images in a zarr: plates, wells, series of bioformats2raw, several multiscales, groups of arrays."""

import numpy as np
import pytest
import zarr

from src_models.errors import ImageError
from src_models.files.images import list_series, read_image
from src_models.files.series.image_series import SeveralImagesError

RANDOM = np.random.default_rng(0)


def add_image(group, path, shape=(20, 30), name=None, size=1.0):
    """Add a multiscale image of one level to a group, and return its pixels."""
    data = RANDOM.integers(1, 255, shape).astype("uint8")
    image = group.create_group(path) if path else group
    image.create_array("0", shape=shape, dtype="uint8")[...] = data
    axes = [{"name": letter, "type": "space", "unit": "micrometer"} for letter in "zyx"[-len(shape) :]]
    scale = [{"type": "scale", "scale": [size] * len(shape)}]
    entry = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    image.attrs["ome"] = {"version": "0.5", "multiscales": [entry | ({"name": name} if name else {})]}
    return data


def names(path):
    return [image.name for image in list_series(path)]


def same_as(path, expected):
    """Whether each image, by number and by name, has the pixels that are expected of it by name."""
    with pytest.raises(SeveralImagesError, match=f"it holds {len(expected)} images"):
        read_image(path)
    for number, (name, data) in enumerate(expected.items()):
        np.testing.assert_array_equal(np.asarray(read_image(path, series=number).data), data)
        np.testing.assert_array_equal(np.asarray(read_image(path, series=name).data), data)
    return True


@pytest.fixture
def plate(tmp_path):
    """A plate of two wells with two fields each, as path and pixels by name."""
    root = zarr.open_group(tmp_path / "plate.zarr", mode="w")
    root.attrs["ome"] = {"version": "0.5", "plate": {"wells": [{"path": "A/1"}, {"path": "B/12"}]}}
    expected = {}
    for well in ("A/1", "B/12"):
        group = root.create_group(well)
        group.attrs["ome"] = {"version": "0.5", "well": {"images": [{"path": "0"}, {"path": "1"}]}}
        for field in "01":
            expected[f"{well}/{field}"] = add_image(group, field, size=float(len(expected) + 1))
    return tmp_path / "plate.zarr", expected


def test_fields_of_a_plate_are_named_by_well_and_field(plate):
    path, expected = plate
    assert names(path) == ["A/1/0", "A/1/1", "B/12/0", "B/12/1"]
    assert same_as(path, expected)
    image = read_image(path, series="B/12/0")
    assert (image.name, image.reading.spacing) == ("plate_B_12_0", {"Y": 3.0, "X": 3.0})
    assert image.name == read_image(path / "B" / "12" / "0").name  # the same name either way


def test_fields_of_a_well_are_its_images(plate):
    path, expected = plate
    assert same_as(path / "A" / "1", {"0": expected["A/1/0"], "1": expected["A/1/1"]})


def test_a_well_that_is_listed_and_not_there_is_said_when_it_is_opened(plate):
    path, _ = plate
    root = zarr.open_group(path, mode="r+")
    root.attrs["ome"] = {"version": "0.5", "plate": {"wells": [{"path": "A/1"}, {"path": "C/3"}]}}
    assert names(path) == ["A/1/0", "A/1/1", "C/3"]
    with pytest.raises(ImageError, match="C/3"):
        read_image(path, series="C/3")


@pytest.mark.parametrize("listed", [True, False])
def test_series_that_bioformats2raw_wrote_are_images_by_their_names(tmp_path, listed):
    root = zarr.open_group(tmp_path / "a.zarr", mode="w")
    root.attrs["ome"] = {"version": "0.5", "bioformats2raw.layout": 3}
    expected = {"overview scan": add_image(root, "0", name="overview scan"), "1": add_image(root, "1", (3, 20, 30))}
    if listed:
        root.create_group("OME").attrs["ome"] = {"series": ["0", "1"]}
    assert names(tmp_path / "a.zarr") == list(expected)
    assert [image.shape for image in list_series(tmp_path / "a.zarr")] == [(20, 30), (3, 20, 30)]
    assert same_as(tmp_path / "a.zarr", expected)


def test_one_series_is_opened_unasked(tmp_path):
    root = zarr.open_group(tmp_path / "a.zarr", mode="w")
    root.attrs["ome"] = {"version": "0.5", "bioformats2raw.layout": 3}
    data = add_image(root, "0")
    image = read_image(tmp_path / "a.zarr")
    np.testing.assert_array_equal(np.asarray(image.data), data)
    assert image.name == "a"


def test_entries_of_multiscales_are_images_but_not_two_ways_to_the_same_one(tmp_path):
    root = zarr.open_group(tmp_path / "a.zarr", mode="w")
    expected = {"raw": add_image(root, "", name="raw")}
    expected["deconvolved"] = RANDOM.integers(1, 255, (10, 15)).astype("uint8")
    root.create_array("other", shape=(10, 15), dtype="uint8")[...] = expected["deconvolved"]
    (raw,) = root.attrs["ome"]["multiscales"]
    scale = [{"type": "scale", "scale": [2.0, 2.0]}]
    other = {**raw, "name": "deconvolved", "datasets": [{"path": "other", "coordinateTransformations": scale}]}
    root.attrs["ome"] = {"version": "0.5", "multiscales": [raw, other, {**raw, "name": "by another method"}]}
    assert names(tmp_path / "a.zarr") == ["raw", "deconvolved"]
    assert same_as(tmp_path / "a.zarr", expected)
    assert read_image(tmp_path / "a.zarr", series="deconvolved").reading.spacing == {"Y": 2.0, "X": 2.0}


def test_arrays_and_images_in_a_plain_group_are_listed_and_tables_are_not(tmp_path):
    root = zarr.open_group(tmp_path / "a.zarr", mode="w")
    expected = {"images/left": add_image(root.create_group("images"), "left")}
    root.create_array("intensity", shape=(4, 20, 30), dtype="uint8")[...] = 7
    root.create_array("x", shape=(30,), dtype="float64")
    root.create_group("tables").create_array("obs", shape=(3, 3), dtype="float64")
    add_image(root.create_group("labels"), "nuclei")
    expected["intensity"] = np.full((4, 20, 30), 7)
    assert names(tmp_path / "a.zarr") == list(expected)
    assert same_as(tmp_path / "a.zarr", expected)


def test_a_group_without_images_says_what_is_in_it(tmp_path):
    zarr.open_group(tmp_path / "a.zarr", mode="w").create_array("x", shape=(30,), dtype="float64")
    with pytest.raises(ImageError, match=r"a\.zarr: it is a zarr group without an image \(inside: x\)"):
        read_image(tmp_path / "a.zarr")


def test_a_plate_of_many_is_listed_without_opening_each(tmp_path):
    root = zarr.open_group(tmp_path / "plate.zarr", mode="w")
    wells = [f"{row}/{column}" for row in "ABCDEFGH" for column in range(1, 13)]
    root.attrs["ome"] = {"version": "0.5", "plate": {"wells": [{"path": well} for well in wells]}}
    for well in wells:
        root.create_group(well).attrs["ome"] = {"version": "0.5", "well": {"images": [{"path": "0"}]}}
    found = list_series(tmp_path / "plate.zarr")
    assert [image.name for image in found] == [f"{well}/0" for well in wells]
    assert {image.shape for image in found} == {None}
    with pytest.raises(SeveralImagesError, match=r"0 'A/1/0', 1 'A/2/0', .* and 88 more"):
        read_image(tmp_path / "plate.zarr")


def test_a_field_that_is_a_plain_group_of_one_array_is_opened(tmp_path):
    plate = zarr.open_group(
        tmp_path / "p.zarr", mode="w", zarr_format=2, attributes={"plate": {"wells": [{"path": "A/1"}]}}
    )
    well = plate.create_group("A/1", attributes={"well": {"images": [{"path": "0"}]}})
    well.create_group("0").create_array("0", data=np.full((40, 50), 3, "uint8"))
    for path in (tmp_path / "p.zarr", tmp_path / "p.zarr" / "A" / "1"):
        assert int(read_image(path).data.max()) == 3
