"""Options that commands share: what they are read as, and what is refused before any work."""

import pytest

from napari_medt.cli import options
from src_models.errors import ImageError, ModelFileError, OutputError, UserError
from src_models.models import library
from src_models.models.header import Intensity


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("percentile:0.5:99.8", Intensity(kind="percentile", low=0.5, high=99.8)),
        ("window:-160:240", Intensity(kind="window", low=-160.0, high=240.0)),
        ("signed-window:-1e3:1e3", Intensity(kind="signed-window", low=-1000.0, high=1000.0)),
    ],
)
def test_an_intensity_is_read(text, read):
    assert options.parse_intensity(text) == read


@pytest.mark.parametrize("text", ["percentile", "percentile:1", "percentile:1:2:3", "percentile:low:high", ""])
def test_an_intensity_of_another_form_is_refused(text):
    with pytest.raises(UserError, match="is not of the form KIND:LOW:HIGH"):
        options.parse_intensity(text)


def test_an_unknown_kind_of_intensity_is_refused_with_those_there_are():
    with pytest.raises(UserError, match="'gamma' is not one of percentile, zscore, window, signed-window"):
        options.parse_intensity("gamma:1:2")


def test_a_model_is_known_by_name_and_by_path(tmp_path, tiny_model_path):
    assert options.check_model("nuclei").name == "nuclei"
    assert options.check_model(str(tiny_model_path)).name == "tiny"
    with pytest.raises(ModelFileError, match="no model 'nuclie'"):
        options.check_model("nuclie")
    with pytest.raises(ModelFileError, match="no such model file"):
        options.check_model(str(tmp_path / "none.safetensors"))
    with pytest.raises(UserError, match="no device 'tpu'"):
        options.check_model("nuclei", "tpu")


def test_names_of_models_are_completed_with_what_they_are_for(tmp_path, monkeypatch, tiny_model_path):
    (tmp_path / "nuts.safetensors").write_bytes(tiny_model_path.read_bytes())
    (tmp_path / "broken.safetensors").touch()
    monkeypatch.setattr(library, "local_folder", lambda: tmp_path)
    assert [name for name, _ in options.complete_model("nu")] == ["nuclei-medt", "nuclei", "nuts"]
    assert dict(options.complete_model("nuts")) == {"nuts": "Tests"}
    assert options.complete_model("./nu") == []


def test_files_that_are_missing_are_refused_by_name(tmp_path):
    options.check_files(tmp_path, None)
    with pytest.raises(ImageError, match=r"b\.tif: there is no such file"):
        options.check_files(tmp_path, tmp_path / "b.tif")


def test_outputs_that_exist_are_refused_before_folders_are_made(tmp_path):
    (tmp_path / "a.json").touch()
    new = tmp_path / "new" / "b.json"
    with pytest.raises(OutputError, match=r"a\.json exists already"):
        options.check_outputs(new, tmp_path / "a.json", overwrite=False)
    assert not new.parent.exists()
    options.check_outputs(new, tmp_path / "a.json", None, folders=[tmp_path / "maps"], overwrite=True)
    assert new.parent.is_dir()
    assert (tmp_path / "maps").is_dir()
    with pytest.raises(OutputError, match="cannot be written"):
        options.check_outputs(folders=[tmp_path / "a.json" / "deeper"], overwrite=True)
