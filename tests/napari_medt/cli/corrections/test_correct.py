"""Correct, learn, and what comes next, from the shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import tifffile

from src_models.corrections.correction import MAKERS, Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.finetuning.learning import Learning
from src_models.finetuning.versions import ModelVersions
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, load, save
from src_models.models.header import ModelHeader

SHORT = ["--steps", 20, "--patch", 32, "--batch", 4, "--learning-rate", 0.03, "--device", "cpu", "--seconds", 1e6]


def scene(seed, size=64):
    """Two bright discs, which the model finds, and two dark ones, which it does not."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    image, labels = rng.normal(110, 6, (size, size)), np.zeros((size, size), np.uint8)
    for number, (row, column) in enumerate(((16, 16), (16, 48), (48, 16), (48, 48)), 1):
        disc = np.hypot(y - row - rng.uniform(-4, 4), x - column - rng.uniform(-4, 4)) < rng.uniform(7, 10)
        labels[disc] = number
        image[disc] += 110 if number < 3 else -90
    return image.clip(0, 255).astype(np.uint8), labels


@pytest.fixture
def cell(tmp_path):
    """An image, its right labels, and those that were found."""
    image, labels = scene(0)
    tifffile.imwrite(tmp_path / "cell.tif", image)
    tifffile.imwrite(tmp_path / "right.tif", labels)
    tifffile.imwrite(tmp_path / "found.tif", np.where(labels < 3, labels, 0).astype(np.uint8))
    return [tmp_path / name for name in ("cell.tif", "right.tif", "found.tif")]


@pytest.fixture
def stack(tmp_path):
    """Four slices, of which the second is empty and was, and of the third a wrong object was erased."""
    images, labels = np.stack([scene(seed)[0] for seed in range(4)]), np.stack([scene(seed)[1] for seed in range(4)])
    found = np.where(labels < 3, labels, 0).astype(np.uint8)
    labels[1:3], found[1] = 0, 0
    options = {"imagej": True, "metadata": {"axes": "ZYX", "spacing": 2.0, "unit": "um"}, "resolution": (4, 2)}
    tifffile.imwrite(tmp_path / "stack.tif", images, **options)
    tifffile.imwrite(tmp_path / "right.tif", labels)
    tifffile.imwrite(tmp_path / "found.tif", found)
    return [tmp_path / name for name in ("stack.tif", "right.tif", "found.tif")]


@pytest.fixture
def corrected(tmp_path):
    """A set of two corrected images."""
    kept = CorrectionSet.open(tmp_path / "set")
    for seed in range(2):
        image, labels = scene(seed)
        source = Source(layer=f"cell {seed}")
        kept.add(mark(image, labels, np.where(labels < 3, labels, 0), source=source, model_name="tiny"))
    return kept.root


def refused(done, *words):
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


# Correcting


def test_a_corrected_image_is_kept(run, cell, tiny_model_path, tmp_path):
    image, labels, found = cell
    done = run("correct", image, labels, "--set", tmp_path / "set", "--predicted", found, "--model", tiny_model_path)
    assert done.exit_code == 0, done.output
    right, was = tifffile.imread(labels), tifffile.imread(found)
    changed = int((right != was).sum())
    assert f"cell.tif: {changed:,} px mended, {right.size - changed:,} px right as they were" in done.stdout
    assert "holds 1 correction\n" in done.stdout
    ((name, kept),) = CorrectionSet.open(tmp_path / "set").corrections()
    np.testing.assert_array_equal(kept.image, tifffile.imread(image))
    np.testing.assert_array_equal(kept.labels, right)
    np.testing.assert_array_equal(kept.predicted, was)
    np.testing.assert_array_equal(kept.makers == MAKERS["brush"], right != was)
    record = kept.record
    assert (name, record.mode, record.source.layer, record.source.file) == ("cell.tif", "slice", "cell", str(image))
    assert (record.model_name, record.model_sha256) == ("tiny", load(tiny_model_path).sha256)


def test_of_a_stack_the_planes_that_hold_something_are_kept(run, stack, tmp_path):
    image, labels, found = stack
    done = run("correct", image, labels, "--set", tmp_path / "set", "--predicted", found)
    assert done.exit_code == 0, done.output
    kept = CorrectionSet.open(tmp_path / "set")
    assert [item.record.source.plane for item in kept.items] == [(0,), (2,), (3,)]
    assert [item.name for item in kept.items] == ["stack_z0.tif", "stack_z2.tif", "stack_z3.tif"]
    source = kept.items[0].record.source
    assert (source.axes, source.spacing, source.unit) == ("ZYX", (0.5, 0.25), "µm")
    for name, correction in kept.corrections():
        plane = int(name[7])
        np.testing.assert_array_equal(correction.image, tifffile.imread(image)[plane])
        np.testing.assert_array_equal(correction.labels, tifffile.imread(labels)[plane])


