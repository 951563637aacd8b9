"""``napari-medt train`` on sets of classes: what a set holds is found out, and what does not go is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from toy_classes import CLASSES, TOY, square, write_squares
from typer.testing import CliRunner

from napari_medt.cli import app
from napari_medt.cli.models import train_on_classes
from src_models.models.architectures import ARCHITECTURES
from src_models.models.checkpoint import load

QUICK = ["--steps", 30, "--batch", 8, "--validate-every", 10, "--device", "cpu", "--intensity", "window:0:255"]


@pytest.fixture(autouse=True)
def toy_architecture(monkeypatch):
    monkeypatch.setattr(train_on_classes, "PREFERRED", ("toy-classes",))
    ARCHITECTURES.append(TOY)
    yield
    ARCHITECTURES.remove(TOY)


@pytest.fixture
def run():
    """Run the command line in this process, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    runner = CliRunner(env={"COLUMNS": "200"})
    yield lambda *arguments: runner.invoke(app, list(map(str, arguments)))
    torch.set_num_threads(threads)


@pytest.fixture
def squares(tmp_path):
    return write_squares(tmp_path / "squares")


def test_a_model_that_segments_is_no_start_for_a_set_of_classes_and_one_that_tells_them_is(run, squares, tmp_path):
    short = ("--steps", "1", "--batch", "2", "--device", "cpu")
    refused = run("train", squares, "-o", tmp_path / "no.safetensors", *short, "--start", "nuclei")
    assert refused.exit_code == 1
    assert "the model nuclei cannot be the start of this training" in refused.stderr
    assert refused.stderr.count("efficientnet-lite0") == 1, "which is how nuclei is made, and not what is asked for"
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    assert run("train", squares, "-o", first, *short).exit_code == 0
    done = run("train", squares, "-o", second, *short, "--start", first)
    assert done.exit_code == 0, done.output
    assert load(second).header.parent_sha256 == load(first).sha256


def test_a_set_of_classes_is_recognised_trained_on_and_measured(run, squares, tmp_path):
    output = tmp_path / "models" / "squares.safetensors"
    done = run("train", squares, "-o", output, *QUICK, "--label-smoothing", 0.05, "--class-weights", "balanced",
               "--augment", "light", "--licence", "CC0-1.0", "--seed", 3)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert (
        f"{squares} is a set of classes: training toy-classes on 45 pictures of 16 px (15 for validation)"
        in done.stdout
    )
    assert "validation accuracy" in done.stdout
    header = load(output).header
    settings = header.training["settings"]
    assert (header.name, header.classes, header.licence) == ("squares", CLASSES, "CC0-1.0")
    assert (settings["label_smoothing"], settings["class_weights"], settings["seed"]) == (0.05, "balanced", 3)

    scores, sheet = tmp_path / "scores.json", tmp_path / "sheet.png"
    told = run("evaluate", squares, "--model", output, "--split", "val", "--json", scores, "--sheet", sheet)
    assert told.exit_code == 0, told.output
    content = json.loads(scores.read_text())
    assert content["accuracy"] == pytest.approx(header.training["validation_accuracy"], abs=1e-4)
    assert {"accuracy", "per_class", "confusion", "balanced_accuracy", "auc"} <= content.keys()
    assert f"accuracy {content['accuracy']:.3f}" in told.stdout
    assert sheet.is_file()
    assert run("evaluate", squares, "--model", output, "--json", scores).exit_code == 1  # it is there already


def test_an_archive_with_names_given_on_the_command_line(run, tmp_path):
    random = np.random.default_rng(0)
    labels = np.arange(40) % 2
    images = (labels * 150)[:, None, None] + random.integers(0, 60, (40, 12, 12))
    np.savez(tmp_path / "a.npz", train_images=images.astype(np.uint8), train_labels=labels)
    output = tmp_path / "a.safetensors"
    done = run("train", tmp_path / "a.npz", "--architecture", "toy-classes", "-o", output, *QUICK, "--patch", 8,
               "--class-names", "dim, lit")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Pictures are usually 12 px and are brought to 8 px" in done.stdout
    assert (load(output).header.classes, load(output).header.tile) == (("dim", "lit"), (8, 8))


