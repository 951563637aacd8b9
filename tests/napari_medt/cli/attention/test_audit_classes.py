"""``napari-medt audit`` of a model of classes: sets, images with labels, what it writes and what it refuses."""

import csv
import json

import numpy as np
import pytest
from imageio.v3 import imread, imwrite
from patch_classes import PATCHES, patch_model
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.models.architectures import ARCHITECTURES
from src_models.models.checkpoint import save


@pytest.fixture(autouse=True)
def patch_architecture():
    ARCHITECTURES.append(PATCHES)
    yield
    ARCHITECTURES.remove(PATCHES)


@pytest.fixture
def model(tmp_path):
    return save(patch_model(), tmp_path / "patches.safetensors")


@pytest.fixture
def run():
    runner = CliRunner(env={"COLUMNS": "220"})
    return lambda *arguments: runner.invoke(app, ["audit", *(str(argument) for argument in arguments)])


@pytest.fixture
def smear(tmp_path):
    """An image with two patches off the middle of their objects and an object without, its labels, and boxes."""
    image, labels = np.zeros((80, 100), np.float32), np.zeros((80, 100), np.uint8)
    rows = [["file", "split", "class", "x0", "y0", "x1", "y1"]]
    for number, (row, column) in enumerate([(10, 12), (10, 70), (50, 40)], start=1):
        labels[row : row + 20, column : column + 20] = number
        if number < 3:
            image[row : row + 8, column : column + 8] = 1
        kind = "patch" if number < 3 else "empty"
        rows += [[f"{split}.tif", split, kind, column, row, column + 20, row + 20] for split in ("train", "val")]
    root = tmp_path / "smear"
    (root / "images").mkdir(parents=True)
    for split in ("train", "val"):
        imwrite(root / "images" / f"{split}.tif", image)
    imwrite(tmp_path / "labels.tif", labels)
    with (root / "boxes.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return root


def test_a_set_with_boxes_gives_a_table_figures_and_the_same_page_as_other_audits(run, smear, model, tmp_path):
    kept, folder = tmp_path / "audit.json", tmp_path / "page"
    done = run(smear, "--model", model, "--json", kept, "--report", folder, "--device", "cpu")
    assert done.exit_code == 0, done.stderr
    figures = json.loads(kept.read_text())
    assert figures["told"]["counts"] == {"patch": 2, "empty": 1}
    assert figures["maps"][0]["pointing"]["chance"] == pytest.approx(400 / 36**2)
    for word in ("nearness to the middle", "input gradient", "random", "class relevance", "3 pictures of"):
        assert word in done.stdout
    page = (folder / "audit.md").read_text()
    assert all(sentence in page for sentence in figures["summary"])
    assert all(np.ptp(imread(folder / name)) > 200 for name in ("audit_curves.png", "audit_maps.png"))


def test_an_image_with_labels_is_audited_on_its_objects_as_the_set_is(run, smear, model, tmp_path):
    found = {}
    for name, arguments in {
        "set": (smear,),
        "image": (smear / "images" / "val.tif", "--labels", tmp_path / "labels.tif"),
    }.items():
        kept = tmp_path / f"{name}.json"
        done = run(*arguments, "--model", model, "--json", kept, "--device", "cpu")
        assert done.exit_code == 0, done.stderr
        found[name] = json.loads(kept.read_text())
    assert found["image"]["told"]["what"] == "objects"
    for what in ("found", "floor", "maps", "random"):
        assert found["image"][what] == found["set"][what]


def test_a_limit_and_maps_are_heeded_and_nothing_is_written_over(run, smear, model, tmp_path):
    kept = tmp_path / "audit.json"
    done = run(smear, "--model", model, "--limit", 2, "--json", kept, "--device", "cpu")
    assert done.exit_code == 0, done.stderr
    assert json.loads(kept.read_text())["told"]["counts"] == {"patch": 1, "empty": 1}
    again = run(smear, "--model", model, "--json", kept)
    assert (again.exit_code, "exists already" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--map", "gate 7"], "no map 'gate 7'; it has class relevance"),
        (["--channels", "0"], "--channels is for one image"),
    ],
)
def test_what_cannot_be_done_is_said(run, smear, model, arguments, message):
    done = run(smear, "--model", model, *arguments)
    assert done.exit_code == 1
    assert message in done.stderr


def test_a_folder_without_classes_is_refused(run, model, tmp_path):
    (tmp_path / "other").mkdir()
    done = run(tmp_path / "other", "--model", model)
    assert done.exit_code == 1
    assert "holds no set of classes" in done.stderr