@pytest.mark.parametrize(
    ("slices", "planes"), [("all", [0, 1, 2, 3]), ("1", [1]), ("3,0-1", [0, 1, 3]), ("2 - 3", [2, 3])]
)
def test_planes_can_be_named(run, stack, tmp_path, slices, planes):
    image, labels, _ = stack
    assert run("correct", image, labels, "--set", tmp_path / "set", "--slices", slices).exit_code == 0
    kept = CorrectionSet.open(tmp_path / "set")
    assert [item.record.source.plane[0] for item in kept.items] == planes


def test_only_paint_counts_if_asked(run, stack, tmp_path):
    image, labels, found = stack
    done = run("correct", image, labels, "--set", tmp_path / "set", "--predicted", found, "--painted")
    assert done.exit_code == 0, done.output
    right, was = tifffile.imread(labels), tifffile.imread(found)
    kept = dict(CorrectionSet.open(tmp_path / "set").corrections())
    assert list(kept) == ["stack_z0.tif", "stack_z2.tif", "stack_z3.tif"]
    for name, correction in kept.items():
        plane = int(name[7])
        np.testing.assert_array_equal(correction.counts, right[plane] != was[plane])
    refused(
        run("correct", image, labels, "--set", tmp_path / "set", "--predicted", labels, "--painted"),
        "nothing was painted in any of these planes",
    )


def test_only_a_region_counts_if_asked(run, cell, tmp_path):
    image, labels, _ = cell
    done = run("correct", image, labels, "--set", tmp_path / "set", "--region", "8:24, 10:99")
    assert done.exit_code == 0, done.output
    ((_, correction),) = CorrectionSet.open(tmp_path / "set").corrections()
    expected = np.zeros((64, 64), bool)
    expected[8:24, 10:] = True
    np.testing.assert_array_equal(correction.counts, expected)


def test_a_colour_image_keeps_its_colours(run, tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "colour.tif", image, photometric="rgb")
    tifffile.imwrite(tmp_path / "right.tif", np.ones((20, 30), np.uint8))
    assert run("correct", tmp_path / "colour.tif", tmp_path / "right.tif", "--set", tmp_path / "set").exit_code == 0
    ((_, correction),) = CorrectionSet.open(tmp_path / "set").corrections()
    np.testing.assert_array_equal(correction.image, image)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--slices", "4"], "the image has the planes 0 to 3"),
        (["--slices", "5-2"], "the image has the planes 0 to 3"),
        (["--slices", "a few"], "is not of the form 3,5-7"),
        (["--region", "3,4"], "--region '3,4' is not of the form Y0:Y1,X0:X1"),
        (["--region", "80:90,0:9"], "That region lies beside the image"),
        (["--region", "0:9,0:9", "--painted"], "exclude each other"),
        (["--axes", "TZX"], "stack.tif"),
        (["--axes", "YXZ"], "has the shape (64, 64, 5)"),
        (["--model", "no such model"], "no such model"),
    ],
)
def test_what_makes_no_sense_is_a_sentence_and_keeps_nothing(run, stack, tmp_path, options, words):
    image, labels, _ = stack
    if "YXZ" in options:
        labels = tmp_path / "other.tif"
        tifffile.imwrite(labels, np.ones((5, 64, 64), np.uint8))
        image = tmp_path / "turned.tif"
        tifffile.imwrite(image, np.ones((64, 64, 4), np.uint16), photometric="minisblack")
    refused(run("correct", image, labels, "--set", tmp_path / "set", *options), words)
    assert not (tmp_path / "set").exists()


def test_labels_of_another_image_are_refused(run, stack, tmp_path):
    image, labels, _ = stack
    tifffile.imwrite(tmp_path / "other.tif", np.ones((64, 60), np.uint8))
    refused(
        run("correct", image, tmp_path / "other.tif", "--set", tmp_path / "set"),
        "other.tif has the shape (64, 60) and the planes of the image (4, 64, 64)",
    )
    tifffile.imwrite(tmp_path / "empty.tif", np.zeros((4, 64, 64), np.uint8))
    refused(run("correct", image, tmp_path / "empty.tif", "--set", tmp_path / "set"), "empty in every plane")
    refused(run("correct", tmp_path / "none.tif", labels, "--set", tmp_path / "set"), "there is no such file")


