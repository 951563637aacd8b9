"""A family that no module knows but its own: it is added to one list, and all that a network can do is done with it."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

import src_models as sm
from napari_medt.cli import app
from src_models.attention.recording import record_attention
from src_models.auditing.auditor import audit
from src_models.computing.execution import choose_execution, prepare
from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import ModelFileError, UserError
from src_models.evaluating.evaluate import evaluate
from src_models.files.dataset import DataSet
from src_models.finetuning.candidates import rank_steps
from src_models.finetuning.learning import Learning
from src_models.finetuning.parts import learning_parts, parameters_of
from src_models.finetuning.settings import FinetuneSettings
from src_models.models import architectures
from src_models.models.checkpoint import Model, load
from src_models.probing.pointer import AttentionPointer
from src_models.training.settings import TrainSettings

PROGRAM = Path(__file__).with_name("toy_network.py")


@pytest.fixture(scope="module")
def toy():
    """The module of the family, which the program of this process knows as long as the tests of this file run."""
    specification = importlib.util.spec_from_file_location("toy_network", PROGRAM)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.register()
    yield module
    architectures.ARCHITECTURES.remove(module.SPOTLIGHT)


def disks(seed, size=48):
    """Bright disks on dark ground, and their mask."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    mask = np.zeros((size, size), np.uint8)
    for _ in range(3):
        mask[np.hypot(y - rng.uniform(8, 40), x - rng.uniform(8, 40)) < 7] = 1
    return rng.normal(50, 5, mask.shape).astype(np.float32) + 100 * mask, mask


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "cells"
    rows = [("file", "split")]
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for seed, split in enumerate(["train"] * 6 + ["val"] * 2 + ["test"] * 2):
        image, mask = disks(seed)
        tifffile.imwrite(root / "images" / f"{seed}.tif", image.clip(0, 255).astype(np.uint8))
        tifffile.imwrite(root / "masks" / f"{seed}.tif", mask)
        rows.append((f"{seed}.tif", split))
    with (root / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return root


def typed(*arguments):
    """Run the command line of a program that knows the family from its beginning, and so the family's options."""
    return subprocess.run(
        [sys.executable, PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def path(cells, tmp_path_factory):
    """A model that was trained on the command line, with the family's own option and its own recipe."""
    output = tmp_path_factory.mktemp("models") / "spots.safetensors"
    options = ["--classes", "--class-names", "cell", "--beams", 6, "--workers", 0, "--device", "cpu"]
    done = typed("train", cells, "-o", output, "--architecture", "spotlight", *options)
    assert done.returncode == 0, done.stderr
    return output


@pytest.fixture
def model(toy, path):
    return load(path)


@pytest.fixture
def run(toy):
    runner = CliRunner(env={"COLUMNS": "200"})
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def corrections(tmp_path):
    """Planes of which a person says that the ground is the object: what the model knows is all wrong."""
    kept = CorrectionSet.open(tmp_path / "corrections")
    for seed in range(20, 24):
        image, mask = disks(seed)
        ground, found = (1 - mask).astype(np.int32), mask.astype(np.int32)
        kept.add(mark(image.clip(0, 255).astype(np.uint8), ground, found, source=Source(layer=f"{seed}")))
    return kept


def dice(found, mask):
    return 2 * ((found > 0) & (mask > 0)).sum() / ((found > 0).sum() + (mask > 0).sum())


def test_it_is_listed_and_made_by_name_and_gone_when_it_is_taken_out(toy):
    assert sm.architectures()["spotlight"] == toy.SPOTLIGHT.line
    assert isinstance(sm.create("spotlight", beams=2), toy.Spotlight)
    architectures.ARCHITECTURES.remove(toy.SPOTLIGHT)
    try:
        with pytest.raises(ModelFileError, match="no architecture 'spotlight'; choose from attention-unet, "):
            sm.create("spotlight")
        assert architectures.attention_names("spotlight", {}) == []
    finally:
        toy.register()


def test_it_is_trained_by_its_own_recipe_with_its_own_option(model):
    settings = model.header.training["settings"]
    recipe = {"steps": 60, "batch": 4, "patch": 32, "learning_rate": 0.03, "gates_from": 5, "augment": "flip"}
    assert recipe.items() <= settings.items()
    rest = dataclasses.asdict(TrainSettings()).keys() - recipe.keys() - {"device", "workers"}
    assert all(settings[name] == getattr(TrainSettings(), name) for name in rest)
    assert model.header.config == {"beams": 6, "in_channels": 1, "classes": 2, "dimensions": 2}
    assert model.network.seeing.conv.out_channels == 6
    assert model.network.gain.logarithm.item() != 0, "what learns late learns"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--architecture", "spotlight", "--widths", "4,8"], "--widths is for U-Nets, and does nothing to spotlight"),
        (["--gates-from", "3"], "--gates-from is for axial networks such as medt and spotlights, and does nothing to"),
    ],
)
def test_options_of_others_are_refused(run, cells, tmp_path, options, words):
    done = run("train", cells, "-o", tmp_path / "m.safetensors", "--classes", *options)
    assert done.exit_code == 1
    assert words in done.output


def test_what_learns_late_stays_as_it_is_until_then(toy, cells, tmp_path):
    from src_models.training.new_model import new_header
    from src_models.training.training import train

    data = DataSet.open(cells)
    header = new_header(data, architecture="spotlight", name="m", result="semantic", config={"beams": 2})
    assert (header.tile, header.overlap) == ((512, 512), (96, 96)), "it has no window"
    settings = TrainSettings(
        steps=3, batch=2, patch=16, gates_from=3, validate_every=3, workers=0, device="cpu", learning_rate=0.1
    )
    network = load(train(data, header, tmp_path / "m.safetensors", settings)).network
    assert network.gain.logarithm.item() == 0
    assert not torch.equal(network.drawing.bias, toy.Spotlight(beams=2).drawing.bias)


def test_it_segments_and_its_map_lies_over_what_is_bright(model):
    image, mask = disks(50, size=61)
    whole = sm.segment(image, model, device="cpu")
    model = Model(model.network, dataclasses.replace(model.header, tile=(32, 32), overlap=(8, 8)))
    found = sm.segment(image, model, attention=True, device="cpu")
    assert dice(found.labels, mask) > 0.9
    np.testing.assert_array_equal(found.labels, whole.labels)
    (placed,) = found.attention
    assert (placed.name, placed.kind, placed.level) == ("spotlight", "spotlight", 2)
    assert placed.scale == (2.0, 2.0)
    assert placed.translate == (0.5, 0.5)
    network = prepare(model.network, choose_execution("cpu"))
    planes = torch.from_numpy(measured(image, model))[None]
    with torch.inference_mode(), record_attention(network) as attention:
        network(planes)
    np.testing.assert_allclose(placed.data, attention["spotlight"].tensor[0, 0].numpy(), atol=1e-3)


def measured(image, model):
    from src_models.images.grey.intensity import measure

    return measure(image[None], model.header.intensity, name="image")(image[None]).astype(np.float32)


def test_it_is_folded_for_prediction_and_the_original_is_not(model):
    ready = prepare(model.network, choose_execution("cpu"))
    assert isinstance(ready.seeing.norm, torch.nn.Identity)
    assert ready.gain.folded
    assert not model.network.gain.folded
    picture = torch.rand(1, 1, 30, 31)
    with torch.inference_mode():
        torch.testing.assert_close(ready(picture), model.network(picture), rtol=1e-5, atol=1e-5)


def test_it_takes_no_tile_larger_than_it_can(toy, model):
    config = {**model.header.config, "most": 32}
    header = dataclasses.replace(model.header, config=config, tile=(32, 32), overlap=(8, 8))
    network = sm.create("spotlight", **header.config).eval()
    network.load_state_dict(model.network.state_dict())
    bounded, (image, _) = Model(network, header), disks(51, size=70)
    with pytest.raises(UserError, match="a tile of 64 px is too large: the model 'spots' takes at most 32 px"):
        sm.segment(image, bounded, tile=64, device="cpu")
    ranked = ranking(image, bounded)
    assert ranked
    assert all(stop - start == 32 for found in ranked for start, stop in found.region)


def ranking(image, model, **options):
    steps = rank_steps(image, model, device="cpu", **options)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_what_to_correct_next_is_ranked_by_what_it_sees(model, corrections):
    image = np.concatenate([disks(30)[0], np.full((48, 48), 50, np.float32)])  # cells, and below them nothing
    fresh = ranking(image, model, tile=48)
    assert {found.region for found in fresh} == {((0, 48), (0, 48)), ((48, 96), (0, 48))}
    assert {found.novelty for found in fresh} != {0.0}
    known = {found.region: found.novelty for found in ranking(image, model, tile=48, corrections=corrections)}
    assert known[(0, 48), (0, 48)] < known[(48, 96), (0, 48)], "cells were corrected already"


def test_it_is_evaluated(model, cells):
    scores = evaluate(DataSet.open(cells), model, device="cpu")
    assert scores.split == "test"
    assert [float(image.scores.dice[1]) > 0.9 for image in scores.images] == [True, True]


@pytest.mark.parametrize("part", ["full", "decoder", "light"])
def test_each_part_that_it_names_learns_alone(model, corrections, part):
    chosen = {id(parameter) for parameter in parameters_of(model.network, part)}
    learns = {name for name, parameter in model.network.named_parameters() if id(parameter) in chosen}
    settings = FinetuneSettings(
        part=part, steps=20, seconds=1e6, batch=3, patch=32, learning_rate=0.05, validate_every=20, device="cpu"
    )
    learning = Learning(model, corrections, settings)
    for _ in learning.steps():
        pass
    before, after = model.network.state_dict(), learning._network.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert changed <= learns
    assert (part == "full") == (learns == {name for name, _ in model.network.named_parameters()})


def test_its_parts_are_told_with_their_words(model):
    decoder, light = learning_parts(model.network)[1:]
    assert (light.name, light.title, light.parameters) == ("light", "Only what it lights", 6 + 1 + 1)
    assert light.detail.startswith("The spotlight: 8 of the ")
    assert decoder.name == "decoder"


def test_other_networks_have_not_its_parts(toy):
    with pytest.raises(UserError, match="this network has no light that could learn; choose from: full, decoder"):
        parameters_of(sm.create("unet", widths=(2, 2)), "light")
    with pytest.raises(UserError, match="part 'lamp' is not one of full, decoder, gates, head, attention, light"):
        FinetuneSettings(part="lamp")


def test_it_learns_on_the_command_line(run, path, corrections, tmp_path):
    output = tmp_path / "m.safetensors"
    options = ["--part", "decoder", "--steps", 60, "--patch", 32, "--learning-rate", 0.3, "--device", "cpu"]
    done = run("finetune", corrections.root, "--model", path, "-o", output, *options)
    assert done.exit_code == 0, done.output
    training = sm.read_header(output).training
    assert (training["finetuned_from"], training["settings"]["part"]) == ("spots", "decoder")
    before, after = load_file(path), load_file(output)
    assert {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])} == {"drawing"}


