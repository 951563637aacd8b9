"""Segmenting as a function: from Python, and as a form that magicgui makes of it, in a real viewer."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading

import magicgui
import numpy as np
import pytest
from napari.layers import Image, Labels, Layer

from napari_medt.segmenting.command import model_names, segment_layer
from napari_medt.viewer.reading import ReadAs, choose_reading
from src_models.errors import ModelFileError, UserError
from src_models.models.loaded import file_sha256

PLACED = {"scale": (0.5, 2.0), "translate": (10.0, -3.0), "rotate": 30, "units": ("µm", "µm")}


@pytest.fixture
def form(make_napari_viewer, blob_model_path, noise):
    """A viewer with an image, and the form in a dock; the model is not one of the library."""
    viewer = make_napari_viewer(show=True)
    image = viewer.add_image(noise, name="cells", **PLACED)
    form = magicgui.magicgui(segment_layer, model={"bind": str(blob_model_path)})
    viewer.window.add_dock_widget(form, name="Segment a layer")
    assert form.image.value is image
    return viewer, image, form


def test_python_gets_labels_that_lie_over_the_image_and_tell_how_they_were_made(noise, blob_model_path, expected):
    image = Image(noise, name="cells", **PLACED)
    data, options, kind = segment_layer(image, str(blob_model_path), device="cpu").result(60)
    assert kind == "labels"
    np.testing.assert_array_equal(data, expected(noise).labels)
    layer = Layer.create(data, options, kind)
    assert isinstance(layer, Labels)
    for place in ((0, 0), (47, 0), (13.5, 60.25)):
        np.testing.assert_allclose(layer.data_to_world(place), image.data_to_world(place))
    assert layer.units == image.units
    notes = layer.metadata["napari_medt"]
    assert notes["model_sha256"] == file_sha256(blob_model_path)
    assert (notes["layer"]["image"], notes["layer"]["role"]) == (str(image.unique_id), "labels")


def test_only_the_channel_that_was_chosen_counts(noise, blob_model_path, expected):
    image = Image(np.stack([255 - noise, noise]), name="dyes")
    choose_reading(image, ReadAs("CYX", (1,)))
    data, _, _ = segment_layer(image, str(blob_model_path)).result(60)
    np.testing.assert_array_equal(data[0], expected(noise).labels)


def test_a_model_that_there_is_not_is_told_at_once(noise):
    with pytest.raises(ModelFileError, match="nuclei"):
        segment_layer(Image(noise), "nuclej")


def test_models_that_wait_for_clicks_are_not_offered():
    names = model_names()
    assert "nuclei" in names
    assert not [name for name in names if name.startswith("click")]


def test_the_form_adds_labels_over_the_image_while_the_window_goes_on(form, qtbot, held_run, noise, expected):
    viewer, image, form = form
    told = []
    viewer.layers.events.inserted.connect(lambda event: told.append(threading.current_thread()))
    future = form()
    qtbot.wait(300)
    assert not future.done()
    assert list(viewer.layers) == [image]  # the window has had its turn, and the run is under way
    held_run.set()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=60_000)
    labels = viewer.layers[1]
    assert isinstance(labels, Labels)
    np.testing.assert_array_equal(labels.data, expected(noise).labels)
    np.testing.assert_allclose(labels.scale, image.scale)
    np.testing.assert_allclose(labels.data_to_world((3, 4)), image.data_to_world((3, 4)))
    assert told == [threading.main_thread()]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UserError("the image is empty"), "the image is empty"),
        (ZeroDivisionError("by nought"), "Segmenting cells failed in a way that was not foreseen (ZeroDivisionError"),
    ],
)
def test_what_goes_wrong_is_shown_to_who_pressed_the_button(form, qtbot, messages, monkeypatch, error, sentence):
    viewer, _, form = form

    def fails(*_, **__):
        raise error
        yield

    monkeypatch.setattr("src_models.prediction.segment.segment_steps", fails)
    future = form()
    qtbot.waitUntil(lambda: bool(messages), timeout=60_000)
    assert len(messages) == 1
    assert messages[0].startswith(sentence)
    assert len(viewer.layers) == 1
    with pytest.raises(type(error)):
        future.result(0)


def test_a_script_without_a_window_gets_the_same(noise, blob_model_path, tmp_path, expected):
    np.save(tmp_path / "image.npy", noise)
    code = """
    import sys
    import numpy as np
    from napari.layers import Image
    from napari_medt.segmenting.command import segment_layer

    image, model, labels = sys.argv[1:]
    np.save(labels, segment_layer(Image(np.load(image)), model).result(60)[0])
    """
    paths = [str(tmp_path / "image.npy"), str(blob_model_path), str(tmp_path / "labels.npy")]
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), *paths], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_array_equal(np.load(paths[2]), expected(noise).labels)
