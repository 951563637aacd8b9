"""Folders, patterns and batches on the command line: which images are segmented, which are left, and what is said."""

import io
import json
import shutil
import sys

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_medt.cli import app, main
from src_models.files.images import read_labels
from src_models.models import library
from src_models.prediction import segment as predict


@pytest.fixture
def plate(tmp_path, discs, monkeypatch):
    """A folder of two images of two objects each, one without any, and a text; the working folder is the one above."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "plate"
    folder.mkdir()
    for name, data in (("a", discs), ("b", discs[::-1]), ("empty", np.full_like(discs, 20))):
        tifffile.imwrite(folder / f"{name}.tif", data)
    (folder / "notes.txt").write_text("no image")
    return folder


@pytest.fixture
def segment(tiny_model_path):
    def run(*arguments, model=tiny_model_path):
        arguments = ["segment", *arguments, "--model", model, "--diameter", 20]
        return CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(argument) for argument in arguments])

    return run


def written(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_segmented_and_what_is_no_image_is_said(segment, plate, tmp_path):
    done = segment("plate")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "Passed over, no image: plate/notes.txt"
    assert lines[-1].startswith("3 of 3 images segmented into results in ")
    assert lines[-1].endswith("; nothing was found in 1")
    assert "  Nothing was found. Try a higher sensitivity" in done.stdout
    assert written(tmp_path / "results") == sorted(
        f"{name}_labels.{kind}" for name in ("a", "b", "empty") for kind in ("json", "tif")
    )
    assert read_labels(tmp_path / "results" / "b_labels.tif").max() == 2


def test_folders_patterns_and_files_are_mixed(segment, plate, tmp_path, discs):
    (tmp_path / "more").mkdir()
    tifffile.imwrite(tmp_path / "more" / "c.tif", discs)
    tifffile.imwrite(tmp_path / "d.tif", discs)
    done = segment("plate/[ab].*", "more", "d.tif", "-o", "out")
    assert done.exit_code == 0, done.output
    assert [name for name in written(tmp_path / "out") if name.endswith(".tif")] == [
        "a_labels.tif", "b_labels.tif", "c_labels.tif", "d_labels.tif"
    ]  # fmt: skip


def test_the_model_is_nuclei_unless_another_is_named(plate, tmp_path, tiny_model_path, monkeypatch):
    shutil.copy(tiny_model_path, tmp_path / "nuclei.safetensors")
    monkeypatch.setattr(library, "_SHIPPED", tmp_path)
    done = CliRunner().invoke(app, ["segment", "plate/a.tif", "-o", "out", "--diameter", "20"])
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "out" / "a_labels.json").read_text())["model"]["name"] == "tiny"


def test_an_existing_result_is_left_and_the_others_are_made(segment, plate, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a_labels.tif").write_bytes(b"painted by hand")
    done = segment("plate", "-o", "out")
    assert done.exit_code == 1
    assert done.stderr == (
        "Error: out/a_labels.tif exists already, so plate/a.tif was left; --overwrite replaces it, and "
        "--skip-existing passes over what is done\n"
    )
    assert (out / "a_labels.tif").read_bytes() == b"painted by hand"
    assert "2 of 3 images segmented into out in " in done.stdout
    assert "; 1 had results and was left: --overwrite replaces them" in done.stdout
    assert written(out) == ["a_labels.tif", "b_labels.json", "b_labels.tif", "empty_labels.json", "empty_labels.tif"]
    done = segment("plate", "-o", "out", "--overwrite")
    assert done.exit_code == 0, done.output
    assert read_labels(out / "a_labels.tif").max() == 2


def test_a_batch_goes_on_where_it_was_stopped(segment, plate, tmp_path, monkeypatch):
    assert segment("plate/a.tif", "-o", "out").exit_code == 0
    (tmp_path / "out" / "a_labels.json").unlink()  # the labels count, not their record
    before = (tmp_path / "out" / "a_labels.tif").stat().st_mtime_ns
    done = segment("plate", "-o", "out", "--skip-existing")
    assert done.exit_code == 0, done.output
    assert "2 of 3 images segmented" in done.stdout
    assert "; 1 had results and was passed over" in done.stdout
    assert (tmp_path / "out" / "a_labels.tif").stat().st_mtime_ns == before
    monkeypatch.setattr(predict, "segment_steps", None)  # nothing is left to do
    done = segment("plate", "-o", "out", "--skip-existing")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "0 of 3 images segmented into out; 3 had results and were passed over"


def test_a_result_that_lacks_maps_is_not_passed_over(segment, plate):
    assert segment("plate/a.tif", "-o", "out").exit_code == 0
    done = segment("plate/a.tif", "-o", "out", "--skip-existing", "--attention")
    assert done.exit_code == 1
    assert "a_labels.tif exists already, so plate/a.tif was left; --overwrite replaces it" in done.stderr
    assert segment("plate/a.tif", "-o", "out", "--overwrite", "--attention").exit_code == 0
    assert segment("plate/a.tif", "-o", "out", "--skip-existing", "--attention").exit_code == 0


def test_to_replace_and_to_pass_over_exclude_each_other(segment, plate):
    done = segment("plate", "--skip-existing", "--overwrite")
    assert done.exit_code == 1
    assert "give one of them" in done.stderr


def test_results_in_the_folder_of_the_images_are_no_images(segment, plate):
    assert segment("plate", "-o", "plate").exit_code == 0
    done = segment("plate", "-o", "plate", "--skip-existing")
    assert done.exit_code == 0, done.output
    assert "Passed over, labels or attention of other images: plate/a_labels.tif, plate/b_labels.tif" in done.stdout
    assert "0 of 3 images segmented" in done.stdout


def test_a_missing_file_does_not_stop_the_others(segment, plate, tmp_path):
    done = segment("plate/a.tif", "plate/z.tif", "-o", "out")
    assert done.exit_code == 1
    assert done.stderr == "Error: plate/z.tif: there is no such file; check the name\n"
    assert "1 of 2 images segmented into out in " in done.stdout
    assert "; 1 failed" in done.stdout
    assert written(tmp_path / "out") == ["a_labels.json", "a_labels.tif"]


def test_labels_that_another_process_wrote_meanwhile_are_left_and_the_others_are_made(
    segment, plate, tmp_path, monkeypatch
):
    real = predict.segment_steps

    def slow(image, *arguments, **settings):
        if settings["name"].endswith("a.tif"):
            (tmp_path / "out" / "a_labels.tif").write_bytes(b"the other's")
        return real(image, *arguments, **settings)

    monkeypatch.setattr(predict, "segment_steps", slow)
    done = segment("plate", "-o", "out")
    assert done.exit_code == 1
    assert "a_labels.tif exists already" in done.stderr
    assert "2 of 3 images segmented" in done.stdout
    assert (tmp_path / "out" / "a_labels.tif").read_bytes() == b"the other's"


def test_what_cannot_be_written_stops_the_batch(segment, plate, monkeypatch):
    from src_models.errors import OutputError

    def full(*_, **__):
        raise OutputError("out/a_labels.tif cannot be written: the disk is full")

    monkeypatch.setattr(predict, "segment_steps", full)
    done = segment("plate", "-o", "out")
    assert done.exit_code == 1
    assert done.stderr == "Error: out/a_labels.tif cannot be written: the disk is full\n"


def test_images_of_one_name_are_both_named(segment, plate, discs):
    tifffile.imwrite(plate / "a.png", discs)
    done = segment("plate")
    assert done.exit_code == 1
    assert "2 of the images are called 'a' (plate/a.png, plate/a.tif)" in done.stderr


def test_names_that_are_too_long_to_be_continued_are_shortened_and_stay_apart(segment, tmp_path, discs, monkeypatch):
    """Of letters of one byte and of three; results are known again, and are no images themselves."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    names = ["x" * 249 + end for end in "ab"] + ["\u7d30" * 83]
    for name in names:
        tifffile.imwrite(tmp_path / "in" / f"{name}.tif", discs)
    done = segment("in", "-o", "in")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("its name is too long to be continued in a file's name") == 3
    labels = [path for path in (tmp_path / "in").iterdir() if path.name.endswith("_labels.tif")]
    assert sorted(path.name[:70] for path in labels) == ["x" * 70, "x" * 70, "\u7d30" * 70]
    assert [read_labels(path).max() for path in labels] == [2, 2, 2]
    again = segment("in", "-o", "in", "--skip-existing")
    assert "0 of 3 images segmented" in again.stdout
    assert "3 had results and were passed over" in again.stdout


def test_a_name_that_no_file_can_have_is_a_sentence(segment):
    done = segment("y" * 300)
    assert done.exit_code == 1
    assert done.stderr == f"Error: {'y' * 300}: no file can have a name of this length; check it\n"


def test_letters_that_the_output_lacks_do_not_end_a_batch(tmp_path, discs, tiny_model_path, monkeypatch):
    """As where output goes to a file on Windows (cp1252): all are segmented."""
    monkeypatch.chdir(tmp_path)
    names = ["\u7d30\u80de \u03b2", "zz plain"]
    for name in names:
        tifffile.imwrite(tmp_path / f"{name}.tif", discs)
    output = io.TextIOWrapper(io.BytesIO(), "cp1252")
    monkeypatch.setattr(sys, "stdout", output)
    files = [f"{name}.tif" for name in names]
    monkeypatch.setattr(sys, "argv", ["napari-medt", "segment", *files, "--model", str(tiny_model_path), "-o", "out"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert {path.name for path in (tmp_path / "out").glob("*.tif")} == {f"{name}_labels.tif" for name in names}
    output.flush()
    assert rb"\u7d30\u80de \u03b2.tif: Y=" in output.buffer.getvalue()