def test_a_mask_stored_the_other_way_round_gives_the_same_corrections(run, stack, tmp_path):
    """As NIfTI, where files say where they are."""
    image, labels, _ = stack
    affine = np.diag([-0.5, -0.5, 2, 1])
    turn = np.diag([1.0, -1, 1, 1])
    turn[1, 3] = 63
    for name, data, place in (
        ("scan", tifffile.imread(image).T, affine),
        ("plain", tifffile.imread(labels).T, affine),
        ("turned", tifffile.imread(labels).T[:, ::-1], affine @ turn),
        ("mirrored", tifffile.imread(labels).T, np.diag([-1.0, 1, 1, 1]) @ affine),
    ):
        nib.save(nib.Nifti1Image(np.ascontiguousarray(data), place), tmp_path / f"{name}.nii.gz")
    kept = {}
    for name in ("plain", "turned"):
        done = run("correct", tmp_path / "scan.nii.gz", tmp_path / f"{name}.nii.gz", "--set", tmp_path / name)
        assert done.exit_code == 0, done.output
        assert ("stored the other way round along y" in done.stderr) == (name == "turned")
        kept[name] = [found.labels for _, found in CorrectionSet.open(tmp_path / name).corrections()]
    np.testing.assert_array_equal(kept["plain"], kept["turned"])
    refused(
        run("correct", tmp_path / "scan.nii.gz", tmp_path / "mirrored.nii.gz", "--set", tmp_path / "none"),
        "nothing of what it marks lies in",
    )


def test_empty_labels_count_where_somebody_says_so(run, cell, tmp_path):
    """Without what was found before, nobody knows whether they are rightly empty."""
    image, _, found = cell
    tifffile.imwrite(tmp_path / "empty.tif", np.zeros((64, 64), np.uint8))
    arguments = ("correct", image, tmp_path / "empty.tif", "--set", tmp_path / "set")
    refused(run(*arguments), "without --predicted nothing was found either", "--slices all")
    refused(run(*arguments, "--predicted", tmp_path / "empty.tif"), "are empty, as what was found is")
    assert "0 px drawn, 4,096 px of background" in run(*arguments, "--slices", "all").stdout
    mended = int((tifffile.imread(found) > 0).sum())
    assert f"{mended:,} px mended" in run(*arguments, "--predicted", found).stdout


def test_it_is_said_how_many_empty_planes_were_left_out(run, stack, tmp_path):
    image, labels, _ = stack
    done = run("correct", image, labels, "--set", tmp_path / "set")
    assert "2 planes without objects were left out; --slices all keeps them" in done.stdout
    assert len(CorrectionSet.open(tmp_path / "set")) == 2


def test_a_plane_without_values_is_left_out_and_named(run, stack, tmp_path):
    image, labels, found = stack
    values = tifffile.imread(image).astype(np.float32)
    values[2], values[0, :9] = np.nan, np.inf
    tifffile.imwrite(tmp_path / "holes.tif", values, imagej=True, metadata={"axes": "ZYX"})
    arguments = ("correct", tmp_path / "holes.tif", labels, "--predicted", found, "--set", tmp_path / "set")
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    assert "plane 2 was left out: all of its values are NaN or infinite" in done.stdout
    assert [item.record.source.plane for item in CorrectionSet.open(tmp_path / "set").items] == [(0,), (3,)]
    refused(run(*arguments, "--slices", "2"), "no value of the image is a finite number there")


# Listing


def test_a_set_is_listed_and_written_down(run, corrected, tmp_path):
    done = run("corrections", corrected, "--json", tmp_path / "list.json")
    assert done.exit_code == 0, done.output
    kept = CorrectionSet.open(corrected)
    for word in ("cell_0.tif", "cell_1.tif", "all of it", "tiny", "2 corrections count, 0 replaced", kept.sha256):
        assert word in done.stdout
    content = json.loads((tmp_path / "list.json").read_text())
    assert content["sha256"] == kept.sha256
    assert [item["name"] for item in content["items"]] == [item.name for item in kept.items]
    assert content["items"][0]["record"]["made_by"] == dict(kept.items[0].record.made_by)
    refused(run("corrections", corrected, "--json", tmp_path / "list.json"), "list.json exists already")
    assert run("corrections", corrected, "--json", tmp_path / "list.json", "--overwrite").exit_code == 0


