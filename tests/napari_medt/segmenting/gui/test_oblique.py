"""What is found in an oblique scan of uneven voxels lies on it from all sides: as it is drawn, and as it is picked."""

from __future__ import annotations

from itertools import product

import nibabel as nib
import numpy as np
import pytest
from napari.utils import DirectLabelColormap
from scipy.spatial.transform import Rotation

from napari_medt.viewer.layer_notes import notes_of

pytestmark = pytest.mark.usefixtures("plugin_registered")

# Far from the origin, as a scan of a shoulder is.
TURN, SIZE, PLACE = (12, -9, 25), (0.8, 1.1, 3.0), (-150, 180, 45)
ORDERS = ((0, 1, 2), (1, 2, 0), (2, 0, 1))


@pytest.fixture
def segmented(make_napari_viewer, blob_model_path, tmp_path, run_to_end):
    """A viewer with an oblique scan, what was found in all its planes, and a coarse map of what was attended to."""
    data = np.random.default_rng(3).normal(0, 300, (40, 48, 6)).astype(np.int16)
    linear = Rotation.from_euler("xyz", TURN, degrees=True).as_matrix() @ np.diag(SIZE)
    image = nib.Nifti1Image(data, nib.affines.from_matvec(linear, PLACE))
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, tmp_path / "oblique.nii")
    viewer = make_napari_viewer(show=True)
    (scan,) = viewer.open(tmp_path / "oblique.nii", plugin="napari-medt")
    _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
    widget.open_model(blob_model_path)
    widget.region.setCurrentIndex(widget.region.findData("all"))
    run_to_end(widget)
    found = {role: [one for one in viewer.layers if notes_of(one).role == role] for role in ("labels", "attention")}
    (labels,) = found["labels"]
    coarse = min(found["attention"], key=lambda one: one.data.size)
    return viewer, scan, labels, coarse


def look_at(viewer, scan, order, ndisplay):
    """Look at the middle of the scan from a side."""
    from napari_medt.viewer.scans.scan_view import bring_into_view

    viewer.dims.ndisplay, viewer.dims.order = ndisplay, order
    viewer.scene.camera.zoom *= 1e-3  # out of view
    bring_into_view(viewer, scan)
    for axis in viewer.dims.not_displayed:  # not between two planes, of which either could be shown
        viewer.dims.set_point(axis, viewer.dims.point[axis] + 0.2 * scan.scale[axis])


def drawn(viewer, layer):
    """Where a layer alone is bright on the canvas."""
    for one in viewer.layers:
        one.visible = one is layer
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].max(axis=-1) > 128


def test_labels_and_maps_lie_on_their_voxels_of_the_scan(segmented):
    check_places(*segmented)
    check_drawing(*segmented)


def check_places(viewer, scan, labels, coarse):
    """What is picked in the world is one voxel in all."""
    for order, ndisplay in product(ORDERS, (2, 3)):
        look_at(viewer, scan, order, ndisplay)
        for voxel in ((0, 0, 0), (5, 47, 39), (2, 31, 9)):
            world = scan.data_to_world(voxel)
            np.testing.assert_allclose(labels.world_to_data(world), voxel, atol=1e-6)
            cell = (np.array(voxel) + 0.5) / (1, 4, 4) - 0.5
            np.testing.assert_allclose(coarse.world_to_data(world), cell, atol=1e-6)
        for layer in (labels, coarse):
            assert layer.units == scan.units
            np.testing.assert_allclose(layer.affine.affine_matrix, scan.affine.affine_matrix)


def check_drawing(viewer, scan, labels, coarse):
    """The scan's own layer is given their values, voxel by voxel, and the same pixels of the canvas are bright."""
    rng = np.random.default_rng(0)
    whole = np.asarray(scan.data).shape
    cells = [size // fewer for size, fewer in zip(whole, coarse.data.shape, strict=True)]
    assert cells == [1, 4, 4]
    labels.colormap = DirectLabelColormap(color_dict={None: (1, 1, 1, 1), 0: (0, 0, 0, 1)})
    labels.opacity, labels.blending = 1, "opaque"
    coarse.data = (rng.random(coarse.data.shape) > 0.5).astype(np.float32)
    for one in (coarse, scan):
        one.contrast_limits, one.colormap, one.opacity, one.blending = (0, 1), "gray", 1, "opaque"
        one.interpolation2d = "nearest"
    coarse.visible = True  # shows what it is, which is not looked at here
    coarse.colorbar.visible = coarse.name_overlay.visible = False
    for order in ORDERS:
        look_at(viewer, scan, order, 2)
        shown = [(labels, labels.data > 0)]
        if order[0] == 0:  # napari draws a hidden axis at its first cell, whose middle is not that of the first voxel
            shown.append((coarse, np.kron(coarse.data, np.ones(cells))))
        for layer, values in shown:
            bright = drawn(viewer, layer)
            scan.data = values.astype(np.float32)
            assert 0.05 < bright.mean() < 0.6, (order, layer.name)  # else this test says little
            assert (bright != drawn(viewer, scan)).mean() < 0.01 * bright.mean(), (order, layer.name)