def test_its_map_is_written_and_told_on_the_command_line(run, path, tmp_path):
    image, _ = disks(60)
    tifffile.imwrite(tmp_path / "spots.tif", image)
    table, maps = tmp_path / "maps.csv", tmp_path / "maps"
    done = run(
        *("attention", tmp_path / "spots.tif", "--model", path, "--output", maps, "--table", table),
        *("--at", "20,30", "--device", "cpu"),
    )
    assert done.exit_code == 0, done.output
    (written,) = maps.iterdir()
    assert tifffile.imread(written).shape == (24, 24)
    (row,) = csv.DictReader(table.open())
    assert row["map"] == "spotlight"
    assert f"spotlight {float(row['value']):.3f}" in done.stdout
    refused = run(
        *("attention", tmp_path / "spots.tif", "--model", path, "--output", maps, "--overwrite"),
        *("--at", "20,30", "--block", "global 2.1"),
    )
    assert refused.exit_code == 1
    assert "asks where attention looks, and the model 'spots' is a spotlight" in refused.output
    unknown = run("attention", tmp_path / "spots.tif", "--model", path, "--output", maps, "--map", "gate 2")
    assert unknown.exit_code == 1
    assert "has no attention map 'gate 2'; it has spotlight" in unknown.output


def test_it_is_asked_at_a_place(model):
    image, _ = disks(61)
    found = sm.segment(image, model, attention=True, device="cpu")
    pointer = AttentionPointer(image, model, found)
    assert [view.name for view in pointer.views()] == ["spotlight"]
    told = pointer.point((21, 30), "spotlight")
    assert told.values["spotlight"] == pytest.approx(float(found.attention[0].data[10, 15]))
    assert told.query == (20.5, 30.5)


