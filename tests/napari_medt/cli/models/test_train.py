"""``napari-medt train``: from a data set to a model file, and one sentence when it cannot be."""

import csv
import json
import sys

import nibabel as nib
import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.evaluating.evaluate import evaluate
from src_models.files.images import read_image
from src_models.models.checkpoint import load
from src_models.models.header import Intensity
from src_models.prediction.segment import segment

SHORT = ["--steps", 6, "--batch", 2, "--patch", 32, "--validate-every", 3, "--workers", 0]
SHORT += ["--device", "cpu", "--learning-rate", 0.01]
QUICK = [*SHORT, "--widths", "2,4,4"]


@pytest.fixture
def run():
    """Run the command line in this process, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    runner = CliRunner(env={"COLUMNS": "200"})
    yield lambda *arguments: runner.invoke(app, ["train", *map(str, arguments)])
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "cells"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    y, x = np.mgrid[:48, :48]
    for index in range(7):
        rng = np.random.default_rng(index)
        labels = np.zeros((48, 48), np.uint8)
        for number in (1, 2):
            labels[np.hypot(y - rng.uniform(8, 40), x - rng.uniform(8, 40)) < 8] = number
        image = rng.normal(50, 5, (48, 48)) + 100 * (labels > 0)
        tifffile.imwrite(root / "images" / f"{index}.tif", image.astype(np.uint8))
        tifffile.imwrite(root / "masks" / f"{index}.tif", labels)
    return root


def weights_of(path):
    return load_file(path)


def test_a_model_is_trained_and_what_was_chosen_is_in_its_header(run, cells, tmp_path):
    output = tmp_path / "models" / "nuclei.safetensors"
    options = ["--gate", "skip", "--norm", "group", "--no-deep-supervision", "--intensity", "zscore:1:99"]
    done = run(cells, "-o", output, *QUICK, *options, "--purpose", "Round things", "--licence", "CC0-1.0", "--seed", 5)
    assert done.exit_code == 0, done.output
    assert "Training attention-unet on" in done.stdout
    assert "step 3: loss" in done.stdout
    assert f"Wrote {output}" in done.stdout
    header = load(output).header
    assert (header.name, header.purpose, header.licence) == ("nuclei", "Round things", "CC0-1.0")
    assert header.intensity == Intensity(kind="zscore", low=1, high=99)
    chosen = {"gate": "skip", "norm": "group", "deep_supervision": False, "widths": [2, 4, 4]}
    assert chosen.items() <= header.config.items()
    assert header.result == "instances"
    assert header.training["settings"]["seed"] == 5
    rows = list(csv.DictReader((tmp_path / "models" / "nuclei.log.csv").open()))
    assert [row["step"] for row in rows] == ["3", "6"]


def test_classes_are_trained_by_their_names(run, cells, tmp_path):
    done = run(cells, "-o", tmp_path / "m.safetensors", *QUICK, "--classes", "--class-names", "first, second")
    assert done.exit_code == 0, done.output
    header = load(tmp_path / "m.safetensors").header
    assert (header.classes, header.result) == (("background", "first", "second"), "semantic")


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Five scans of three boxes, of which the manifest says what was drawn in each."""
    root = tmp_path_factory.mktemp("data") / "scans"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    rows = ["file,split,organs"]
    for index in range(5):
        mask = np.zeros((20, 18, 16), np.uint8)
        for number in (1, 2, 3):
            mask[5 * number - 2 : 5 * number + 2, 3:9, 4:12] = number
        image = np.random.default_rng(index).normal(0, 5, mask.shape) + 80 * mask
        drawn = (1, 2, 3) if index < 2 else (1, 3)
        for folder, data in (("images", image.astype("i2")), ("masks", np.where(np.isin(mask, drawn), mask, 0))):
            nib.save(nib.Nifti1Image(data.astype("i2"), np.diag([2, 2, 3, 1])), root / folder / f"{index}.nii.gz")
        rows.append(f"{index}.nii.gz,{'val' if index == 4 else 'train'},{' '.join(map(str, drawn))}")
    (root / "manifest.csv").write_text("\n".join(rows))
    return root


