"""Maps on disk: the OME-XML as any reader sees it, and the map as it was."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src_models.attention.map_files import map_path, read_map, write_map
from src_models.attention.placed_map import PlacedMap
from src_models.errors import ImageError, OutputError
from src_models.files.images import image_stem, read_image
from src_models.images.axes import read_axes

SPACING = {"Z": 2.0, "Y": 0.5, "X": 0.25}


def gate(data, scale, translate, description="gate 2, 1 cell = 8 px: 1 < 2 & {µ}"):
    return PlacedMap("gate 2", "attention gate", description, 2, data, scale, translate)


def ome(path):
    """The OME-XML without its namespace, through a parser that is not tifffile's."""
    with tifffile.TiffFile(path) as tiff:
        xml = tiff.pages.first.description
    return ET.fromstring(xml.replace(' xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"', ""))


def test_the_size_of_a_cell_and_the_place_of_each_plane_are_in_the_metadata(tmp_path):
    data = np.arange(2 * 3 * 4 * 5, dtype="float32").reshape(2, 3, 4, 5)
    reading = read_axes((2, 12, 32, 40, 3), axes="TZYXC", spacing=SPACING, unit="um")
    place = gate(data, (1.0, 4.0, 8.0, 8.0), (0.0, 1.5, 3.5, 3.5))
    root = ome(write_map(tmp_path / "gate.ome.tif", place, reading=reading))
    image, pixels = root.find("Image"), root.find("Image/Pixels")
    assert image.get("Name") == "gate 2"
    assert image.find("Description").text == place.description
    assert (pixels.get("DimensionOrder"), pixels.get("Type")) == ("XYCZT", "float")
    for letter, size, step in (("X", 5, 2), ("Y", 4, 4), ("Z", 3, 8)):
        assert int(pixels.get(f"Size{letter}")) == size
        assert (float(pixels.get(f"PhysicalSize{letter}")), pixels.get(f"PhysicalSize{letter}Unit")) == (step, "µm")
    planes = pixels.findall("Plane")
    assert [(int(plane.get("TheT")), int(plane.get("TheZ"))) for plane in planes] == [
        (t, z) for t in range(2) for z in range(3)
    ]
    for plane in planes:
        assert float(plane.get("PositionX")) == 3.5 * 0.25
        assert float(plane.get("PositionY")) == 3.5 * 0.5
        assert float(plane.get("PositionZ")) == 1.5 * 2 + int(plane.get("TheZ")) * 8
        assert {plane.get(f"Position{letter}Unit") for letter in "XYZ"} == {"µm"}
    assert image.find("AnnotationRef").get("ID") == root.find("StructuredAnnotations/MapAnnotation").get("ID")
    notes = {pair.get("K"): pair.text for pair in root.iter("M")}
    assert notes == {
        "name": "gate 2",
        "kind": "attention gate",
        "level": "2",
        "axes": "TZYX",
        "scale": "[1.0, 4.0, 8.0, 8.0]",
        "translate": "[0.0, 1.5, 3.5, 3.5]",
        "unit": "µm",
    }


def test_readers_that_know_nothing_of_maps_find_axes_values_and_sizes(tmp_path):
    data = np.linspace(0, 1, 24, dtype=np.float16).reshape(2, 3, 4)
    reading = read_axes((2, 24, 32, 3), axes="ZYXC", spacing=SPACING, unit="um")
    path = write_map(tmp_path / "gate.ome.tif", gate(data, (1.0, 8.0, 8.0), (0.0, 3.5, 3.5)), reading=reading)
    image = read_image(path)
    assert (image.reading.axes, image.reading.unit) == ("ZYX", "µm")
    assert image.reading.spacing == {"Z": 2.0, "Y": 4.0, "X": 2.0}
    assert image.data.dtype == np.float32
    np.testing.assert_array_equal(image.data, data.astype(np.float32))
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages.first.resolutionunit == tifffile.RESUNIT.CENTIMETER
        assert tiff.pages.first.resolution == pytest.approx((1e4 / 2, 1e4 / 4))  # x, y: cells of 2 x 4 µm


