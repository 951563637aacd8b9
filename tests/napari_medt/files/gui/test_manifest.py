"""What the manifest offers works: sample images, commands, preferences."""

from __future__ import annotations

import numpy as np
import pytest
from npe2 import PluginManager, PluginManifest

from napari_medt.preferences import Preferences, read_preferences


@pytest.mark.parametrize(
    ("sample", "rgb"),
    [
        pytest.param("fluorescence", False, id="fluorescence"),
        pytest.param("histology", True, id="histology"),
        pytest.param("brightfield", False, id="bright field"),
    ],
)
def test_a_sample_opens_with_its_ground_truth_over_it(make_napari_viewer, plugin_registered, sample, rgb):
    viewer = make_napari_viewer()
    image, truth = viewer.open_sample("napari-medt", sample)
    assert image.rgb is rgb
    assert truth.data.shape == image.data.shape[:2]
    assert len(np.unique(truth.data)) > 10
    assert image.axis_labels == truth.axis_labels == ("y", "x")
    np.testing.assert_allclose(truth.data_to_world((3, 4)), image.data_to_world((3, 4)))


def test_every_command_can_be_imported_and_has_a_title_of_its_own(plugin_registered):
    commands = PluginManager.instance().get_manifest("napari-medt").contributions.commands
    assert len({command.title for command in commands}) == len(commands)
    for command in commands:
        assert callable(PluginManager.instance().commands.get(command.id))


def test_preferences_are_read_from_napari(plugin_settings, npe2pm):
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_distribution("napari-medt"))
    assert read_preferences() == Preferences()
    get_plugin_settings("napari-medt").segment.threads = 3
    get_plugin_settings("napari-medt").segment.device = "cpu"
    assert read_preferences() == Preferences(device="cpu", threads=3)


def test_preferences_are_read_without_a_search_of_all_packages(plugin_settings, npe2pm, monkeypatch):
    """napari has found the plugin when it asks for a widget; a search of all packages takes a window 0.2 s."""
    searched = []
    monkeypatch.setattr(type(npe2pm), "discover", lambda *_, **__: searched.append(True) or 0)
    assert read_preferences() == Preferences()
    assert searched  # of a plugin that napari does not know yet
    searched.clear()
    npe2pm.register(PluginManifest.from_distribution("napari-medt"))
    assert read_preferences() == Preferences()
    assert searched == []
    npe2pm.discover()
    assert searched == [True]  # others search as ever
