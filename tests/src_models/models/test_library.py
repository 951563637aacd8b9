"""Which models there are, and finding one by name."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from src_models.errors import ModelFileError
from src_models.models import library
from src_models.models.header import METADATA_KEY, ModelHeader


def write_model(path, **fields):
    """Write a model file of a header and no weights: the library reads nothing else."""
    header = ModelHeader(
        name=path.stem,
        purpose="Tests",
        architecture="unet",
        config={},
        classes=("background", "cell"),
        channels=("grey",),
    )
    text = json.dumps({"__metadata__": {METADATA_KEY: json.dumps(json.loads(header.to_json()) | fields)}}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    return path


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A shipped and a local folder of our own."""
    shipped, local = tmp_path / "shipped", tmp_path / "local"
    monkeypatch.setattr(library, "_SHIPPED", shipped)
    monkeypatch.setattr(library, "local_folder", lambda: local)
    return shipped, local


def test_shipped_and_local_models_are_listed_by_name(folders):
    shipped, local = folders
    for name in ("nuclei", "ct"):
        write_model(shipped / f"{name}.safetensors")
    path = write_model(local / "mine.safetensors")
    (local / "notes.txt").write_text("no model")
    (local / ".mine.ab12.part.safetensors").write_bytes(b"being written")
    assert [(entry.name, entry.shipped) for entry in library.shipped_models()] == [("ct", True), ("nuclei", True)]
    (mine,) = library.local_models()
    assert (mine.name, mine.path, mine.shipped, mine.size_bytes) == ("mine", path, False, path.stat().st_size)
    assert mine.header.purpose == "Tests"
    assert library.local_problems() == []
    assert library.find_model("mine") == path
    assert library.find_model("nuclei") == shipped / "nuclei.safetensors"


@pytest.mark.parametrize("path", ["there/mine", "mine.safetensors", Path("/data/mine.safetensors")])
def test_a_path_is_told_from_a_name_and_not_looked_up(folders, path):
    named = write_model(folders[1] / "mine.safetensors")
    assert library.model_path(path) == Path(path)
    assert library.model_path("mine") == named
    with pytest.raises(ModelFileError, match="There is no model 'mime'"):
        library.model_path("mime")


def test_folders_that_do_not_exist_hold_no_models(folders):
    assert library.shipped_models() == library.local_models() == library.local_problems() == []
    with pytest.raises(ModelFileError, match="there are none yet"):
        library.find_model("nuclei")


def test_unreadable_local_files_are_told_and_do_not_hide_the_others(folders):
    local = folders[1]
    write_model(local / "good.safetensors")
    write_model(local / "newer.safetensors", schema_version=99)
    write_model(local / "odd.safetensors", colour="blue")
    (local / "pickle.safetensors").write_bytes(b"\x80\x02}q\x00.")
    (local / "short.safetensors").write_bytes((local / "good.safetensors").read_bytes()[:40])
    assert [entry.name for entry in library.local_models()] == ["good"]
    problems = library.local_problems()
    for name, says in {"newer": "schema version 99", "odd": "fields", "pickle": "pickle", "short": "truncated"}.items():
        assert any(f"{name}.safetensors" in problem and says in problem for problem in problems), name
    assert len(problems) == 4


def test_a_local_model_does_not_take_the_place_of_a_shipped_one(folders):
    shipped, local = folders
    write_model(shipped / "nuclei.safetensors")
    write_model(local / "nuclei.safetensors")
    assert library.find_model("nuclei") == shipped / "nuclei.safetensors"
    assert library.local_models() == []
    assert "rename the file" in library.local_problems()[0]


def test_an_unknown_name_is_answered_with_those_there_are(folders):
    for name in ("nuclei", "ct"):
        write_model(folders[0] / f"{name}.safetensors")
    with pytest.raises(ModelFileError, match=r"no model 'nucleii'; there are ct, nuclei\. Did you mean 'nuclei'\?"):
        library.find_model("nucleii")


def test_local_models_live_in_the_user_data_folder():
    assert library.local_folder().name == "models"
    assert "napari-medt" in library.local_folder().parts


def test_listing_models_does_not_load_torch():
    code = "import sys, src_models.models.library as l; l.shipped_models(); l.local_models(); "
    code += "sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_only_model_of_classes_need_not_be_named(folders):
    shipped, local = folders
    write_model(shipped / "nuclei.safetensors")
    with pytest.raises(ModelFileError, match="there is no model of classes here yet: train one"):
        library.only_classifier()
    write_model(local / "shapes.safetensors", result="class")
    assert library.only_classifier() == "shapes"
    write_model(shipped / "kinds.safetensors", result="class")
    with pytest.raises(ModelFileError, match="several models of classes: kinds, shapes; name one with --model"):
        library.only_classifier()