def test_sets_are_merged_and_a_correction_is_withdrawn(run, corrected, tmp_path):
    other = CorrectionSet.open(tmp_path / "other")
    for seed in (1, 5):
        image, labels = scene(seed)
        found = np.where(labels < 3, labels, 0)
        other.add(mark(image, labels, found, source=Source(layer=f"cell {seed}")))
    done = run("corrections", corrected, "--merge", other.root, "--withdraw", "cell_0.tif")
    assert done.exit_code == 0, done.output
    assert "1 added, 1 were here already" in done.stdout
    assert "2 corrections count, 1 replaced or withdrawn" in done.stdout
    assert [item.name for item in CorrectionSet.open(corrected).items] == ["cell_1.tif", "cell_5.tif"]
    new = tmp_path / "both"
    assert run("corrections", new, "--merge", corrected, "--merge", other.root).exit_code == 0
    assert len(CorrectionSet.open(new)) == 2
    refused(run("corrections", corrected, "--withdraw", "cell_0.tif"), "no correction 'cell_0.tif' to withdraw")


def test_what_is_no_set_is_a_sentence(run, corrected, tmp_path):
    refused(run("corrections", tmp_path / "none"), "there is no set of corrections")
    refused(run("corrections", corrected, "--merge", tmp_path / "none"), "none: there is no set of corrections")


# Learning


def test_a_model_learns_and_says_how_much(run, corrected, novice, tmp_path):
    output = tmp_path / "models" / "mine.safetensors"
    done = run("finetune", corrected, "--model", novice, "--output", output, *SHORT, "--seed", 3)
    assert done.exit_code == 0, done.output
    assert "step 0: Dice" in done.stdout
    assert "step 20: Dice" in done.stdout
    assert "(Dice) rose from" in done.stdout
    assert f"Wrote {output}" in done.stdout
    header = load(output).header
    assert header.name == "mine"
    assert header.parent_sha256 == load(novice).sha256
    assert header.training["corrections_sha256"] == CorrectionSet.open(corrected).sha256
    assert header.training["settings"]["seed"] == 3
    assert [entry.name for entry in output.parent.iterdir()] == ["mine.safetensors"]
    refused(run("finetune", corrected, "--model", novice, "--output", output, *SHORT), "exists already")


def test_two_processes_learn_as_one(corrected, novice, tmp_path):
    """Each of them draws half of the patches of a step, and one of them speaks and writes."""
    output = tmp_path / "mine.safetensors"
    together = ["--devices", 2, "--strategy", "ddp", "--model", novice, "--output", output]
    command = [sys.executable, "-m", "napari_medt", "finetune", corrected, *SHORT, *together]
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    for words in ("step 0: Dice", "step 20: Dice", "rose from", f"Wrote {output}"):
        assert done.stdout.count(words) == 1
    header = load(output).header
    assert header.training["settings"]["devices"] == 2
    assert header.training["validation_dice"] > header.training["validation_dice_before"] + 0.1


def test_without_gain_nothing_is_written(run, corrected, tiny_model_path, tmp_path):
    output = tmp_path / "mine.safetensors"
    still = ["--learning-rate", 1e-30, "--part", "gates", "--steps", 2]
    done = run("finetune", corrected, "--model", tiny_model_path, "--output", output, *SHORT, *still)
    refused(done, "Nothing was gained", "Correct one or two more slices")
    assert not output.exists()


def test_an_interruption_keeps_the_best(run, corrected, novice, tmp_path, monkeypatch):
    really = Learning.steps

    def steps(learning):
        for update in really(learning):
            yield update
            if update.improved:
                raise KeyboardInterrupt

    monkeypatch.setattr(Learning, "steps", steps)
    output = tmp_path / "mine.safetensors"
    done = run("finetune", corrected, "--model", novice, "--output", output, *SHORT, "--steps", 1000)
    assert done.exit_code == 0, done.output
    assert "Interrupted: the best so far is kept." in done.stdout
    assert load(output).header.training["step"] <= 50


def test_an_interruption_before_anything_was_gained_writes_nothing(
    run, corrected, tiny_model_path, tmp_path, monkeypatch
):
    def steps(learning):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(Learning, "steps", steps)
    output = tmp_path / "mine.safetensors"
    refused(run("finetune", corrected, "--model", tiny_model_path, "--output", output, *SHORT), "Nothing was gained")
    assert not output.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "nuclei"], "say which model learns and where it goes"),
        (["--output", "m.safetensors"], "say which model learns and where it goes"),
        (["--model", "nuclei", "--output", "m.pt"], "ends in .safetensors"),
        (["--model", "no such", "--output", "{}/m.safetensors"], "no such"),
        (["--model", "nuclei", "--output", "{}/m.safetensors", "--replay", 1], "replay is 1"),
        (["--model", "nuclei", "--output", "{}/m.safetensors", "--steps", 0], "steps is 0"),
    ],
)
def test_what_cannot_be_learnt_is_a_sentence(run, corrected, tmp_path, options, words):
    refused(run("finetune", corrected, *(str(option).format(tmp_path) for option in options)), words)


