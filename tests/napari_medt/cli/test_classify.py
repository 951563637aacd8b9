"""``napari-medt classify``: tables of objects, tiles and images, and what is said when there can be none."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tifffile
from toy_classes import CLASSES, toy_among_architectures, toy_header, toy_model
from typer.testing import CliRunner

from napari_medt.cli import app
from napari_medt.cli.classify import labels_of
from src_models.attention.map_files import read_map
from src_models.classifying.classify import classify
from src_models.classifying.pictures.picture import prepared
from src_models.classifying.relevance import class_relevance
from src_models.errors import ImageError
from src_models.images.axes import read_axes
from src_models.models.checkpoint import load, save


@pytest.fixture
def toy(tmp_path):
    """A file of an untrained model of classes."""
    with toy_among_architectures():
        yield save(toy_model(), tmp_path / "toy.safetensors")


@pytest.fixture
def images(tmp_path):
    """Two images, and a folder of labels as `segment` calls them."""
    random = np.random.default_rng(0)
    (tmp_path / "plate").mkdir()
    (tmp_path / "labels").mkdir()
    for name in ("a", "b"):
        labels = np.zeros((50, 60), np.uint16)
        labels[5:15, 8:20], labels[30:44, 30:50] = 2, 7
        tifffile.imwrite(tmp_path / "plate" / f"{name}.tif", random.integers(0, 200, (50, 60), np.uint8))
        tifffile.imwrite(tmp_path / "labels" / f"{name}_labels.tif", labels)
        (tmp_path / "labels" / f"{name}_labels.json").write_text("{}")
    return tmp_path


@pytest.fixture
def run():
    runner = CliRunner(env={"COLUMNS": "200"})
    return lambda *arguments: runner.invoke(app, ["classify", *map(str, arguments), "--device", "cpu"])


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_image_gets_a_table_of_its_objects(run, toy, images):
    done = run(images / "plate", "--model", toy, "--labels", images / "labels", "-o", images / "out")
    assert done.exit_code == 0, done.output
    assert "2 of 2 images classified into" in done.stdout
    for name in ("a", "b"):
        image = tifffile.imread(images / "plate" / f"{name}.tif")
        labels = tifffile.imread(images / "labels" / f"{name}_labels.tif")
        found = classify(image, load(toy), labels=labels, device="cpu")
        rows = rows_of(images / "out" / f"{name}_classes.csv")
        assert [(row["id"], row["class"]) for row in rows] == list(zip(("2", "7"), found.names, strict=True))
        assert [(float(row["y"]), float(row["x"])) for row in rows] == [(9.5, 13.5), (36.5, 39.5)]
        written = np.array([[float(row[f"p {each}"]) for each in CLASSES] for row in rows])
        assert np.abs(written - found.probabilities).max() < 1e-5
        record = json.loads((images / "out" / f"{name}_classes.json").read_text())
        assert record["images"][0]["labels"].endswith(f"{name}_labels.tif")
        assert record["model"]["sha256"] == load(toy).sha256


def test_one_table_of_all_images_of_tiles_and_of_wholes(run, toy, images):
    done = run(images / "plate", "--model", toy, "--tiles", 0, "-o", images / "tiles.csv")
    assert done.exit_code == 0, done.output
    rows = rows_of(images / "tiles.csv")
    assert len(rows) == 2 * 4 * 4
    assert {row["file"] for row in rows} == {str(images / "plate" / f"{name}.tif") for name in ("a", "b")}
    assert len(json.loads((images / "tiles.json").read_text())["images"]) == 2
    assert run(images / "plate" / "a.tif", "--model", toy, "-o", images / "out").exit_code == 0
    [row] = rows_of(images / "out" / "a_classes.csv")
    assert (row["id"], row["y"], row["x"]) == ("1", "24.5", "29.5")


def test_a_batch_goes_on_and_what_is_there_is_left(run, toy, images):
    command = (images / "plate", "--model", toy, "-o", images / "out")
    assert run(images / "plate" / "a.tif", "--model", toy, "-o", images / "out").exit_code == 0
    (images / "out" / "a_classes.csv").write_text("mine")
    left = run(*command)
    assert (left.exit_code, "a_classes.csv exists already" in left.stderr) == (1, True)
    (images / "out" / "b_classes.csv").unlink()
    skipped = run(*command, "--skip-existing")
    assert skipped.exit_code == 0, skipped.output
    assert (images / "out" / "a_classes.csv").read_text() == "mine"
    assert len(rows_of(images / "out" / "b_classes.csv")) == 1
    assert run(*command, "--overwrite").exit_code == 0
    assert len(rows_of(images / "out" / "a_classes.csv")) == 1


def test_an_image_that_fails_does_not_stop_those_after_it(run, toy, images):
    (images / "labels" / "a_labels.tif").unlink()
    done = run(images / "plate", "--model", toy, "--labels", images / "labels", "-o", images / "out")
    assert done.exit_code == 1
    assert "there are no labels of a" in done.stderr
    assert not (images / "out" / "a_classes.csv").exists()
    assert len(rows_of(images / "out" / "b_classes.csv")) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--labels", "labels", "--tiles", 16], "--labels and --tiles exclude each other"),
        (["--skip-existing", "--overwrite"], "exclude each other"),
        (["--skip-existing", "-o", "all.csv"], "exclude each other"),
        (["--model", "nuclei"], "'nuclei' does not tell classes: use `napari-medt segment`"),
        (["--model", "click"], "use `napari-medt click`"),
        (["--labels", "gone"], "gone: there is no such file"),
        (["--grey-range", "9:3"], "is empty"),
        (["--maps", "all"], "--maps says what else is written to --why"),
        (["--why", "why", "--maps", "gate 2"], "the model 'toy' has no attention map 'gate 2'; it has none"),
        (["--tiles", 4], "tiles of 4 px are too small"),
    ],
)
def test_what_makes_no_sense_is_refused(run, toy, images, monkeypatch, options, message):
    monkeypatch.chdir(images)
    done = run("plate", *([] if "--model" in options else ["--model", toy]), *options)
    assert done.exit_code == 1
    assert message in done.stderr
    assert not list(images.glob("results/*.csv"))


def test_why_is_written_at_its_place_and_never_over_what_is_there(run, toy, images):
    asked = (images / "plate" / "a.tif", "--model", toy, "--labels", images / "labels", "--why", images / "why")
    done = run(*asked, "-o", images / "out")
    assert done.exit_code == 0, done.output
    names = [f"a_attention_object_{own}_class_relevance.ome.tif" for own in (2, 7)]
    assert sorted(path.name for path in (images / "why").iterdir()) == names
    placed = read_map(images / "why" / names[1])
    [row] = [row for row in rows_of(images / "out" / "a_classes.csv") if row["id"] == "7"]
    size = toy_header().tile[0]
    first = [float(row[letter]) + 0.5 - size / 2 for letter in "yx"]
    np.testing.assert_allclose(placed.translate, first, atol=0.51)  # px are whole
    assert placed.scale == (1, 1)
    assert placed.data.shape == (size, size)
    assert row["class"] in placed.description
    network = load(toy).network
    pixels = tifffile.imread(images / "plate" / "a.tif").astype(np.float32)
    top, left = (round(number) for number in placed.translate)
    crop = np.pad(pixels, size, mode="symmetric")[top + size : top + 2 * size, left + size : left + 2 * size]
    shown = prepared(crop[None], toy_header(), "crop", reading=read_axes((size, size), dtype=np.uint8))
    by_hand = class_relevance(network, shown[None], CLASSES.index(row["class"])).at_image_resolution()[0]
    np.testing.assert_allclose(placed.data, by_hand, atol=1e-4)
    before = (images / "why" / names[1]).stat().st_mtime_ns
    again = run(*asked, "-o", images / "other")
    assert again.exit_code == 1
    assert "exists already; give another folder for --why, or --overwrite" in again.stderr
    assert (images / "why" / names[1]).stat().st_mtime_ns == before
    assert not (images / "other" / "a_classes.csv").exists()
    assert run(*asked, "-o", images / "other", "--overwrite").exit_code == 0


def test_labels_are_found_by_the_image_s_name(tmp_path):
    for name in ("a_labels.tif", "a.png", "b.png", "c.png", "c.tif", "d_labels.json"):
        (tmp_path / name).write_bytes(b"")
    assert labels_of(tmp_path, "a").name == "a_labels.tif"
    assert labels_of(tmp_path, "b").name == "b.png"
    assert labels_of(tmp_path / "b.png", "anything") == tmp_path / "b.png"
    with pytest.raises(ImageError, match="several labels could be its"):
        labels_of(tmp_path, "c")
    with pytest.raises(ImageError, match="no labels of d"):
        labels_of(tmp_path, "d")
