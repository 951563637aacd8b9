from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from napari_medt.serving.answers import Refusal
from napari_medt.serving.models import Models
from src_models.errors import ModelFileError, UserError
from src_models.models.library import shipped_models


@pytest.fixture
def own_models(tmp_path, monkeypatch):
    folder = tmp_path / "data" / "napari-medt" / "models"
    folder.mkdir(parents=True)
    monkeypatch.setattr("src_models.models.library.local_folder", lambda: folder)
    return folder


def test_all_models_are_served_unless_some_are_chosen(own_models, tiny_model_path):
    (own_models / "mine.safetensors").write_bytes(tiny_model_path.read_bytes())
    models = Models()
    shipped = {entry.name: entry.header for entry in shipped_models()}
    assert set(models.names("segment")) == {n for n, h in shipped.items() if h.use == "segment"} | {"mine"}
    assert models.names("click") == ["click"]
    assert models.header("nuclei") == shipped["nuclei"]


def test_models_are_chosen_by_name_and_by_file(tiny_model_path):
    models = Models([str(tiny_model_path), "click"])
    assert models.names("segment") == ["tiny"]
    assert models.path("tiny") == tiny_model_path


def test_a_missing_model_is_told_at_once():
    with pytest.raises(ModelFileError, match="Did you mean 'nuclei'"):
        Models(["nuclej"])


def test_two_models_of_one_name_are_refused(tiny_model_path, tmp_path):
    other = tmp_path / "tiny.safetensors"
    other.write_bytes(tiny_model_path.read_bytes())
    with pytest.raises(ModelFileError, match="two models are called 'tiny'"):
        Models([str(tiny_model_path), str(other)])


def test_who_asks_for_another_hears_which_there_are():
    models = Models(["click", "nuclei"])
    with pytest.raises(Refusal, match="there are click, nuclei; did you mean 'click'"):
        models.header("clock")
    with pytest.raises(Refusal, match=r"there are click$"):
        models.header("nuclei", "click")
    for name in ("", "../nuclei", str(models.path("nuclei"))):
        with pytest.raises(Refusal) as refusal:
            models.load(name)
        assert refusal.value.status == 404


def test_a_model_is_loaded_once_and_anew_when_its_file_changes(tiny_model_path, tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(tiny_model_path.read_bytes())
    models = Models([str(path)])
    first = models.load("mine")
    assert models.load("mine") is first
    os.utime(path, ns=(1, 1))
    second = models.load("mine")
    assert second is not first
    for old, new in zip(first.network.parameters(), second.network.parameters(), strict=True):
        np.testing.assert_array_equal(old.detach().numpy(), new.detach().numpy())
    path.unlink()
    with pytest.raises(ModelFileError, match="gone"):
        models.load("mine")


def test_a_model_that_was_trained_is_served_at_once(tiny_model_path, tmp_path):
    models = Models(["nuclei"])
    better = tmp_path / "better.safetensors"
    better.write_bytes(tiny_model_path.read_bytes())
    models.add(better)
    assert set(models.names("segment")) == {"nuclei", "better"}
    with pytest.raises(ModelFileError):
        models.add(Path("nothing.safetensors"))


def test_a_network_of_clicks_is_made_ready_once():
    models = Models(["click", "nuclei"])
    assert models.click_network("click") is models.click_network("click")
    with pytest.raises(UserError, match="takes no clicks"):
        models.click_network("nuclei")
