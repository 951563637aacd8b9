"""Regions for ImageJ, as roifile reads them, and regions that ImageJ made."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from drawn_labels import drawn_labels, drawn_stack
from skimage.draw import polygon2mask

from src_models.errors import ImageError, OutputError
from src_models.files.exchange.described import Described
from src_models.files.exchange.imagej_rois import is_roi_zip, read_imagej_rois, write_imagej_rois
from src_models.files.exchange.painting import paint

roifile = pytest.importorskip("roifile")


def painted_by_roifile(region, shape):
    """Fill a region by its coordinates, rings in rings being holes; the middle of a pixel decides."""
    mask = np.zeros(shape, bool)
    for ring in region.coordinates(multi=True):
        mask ^= polygon2mask(shape, np.asarray(ring, float)[:, ::-1] - 0.5)
    return mask


def test_roifile_reads_exactly_the_pixels_names_and_classes(tmp_path):
    labels = drawn_labels()
    described = Described(names={300: "border"}, kinds={1: "ring", 2: "disc", 3: "disc"})
    assert write_imagej_rois(tmp_path / "a.zip", labels, "YX", described) == 6
    regions = {region.properties["label"]: region for region in roifile.roiread(tmp_path / "a.zip")}
    assert set(regions) == {1, 2, 3, 7, 300, 70_000}
    for number, region in regions.items():
        np.testing.assert_array_equal(painted_by_roifile(region, labels.shape), labels == number)
    assert [regions[number].name for number in (1, 2, 7, 300)] == ["ring 1", "disc 2", "7", "border"]
    assert regions[2].properties["class"] == "disc"
    assert regions[2].group == regions[3].group != regions[1].group > 0
    assert regions[2].roitype == roifile.ROI_TYPE.TRACED  # whole numbers, as of ImageJ's wand
    assert not regions[2].subpixelresolution
    box = regions[2].left, regions[2].top, regions[2].right, regions[2].bottom
    rows, columns = np.nonzero(labels == 2)
    assert box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)  # as ImageJ has it


def test_regions_are_of_their_slices_and_frames(tmp_path):
    stack = drawn_stack()
    write_imagej_rois(tmp_path / "both.zip", stack, "TZYX", Described())
    places = {(r.t_position, r.z_position, r.position) for r in roifile.roiread(tmp_path / "both.zip")}
    assert places == {(t, z, 0) for t in (1, 2) for z in (1, 2, 3)}
    write_imagej_rois(tmp_path / "one.zip", stack[0], "ZYX", Described())
    assert {(r.z_position, r.position) for r in roifile.roiread(tmp_path / "one.zip")} == {(0, 1), (0, 2), (0, 3)}
    write_imagej_rois(tmp_path / "channels.zip", stack[0], "ZYX", Described(several=True))
    assert {(r.z_position, r.position) for r in roifile.roiread(tmp_path / "channels.zip")} == {(1, 0), (2, 0), (3, 0)}


@pytest.mark.parametrize(
    ("axes", "labels"), [("YX", drawn_labels()), ("ZYX", drawn_stack()[0]), ("TZYX", drawn_stack())]
)
def test_what_was_written_is_read_again(tmp_path, axes, labels):
    write_imagej_rois(tmp_path / "a.zip", labels, axes, Described())
    painted = paint(read_imagej_rois(tmp_path / "a.zip"), "a", axes=axes, shape=labels.shape)
    np.testing.assert_array_equal(painted.labels, labels)


def test_far_corners_are_kept(tmp_path):
    """Beyond 60,535, ImageJ needs fractions."""
    labels = np.zeros((3, 70_010), np.uint8)
    labels[1, 70_000:70_005] = 1
    write_imagej_rois(tmp_path / "a.zip", labels, "YX", Described())
    (region,) = roifile.roiread(tmp_path / "a.zip")
    assert region.coordinates().min(axis=0).tolist() == [70_000, 1]
    painted = paint(read_imagej_rois(tmp_path / "a.zip"), "a", axes="YX", shape=labels.shape)
    np.testing.assert_array_equal(painted.labels, labels)


def test_regions_that_were_drawn_by_hand(tmp_path):
    """A polygon in fractions of pixels, a rectangle, an ellipse; a point is passed over."""
    polygon = roifile.ImagejRoi.frompoints(np.array([[2.2, 1.4], [9.7, 1.4], [9.7, 8.6]], np.float32), name="mine")
    box = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.RECT, left=12, top=3, right=16, bottom=9, name="box")
    oval = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.OVAL, left=20, top=2, right=40, bottom=12, name="oval")
    point = roifile.ImagejRoi.frompoints(np.array([[1, 1]]), name="point")
    point.roitype = roifile.ROI_TYPE.POINT
    roifile.roiwrite(tmp_path / "a.zip", [polygon, box, oval, point])
    drawing = read_imagej_rois(tmp_path / "a.zip")
    assert "1 of its regions are lines or points" in drawing.notes[0]
    painted = paint(drawing, "a", axes="YX", shape=(14, 44))
    truth = polygon2mask((14, 44), np.array([[1.4, 2.2], [1.4, 9.7], [8.6, 9.7]]) - 0.5)
    np.testing.assert_array_equal(painted.labels == 1, truth)
    assert np.count_nonzero(painted.labels == 2) == 24
    y, x = np.mgrid[:14, :44] + 0.5
    ellipse = ((x - 30) / 10) ** 2 + ((y - 7) / 5) ** 2 < 1
    assert np.count_nonzero((painted.labels == 3) ^ ellipse) <= 2
    assert painted.names == {1: "mine", 2: "box", 3: "oval"}


def test_one_region_is_read_too(tmp_path):
    roifile.ImagejRoi(roitype=roifile.ROI_TYPE.RECT, left=1, top=1, right=3, bottom=3).tofile(tmp_path / "a.roi")
    assert is_roi_zip(tmp_path / "a.roi")
    assert paint(read_imagej_rois(tmp_path / "a.roi"), "a").labels.sum() == 4


def test_damaged_files_are_refused_with_a_sentence(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("broken.roi", b"Iout" + b"\x00" * 8)
    with pytest.raises(ImageError, match="region 'broken' cannot be read"):
        read_imagej_rois(path)
    path.write_bytes(path.read_bytes()[:40])
    assert not is_roi_zip(path)
    with pytest.raises(ImageError, match="no region of ImageJ"):
        read_imagej_rois(path)


def test_nothing_is_replaced_unasked(tmp_path):
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(OutputError):
        write_imagej_rois(tmp_path / "a.zip", drawn_labels(), "YX", Described())
    assert (tmp_path / "a.zip").read_text() == "mine"