def test_its_attention_is_audited(model):
    found = audit(disks(62)[0], model, device="cpu")
    assert [one.name for one in found.maps] == ["spotlight"]
    assert found.influences == ()


def test_the_command_line_segments_evaluates_and_ranks_with_it(run, path, cells, tmp_path):
    image, mask = disks(63)
    tifffile.imwrite(tmp_path / "spots.tif", image)
    results = tmp_path / "results"
    done = run(
        "segment", tmp_path / "spots.tif", "--model", path, "--output", results, "--attention", "--device", "cpu"
    )
    assert done.exit_code == 0, done.output
    files = {file.name: tifffile.imread(file) for file in results.glob("*.tif")}
    assert len(files) == 2
    labels, lit = sorted(files.values(), key=lambda array: -array.size)
    assert dice(labels, mask) > 0.9
    assert lit.shape == (24, 24)
    done = run("evaluate", cells, "--model", path, "--json", tmp_path / "scores.json", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "scores.json").read_text())["model"]["architecture"] == "spotlight"
    done = run("next", tmp_path / "spots.tif", "--model", path, "--tile", 32, "--json", tmp_path / "next.json")
    assert done.exit_code == 0, done.output
    assert len(json.loads((tmp_path / "next.json").read_text())["candidates"]) == 4


def test_its_weights_are_of_no_paper_that_can_be_converted(toy, run, tmp_path):
    checkpoint, output = tmp_path / "toy.pth", tmp_path / "m.safetensors"
    torch.save(toy.Spotlight().state_dict(), checkpoint)
    done = run("convert", checkpoint, "--architecture", "spotlight", "-o", output)
    assert done.exit_code == 1
    assert "are of no network that can be converted, which are: " in done.output
    assert not output.exists()
