"""The list of models: those that fit the widget, and any file that a person opens."""

from __future__ import annotations

import pytest
from grey_classifiers import grey_classifier, grey_header
from qtpy.QtWidgets import QFileDialog, QPushButton
from zoo_package import plain_unet, write_package

from napari_medt.controls.model_combo import ModelCombo
from src_models.models.checkpoint import save
from src_models.models.header import read_header
from src_models.models.library import find_model, shipped_models


@pytest.fixture
def listed(qtbot):
    """Return a function that makes a list of models, and the lists that its signals go to."""

    def make(preferred="nuclei", **how):
        combo = ModelCombo(preferred, **how)
        qtbot.addWidget(combo)
        changed, refused = [], []
        combo.model_changed.connect(lambda: changed.append(combo.path()))
        combo.refused.connect(refused.append)
        return combo, changed, refused

    return make


@pytest.mark.parametrize("use", ["segment", "click", "classify"])
def test_models_of_other_kinds_are_not_listed(listed, use, own_models):
    combo, _, _ = listed(use=use)
    there = {path: read_header(path) for path in (*(entry.path for entry in shipped_models()), *own_models)}
    wanted = {
        path
        for path, header in there.items()
        if ("click" if header.prompts else "classify" if header.result == "class" else "segment") == use
    }
    assert set(combo.paths()) == wanted
    assert wanted


@pytest.fixture
def own_models(tmp_path, monkeypatch):
    """A model of classes in the folder of a person's own models."""
    folder = tmp_path / "own"
    monkeypatch.setattr("src_models.models.library.local_folder", lambda: folder)
    folder.mkdir()
    header = grey_header("shapes", ("round", "long"), 32, purpose="Round or long")
    return [save(grey_classifier(header), folder / "shapes.safetensors")]


def test_the_preferred_model_is_chosen_else_the_first(listed):
    assert listed("nuclei-medt")[0].path() == find_model("nuclei-medt")
    combo, _, _ = listed("gone")
    assert combo.path() == combo.paths()[0]
    assert combo.header().name == combo.path().stem


def test_a_file_is_listed_once_and_chosen(listed, blob_model_path):
    combo, changed, refused = listed()
    before = combo.paths()
    combo.open_file(blob_model_path)
    combo.open_file(find_model("nuclei"))
    combo.open_file(blob_model_path)
    assert changed == [blob_model_path, find_model("nuclei"), blob_model_path]
    assert combo.paths() == [*before, blob_model_path]
    assert (refused, combo.header().purpose) == ([], "Bright blobs, for tests")


def test_a_package_of_the_zoo_is_opened_beside_the_window(listed, qtbot, tmp_path):
    pytest.importorskip("bioimageio.spec")
    pytest.importorskip("onnxruntime")
    softmax = [{"id": "softmax", "kwargs": {"axis": "channel"}}]
    package = write_package(tmp_path / "zoo.zip", plain_unet(), postprocessing=softmax)
    unclear = write_package(tmp_path / "unclear.zip", plain_unet())
    combo, changed, refused = listed()
    (button,) = [each for each in combo.findChildren(QPushButton) if each.text() == "Open..."]
    combo.open_file(package)
    assert (changed, button.isEnabled()) == ([], False)
    qtbot.waitUntil(lambda: bool(changed), timeout=20_000)
    assert (combo.path(), combo.header().purpose, button.isEnabled()) == (package, "Cells, of a test", True)
    combo.open_file(unclear)
    qtbot.waitUntil(lambda: bool(refused), timeout=20_000)
    assert "--classes NAMES" in refused[0]
    assert (combo.path(), button.isEnabled()) == (package, True)


def test_what_is_no_model_or_belongs_to_another_widget_is_refused_in_a_sentence(listed, tmp_path, own_models):
    combo, changed, refused = listed()
    (tmp_path / "broken.safetensors").write_bytes(b"no model")
    combo.open_file(tmp_path / "broken.safetensors")
    [clicks] = [entry.path for entry in shipped_models() if entry.header.prompts][:1]
    combo.open_file(clicks)
    combo.open_file(own_models[0])
    assert "broken.safetensors" in refused[0]
    assert refused[1] == f"The model {clicks.stem!r} answers clicks: open it in Click."
    assert refused[2] == "The model 'shapes' says what an image or an object shows: open it in Classify."
    assert (changed, combo.path()) == ([], find_model("nuclei"))


def test_a_person_picks_a_file_or_changes_their_mind(listed, monkeypatch, blob_model_path):
    combo, changed, _ = listed()
    picks = iter(["", str(blob_model_path)])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (next(picks), ""))
    [button] = [one for one in combo.findChildren(QPushButton) if one.text() == "Open..."]
    button.click()
    assert changed == []
    button.click()
    assert changed == [blob_model_path]
