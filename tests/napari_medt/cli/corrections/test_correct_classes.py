"""From a table that a person mended to a model that learnt from it, on the command line."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tifffile
import torch
from toy_classes import square, toy_among_architectures, toy_model, write_squares
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.classifying.class_corrections import ClassCorrectionSet
from src_models.models.checkpoint import load, save
from src_models.models.header import Intensity


@pytest.fixture
def toy(tmp_path):
    """A file of a model of classes that knows nothing yet."""
    with toy_among_architectures():
        yield save(toy_model(intensity=Intensity(kind="window", low=0, high=255)), tmp_path / "toy.safetensors")


@pytest.fixture
def plate(tmp_path):
    """An image of 24 squares of three classes, and labels of them."""
    image, labels = np.zeros((6 * 20, 4 * 20), np.uint8), np.zeros((6 * 20, 4 * 20), np.uint8)
    for number in range(24):
        y, x = 20 * (number // 4), 20 * (number % 4)
        image[y : y + 20, x : x + 20] = square(("bright", "dark", "striped")[number % 3], 50 + number, 20)
        labels[y + 7 : y + 12, x + 7 : x + 12] = number + 1
    tifffile.imwrite(tmp_path / "plate.tif", image)
    tifffile.imwrite(tmp_path / "plate_labels.tif", labels)
    return tmp_path


@pytest.fixture
def run():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    runner = CliRunner(env={"COLUMNS": "200"})

    def call(*arguments):
        return runner.invoke(app, list(map(str, arguments)))

    yield call
    torch.set_num_threads(threads)


def mend(table, names):
    """Write classes into the column of a table, as a person does in a spreadsheet program."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["class"] = names(int(row["id"]), row["class"])
    with table.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return rows


def test_a_mended_table_teaches_a_model(run, toy, plate, tmp_path):
    table, kept = tmp_path / "plate.csv", tmp_path / "given"
    done = run("classify", plate / "plate.tif", "--model", toy, "--labels", plate / "plate_labels.tif", "-o", table)
    assert done.exit_code == 0, done.output
    unchanged = run("correct-classes", plate / "plate.tif", table, "--set", kept, "--model", toy)
    assert "no class differs from what was found" in unchanged.stdout
    before = mend(table, lambda number, _: ("bright", "dark", "striped")[(number - 1) % 3])
    done = run("correct-classes", plate / "plate.tif", table, "--set", kept, "--model", toy, "--all", "--by", "Ada")
    assert done.exit_code == 0, done.output
    given = ClassCorrectionSet.open(kept)
    assert given.counts == {"bright": 8, "dark": 8, "striped": 8}
    assert {item.record.by for item in given.items} == {"Ada"}
    image = tifffile.imread(plate / "plate.tif")
    first = next(item for item in given.items if item.record.object_id == 6)
    assert first.record.position == (29, 29)
    assert (given.read(first.file).picture == image[22:38, 22:38]).all()
    again = run("correct-classes", plate / "plate.tif", table, "--set", kept, "--model", toy, "--all")
    assert "0 of 24 objects added" in again.stdout
    assert len(before) == 24

    output = tmp_path / "learnt.safetensors"
    options = ("--steps", 80, "--learning-rate", 0.03, "--device", "cpu")
    learnt = run("finetune", kept, "--model", toy, "-o", output, *options)
    assert learnt.exit_code == 0, learnt.output
    assert "held-back pictures" in learnt.stdout
    header = load(output).header
    assert header.training["validation_accuracy"] > header.training["validation_accuracy_before"]

    listed = run("corrections", kept, "--json", tmp_path / "list.json")
    assert "24 pictures count (8 bright, 8 dark, 8 striped), 6 of them held out to judge by" in listed.stdout
    assert len(json.loads((tmp_path / "list.json").read_text())["items"]) == 24
    name = given.items[0].file
    withdrawn = run("corrections", kept, "--withdraw", name)
    assert "23 pictures count" in withdrawn.stdout


def test_sets_of_two_people_are_put_together(run, toy, plate, tmp_path):
    for who, row in (("ada", "1,7,7,bright"), ("bob", "1,7,27,dark")):
        (tmp_path / f"{who}.csv").write_text(f"id,y,x,class\n{row}\n")
        done = run("correct-classes", plate / "plate.tif", tmp_path / f"{who}.csv", "--set", tmp_path / who,
                   "--model", toy, "--by", who)  # fmt: skip
        assert done.exit_code == 0, done.output
    for words in ("1 added, 0 were here already", "0 added, 1 were here already"):
        assert words in run("corrections", tmp_path / "ada", "--merge", tmp_path / "bob").stdout
    assert ClassCorrectionSet.open(tmp_path / "ada").counts == {"bright": 1, "dark": 1}


def test_versions_of_a_model_of_classes_are_listed_by_accuracy(run, toy, tmp_path):
    from dataclasses import replace

    from src_models.finetuning.versions import ModelVersions

    model = load(toy)
    training = {"validation_accuracy_before": 0.5, "validation_accuracy": 0.75}
    versions = ModelVersions(tmp_path / "set" / "models")
    added = versions.add(replace(model, header=replace(model.header, training=training)), toy)
    assert (added.accuracy_before, added.accuracy, added.dice) == (0.5, 0.75, None)
    listed = run("finetune", tmp_path / "set", "--versions")
    assert "Accuracy before" in listed.stdout
    assert "0.750" in listed.stdout


def test_what_does_not_go_together_is_refused(run, toy, plate, tmp_path):
    (tmp_path / "t.csv").write_text("id,y,x,class\n1,7,7,bright\n")
    squares = write_squares(tmp_path / "squares")
    output = tmp_path / "x.safetensors"
    cases = {
        ("correct-classes", plate / "plate.tif", tmp_path / "t.csv", "--set", squares, "--model", toy):
            "no column 'class'",
        ("correct-classes", plate / "plate.tif", tmp_path / "t.csv", "--set", tmp_path / "s", "--model", "nuclei"):
            "does not tell classes",
        ("correct-classes", plate / "plate.tif", tmp_path / "no.csv", "--set", tmp_path / "s", "--model", toy):
            "no.csv: there is no such file",
        ("finetune", squares, "--model", "nuclei", "-o", output): "squares",
        ("finetune", squares, "--model", toy, "-o", output, "--kind", "objects"): "labels have no meaning for it",
        ("finetune", squares, "--model", toy, "-o", output, "--part", "gates"): "no part 'gates' that could learn",
        ("finetune", squares, "--model", toy, "-o", output, "--known", tmp_path / "no"): "there is no such folder",
    }  # fmt: skip
    for arguments, message in cases.items():
        done = run(*arguments)
        assert done.exit_code == 1, arguments
        assert message in done.stderr, (arguments, done.stderr)
        assert not output.exists()
    assert not (tmp_path / "s").exists()