def test_an_empty_set_cannot_be_learnt(run, tiny_model_path, tmp_path):
    done = run("finetune", tmp_path / "none", "--model", tiny_model_path, "--output", tmp_path / "m.safetensors")
    refused(done, "nothing is marked as corrected yet")


def test_versions_are_listed(run, corrected, tiny_model_path):
    done = run("finetune", corrected, "--versions")
    assert (done.exit_code, "There are no versions" in done.stdout) == (0, True)
    versions = ModelVersions(corrected / "models")
    version = versions.keep(load(tiny_model_path), versions.new_path("tiny"))
    versions.note(version.name, "the good one")
    versions.activate(version.name)
    done = run("finetune", corrected, "--versions")
    assert done.exit_code == 0, done.output
    (row,) = [line for line in done.stdout.splitlines() if "tiny-v1" in line]
    assert "yes" in row
    assert "the good one" in row


# What comes next


def test_what_comes_next_is_ranked(run, stack, tiny_model_path, tmp_path):
    image, labels, _ = stack
    done = run("next", image, "--model", tiny_model_path, "--tile", 32, "--most", 5, "--device", "cpu")
    assert done.exit_code == 0, done.output
    output = tmp_path / "next.json"
    options = ["--tile", 32, "--most", 99, "--device", "cpu", "--json", output]
    assert run("next", image, "--model", tiny_model_path, *options).exit_code == 0
    found = json.loads(output.read_text())["candidates"]
    places = [(candidate["plane"][0], *(part[0] for part in candidate["region"])) for candidate in found]
    assert sorted(places) == [(z, y, x) for z in range(4) for y in (0, 32) for x in (0, 32)]
    z, y, x = places[0]
    (row,) = [line for line in done.stdout.splitlines() if line.split("│")[1:2] and line.split("│")[1].strip() == "1"]
    assert [cell.strip() for cell in row.split("│")[2:5]] == [str(z), f"{y}:{y + 32}", f"{x}:{x + 32}"]
    # What is corrected is not worth it again.
    corrected = tmp_path / "set"
    assert run("correct", image, labels, "--set", corrected, "--slices", "0,2").exit_code == 0
    done = run("next", image, "--model", tiny_model_path, *options, "--overwrite", "--set", corrected)
    assert done.exit_code == 0, done.output
    left = {candidate["plane"][0] for candidate in json.loads(output.read_text())["candidates"]}
    assert left == {1, 3}
    assert run("correct", image, labels, "--set", corrected, "--slices", "all").exit_code == 0
    done = run("next", image, "--model", tiny_model_path, *options, "--overwrite", "--set", corrected)
    assert "All of it is corrected." in done.stdout
    refused(run("next", image, "--model", tiny_model_path, *options), "next.json exists already")
    refused(run("next", image, "--model", "click", "--device", "cpu"), "does not segment planes by itself")


def test_for_a_3d_model_slices_are_kept_with_those_around_them(run, tmp_path):
    config = {"in_channels": 1, "classes": 2, "widths": (4, 8), "dimensions": 3}
    header = ModelHeader(
        name="deep",
        purpose="Tests",
        architecture="unet",
        config=config,
        classes=("background", "organ"),
        channels=("grey",),
        dimensions=3,
        tile=(4, 16, 16),
        overlap=(1, 4, 4),
    )
    model = save(Model(create("unet", **config), header), tmp_path / "deep.safetensors")
    stack = np.random.default_rng(0).integers(0, 99, (7, 20, 24)).astype(np.uint8)
    labels = np.zeros(stack.shape, np.uint8)
    labels[5, 4:9, 6:12] = 1
    for name, array in (("scan", stack), ("mended", labels)):
        tifffile.imwrite(tmp_path / f"{name}.tif", array, imagej=True, metadata={"axes": "ZYX"})
    command = ["correct", tmp_path / "scan.tif", tmp_path / "mended.tif", "--set", tmp_path / "set", "--model", model]
    done = run(*command)
    assert done.exit_code == 0, done.output
    ((_, kept),) = CorrectionSet.open(tmp_path / "set").corrections()
    assert (kept.around.image == stack[3:7]).all()
    assert kept.around.place == 2
    assert (kept.image == stack[5]).all()
