"""Which labels belong to an image, and what of them is saved."""

from __future__ import annotations

from dataclasses import replace

import dask.array
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.viewer.labels.labels_layers import (
    fitting_labels,
    misfit_words,
    placeless_labels,
    take_place,
    without_background,
)
from napari_medt.viewer.layer_notes import Correction, LayerNotes, own_notes
from napari_medt.viewer.viewed_image import target_in_viewer

SHAPE = (7, 20, 30)


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(
        np.zeros(SHAPE), axis_labels=("z", "y", "x"), scale=(2, 0.5, 0.5), translate=(1, 2, 3), rotate=(10, 0, 0)
    )
    return viewer


@pytest.fixture
def target(viewer):
    return target_in_viewer(viewer, viewer.layers[0])


def labels(shape=SHAPE):
    return np.zeros(shape, np.int32)


def test_labels_of_the_image_s_shape_and_place_fit(viewer, target):
    one, other = (viewer.add_labels(labels(), **target.place()) for _ in range(2))
    assert fitting_labels(viewer, target) == [one, other]


@pytest.mark.parametrize("moved", [{"scale": (1, 1, 1)}, {"translate": (0, 2, 3)}, {"rotate": (0, 10, 0)}])
def test_labels_that_lie_elsewhere_do_not(viewer, target, moved):
    viewer.add_labels(labels(), **{**target.place(), **moved})
    assert fitting_labels(viewer, target) == []


def test_labels_of_another_shape_or_on_disk_or_of_several_resolutions_do_not(viewer, target):
    viewer.add_labels(labels((7, 20, 31)), **target.place())
    viewer.add_labels(dask.array.from_array(labels()), **target.place())
    viewer.add_labels([labels(), labels()[:, ::2, ::2]], multiscale=True, **target.place())
    assert fitting_labels(viewer, target) == []


def moved(target, change):
    """The image's place, with its affine changed: what scans are placed by."""
    return {**target.place(), "affine": target.place()["affine"] @ change}


def test_labels_whose_affine_mirrors_or_shifts_them_do_not_fit_and_it_is_told_why(viewer, target):
    """They have the image's shape, scale, translation and rotation: only the affine tells."""
    shift = np.eye(4)
    shift[2, 3] = 4
    viewer.add_labels(labels(), name="shifted", **moved(target, shift))
    viewer.add_labels(labels(), name="mirrored", **moved(target, np.diag([1, 1, -1, 1])))
    assert fitting_labels(viewer, target) == []
    words = misfit_words(viewer, target)
    assert "The labels 'shifted' do not lie on 'Image': its middle lies 4 from the image's." in words
    assert "The labels 'mirrored' do not lie on 'Image': it is stored the other way round along x" in words


def test_labels_without_a_place_take_the_image_s_and_it_is_told(viewer, target):
    plain = viewer.add_labels(labels(), name="plain")
    assert placeless_labels(viewer, target) == [plain]
    assert fitting_labels(viewer, target) == []
    assert misfit_words(viewer, target) == ""
    assert "'plain' have no place of their own" in take_place(plain, target)
    for corner in ((0, 0, 0), (6, 19, 29)):
        np.testing.assert_allclose(plain.data_to_world(corner), target.layer.data_to_world(corner))
    assert fitting_labels(viewer, target) == [plain]
    assert take_place(plain, target) is None


def test_a_place_of_its_own_is_never_taken_from_labels(viewer, target):
    placed = viewer.add_labels(labels(), translate=(0, 0, 5))
    assert placeless_labels(viewer, target) == []
    assert take_place(placed, target) is None
    np.testing.assert_array_equal(placed.translate, (0, 0, 5))


@pytest.mark.parametrize(("role", "fits"), [("click preview", False), ("correction changes", False), ("labels", True)])
def test_what_only_shows_something_does_not(viewer, target, role, fits):
    viewer.add_labels(labels(), metadata=own_notes(target.layer, role).metadata(), **target.place())
    assert bool(fitting_labels(viewer, target)) == fits


@pytest.mark.parametrize("kind", [np.uint8, np.int32])
def test_background_that_was_painted_is_saved_as_background(kind):
    data = np.array([[0, 1, 120], [120, 7, 0]], kind)
    noted = replace(LayerNotes(role="labels"), correction=Correction(background=120)).metadata()
    saved = without_background(data, noted)
    np.testing.assert_array_equal(saved, [[0, 1, 0], [0, 7, 0]])
    assert saved.dtype == kind


@pytest.mark.parametrize("metadata", [{}, {"napari_medt": "of a person"}, LayerNotes(role="labels").metadata()])
def test_of_other_labels_every_number_is_saved(metadata):
    data = np.array([[0, 1, 120]])
    assert without_background(data, metadata) is data