def test_an_archive_as_those_of_medmnist_trains_and_is_measured_on_its_test_pictures(run, tmp_path):
    """Eight kinds of cells of 28 px in colour, labels (N, 1), and the split of each in arrays of its own."""
    random, content = np.random.default_rng(0), {}
    colours = random.permutation([(r, g, b) for r in (60, 190) for g in (60, 190) for b in (60, 190)])
    for split, count in (("train", 64), ("val", 16), ("test", 24)):
        labels = np.arange(count) % 8
        noise = random.normal(0, 10, (count, 28, 28, 3))
        content[f"{split}_images"] = (colours[labels][:, None, None] + noise).clip(0, 255).astype(np.uint8)
        content[f"{split}_labels"] = labels[:, None].astype(np.uint8)
    np.savez_compressed(tmp_path / "bloodmnist.npz", **content)
    output, scores = tmp_path / "blood.safetensors", tmp_path / "scores.json"
    done = run("train", tmp_path / "bloodmnist.npz", "--architecture", "toy-classes", "-o", output, "--steps", 150,
               "--batch", 32, "--validate-every", 50, "--augment", "flip", "--intensity", "window:0:255",
               "--device", "cpu")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert (load(output).header.tile, len(load(output).header.classes)) == ((28, 28), 8)
    told = run("evaluate", tmp_path / "bloodmnist.npz", "--model", output, "--json", scores, "--device", "cpu")
    assert told.exit_code == 0, told.output
    found = json.loads(scores.read_text())
    assert (found["split"], found["count"]) == ("test", 24)
    assert {one["count"] for one in found["per_class"].values()} == {3}
    assert found["accuracy"] > 0.6  # by chance 0.125


def test_boxes_train_and_are_measured_class_by_class_with_all_of_an_image_on_one_side(run, tmp_path):
    """As boxes around red cells, white cells and platelets are: three kinds of squares in each of four images."""
    (tmp_path / "smears" / "images").mkdir(parents=True)
    rows = ["file,split,class,x0,y0,x1,y1"]
    for number, split in enumerate(("train", "train", "train", "val")):
        image = np.full((120, 120), 20, np.uint8)
        for place in range(12):
            row, column = divmod(place, 4)
            y, x = 8 + 36 * row, 6 + 28 * column
            kind = CLASSES[row]
            image[y : y + 16, x : x + 16] = square(kind, 12 * number + place)
            rows.append(f"{number}.png,{split},{kind},{x},{y},{x + 16},{y + 16}")
        Image.fromarray(image).save(tmp_path / "smears" / "images" / f"{number}.png")
    (tmp_path / "smears" / "boxes.csv").write_text("\n".join(rows) + "\n")
    output, scores = tmp_path / "smears.safetensors", tmp_path / "scores.json"
    done = run("train", tmp_path / "smears", "--architecture", "toy-classes", "-o", output, "--steps", 100,
               "--batch", 12, "--validate-every", 50, "--intensity", "window:0:200", "--device", "cpu")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "on 36 pictures of 16 px (12 for validation)" in done.stdout
    told = run("evaluate", tmp_path / "smears", "--model", output, "--split", "val", "--json", scores)
    assert told.exit_code == 0, told.output
    found = json.loads(scores.read_text())
    assert {name: one["count"] for name, one in found["per_class"].items()} == dict.fromkeys(CLASSES, 4)
    assert found["accuracy"] > 0.6  # by chance 0.33


def test_a_run_can_be_resumed(run, squares, tmp_path):
    output = tmp_path / "squares.safetensors"
    assert run("train", squares, "-o", output, *QUICK).exit_code == 0
    assert run("train", squares, "-o", output, *QUICK).exit_code == 1
    assert run("train", squares, "-o", output, *QUICK, "--resume").exit_code == 0


def test_networks_and_data_that_do_not_go_together_are_refused_with_a_sentence(run, squares, tmp_path):
    masks = tmp_path / "cells"
    for folder in ("images", "masks"):
        (masks / folder).mkdir(parents=True)
    cases = {
        (
            "train",
            squares,
            "--architecture",
            "unet",
        ): "tells which class a picture shows, and unet says what each pixel is",
        ("train", masks, "--architecture", "toy-classes"): "holds masks, and toy-classes tells which class",
        (
            "train",
            squares,
            "--architecture",
            "toy-classes",
            "--separation",
            "flows",
        ): "--separation is for networks that",
        ("train", squares, "--architecture", "toy-classes", "--loss", "dice-ce"): "'dice-ce' is for segmentation",
        (
            "train",
            masks,
            "--architecture",
            "unet",
            "--class-weights",
            "balanced",
        ): "--class-weights is for networks that",
        ("train", squares, "--class-names", "a,b"): "has 3 classes",
        ("train", squares, "--class-weights", "some"): "--class-weights 'some' is not one of none, balanced",
    }
    for arguments, message in cases.items():
        done = run(*arguments, "-o", tmp_path / "x.safetensors")
        assert done.exit_code == 1, arguments
        assert message in done.stderr, (arguments, done.stderr)
        assert not (tmp_path / "x.safetensors").exists()


def test_a_model_of_classes_is_not_measured_on_pixels(run, squares, tmp_path):
    output = tmp_path / "squares.safetensors"
    assert run("train", squares, "-o", output, *QUICK).exit_code == 0
    told = run("evaluate", squares, "--model", output, "--diameter", 12)
    assert (told.exit_code, "--diameter is for models that segment" in told.stderr) == (1, True)
    assert "holds no" not in run("models").stderr
