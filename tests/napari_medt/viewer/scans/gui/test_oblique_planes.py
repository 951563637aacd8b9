"""Every plane of an oblique scan can be reached with the sliders, and they stay where they are when layers come."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from napari_medt.viewer.placement import placement
from napari_medt.viewer.scans.oblique_planes import SlicedLayer

pytestmark = pytest.mark.usefixtures("plugin_registered")

SHAPE = (9, 8, 6)  # i, j, k


@pytest.fixture
def opened(make_napari_viewer, tmp_path):
    """Return a function that opens a scan of planes 0, 1, 2 and so on, each full of its number, turned by angles."""

    def open_(*turn, place=(-150, 180, 45)):
        linear = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() @ np.diag((0.8, 1.1, 3.0))
        data = np.broadcast_to(np.arange(SHAPE[2], dtype=np.int16), SHAPE)
        image = nib.Nifti1Image(np.array(data), nib.affines.from_matvec(linear, place))
        image.header.set_xyzt_units("mm", "sec")
        nib.save(image, tmp_path / "scan.nii")
        viewer = make_napari_viewer()
        return viewer, viewer.open(tmp_path / "scan.nii", plugin="napari-medt")[0]

    return open_


def plane(layer):
    """The number of the plane that napari shows."""
    return int(np.asarray(layer._slice.image.raw).flat[0])


@pytest.mark.parametrize("turn", [(12, -9, 25), (-25, 10, 5)])
def test_all_planes_can_be_reached(opened, turn):
    viewer, scan = opened(*turn)
    placed = SlicedLayer(scan)
    start, stop, step = viewer.dims.range[0]
    planes = set()
    for place in np.arange(start, stop + step / 2, step / 2):
        viewer.dims.set_point(0, place)
        if placed.holds([0], np.array([place])):
            planes.add(plane(scan))
    assert planes == set(range(SHAPE[2]))


def test_when_it_opens_the_middle_is_seen_and_it_stays_when_layers_come_and_go(opened):
    viewer, scan = opened(12, -9, 25)
    assert plane(scan) in (2, 3)
    first, last = SlicedLayer(scan).ends(0)
    viewer.dims.set_point(0, first + 0.8 * (last - first))
    point, before = viewer.dims.point, plane(scan)
    assert before == round(0.8 * (SHAPE[2] - 1))
    labels = viewer.add_labels(np.ones(scan.data.shape, int), **placement(scan))
    assert viewer.dims.point == point
    assert np.asarray(labels._slice.image.raw).all()  # they are sliced where the scan is
    labels.data = labels.data * 2
    viewer.layers.remove(labels)
    assert viewer.dims.point == point
    assert plane(scan) == before


def test_a_scan_along_the_axes_leaves_sliders_as_they_are(opened):
    viewer, scan = opened(0, 0, 0)
    assert SlicedLayer(scan).ends(0) is None
    assert viewer.dims.range[0][:2] == pytest.approx(tuple(scan.extent.world[:, 0]))
