"""``napari-medt clicks`` on a data set, by a person's options."""

import json

import nibabel as nib
import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.prompts import PROMPT_CHANNELS
from src_models.clicking.training.evaluator import click_data_set
from src_models.files.dataset import DataSet
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, load, save
from src_models.models.header import ModelHeader

CONFIG = {"in_channels": 6, "classes": 2, "widths": [4, 8], "deep_supervision": False}


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    header = ModelHeader(
        name="clicker",
        purpose="Tests",
        architecture="attention-unet",
        config=CONFIG,
        classes=("background", "object"),
        channels=("red", "green", "blue"),
        prompts=PROMPT_CHANNELS,
        tile=(32, 32),
        overlap=(8, 8),
    )
    return save(Model(create("attention-unet", **CONFIG).eval(), header), tmp_path / "clicker.safetensors")


@pytest.fixture
def cells(tmp_path):
    folder = tmp_path / "cells"
    random = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    labels = np.zeros((48, 64), np.uint8)
    labels[5:15, 5:15], labels[20:40, 30:55] = 1, 2
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(folder / "images" / name, random.integers(0, 255, (48, 64), np.uint8))
        tifffile.imwrite(folder / "masks" / name, labels)
    (folder / "manifest.csv").write_text("file,split\na.tif,train\nb.tif,val\n")
    return folder


def test_the_clicks_that_are_counted_are_those_of_the_library(cells, model, tmp_path):
    done = CliRunner().invoke(
        app, ["clicks", str(cells), "--model", str(model), "--device", "cpu", "--json", str(tmp_path / "found.json")]
    )
    assert done.exit_code == 0, done.output
    assert "NoC@80/85/90" in done.stdout
    stored = json.loads((tmp_path / "found.json").read_text())
    wanted = click_data_set(DataSet.open(cells).split("val"), ClickNetwork(load(model), "cpu"))
    assert [(each["image"], each["number"], each["ious"]) for each in stored["objects"]] == [
        (score.image, score.number, list(score.ious)) for score in wanted
    ]
    assert stored["clicks"] == "careful"
    assert stored["model_sha256"] == load(model).sha256


def test_a_hurried_person_clicks_elsewhere(cells, model, tmp_path):
    found = []
    for number, option in enumerate(("--careful", "--hurried", "--hurried")):
        path = tmp_path / f"{number}.json"
        options = ["--model", str(model), "--device", "cpu", "--json", str(path), option, "--seed", str(number)]
        assert CliRunner().invoke(app, ["clicks", str(cells), *options]).exit_code == 0
        found.append([each["ious"] for each in json.loads(path.read_text())["objects"]])
    assert found[0] != found[1] != found[2]


def test_an_existing_file_and_a_model_without_clicks_are_refused(cells, model, tmp_path):
    taken = tmp_path / "taken.json"
    taken.write_text("mine")
    done = CliRunner().invoke(app, ["clicks", str(cells), "--model", str(model), "--json", str(taken)])
    assert done.exit_code == 1
    assert taken.read_text() == "mine"
    done = CliRunner().invoke(app, ["clicks", str(cells), "--model", "nuclei"])
    assert done.exit_code == 1
    assert "'nuclei' takes no clicks" in done.output


@pytest.fixture
def scans(tmp_path):
    """Two scans: an organ of 40 HU, and another of 60 HU that has another number in each, in air."""
    folder = tmp_path / "scans"
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    rows, columns = np.mgrid[:60, :70]
    for name, (liver, spleen) in {"a": (1, 2), "b": (1, 5)}.items():
        classes = np.zeros((70, 60, 3), np.uint8)
        for number, x in ((liver, 18), (spleen, 50)):
            classes[((rows - 30) ** 2 + (columns - x) ** 2 <= 100).T] = number
        hu = np.select([classes == liver, classes == spleen], [140, 180], -1000).astype(np.int16)
        for kind, values in (("images", hu), ("masks", classes)):
            nib.save(nib.Nifti1Image(values, np.diag([-1, -1, 2, 1])), folder / kind / f"{name}.nii.gz")
    names = {"a": {"1": "liver", "2": "spleen"}, "b": {"1": "liver", "5": "spleen"}}
    (folder / "labels.json").write_text(json.dumps(names))
    return folder


def clicked(folder, model, tmp_path, *options):
    """Click, and return what was printed and written."""
    path = tmp_path / "scores.json"
    command = ["clicks", str(folder), "--model", str(model), "--device", "cpu", "--json", str(path), "--overwrite"]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*command, *options])
    assert done.exit_code == 0, done.output
    return done.stdout, json.loads(path.read_text())


def test_scans_are_clicked_in_by_class_and_its_name(scans, bright_model_path, tmp_path):
    printed, stored = clicked(scans, bright_model_path, tmp_path, "--classes", "--split", "all")
    assert sorted({each["label"] for each in stored["objects"]}) == ["liver", "spleen"]
    assert stored["summary"]["liver"]["objects"] == stored["summary"]["spleen"]["objects"] == 2 * 3  # slices
    for row in ("liver", "spleen", "all"):
        assert any(f" {row} " in line for line in printed.splitlines())
    assert "class" not in printed


def test_what_looks_like_ct_is_shown_in_the_window_of_soft_tissue_unless_told(scans, bright_model_path, tmp_path):
    """In soft tissue (-150 to 250 HU) both organs are bright; in bone (-500 to 1300 HU) neither is."""
    options = ("--classes", "--split", "all", "--most", "2")
    for window, found in (((), True), (("--window", "soft tissue"), True), (("--window", "bone"), False)):
        _, stored = clicked(scans, bright_model_path, tmp_path, *options, *window)
        assert stored["summary"]["all"]["failures"]["0.85"] == (0 if found else 1)
    assert stored["window"] == "bone"
    _, stored = clicked(scans, bright_model_path, tmp_path, *options, "--window", "none")
    window = bright_model_window(scans, bright_model_path)
    assert [each["ious"] for each in stored["objects"]] == window


def bright_model_window(folder, model):
    """Return what is found without a window of CT: with the model's own, from 0 to 1."""
    scores = click_data_set(DataSet.open(folder).samples, ClickNetwork(load(model), "cpu"), classes=True, most=2)
    return [list(score.ious) for score in scores]


def test_every_image_is_taken_where_all_are_asked_for(cells, model, tmp_path):
    _, stored = clicked(cells, model, tmp_path, "--split", "all", "--most", "1")
    assert [each["image"] for each in stored["objects"]] == ["a.tif", "b.tif"]


def test_the_summary_holds_times_clicks_failures_and_overlaps(cells, model, tmp_path):
    _, stored = clicked(cells, model, tmp_path)
    summary = stored["summary"]["all"]
    assert summary["first_seconds"] > 0
    assert summary["later_seconds"] > 0
    assert summary["clicks"].keys() == summary["failures"].keys() == {"0.8", "0.85", "0.9"}
    assert summary["iou"].keys() == {"1", "3", "5", "10"}
