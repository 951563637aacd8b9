"""``napari-medt clicks`` on a data set, by a person's options."""

import json

import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.checkpoint import Model, load, save
from src_models.clicking.evaluator import click_data_set
from src_models.clicking.network import ClickNetwork
from src_models.clicking.prompts import PROMPT_CHANNELS
from src_models.dataset import DataSet
from src_models.header import ModelHeader
from src_models.registry import create

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