def test_volumes_in_which_not_all_was_drawn_are_trained_and_measured(run, scans, tmp_path):
    output = tmp_path / "organs.safetensors"
    options = ["--classes", "--class-names", "a,b,c", "--drawn", "organs", "--augment", "ct-sided"]
    done = run(scans, "-o", output, *SHORT, "--widths", "2,4", "--balance", "classes", *options)
    assert done.exit_code == 0, done.output
    assert "background, a, b, c" in done.stdout
    training = load(output).header.training
    assert training["validation_dice_by_class"].keys() <= {"a", "c"}, "b was not drawn in the volume to validate by"
    assert training["drawn"] == "in part; the others are unknown"
    assert training["settings"]["balance"] == "classes"
    assert training["settings"]["augment"] == "ct-sided"
    command = ["evaluate", scans, "--model", output, "--drawn", "organs", "--json", tmp_path / "scores.json"]
    measured = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(word) for word in command])
    assert measured.exit_code == 0, measured.output
    (image,) = json.loads((tmp_path / "scores.json").read_text())["images"]
    assert image["dice"]["b"] is None
    assert image["dice"]["a"] is not None


def test_drawn_classes_are_of_masks_that_hold_classes(run, scans, tmp_path):
    done = run(scans, "-o", tmp_path / "m.safetensors", *QUICK, "--drawn", "organs")
    assert done.exit_code == 1
    assert "give it, too" in done.output


@pytest.mark.parametrize(("architecture", "options"), [("unet", QUICK), ("fcn", [*SHORT, "--skips", 1])])
def test_networks_without_attention_can_be_trained_for_comparison(run, cells, tmp_path, architecture, options):
    done = run(cells, "-o", tmp_path / "m.safetensors", *options, "--architecture", architecture)
    assert done.exit_code == 0, done.output
    model = load(tmp_path / "m.safetensors")
    assert model.header.architecture == architecture
    image = tifffile.imread(cells / "images" / "0.tif")
    assert segment(image, model, attention=True).labels.shape == image.shape


def test_medt_is_trained_by_its_authors_recipe_but_for_what_was_chosen(run, cells, tmp_path):
    output = tmp_path / "medt.safetensors"
    chosen = ["--steps", 1, "--batch", 2, "--patch", 64, "--workers", 0, "--device", "cpu"]
    words = ["--purpose", "Round things", "--licence", "MIT", "--name", "rounds", "--class-names", "round, rounder"]
    done = run(cells, "-o", output, "--architecture", "medt", "--classes", *chosen, *words)
    assert done.exit_code == 0, done.output
    assert "Training medt on 6 images (1 for validation): background, round, rounder" in done.stdout
    header = load(output).header
    recipe = {  # an epoch of 6 images is 2 steps
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "weight_decay": 1e-5,
        "schedule": "constant",
        "loss": "ce",
        "gates_from": 11 * 2,
        "augment": "flip",
    }
    assert (recipe | {"steps": 1, "batch": 2, "patch": 64}).items() <= header.training["settings"].items()
    assert (header.architecture, header.name, header.purpose) == ("medt", "rounds", "Round things")
    assert (header.licence, header.result, header.classes) == ("MIT", "semantic", ("background", "round", "rounder"))
    assert header.config == {"image_size": 64, "compatible": False, "in_channels": 1, "classes": 3, "dimensions": 2}
    assert (header.tile, header.overlap) == ((64, 64), (16, 16))


