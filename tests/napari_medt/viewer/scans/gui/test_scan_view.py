"""Where the camera and the sliders are after a scan was opened beside others."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

PLUGIN = "napari-medt"
pytestmark = pytest.mark.usefixtures("plugin_registered")


@pytest.fixture
def scans(tmp_path):
    """Return a function that writes a scan of 20 x 30 x 40 voxels of 2 mm whose first voxel lies at a place."""

    def write(name, place, shape=(40, 30, 20), kind="int16"):
        affine = nib.affines.from_matvec(np.diag([2.0, 2.0, 2.0]), place)
        image = nib.Nifti1Image(np.random.default_rng(0).integers(-900, 900, shape).astype(kind), affine)
        image.header.set_xyzt_units("mm", "sec")
        if kind == "uint8":
            image.header.set_intent("label")
        nib.save(image, tmp_path / name)
        return tmp_path / name

    return write


def in_view(viewer, layer):
    """Whether the slice shown is one of the layer's and its middle is on the canvas, at no less than half its size."""
    low, high = layer.extent.world
    missing = viewer.dims.ndim - layer.ndim
    hidden = [axis - missing for axis in viewer.dims.not_displayed if axis >= missing]
    sliced = all(low[axis] <= viewer.dims.point[axis + missing] <= high[axis] for axis in hidden)
    shown = [axis - missing for axis in viewer.dims.displayed][-2:]
    center, zoom = np.asarray(viewer.scene.camera.center)[-2:], viewer.scene.camera.zoom
    room = np.asarray(viewer.canvas.viewbox_size(viewer.layers)) / zoom / 2
    middle = (low + high)[shown] / 2
    size = (high - low)[shown]
    return sliced and bool(np.all(np.abs(center - middle) < room)) and bool(np.any(size > room))


def test_a_second_scan_elsewhere_in_the_patient_comes_into_view(make_napari_viewer, scans):
    viewer = make_napari_viewer(show=True)
    viewer.open(scans("first.nii.gz", (0, 0, 0)), plugin=PLUGIN)
    (second,) = viewer.open(scans("second.nii.gz", (-700, 300, 500)), plugin=PLUGIN)
    assert in_view(viewer, second)
    drawn = viewer.screenshot(canvas_only=True, flash=False)
    height, width = drawn.shape[:2]
    assert drawn[height // 4 : -height // 4, width // 4 : -width // 4, :3].std() > 20  # it is what is seen, not black


def test_a_scan_beside_an_image_in_pixels_comes_into_view(make_napari_viewer, scans):
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((512, 512), np.uint8))
    (scan,) = viewer.open(scans("scan.nii", (300, 900, -900)), plugin=PLUGIN)
    assert in_view(viewer, scan)


def test_a_series_of_volumes_after_a_volume_and_the_reverse(make_napari_viewer, scans):
    viewer = make_napari_viewer()
    viewer.open(scans("film.nii", (0, 0, 0), (40, 30, 20, 3)), plugin=PLUGIN)
    (scan,) = viewer.open(scans("scan.nii", (800, 0, 900)), plugin=PLUGIN)
    assert in_view(viewer, scan)
    (film,) = viewer.open(scans("film2.nii", (-800, 0, 0), (40, 30, 20, 3)), plugin=PLUGIN)
    assert in_view(viewer, film)


def test_a_scan_comes_into_view_in_three_dimensions(make_napari_viewer, scans):
    viewer = make_napari_viewer()
    viewer.dims.ndisplay = 3
    viewer.open(scans("first.nii", (0, 0, 0)), plugin=PLUGIN)
    (second,) = viewer.open(scans("second.nii", (-700, 300, 500)), plugin=PLUGIN)
    np.testing.assert_allclose(viewer.scene.camera.center, second.extent.world.mean(axis=0))


def test_labels_of_the_scan_that_is_looked_at_leave_the_view_as_it_is(make_napari_viewer, scans):
    viewer = make_napari_viewer()
    viewer.open(scans("scan.nii.gz", (0, 0, 0)), plugin=PLUGIN)
    viewer.dims.set_point(0, 6)
    viewer.scene.camera.zoom *= 4
    viewer.scene.camera.center = (viewer.scene.camera.center[-2] + 15, viewer.scene.camera.center[-1] - 20)  # a corner
    before = (viewer.dims.point, viewer.scene.camera.center, viewer.scene.camera.zoom)
    viewer.open(scans("mask.nii.gz", (0, 0, 0), kind="uint8"), plugin=PLUGIN)
    assert (viewer.dims.point, viewer.scene.camera.center, viewer.scene.camera.zoom) == before


def test_other_layers_do_not_move_the_view(make_napari_viewer, scans):
    viewer = make_napari_viewer()
    viewer.open(scans("scan.nii", (0, 0, 0)), plugin=PLUGIN)
    before = (viewer.dims.point, viewer.scene.camera.center, viewer.scene.camera.zoom)
    viewer.add_labels(np.ones((4, 4, 4), int), translate=(500, 5000, 5000))
    assert (viewer.dims.point, viewer.scene.camera.center, viewer.scene.camera.zoom) == before


def test_two_real_scans(make_napari_viewer, shared):
    folder = shared / "data" / "ct_totalseg" / "images"
    if not folder.is_dir():
        pytest.skip(f"needs the scans in {folder}")
    viewer = make_napari_viewer()
    for name in ("torso_3mm.nii.gz", "abdomen_512.nii.gz"):
        (scan,) = viewer.open(folder / name, plugin=PLUGIN)
        assert in_view(viewer, scan)
