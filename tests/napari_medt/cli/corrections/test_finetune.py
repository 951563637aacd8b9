"""``napari-medt finetune`` on images and masks that another tool made."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile
from PIL import Image

from src_models.corrections.correction_set import CorrectionSet
from src_models.finetuning.whole_images import open_corrections
from src_models.models.checkpoint import load
from src_models.training.rounds import judged_learning
from src_models.training.rounds.work import Clocks

SHORT = ["--steps", 20, "--patch", 32, "--batch", 4, "--learning-rate", 0.03, "--device", "cpu", "--seconds", 1e6]


def disc_image(seed, size=96):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.uint8)
    for number, (row, column) in enumerate(((24, 24), (24, 72), (72, 24), (72, 72)), 1):
        labels[np.hypot(y - row - rng.uniform(-9, 9), x - column - rng.uniform(-9, 9)) < rng.uniform(9, 14)] = number
    return (rng.normal(70, 6, labels.shape) + 110 * (labels > 0)).clip(0, 255).astype(np.uint8), labels


@pytest.fixture
def cells(tmp_path):
    """Five images larger than a tile, with masks as TIFF and PNG, a split, and what else lies in people's folders."""
    folder = tmp_path / "cells"
    rows = ["file,split,who"]
    for seed, split in enumerate(("train", "train", "val", "test", "train")):
        name = f"well {seed}.{'png' if seed % 2 else 'tif'}"
        for kind, array in zip(("images", "masks"), disc_image(seed), strict=True):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            if name.endswith("png"):
                Image.fromarray(array).save(folder / kind / name)
            else:
                tifffile.imwrite(folder / kind / name, array)
        rows.append(f"{name},{split},Ada")
    (folder / "manifest.csv").write_text("\n".join(rows))
    (folder / "notes.txt").write_text("From the second week.")
    return folder


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(done, *words):
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_a_model_learns_from_images_and_masks_of_another_tool(run, cells, novice, tmp_path):
    before, output = files(cells), tmp_path / "out" / "mine.safetensors"
    for kind in ("images", "masks"):  # the test image is not even looked at
        (cells / kind / "well 3.png").write_bytes(b"no image at all")
        before[(cells / kind / "well 3.png").relative_to(cells)] = b"no image at all"
    done = run("finetune", cells, "--model", novice, "--output", output, *SHORT)
    assert done.exit_code == 0, done.output
    assert "(Dice) rose from" in done.stdout
    training = load(output).header.training
    assert training["corrections"] == 4
    assert training["corrections_sha256"] == open_corrections(cells).sha256
    assert training["validation_dice"] > training["validation_dice_before"] + 0.2
    assert files(cells) == before
    assert [path.name for path in output.parent.iterdir()] == ["mine.safetensors"]


def test_what_the_masks_mean_is_said_and_can_be_said(run, cells, novice, tmp_path):
    output = tmp_path / "mine.safetensors"
    done = run("finetune", cells, "--model", novice, "--output", output, *SHORT)
    assert "It learns 1 class (cell). The model novice finds 1 class (cell), and goes on with that" in done.stdout
    few = ["--steps", 20, "--patch", 32, "--batch", 4, "--learning-rate", 0.03, "--device", "cpu"]
    done = run("finetune", cells, "--model", output, "--output", tmp_path / "o.safetensors", "--kind", "objects", *few)
    assert "It learns objects, each with a number of its own." in done.stdout, done.output
    assert load(tmp_path / "o.safetensors").header.result == "instances"
    options = ["--kind", "classes", "--class-names", "a, b"]
    done = run("finetune", cells, "--model", novice, "--output", tmp_path / "c.safetensors", *options, *SHORT)
    refused(done, "classes up to 4 and there are 2 names (a, b)")


def test_a_busy_machine_is_said_once(run, cells, novice, tmp_path, monkeypatch):
    worked = [0.0]

    def work():
        worked[0] += 1
        return worked[0]

    monkeypatch.setattr(judged_learning, "clocks_of", lambda device: Clocks(work, lambda: 3 * worked[0]))
    options = [*SHORT[:-1], 1000]
    done = run("finetune", cells, "--model", novice, "--output", tmp_path / "mine.safetensors", *options)
    assert done.exit_code == 0, done.output
    # Said after the first of 20 steps, each of which is a second of work, as was the look before it.
    assert done.stdout.count("This computer is busy") == 1
    assert "This computer is busy: about 1 min 50 s more instead of 38 s.\n" in done.stdout


def test_without_a_manifest_all_images_count(run, cells, novice, tmp_path):
    (cells / "manifest.csv").unlink()
    output = tmp_path / "mine.safetensors"
    done = run("finetune", cells, "--model", novice, "--output", output, *SHORT)
    assert done.exit_code == 0, done.output
    assert load(output).header.training["corrections"] == 5


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda folder: (folder / "masks" / "well 0.tif").unlink(),
            "without a file of the same name in masks/",
        ),
        (lambda folder: shutil.rmtree(folder / "masks"), "there is no folder masks/"),
        (
            lambda folder: tifffile.imwrite(folder / "masks" / "well 0.tif", np.ones((9, 9), np.uint8)),
            "an image and its mask must be of equal size",
        ),
        (
            lambda folder: (folder / "manifest.csv").write_text("file,split\nwell 0.tif,test\n"),
            "no image to the split train",
        ),
    ],
    ids=["a mask is missing", "all masks are missing", "another size", "only test images"],
)
def test_what_does_not_fit_is_a_sentence_and_writes_nothing(run, cells, novice, tmp_path, spoil, words):
    spoil(cells)
    before, output = files(cells), tmp_path / "mine.safetensors"
    refused(run("finetune", cells, "--model", novice, "--output", output, *SHORT), words)
    assert not output.exists()
    assert files(cells) == before


def test_they_are_added_to_a_set_of_corrections(run, cells, tmp_path):
    before = files(cells)
    done = run("corrections", tmp_path / "set", "--merge", cells)
    assert done.exit_code == 0, done.output
    assert "4 added, 0 were here already" in done.stdout
    assert len(CorrectionSet.open(tmp_path / "set")) == 4
    assert files(cells) == before
    refused(run("corrections", tmp_path / "set", "--merge", tmp_path / "none"), "none: there is no set of corrections")


def test_a_model_of_clicks_learns_from_objects_and_is_judged_by_some(run, bright_model_path, tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / "cells" / folder).mkdir(parents=True)
    for seed in range(2):
        image, labels = disc_image(seed)
        Image.fromarray(image).save(tmp_path / "cells" / "images" / f"{seed}.png")
        Image.fromarray(labels).save(tmp_path / "cells" / "masks" / f"{seed}.png")
    output = tmp_path / "mine.safetensors"
    command = ["finetune", tmp_path / "cells", "--model", bright_model_path, "--output", output, "--device", "cpu"]
    done = run(*command, "--steps", 2, "--batch", 2, "--seconds", 1e6, "--learning-rate", 1e-30)
    assert done.exit_code != 0
    assert "Nothing was gained on the objects that were held back (IoU " in done.output
    assert not output.exists()
