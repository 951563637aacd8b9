"""An image that was open when a process ended is found again, or opened again as it was."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_medt.unsaved.unfinished_image import UnfinishedImage, place_like
from src_models.errors import UserError

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)
PLACE = {
    "scale": (2.0, 0.5),
    "translate": (10.0, -3.0),
    "rotate": 30,
    "shear": [0.2],
    "affine": [[1, 0.2, 3], [0, 1, -2], [0, 0, 1]],
    "units": ("um", "um"),
    "axis_labels": ("y", "x"),
}


def from_file(path, name="cells", reader="napari"):
    """Make an image layer as if a reader had read it from a file."""
    layer = Image(PIXELS, name=name)
    layer._source = layer.source.model_copy(update={"path": str(path), "reader_plugin": reader})
    return layer


@pytest.fixture
def file(tmp_path):
    tifffile.imwrite(tmp_path / "cells.tif", PIXELS)
    return tmp_path / "cells.tif"


def test_notes_go_through_json_and_give_the_image_back(file):
    notes = json.loads(json.dumps(UnfinishedImage.notes(from_file(file, reader="napari-medt"))))
    assert UnfinishedImage.of(notes) == UnfinishedImage("cells", str(file), "napari-medt")
    assert UnfinishedImage.of(UnfinishedImage.notes(Image(PIXELS, name="made here"))).path is None
    assert UnfinishedImage.of({}).name == "an image"  # of a journal of whatever version


def test_a_file_that_is_gone_is_none(file):
    notes = UnfinishedImage.notes(from_file(file))
    file.unlink()
    assert UnfinishedImage.of(notes).path is None
    assert UnfinishedImage.of(notes).open_in(ViewerModel()) is None


def test_an_image_of_its_name_and_file_is_it_and_no_other(file, tmp_path):
    unfinished = UnfinishedImage.of(UnfinishedImage.notes(from_file(file)))
    others = {
        "another file": from_file(tmp_path / "other.tif"),
        "another name": from_file(file, name="renamed"),
        "of no file": Image(PIXELS, name="cells"),
        "labels": Labels(PIXELS, name="cells"),
    }
    for words, layer in others.items():
        viewer = ViewerModel()
        viewer.add_layer(layer)
        assert unfinished.layer_in(viewer) is None, words
    viewer = ViewerModel()
    it = viewer.add_layer(from_file(file))
    assert unfinished.layer_in(viewer) is it


def test_of_an_image_whose_file_is_gone_the_name_is_enough(file):
    notes = UnfinishedImage.notes(from_file(file))
    file.unlink()
    viewer = ViewerModel()
    assert UnfinishedImage.of(notes).layer_in(viewer) is None
    opened_by_hand = viewer.add_image(PIXELS, name="cells")
    assert UnfinishedImage.of(notes).layer_in(viewer) is opened_by_hand


@pytest.mark.parametrize(("names", "chosen"), [(["a", "cells"], 1), (["a", "b"], 0), ([], None)])
def test_of_several_images_in_a_file_that_of_the_name_is_taken(file, names, chosen):
    images = [Image(PIXELS, name=name) for name in names]
    opened = []
    viewer = SimpleNamespace(
        open=lambda path, plugin: opened.append((path, plugin)) or [Labels(PIXELS, name="cells"), *images]
    )
    found = UnfinishedImage("cells", str(file), "a reader").open_in(viewer)
    assert found is (None if chosen is None else images[chosen])
    assert opened == [(str(file), "a reader")]


def test_a_reader_that_fails_is_a_sentence_that_names_the_file(file):
    def fail(path, plugin):
        raise KeyError("whatever a reader raises")

    with pytest.raises(UserError, match=r"cells\.tif could not be opened"):
        UnfinishedImage("cells", str(file), None).open_in(SimpleNamespace(open=fail))


@pytest.mark.parametrize("colours", [False, True])
def test_an_image_lies_as_its_labels_lay(colours):
    labels = Labels(np.zeros((3, 4), np.uint8), **PLACE)
    image = Image(np.zeros((3, 4, 3), np.uint8) if colours else PIXELS, rgb=colours)
    place_like(image, labels)
    for place in np.ndindex(3, 4):
        np.testing.assert_allclose(image.data_to_world(place), labels.data_to_world(place))
    assert image.axis_labels == ("y", "x")
    assert image.units == labels.units


@pytest.mark.parametrize(
    "image",
    [
        Image(np.zeros((3, 5), np.uint8)),
        Image(np.zeros((3, 4, 2), np.uint8)),  # channels that come last
        Image([np.zeros((3, 4), np.uint8), np.zeros((2, 2), np.uint8)], multiscale=True),
    ],
    ids=["of another size", "of more axes", "a pyramid"],
)
def test_an_image_that_labels_do_not_tell_the_place_of_stays_where_it_is(image):
    place_like(image, Labels(np.zeros((3, 4), np.uint8), **PLACE))
    np.testing.assert_allclose(image.scale, 1)
    np.testing.assert_allclose(image.translate, 0)


def test_of_several_images_in_a_file_the_one_that_was_open_is_meant(tmp_path):
    from napari_medt.viewer.layer_notes import LayerNotes

    path = tmp_path / "cells.ome.tif"
    path.touch()
    layers = [from_file(path, reader="napari-medt") for _ in range(2)]
    for layer, series in zip(layers, ("left", "right"), strict=True):
        layer.metadata = LayerNotes(series=series).metadata()
    image = UnfinishedImage.of(UnfinishedImage.notes(layers[1]))
    assert image.series == "right"

    class Viewer:
        def __init__(self, *layers):
            self.layers = layers

        def open(self, path, plugin):
            return list(self.layers)

    assert image.layer_in(Viewer(*layers)) is layers[1]
    assert image.layer_in(Viewer(layers[0])) is None
    assert image.open_in(Viewer(*layers)) is layers[1]
    with pytest.raises(UserError, match=r"belong to the image 'right' of .*and another one was opened"):
        image.open_in(Viewer(layers[0]))
