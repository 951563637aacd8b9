"""A volume in 3D: labels and attention are drawn where they lie, an oblique scan's too, and the slice comes back."""

from __future__ import annotations

import dataclasses

import nibabel as nib
import numpy as np
import pytest
from napari.utils import DirectLabelColormap
from scipy.spatial.transform import Rotation

from napari_medt.viewer.layer_notes import own_notes
from napari_medt.viewer.map_looks import map_appearance
from napari_medt.viewer.placement import placement
from napari_medt.viewer.scans.in_3d import has_depth, show_in_2d, show_in_3d, switch_3d
from src_models.attention.placed_map import PlacedMap
from src_models.errors import UserError

pytestmark = pytest.mark.usefixtures("plugin_registered")

SHAPE = (24, 30, 28)  # z, y, x, once it is read
ORGAN, HOT, BOTH = (17, 8, 6), (6, 20, 20), (17, 20, 20)  # middles of cubes of 7 voxels: of labels, attention, of both


@pytest.fixture
def opened(make_napari_viewer, tmp_path):
    """Open an oblique scan far from the origin, with labels and a hidden map of attention on it, cells of 2 x 2."""
    linear = Rotation.from_euler("xyz", (14, -11, 20), degrees=True).as_matrix() @ np.diag((-1.1, -0.9, 2.5))
    image = nib.Nifti1Image(np.zeros(SHAPE[::-1], np.int16), nib.affines.from_matvec(linear, (-150, 180, 45)))
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, tmp_path / "scan.nii")
    viewer = make_napari_viewer(show=True)
    (scan,) = viewer.open(tmp_path / "scan.nii", plugin="napari-medt")
    assert scan.data.shape == SHAPE
    notes = dataclasses.replace(own_notes(scan, "labels"), model="m")
    labels = np.zeros(SHAPE, np.uint8)
    for middle in (ORGAN, BOTH):
        labels[around(middle)] = 1
    labels = viewer.add_labels(labels, metadata=notes.metadata(), **placement(scan))
    labels.colormap = DirectLabelColormap(color_dict={None: (0, 0, 0, 0), 0: (0, 0, 0, 0), 1: (1, 0, 0, 1)})
    cells = np.zeros((24, 15, 14), np.float32)
    for z, y, x in (HOT, BOTH):
        cells[z - 3 : z + 4, y // 2 - 2 : y // 2 + 2, x // 2 - 2 : x // 2 + 2] = 1
    place = placement(scan, (1, 2, 2), (0, 0.5, 0.5))
    notes = dataclasses.replace(notes, role="attention", map="gate 2")
    look = map_appearance(PlacedMap("gate 2", "coefficient", "", 2, cells, (1, 2, 2), (0, 0.5, 0.5)))
    attention = viewer.add_image(cells, metadata=notes.metadata(), visible=False, **place, **look)
    return viewer, scan, labels, attention


def around(middle):
    return tuple(slice(at - 3, at + 4) for at in middle)


def seen_at(viewer, layer, voxel):
    """The colour of the canvas where a voxel is projected to: orthogonally, from the front, the head up."""
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    height, width = picture.shape[:2]
    camera = viewer.scene.camera
    up, _, right = (np.array(layer.data_to_world(voxel)) - camera.center) * camera.zoom
    return picture[round(height / 2 - up), round(width / 2 + right)]


def test_labels_and_attention_are_drawn_where_they_lie(opened):
    viewer, scan, labels, attention = opened
    before = {layer: (layer.affine.affine_matrix.copy(), layer.scale.copy()) for layer in viewer.layers}
    show_in_3d(viewer)
    assert viewer.dims.ndisplay == 3
    assert attention.visible
    organ, hot, both = (seen_at(viewer, labels, middle) for middle in (ORGAN, HOT, BOTH))
    assert organ[0] > 80 > 40 > organ[1:].max(), "a red surface"
    assert hot[:2].min() > 100 > 60 > hot[2], "yellow, the colour of the map's largest values"
    assert both[0] > hot[0] + 20, "the surface"
    assert both[1] > organ[1] + 40, "and attention through it"
    for empty in ((6, 8, 6), (23, 29, 0), (0, 0, 27)):
        assert seen_at(viewer, scan, empty).max() < 30, empty
    for layer, (affine, scale) in before.items():
        np.testing.assert_array_equal(layer.affine.affine_matrix, affine)
        np.testing.assert_array_equal(layer.scale, scale)


def test_the_slice_comes_back_as_it_was_but_for_what_a_person_changed(opened):
    viewer, scan, labels, attention = opened
    viewer.dims.order = (1, 0, 2)
    viewer.dims.set_point(1, viewer.dims.point[1] + 4)
    camera = viewer.scene.camera
    camera.center, camera.zoom, camera.orientation2d = (0, 70, 90), 3.5, ("up", "right")

    def state():
        looks = [(one.visible, one.opacity, one.blending) for one in viewer.layers]
        return viewer.dims.point, viewer.dims.order, camera.center, camera.zoom, camera.orientation, looks

    before = state()
    switch_3d()
    assert state() != before
    assert labels.rendering == "iso_categorical"
    switch_3d()
    assert viewer.dims.ndisplay == 2
    assert state() == before
    show_in_3d(viewer)
    attention.opacity, labels.visible = 0.35, False
    viewer.dims.ndisplay = 2  # by napari's own button
    assert (attention.opacity, attention.visible, labels.visible, scan.opacity) == (0.35, False, False, 1)
    labels.visible, attention.opacity = True, before[-1][-1][1]
    assert state() == before
    viewer.dims.ndisplay = 3
    viewer.dims.ndisplay = 2  # which is no concern of this
    assert labels.opacity == before[-1][1][1]


def test_what_is_seen_stays_so_and_without_a_volume_that_is_said(opened):
    viewer, scan, labels, attention = opened
    other = viewer.add_image(np.ones(SHAPE), metadata=attention.metadata, **placement(scan))
    viewer.layers.selection.active = labels
    show_in_3d(viewer)
    assert other.visible
    assert not attention.visible, "another map is seen"
    show_in_2d(viewer)
    viewer.layers.clear()
    flat = viewer.add_image(np.zeros((1, 9, 9)))
    assert not has_depth(flat)
    with pytest.raises(UserError, match="no volume to show"):
        switch_3d()
