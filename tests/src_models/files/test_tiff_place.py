"""Origins and frame times of TIFF files, as ImageJ and OME write them."""

import numpy as np
import pytest
import tifffile

from src_models.files.images import read_image
from src_models.files.labels import write_labels
from src_models.images.axes import read_axes


def test_imagej_s_origin_and_frame_interval_are_read(tmp_path):
    text = (
        "ImageJ=1.54f\nimages=6\nslices=3\nframes=2\nhyperstack=true\nunit=micron\nspacing=2.0\nfinterval=30.0\n"
        "xorigin=-40\nyorigin=8\nzorigin=1\nloop=false\n"
    )
    tifffile.imwrite(
        tmp_path / "a.tif", np.ones((6, 20, 30), "uint8"), description=text, metadata=None, resolution=(4, 2)
    )
    reading = read_image(tmp_path / "a.tif").reading
    # As ImageJ reckons the place of pixel 0: (0 - xorigin) * width.
    assert reading.origin == {"X": 40 * 0.25, "Y": -8 * 0.5, "Z": -2.0}
    assert reading.frame_seconds == 30.0


@pytest.mark.parametrize(("time", "unit", "seconds"), [(2.0, "min", 120.0), (500.0, "ms", 0.5), (3.0, None, 3.0)])
def test_the_frame_time_of_ome_tiff_is_in_seconds(tmp_path, time, unit, seconds):
    metadata = {"axes": "TYX", "TimeIncrement": time, **({"TimeIncrementUnit": unit} if unit else {})}
    tifffile.imwrite(tmp_path / "a.ome.tif", np.ones((3, 20, 30), "uint8"), ome=True, metadata=metadata)
    assert read_image(tmp_path / "a.ome.tif").reading.frame_seconds == seconds


def test_labels_keep_the_place_and_time_of_their_image(tmp_path):
    text = "ImageJ=1.54f\nimages=2\nframes=2\nunit=micron\nfinterval=0.5\nxorigin=-40\nyorigin=0.25\nloop=false\n"
    tifffile.imwrite(tmp_path / "a.tif", np.ones((2, 20, 30), "uint8"), description=text, metadata=None)
    image = read_image(tmp_path / "a.tif")
    assert image.reading.origin == {"X": 40.0, "Y": -0.25}
    write_labels(tmp_path / "a_labels.tif", np.ones((2, 20, 30), int), reading=image.reading)
    assert read_image(tmp_path / "a_labels.tif").reading == image.reading


def test_numbers_that_are_none_are_no_place(tmp_path):
    text = "ImageJ=1.54f\nunit=micron\nxorigin=nan\nyorigin=left\nfinterval=0\n"
    tifffile.imwrite(tmp_path / "a.tif", np.ones((20, 30), "uint8"), description=text, metadata=None)
    reading = read_image(tmp_path / "a.tif").reading
    assert (dict(reading.origin), reading.frame_seconds) == ({}, None)


def test_many_objects_keep_their_place_as_positions_of_planes(tmp_path):
    labels = np.zeros((2, 3, 20, 30), "uint32")
    labels[1, 2, 3, 4] = 70000
    origin, spacing = {"Z": 5.0, "Y": 7.0, "X": -9.0}, {"Z": 2.0, "Y": 0.5, "X": 0.25}
    reading = read_axes(labels.shape, axes="TZYX", spacing=spacing, unit="um", origin=origin)
    with tifffile.TiffFile(write_labels(tmp_path / "a.tif", labels, reading=reading)) as tiff:
        pixels = tifffile.xml2dict(tiff.ome_metadata)["OME"]["Image"]["Pixels"]
    found = {(one["TheT"], one["TheZ"]): [one[f"Position{letter}"] for letter in "ZYX"] for one in pixels["Plane"]}
    assert found == {(t, z): [5.0 + 2 * z, 7.0, -9.0] for t in range(2) for z in range(3)}
    assert {one["PositionZUnit"] for one in pixels["Plane"]} == {"µm"}