@pytest.mark.parametrize(
    ("unit", "written", "factor"), [("pixel", "pixel", 1), ("inch", "in", 0.25), ("Å", "Å", 0.25), ("rod", "pixel", 1)]
)
def test_units_are_those_that_ome_knows_else_pixels_of_the_image(tmp_path, unit, written, factor):
    spacing = None if unit == "pixel" else SPACING
    reading = read_axes((24, 32), spacing={"Y": 0.5, "X": 0.25} if spacing else None, unit=unit)
    path = write_map(tmp_path / "a.ome.tif", gate(np.ones((3, 4)), (8.0, 8.0), (3.5, 3.5)), reading=reading)
    pixels = ome(path).find("Image/Pixels")
    assert (float(pixels.get("PhysicalSizeX")), pixels.get("PhysicalSizeXUnit")) == (8 * factor, written)
    plane = pixels.find("Plane")
    assert (float(plane.get("PositionX")), plane.get("PositionXUnit")) == (3.5 * factor, written)
    assert plane.get("PositionZ") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    axes=st.sampled_from(["YX", "ZYX", "TYX", "TZYX"]),
    scale=st.floats(0.1, 100),
    translate=st.floats(-100, 100),
    sizes=st.lists(st.integers(1, 5), min_size=4, max_size=4),
)
def test_a_map_reads_back_as_it_was(tmp_path, axes, scale, translate, sizes):
    shape = tuple(sizes[-len(axes) :])
    data = np.random.default_rng(0).random(shape, np.float32)
    leading = len(axes) - 2
    wanted = gate(data, (*[1.0] * leading, scale, scale), (*[0.0] * leading, translate, 3.5))
    reading = read_axes(shape, axes=axes)
    found = read_map(write_map(tmp_path / "a.ome.tif", wanted, reading=reading, overwrite=True))
    np.testing.assert_array_equal(found.data, data)
    for name in ("name", "kind", "description", "level", "scale", "translate"):
        assert getattr(found, name) == getattr(wanted, name), name


def test_the_axes_of_an_image_that_is_stored_otherwise_are_put_in_order(tmp_path):
    data = np.random.default_rng(0).random((4, 2, 3), np.float32)
    reading = read_axes((32, 2, 24), axes="XZY", spacing=SPACING, unit="um")
    path = write_map(tmp_path / "a.ome.tif", gate(data, (8.0, 1.0, 4.0), (3.5, 0.0, 1.5)), reading=reading)
    found = read_map(path)
    np.testing.assert_array_equal(found.data, np.moveaxis(data, 0, 2))
    assert (found.scale, found.translate) == ((1.0, 4.0, 8.0), (0.0, 1.5, 3.5))
    assert read_image(path).reading.spacing == {"Z": 2.0, "Y": 2.0, "X": 2.0}


def test_files_are_named_after_image_and_map_in_signs_that_every_system_takes(tmp_path):
    assert map_path(tmp_path, "cells", "gate 2").name == "cells_attention_gate_2.ome.tif"
    assert map_path(tmp_path, "cells", "global 2.1 received").name == "cells_attention_global_2.1_received.ome.tif"
    path = map_path(tmp_path, "cells", "gate 2: a/b - c\\d")
    assert path == tmp_path / "cells_attention_gate_2_a_b_-_c_d.ome.tif"
    assert image_stem(path) == "cells_attention_gate_2_a_b_-_c_d"


def test_an_existing_file_is_kept_unless_told(tmp_path):
    reading, target = read_axes((24, 32)), tmp_path / "a.ome.tif"
    target.write_bytes(b"a year of work")
    place = gate(np.ones((3, 4)), (8.0, 8.0), (3.5, 3.5))
    with pytest.raises(OutputError, match=r"a\.ome\.tif exists already"):
        write_map(target, place, reading=reading)
    assert target.read_bytes() == b"a year of work"
    write_map(target, place, reading=reading, overwrite=True)
    assert read_map(target).data.all()


def test_what_holds_no_map_is_refused_by_name(tmp_path):
    tifffile.imwrite(tmp_path / "plain.tif", np.zeros((3, 4)))
    tifffile.imwrite(tmp_path / "other.ome.tif", np.zeros((3, 4)), ome=True, metadata={"MapAnnotation": {"a": "b"}})
    (tmp_path / "text.tif").write_text("no image")
    for name, words in (("plain.tif", "no attention map"), ("other.ome.tif", "no attention map"), ("text.tif", "read")):
        with pytest.raises(ImageError, match=rf"{name}: .*{words}"):
            read_map(tmp_path / name)
    with pytest.raises(ImageError, match="missing"):
        read_map(tmp_path / "missing.ome.tif")