def test_every_part_of_the_recipe_can_be_chosen_and_so_can_the_authors_arithmetic(run, cells, tmp_path):
    """The images of 48 px are smaller than the window, which that arithmetic fills as well."""
    output, options = tmp_path / "m.safetensors", [*SHORT, "--compatible", "--classes", "--intensity", "window:0:255"]
    for option, value in {
        "architecture": "gated-axial-unet",
        "steps": 2,
        "patch": 64,
        "optimizer": "adamw",
        "weight-decay": 0.5,
        "schedule": "cosine",
        "loss": "dice-ce",
        "gates-from": 1,
        "augment": "none",
    }.items():
        options += [f"--{option}", value]
    done = run(cells, "-o", output, *options)
    assert done.exit_code == 0, done.output
    model = load(output)
    wanted = {"optimizer": "adamw", "weight_decay": 0.5, "schedule": "cosine", "loss": "dice-ce", "gates_from": 1}
    assert (wanted | {"learning_rate": 0.01, "augment": "none"}).items() <= model.header.training["settings"].items()
    assert model.header.config["compatible"] is True
    assert model.network.compatible
    image = tifffile.imread(cells / "images" / "0.tif")
    padded = np.pad(image, [(0, 16), (0, 16)], mode="edge")
    small, whole = (segment(each, model, device="cpu").probabilities for each in (image, padded))
    np.testing.assert_array_equal(small, whole[:, :48, :48])


def test_an_encoder_can_begin_with_published_weights(run, cells, lite0_weights_path, tmp_path):
    output = tmp_path / "lite.safetensors"
    options = ["--encoder", "efficientnet-lite0", "--encoder-weights", lite0_weights_path, "--widths", "4,8,8"]
    done = run(cells, "-o", output, "--classes", *SHORT, *options)
    assert done.exit_code == 0, done.output
    model = load(output)
    assert model.header.config["widths"] == [4, 16, 24]
    assert model.header.config["encoder"] == "efficientnet-lite0"
    assert model.header.training["encoder_weights"]["name"] == "lite0.pth"
    image = tifffile.imread(cells / "images" / "0.tif")
    placed = segment(image, model, attention=True, device="cpu").attention
    assert [(each.name, each.scale, each.translate) for each in placed] == [("gate 2", (2.0, 2.0), (0.5, 0.5))]


def test_a_training_that_begins_with_a_shipped_model_is_of_its_network_and_sees_images_as_it_does(run, cells, tmp_path):
    output, still = tmp_path / "m.safetensors", ("--learning-rate", "1e-30", "--weight-decay", "0")
    short = ("--steps", "1", "--batch", "1", "--patch", "64", "--device", "cpu", *still)
    done = run(cells, "-o", output, *short, "--start", "nuclei", "--separation", "distance")
    assert done.exit_code == 0, done.output
    known, made = load("nuclei"), load(output)
    assert made.header.architecture == known.header.architecture
    assert made.header.config == {**known.header.config, "classes": 3}
    assert made.header.channels == ("red", "green", "blue")
    assert made.header.parent_sha256 == known.sha256
    theirs = dict(known.network.named_parameters())
    same = [name for name, values in made.network.named_parameters() if torch.equal(values, theirs[name])]
    assert len(same) > 0.9 * len(theirs)
    assert run(cells, "-o", tmp_path / "same.safetensors", *short, "--start", "nuclei").exit_code == 0
    same = load(tmp_path / "same.safetensors")
    assert same.header.instances.separation == "flows"
    assert all(torch.equal(values, theirs[name]) for name, values in same.network.named_parameters())
    refused = run(cells, "-o", tmp_path / "n.safetensors", *short, "--start", "nuclei", "--widths", "8,16")
    assert refused.exit_code == 1
    assert "the model nuclei cannot be the start of this training" in refused.stderr


