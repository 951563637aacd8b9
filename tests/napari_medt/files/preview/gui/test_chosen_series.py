"""A folder of several series in a real viewer: those that are chosen become layers."""

import numpy as np
import pytest

from napari_medt.files.preview import chosen_series

PLUGIN = "napari-medt"
pytestmark = pytest.mark.usefixtures("plugin_registered")


@pytest.fixture
def choose(monkeypatch):
    """Return a function that has a person choose these series, and a list of what was asked."""
    asked = []

    def answer(*titles):
        def ask(folder, previews, beside):
            asked.append((folder.name, [one.title for one in previews], beside))
            return tuple(one for one in previews if one.title in titles)

        monkeypatch.setattr(chosen_series, "has_window", lambda: True)
        monkeypatch.setattr(chosen_series, "ask_which_series", ask)
        return asked

    return answer


@pytest.fixture
def viewer():
    from napari.components import ViewerModel

    return ViewerModel()


def test_the_chosen_series_opens_alone_under_its_name(viewer, study, choose, messages):
    asked = choose("5: Lung")
    (study / "report.txt").write_text("nothing to see")
    (layer,) = viewer.open(study, plugin=PLUGIN)
    assert (layer.name, layer.data.shape) == ("ct - Lung", (5, 128, 128))
    np.testing.assert_array_equal(np.asarray(layer.data[:, 0, 0]), np.arange(974, 979) - 1024)
    np.testing.assert_allclose(layer.data_to_world((4, 0, 0)), (8, 0, 0))
    assert messages == []
    ((name, titles, beside),) = asked
    assert (name, len(titles), beside) == ("ct", 3, "")


def test_nothing_is_opened_when_a_person_cancels(viewer, study, choose, messages):
    choose()
    assert viewer.open(study, plugin=PLUGIN) == []
    assert messages == []


def test_a_folder_of_one_series_is_opened_unasked(viewer, dicom_folder, choose):
    asked = choose("nothing")
    (layer,) = viewer.open(dicom_folder, plugin=PLUGIN)
    assert layer.data.shape == (3, 128, 128)
    assert asked == []


def test_where_nobody_can_be_asked_all_are_opened_and_what_is_no_volume_is_said(viewer, study, messages):
    layers = viewer.open(study, plugin=PLUGIN)
    assert {layer.name for layer in layers} == {"ct", "ct - Lung"}
    (message,) = messages
    assert "Copies0.dcm and Copies1.dcm are at the same place" in message
