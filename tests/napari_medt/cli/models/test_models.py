"""``napari-medt models``: the list on a narrow terminal, and for programs."""

import dataclasses
import hashlib
import json
import shutil

import pytest
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.models import library
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, save
from src_models.models.header import ModelHeader, read_header


def run(*arguments, columns=80):
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(app, ["models", *arguments])


def test_at_80_columns_no_word_is_cut():
    done = run()
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert all(lines)
    assert "…" not in done.stdout
    assert max(len(line) for line in lines if not line.startswith("Your own models")) <= 80
    for entry in library.shipped_models():
        first = next(number for number, line in enumerate(lines) if line.split()[:1] == [entry.name])
        told = " ".join(" ".join(lines[first : first + 5]).split())
        header = entry.header
        for words in (header.purpose, ", ".join(header.classes), header.licence, header.architecture, "shipped"):
            assert words in told
        assert f"{entry.size_bytes / 1e6:.1f} MB" in told


def test_where_there_is_room_a_model_has_one_line():
    (row,) = [line for line in run(columns=200).stdout.splitlines() if "nuclei-medt" in line]
    assert "background, interior, boundary" in row
    assert "shipped" in row


def test_of_many_classes_a_line_names_the_first():
    (row,) = [line for line in run(columns=200).stdout.splitlines() if "red-cells" in line]
    assert "burr, elliptocyte and 10 more" in row


def test_for_programs_all_is_json(tmp_path, monkeypatch, tiny_model_path):
    shutil.copy(tiny_model_path, tmp_path / "tiny.safetensors")
    (tmp_path / "broken.safetensors").touch()
    monkeypatch.setattr(library, "local_folder", lambda: tmp_path)
    done = run("--json")
    assert done.exit_code == 0, done.output
    found = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert found.keys() == {"tiny", *(entry.name for entry in library.shipped_models())}
    tiny = found["tiny"]
    assert tiny["sha256"] == hashlib.sha256(tiny_model_path.read_bytes()).hexdigest()
    assert (tiny["shipped"], found["nuclei"]["shipped"]) == (False, True)
    assert tiny["size_bytes"] == tiny_model_path.stat().st_size
    assert tiny["header"] == json.loads(json.dumps(dataclasses.asdict(read_header(tiny_model_path))))
    assert "broken.safetensors" in done.stderr


@pytest.mark.parametrize("learnt_further", [False, True])
def test_details_tell_the_encoder_and_whose_weights_it_began_with(tmp_path, monkeypatch, learnt_further):
    config = {"encoder": "efficientnet-lite0", "in_channels": 1, "classes": 2, "widths": [2, 16]}
    facts = {"name": "Lite0", "authors": "Tan & Le 2019", "licence": "Apache-2.0", "sha256": "ab" * 32}
    training = {"encoder_weights": facts, "step": 40}
    header = ModelHeader(
        name="lite",
        purpose="Tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "cell"),
        channels=("grey",),
        training={"parent_training": training, "step": 7} if learnt_further else training,
    )
    save(Model(create("attention-unet", **config), header), tmp_path / "lite.safetensors")
    monkeypatch.setattr(library, "local_folder", lambda: tmp_path)
    done = run("--details", columns=400)
    assert done.exit_code == 0, done.output
    told = done.stdout[done.stdout.index("\nlite\n") :]
    assert "encoder efficientnet-lite0" in told
    assert f"encoder began with Lite0 (Tan & Le 2019), Apache-2.0, SHA-256 {'ab' * 32}" in told
    assert f"step {7 if learnt_further else 40}" in told
    start = done.stdout.index("\nnuclei-medt\n")
    begins = [done.stdout.find(f"\n{name}\n") for name in ("cells", "click", "lite", "nuclei")]
    assert "began with" not in done.stdout[start : min((at for at in begins if at > start), default=None)]


@pytest.mark.parametrize("order", [("--json", "--details"), ("--details", "--json")])
def test_details_and_json_exclude_each_other(order):
    done = run(*order)
    assert done.exit_code == 1
    assert "give one of them" in done.stderr