def test_a_training_can_begin_with_another_model(run, cells, tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    assert run(cells, "-o", first, *SHORT).exit_code == 0
    done = run(cells, "-o", second, *SHORT, "--start", first)
    assert done.exit_code == 0, done.output
    assert load(second).header.parent_sha256 == load(first).sha256
    assert load(second).header.config == load(first).header.config
    refused = run(cells, "-o", tmp_path / "third.safetensors", *SHORT, "--start", tmp_path / "none.safetensors")
    assert refused.exit_code == 1
    assert "there is no such model file" in refused.output


def test_a_u_net_is_trained_by_its_own_recipe(run, cells, tmp_path):
    options = ["--steps", 1, "--batch", 2, "--patch", 32, "--widths", "2,4", "--workers", 0, "--device", "cpu"]
    done = run(cells, "-o", tmp_path / "m.safetensors", *options)
    assert done.exit_code == 0, done.output
    recipe = {"optimizer": "adamw", "learning_rate": 3e-3, "weight_decay": 1e-4, "schedule": "cosine"}
    recipe |= {"loss": "dice-ce", "gates_from": 0, "augment": "microscopy", "validate_every": 200}
    assert recipe.items() <= load(tmp_path / "m.safetensors").header.training["settings"].items()


def test_a_stopped_run_is_resumed_to_the_same_result(run, cells, tmp_path, monkeypatch):
    whole, pieces = tmp_path / "whole.safetensors", tmp_path / "pieces.safetensors"
    options = [*QUICK, "--name", "m"]
    assert run(cells, "-o", whole, *options).exit_code == 0
    from src_models.training.resumable.run_files import RunFiles

    keep = RunFiles.keep
    monkeypatch.setattr(RunFiles, "keep", lambda *a, **f: [keep(*a, **f), (_ for _ in ()).throw(KeyboardInterrupt)])
    assert run(cells, "-o", pieces, *options).exit_code != 0
    monkeypatch.undo()
    assert (tmp_path / "pieces.training.pt").exists()
    refused = run(cells, "-o", pieces, *options)
    assert refused.exit_code == 1
    assert "exists already" in refused.stderr
    assert run(cells, "-o", pieces, *options, "--resume").exit_code == 0
    one, other = (weights_of(path.with_suffix(".last.safetensors")) for path in (whole, pieces))
    assert all(torch.equal(one[name], other[name]) for name in one)
    changed = run(cells, "-o", pieces, *options, "--resume", "--seed", 3)
    assert changed.exit_code == 1
    assert "the run was started with other settings" in changed.stderr
    assert run(cells, "-o", pieces, *options, "--overwrite").exit_code == 0


@pytest.fixture(scope="module")
def thick_scans(tmp_path_factory):
    """Two scans of voxels of 5 x 0.75 x 0.75 mm, with a bright rod through all slices."""
    root = tmp_path_factory.mktemp("data") / "scans"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for index in range(2):
        labels = np.zeros((4, 64, 64), np.uint8)
        labels[:, 20 : 40 + 6 * index, 18:44] = 1
        image = np.random.default_rng(index).normal(0, 10, labels.shape) + 100 * labels
        for folder, values in (("images", image.astype(np.float32)), ("masks", labels)):
            stored = nib.Nifti1Image(values.transpose(2, 1, 0), np.diag([0.75, 0.75, 5.0, 1.0]))
            nib.save(stored, root / folder / f"{index}.nii.gz")
    (root / "manifest.csv").write_text("file,split\n0.nii.gz,train\n1.nii.gz,val\n")
    return root


def test_volumes_are_learnt_slice_by_slice_at_a_spacing_and_evaluated_as_they_are_predicted(run, thick_scans, tmp_path):
    output = tmp_path / "rods.safetensors"
    options = [*QUICK, "--classes", "--slices", 3, "--spacing", "1.5,1.5", "--intensity", "window:0:100"]
    done = run(thick_scans, "-o", output, *options, "--steps", 30)
    assert done.exit_code == 0, done.output
    model = load(output)
    assert model.header.channels == ("slice -1", "slice", "slice +1")
    assert (model.header.spacing, model.header.unit, model.header.dimensions) == ((1.5, 1.5), "mm", 2)

    image, mask = (read_image(thick_scans / folder / "1.nii.gz") for folder in ("images", "masks"))
    found = segment(image.data, model, axes=image.reading, device="cpu")
    assert found.size == "image resampled from 0.75 to 1.5 mm"
    truth, labels = np.asarray(mask.data) > 0, found.labels > 0
    dice = 2 * (truth & labels).sum() / (truth.sum() + labels.sum())
    assert dice > 0.7
    assert evaluate(thick_scans, model, split="val", device="cpu").pooled.dice[1] == pytest.approx(dice)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--architecture", "transformer"], "no architecture 'transformer'"),
        (["--widths", "16;32"], "--widths '16;32' must be whole numbers"),
        (["--widths", "16"], "at least two positive numbers"),
        (["--augment", "wild"], "--augment 'wild' is not one of microscopy, ct, ct-sided, mr, light, flip, none"),
        (["--gate", "golden"], "'golden' is not one of grid, skip, none"),
        (["--norm", "layer"], "'layer' is not one of batch, instance, group"),
        (["--subgates", 0], "subgates 0 must be 1"),
        (["--encoder", "resnet"], "--encoder 'resnet' is not one of unet, efficientnet-lite0"),
        (["--encoder", "efficientnet-lite0", "--norm", "group"], "is for images in 2D, with norm='batch'"),
        (["--encoder-weights", "none.pth"], "none.pth: there is no such file of weights"),
        (["--encoder-weights", __file__], "these weights are for the encoder efficientnet-lite0"),
        (["--encoder", "efficientnet-lite0", "--encoder-weights", __file__], "cannot be read as plain weights"),
        (["--architecture", "medt", "--encoder", "unet"], "--encoder is for U-Nets, and does nothing to medt"),
        (["--intensity", "percentile"], "is not of the form KIND:LOW:HIGH"),
        (["--spacing", "1.5;1.5"], "--spacing '1.5;1.5' is no list of sizes"),
        (["--spacing", "1.5,-1"], "--spacing '1.5,-1' is no list of sizes"),
        (["--spacing", "1,1,1"], "needs 2 numbers, y,x, for this network"),
        (["--spacing", "1,1", "--unit", "parrots"], "--unit 'parrots' is no unit of length"),
        (["--slices", 2], "the number of slices 2 must be odd"),
        (["--intensity", "log:1:2"], "'log' is not one of percentile, zscore, window"),
        (["--intensity", "percentile:99:1"], "low 99.0 must be below high 1.0"),
        (["--intensity", "percentile:1:200"], "must lie between 0 and 100"),
        (["--steps", 0], "steps is 0; it must be at least 1"),
        (["--learning-rate", 0], "learning rate is 0"),
        (["--workers", -1], "workers is -1"),
        (["--architecture", "medt", "--gates-from", -1], "gates from is -1; it must be a number of at least 0"),
        (["--architecture", "medt", "--widths", "8,16"], "--widths is for U-Nets, and does nothing to medt"),
        (["--architecture", "logo", "--no-deep-supervision"], "--deep-supervision is for U-Nets"),
        (["--compatible"], "--compatible is for axial networks such as medt, and does nothing to attention-unet"),
        (["--architecture", "fcn", "--skips", 3], "--skips 3 must be 0, 1 or 2"),
        (["--skips", 1], "--skips is for fully convolutional networks, and does nothing to attention-unet"),
        (["--gates-from", 3], "--gates-from is for axial networks"),
        (["--weight-decay", "nan"], "weight decay is nan; it must be a number of at least 0"),
        (["--optimizer", "sgd"], "--optimizer 'sgd' is not one of adamw, adam"),
        (["--schedule", "linear"], "--schedule 'linear' is not one of cosine, constant"),
        (["--loss", "dice"], "--loss 'dice' is not one of dice-ce, ce"),
        (["--architecture", "axial-unet", "--patch", 100], "image_size 100 must be a multiple of 16"),
        (["--architecture", "medt", "--patch", 96], "image_size 96 must be a multiple of 64"),
        (["--architecture", "medt", "--patch", 64, "--compatible"], "image_size 64 must be at least 128"),
        (["--device", "abacus"], "device 'abacus'"),
        (["--precision", "12-bit"], "precision '12-bit'"),
        (["--classes", "--class-names", "one"], "there are 1 names"),
        (["-o", "model.pth"], "ends in .safetensors"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_sentence(run, cells, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    done = run(cells, "-o", "m.safetensors", *SHORT, *options)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert "Traceback" not in done.output
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_a_folder_that_is_no_data_set_is_one_sentence(run, tmp_path):
    done = run(tmp_path / "nowhere", "-o", tmp_path / "m.safetensors", *QUICK)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {tmp_path / 'nowhere'}: there is no folder images/")
    assert "torch" in sys.modules
