"""What a person prefers is found again, and is the default where napari does not know the plugin."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from npe2 import PluginManifest

from napari_medt import preferences
from napari_medt.preferences import (
    AttentionPreferences,
    Preferences,
    keep_attention,
    keep_correct_again,
    keep_correct_model,
    read_attention,
    read_correct_again,
    read_correct_model,
    read_preferences,
)


@pytest.fixture
def known(plugin_settings, npe2pm):
    """napari knows the plugin, and has its settings."""
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_distribution("napari-medt"))
    return get_plugin_settings("napari-medt")


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


def test_the_defaults_here_are_those_of_the_manifest(known):
    assert read_preferences() == Preferences()
    assert read_attention() == AttentionPreferences()
    assert read_correct_model() == "nuclei"
    assert read_correct_again() is True


def test_how_the_attention_widget_was_left_is_found_again(known):
    keep_attention(view="heads", memory=64)
    keep_attention(follow=False)
    assert read_attention() == AttentionPreferences(view="heads", memory=64, follow=False)


def test_what_was_corrected_last_is_found_again(known):
    keep_correct_model("/models/mine.safetensors")
    keep_correct_again(False)
    assert read_correct_model() == "/models/mine.safetensors"
    assert read_correct_again() is False
    keep_correct_again(True)
    assert read_correct_again() is True


class Noting(SimpleNamespace):
    """Settings that note what is set: napari writes its file each time."""

    def __setattr__(self, name, value):
        self.noted.append(name)
        super().__setattr__(name, value)


def test_what_is_as_it_was_is_not_written_again(monkeypatch):
    attention, correct = Noting(noted=[], view="heads", memory=64), Noting(noted=[], model="nuclei", again=True)
    sections = {"attention": attention, "correct": correct}
    monkeypatch.setattr(preferences, "_section", sections.get)
    keep_attention(view="heads", memory=64)
    keep_correct_model("nuclei")
    keep_correct_again(True)
    assert attention.noted == correct.noted == []
    keep_attention(view="heads", memory=65)
    assert attention.noted == ["memory"]


def test_a_manifest_of_an_older_version_without_a_choice_is_borne(monkeypatch):
    section = Noting(noted=[], model="nuclei")
    monkeypatch.setattr(preferences, "_section", lambda name: section)
    assert read_correct_again() is True
    keep_correct_again(False)
    assert not hasattr(section, "again")


def test_where_napari_does_not_know_the_plugin_there_are_defaults_and_nothing_is_kept(plugin_settings, npe2pm):
    keep_attention(view="heads")
    keep_correct_model("other")
    keep_correct_again(False)
    assert read_preferences() == Preferences()
    assert read_attention() == AttentionPreferences()
    assert (read_correct_model(), read_correct_again()) == ("nuclei", True)
