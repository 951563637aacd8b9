"""Training on data sets on disk: it learns, it goes on where it was killed, and it says what is wrong."""

import csv
import dataclasses
import itertools
import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import load_file

from src_models.errors import DataSetError, ModelFileError, OutputError, UserError
from src_models.files.dataset import DataSet
from src_models.labels.numbering import connected_parts
from src_models.models import checkpoint
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, load
from src_models.models.encoder_weights import encoder_weights_facts
from src_models.models.header import Intensity
from src_models.prediction.segment import segment
from src_models.training import training
from src_models.training.fabric import set_learning_rate
from src_models.training.new_model import new_header
from src_models.training.patches import load_images, targets_of
from src_models.training.resumable import run_files
from src_models.training.training import TrainSettings, train

QUICK = TrainSettings(
    steps=12, batch=2, patch=32, learning_rate=1e-2, augment="none", validate_every=5, device="cpu", workers=0
)
TINY = {"widths": [2, 4], "deep_supervision": False}


def disks(seed, shape=(64, 64), classes=1):
    """An image of bright disks (or balls) on noise, and their classes (2 is brighter than 1) or, for 0, numbers."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.mgrid[tuple(slice(0, n) for n in shape)], -1)
    labels, image = np.zeros(shape, np.uint16), rng.normal(40, 8, shape)
    for number in range(1, 7):
        centre, radius = [rng.uniform(6, n - 6) for n in shape], rng.uniform(5, 8)
        disk = (np.linalg.norm(grid - centre, axis=-1) < radius) & (labels == 0)
        kind = 1 + number % max(classes, 1)
        labels[disk] = kind if classes else number
        image[disk] += 70 * kind
    return image.clip(0, 255).astype(np.uint8), labels


def write(root, pairs, change=lambda image: image):
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    rows = ["file,split"]
    for index, (image, labels) in enumerate(pairs):
        name = f"{index}.tif"
        tifffile.imwrite(root / "images" / name, change(image))
        tifffile.imwrite(root / "masks" / name, labels)
        rows.append(f"{name},{'val' if index < 2 else 'train'}")
    (root / "manifest.csv").write_text("\n".join(rows))
    return DataSet.open(root)


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "cells", [disks(seed) for seed in range(8)])


def header_for(data, result="semantic", config=TINY, **options):
    return new_header(data, architecture="attention-unet", name="m", result=result, config=config, **options)


def weights(path):
    return load_file(path)


def equal(one, other):
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def overlap(found, true):
    return 2 * (found & true).sum() / (found.sum() + true.sum())


# Learning


def test_a_short_training_learns_what_an_untrained_network_does_not_know(cells, tmp_path):
    header = header_for(cells, config={"widths": [4, 8, 8]})
    told = []
    settings = dataclasses.replace(QUICK, steps=40, batch=4, patch=48, validate_every=10)
    path = train(cells, header, tmp_path / "cells.safetensors", settings, on_update=told.append)
    names = ["cells.last.safetensors", "cells.log.csv", "cells.safetensors", "cells.training.pt"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == names
    model = load(path)
    torch.manual_seed(settings.seed)
    untrained = Model(create("attention-unet", **header.config).eval(), header)
    scores = []
    for which in (untrained, model):
        image, labels = disks(99)
        scores.append(overlap(segment(image, which, device="cpu").labels > 0, labels > 0))
    assert scores[1] > 0.9
    assert scores[1] > scores[0] + 0.3
    assert model.header.training["validation_dice"] > 0.9
    assert model.header.training["settings"]["seed"] == 0
    assert model.header.training["train_images"] == 6
    assert model.header.training["data"] == "cells"
    assert model.header.training["versions"]["torch"]
    assert [update.step for update in told] == list(range(1, 41))
    assert told[-1].loss < told[0].loss / 2


def test_the_log_says_what_was_validated_and_the_best_is_kept(cells, tmp_path):
    told = []
    settings = dataclasses.replace(QUICK, learning_rate=0.03)
    path = train(cells, header_for(cells), tmp_path / "m.safetensors", settings, on_update=told.append)
    rows = list(csv.DictReader((tmp_path / "m.log.csv").open()))
    assert [int(row["step"]) for row in rows] == [5, 10, 12]
    validations = [update.validation_dice for update in told if update.validation_dice is not None]
    assert [float(row["validation_dice"]) for row in rows] == pytest.approx(validations, abs=1e-6)
    assert all(0 < float(row["loss"]) < 3 for row in rows)
    best, last = load(path).header.training, load(tmp_path / "m.last.safetensors").header.training
    assert best["validation_dice"] == pytest.approx(max(validations), abs=1e-4)
    assert best["step"] == int(rows[int(np.argmax(validations))]["step"])
    assert last["step"] == 12
    assert told[-1].best_dice == max(validations)
    # The loss of a row is the mean since the row before.
    assert told[9].loss == pytest.approx(float(rows[1]["loss"]), abs=1e-5)


def test_the_validation_dice_is_that_of_the_model_on_the_validation_images(cells, tmp_path):
    settings = dataclasses.replace(QUICK, patch=64, steps=10)
    train(cells, header_for(cells), tmp_path / "m.safetensors", settings)
    model = load(tmp_path / "m.last.safetensors")
    both, sizes = 0, 0
    for sample in cells.split("val"):
        found = segment(tifffile.imread(sample.image), model, device="cpu").labels > 0
        true = tifffile.imread(sample.mask) > 0
        both, sizes = both + 2 * (found & true).sum(), sizes + found.sum() + true.sum()
    assert model.header.training["validation_dice"] == pytest.approx(both / sizes, abs=2e-3)


def test_the_validation_dice_is_the_mean_over_domains(tmp_path):
    """One image in which the objects are dark, which the network never learnt, weighs as much as three of its own."""
    data = write(tmp_path / "d", [disks(seed) for seed in range(6)])
    rows = [("0.tif", "val", "a"), ("1.tif", "val", "a"), ("2.tif", "val", "a"), ("3.tif", "val", "b")]
    inverted = 255 - tifffile.imread(data.root / "images" / "3.tif")
    tifffile.imwrite(data.root / "images" / "3.tif", inverted)
    rows += [("4.tif", "train", "a"), ("5.tif", "train", "a")]
    (data.root / "manifest.csv").write_text("file,split,domain\n" + "\n".join(map(",".join, rows)))
    data = DataSet.open(data.root)
    settings = dataclasses.replace(QUICK, patch=64, steps=30, batch=4, validate_every=30)
    train(data, header_for(data, config={"widths": [4, 8, 8]}), tmp_path / "m.safetensors", settings)
    model = load(tmp_path / "m.last.safetensors")
    counts = {"a": np.zeros(2), "b": np.zeros(2)}
    for sample in data.split("val"):
        found = segment(tifffile.imread(sample.image), model, device="cpu").labels > 0
        true = tifffile.imread(sample.mask) > 0
        counts[sample.domain] += 2 * (found & true).sum(), found.sum() + true.sum()
    dice = {domain: both / sizes for domain, (both, sizes) in counts.items()}
    assert abs(dice["a"] - dice["b"]) > 0.1, "else this shows nothing"
    assert model.header.training["validation_dice"] == pytest.approx(np.mean(list(dice.values())), abs=2e-3)


@pytest.fixture(scope="module")
def partly_drawn(tmp_path_factory):
    """Volumes with balls of two classes, of which the second was drawn in one volume of five to learn from."""
    root = tmp_path_factory.mktemp("data") / "volumes"
    pairs = [disks(seed, (20, 28, 28), 2) for seed in range(7)]
    write(root, pairs)
    rows = ["file,split,drawn,organs"]
    for index, (_, labels) in enumerate(pairs):
        drawn = index < 3
        tifffile.imwrite(root / "masks" / f"{index}.tif", labels if drawn else np.where(labels == 2, 0, labels))
        rows.append(f"{index}.tif,{'val' if index < 2 else 'train'},,{'1 2' if drawn else '1'}")
    (root / "manifest.csv").write_text("\n".join(rows))
    return root


def test_what_is_not_drawn_is_found_nevertheless(partly_drawn, tmp_path):
    settings = dataclasses.replace(QUICK, steps=60, batch=2, patch=24, validate_every=30, learning_rate=0.02)
    dice, told = {}, []
    for column in ("organs", "drawn"):  # the second says of no image that anything is missing
        data = DataSet.open(partly_drawn, drawn=column)
        path = tmp_path / f"{column}.safetensors"
        header = header_for(data, config={"widths": [4, 8], "deep_supervision": False}, class_names=["dim", "bright"])
        train(data, header, path, settings, on_update=told.append)
        dice[column] = load(path).header.training["validation_dice_by_class"]
    assert dice["organs"]["bright"] > dice["drawn"]["bright"] + 0.2
    assert dice["organs"]["bright"] > 0.6
    (half, whole) = (update for update in told[:60] if update.validation_dice is not None)
    for update in (half, whole):
        assert update.dice_by_class.keys() == {"dim", "bright"}
        assert np.mean(list(update.dice_by_class.values())) == pytest.approx(update.validation_dice)
    state = torch.load(tmp_path / "organs.training.pt", weights_only=True)["state"]
    assert state["by_class"] == whole.dice_by_class


def test_a_volume_is_judged_whole_and_of_a_huge_one_parts_all_over():
    parts = training._volume_parts((70, 33, 20), 16)
    seen = np.zeros((70, 33, 20), int)
    for part in parts:
        seen[part] += 1
        assert all(16 <= one.stop - one.start <= 32 for one in part)
    assert (seen == 1).all()
    many = training._volume_parts((640, 640, 640), 32)
    assert len(many) == 27
    assert many[0] == (slice(0, 64),) * 3
    assert many[-1] == (slice(576, 640),) * 3


@pytest.mark.parametrize(
    ("separation", "shape"),
    [("flows", (64, 64)), ("distance", (64, 64)), ("distance", (16, 28, 28))],
    ids=["flows", "distance", "3D distance"],
)
def test_what_tells_objects_apart_is_learned_with_them(tmp_path, separation, shape):
    """On an image that was not learnt from, the fields are nearer to the true ones than none would be."""
    data = write(tmp_path / "d", [disks(seed, shape, 0) for seed in range(5)])
    header = header_for(data, "instances", {"widths": [4, 8, 8], "deep_supervision": False}, separation=separation)
    patch = 32 if len(shape) == 2 else 16
    settings = dataclasses.replace(QUICK, steps=60, validate_every=60, learning_rate=0.03, patch=patch)
    model = load(train(data, header, tmp_path / "m.safetensors", settings))
    assert model.header.fields == header.fields
    (unseen,) = load_images(write(tmp_path / "new", [disks(99, shape, 0)]).split("val"), header)
    targets = torch.from_numpy(targets_of(unseen.labels, header))
    with torch.no_grad():
        fields = model.network(torch.from_numpy(unseen.image.astype(np.float32))[None])[0, 2:]
    inside = targets[0] > 0
    error, without = ((found - targets[1:])[:, inside].square().mean() for found in (fields, 0 * fields))
    assert error < 0.8 * without
    tile = None if len(shape) == 2 else 64
    found = segment(disks(99, shape, 0)[0], model, axes="ZYX"[-len(shape) :], device="cpu", tile=tile)
    assert overlap(np.asarray(found.labels) > 0, unseen.labels > 0) > 0.7
    assert found.probabilities.shape == (2, *shape)
    np.testing.assert_allclose(found.probabilities.astype(np.float32).sum(0), 1, atol=2e-3)


@pytest.mark.parametrize(
    ("result", "shape", "classes", "names"),
    [
        pytest.param("instances", (64, 64), 0, ("background", "interior", "boundary"), id="instances"),
        pytest.param("semantic", (64, 64), 2, ("background", "class 1", "class 2"), id="two classes"),
        pytest.param("semantic", (16, 28, 28), 1, ("background", "class 1"), id="3D"),
        pytest.param("instances", (16, 28, 28), 0, ("background", "interior", "boundary"), id="3D instances"),
    ],
)
def test_classes_objects_and_volumes_are_learned(tmp_path, result, shape, classes, names):
    data = write(tmp_path / "d", [disks(seed, shape, classes) for seed in range(5)])
    header = header_for(data, result, {"widths": [4, 8], "deep_supervision": False})
    assert (header.classes, header.dimensions) == (names, len(shape))
    settings = dataclasses.replace(
        QUICK, steps=60, validate_every=20, learning_rate=0.03, patch=24 if len(shape) == 2 else 16
    )
    path = train(data, header, tmp_path / "m.safetensors", settings)
    model = load(path)
    image, labels = disks(99, shape, classes)
    axes = "ZYX"[-len(shape) :]
    found = segment(image, model, axes=axes, device="cpu", tile=None if len(shape) == 2 else 64)
    assert overlap(np.asarray(found.labels) > 0, labels > 0) > 0.7
    assert found.result == result
    if classes == 2:
        assert overlap(found.labels == 2, labels == 2) > 0.7


def test_the_type_that_images_are_stored_in_does_not_matter(tmp_path):
    """Whole numbers are the same in every type, and so are the weights that are learned from them."""
    pairs = [disks(seed) for seed in range(4)]
    paths = []
    for dtype in ("u1", ">u2", "i2", "i4", "f4", "f8"):
        data = write(tmp_path / dtype[-2:], pairs, lambda image, dtype=dtype: image.astype(dtype))
        settings = dataclasses.replace(QUICK, steps=3)
        paths.append(train(data, header_for(data), tmp_path / f"{dtype[-2:]}.safetensors", settings))
    for path in paths[1:]:
        one, other = weights(paths[0]), weights(path)
        assert all(torch.allclose(one[name].float(), other[name].float(), atol=1e-4) for name in one), path


def test_colour_and_grey_images_are_learned_together(tmp_path):
    pairs = [disks(seed) for seed in range(6)]
    coloured = [
        (image if k % 2 else np.stack([image, image // 2, 255 - image], -1), m) for k, (image, m) in enumerate(pairs)
    ]
    data = write(tmp_path / "d", coloured)
    header = header_for(data)
    assert header.rgb
    path = train(data, header, tmp_path / "m.safetensors", dataclasses.replace(QUICK, augment="microscopy", steps=4))
    assert load(path).header.config["in_channels"] == 3


def test_seeds_decide_the_result(cells, tmp_path):
    header = header_for(cells)
    paths = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        settings = dataclasses.replace(QUICK, steps=3, seed=seed, augment="microscopy")
        paths.append(train(cells, header, tmp_path / f"{name}.safetensors", settings))
    assert equal(paths[0], paths[1])
    assert not equal(paths[0], paths[2])


# Going on


class Stopped(Exception):
    """Raised instead of a power cut."""


def stop_at(step):
    def check(update):
        if update.step == step:
            raise Stopped

    return check


@pytest.mark.parametrize("steps", [(6,), (5, 11), (3, 7)], ids=str)
def test_a_run_that_was_stopped_ends_like_one_that_was_not(cells, tmp_path, steps):
    """Stopped after the step that follows a validation, in one (whose state is lost), twice, and before any."""
    header, settings = header_for(cells), dataclasses.replace(QUICK, augment="microscopy")
    whole = train(cells, header, tmp_path / "whole.safetensors", settings)
    pieces = tmp_path / "pieces.safetensors"
    for step in steps:
        with pytest.raises(Stopped):
            train(cells, header, pieces, settings, resume=True, on_update=stop_at(step))
    told = []
    train(cells, header, pieces, settings, resume=True, on_update=told.append)
    # The step that was stopped in a validation had not been stored: it is done again.
    assert told[0].step == 1 + max(v for v in (0, 5, 10) if v < steps[-1])
    assert equal(whole, pieces)
    assert equal(tmp_path / "whole.last.safetensors", tmp_path / "pieces.last.safetensors")
    assert (tmp_path / "whole.log.csv").read_text() == (tmp_path / "pieces.log.csv").read_text()


KILLED = """
import os, signal, sys
import torch
from pathlib import Path
from src_models.files.dataset import DataSet
from src_models.training.new_model import new_header
from src_models.training.patches import load_images, targets_of
from src_models.training.training import TrainSettings, train
from src_models.training.fabric import set_learning_rate
torch.set_num_threads(1)

def kill(update):
    if update.step == 7:
        os.kill(os.getpid(), signal.SIGKILL)

data = DataSet.open(sys.argv[1])
config = {"widths": [2, 4], "deep_supervision": False}
header = new_header(data, architecture="attention-unet", name="m", result="semantic", config=config)
settings = TrainSettings(steps=12, batch=2, patch=32, learning_rate=1e-2, augment="none", validate_every=5,
                         device="cpu", workers=0)
train(data, header, Path(sys.argv[2]), settings, on_update=kill)
"""


TOGETHER = """
import hashlib, os, shutil, sys
from pathlib import Path
from src_models.files.dataset import DataSet
from src_models.training.new_model import new_header
from src_models.training.resumable.training_run import TrainingRun
from src_models.training.settings import TrainSettings
from src_models.training.training import train

output, keep = Path(sys.argv[2]), TrainingRun.keep

def noted(self, score):
    keep(self, score)
    weights = b"".join(tensor.numpy().tobytes() for tensor in self.network.module.state_dict().values())
    digest = hashlib.sha256(weights).hexdigest()
    output.with_suffix(f".{self.fabric.global_rank}.{self.step}.sha").write_text(digest)
    if self.fabric.is_global_zero and self.step == 2:
        shutil.copy(output.with_suffix(".training.pt"), output.with_name("resumed.training.pt"))

TrainingRun.keep = noted
data = DataSet.open(sys.argv[1])
config = {"widths": [2, 4], "deep_supervision": False}
header = new_header(data, architecture="attention-unet", name="m", result="semantic", config=config)
settings = TrainSettings(steps=4, batch=2, patch=32, learning_rate=1e-2, augment="none", validate_every=2,
                         device="cpu", workers=0, devices=int(sys.argv[3]), nodes=int(sys.argv[4]))
train(data, header, output, settings, resume=True, on_update=lambda update: print("step", update.step, flush=True))
"""


def test_two_nodes_train_as_one_and_a_node_of_two_devices_goes_on_with_it(cells, tmp_path):
    """Each process has the same weights after every step; one of them tells and writes."""
    (tmp_path / "together.py").write_text(TOGETHER)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def begin(name, devices, nodes, **environment):
        command = [sys.executable, tmp_path / "together.py", cells.root, tmp_path / name, str(devices), str(nodes)]
        added = {"OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", **environment}
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **added}
        )

    ranks = [begin("whole.safetensors", 1, 2, MASTER_PORT=str(port), NODE_RANK=str(rank)) for rank in (0, 1)]
    said = [process.communicate(timeout=300) for process in ranks]
    assert [process.returncode for process in ranks] == [0, 0], said
    assert [out.split() for out, _ in said] == [["step", "1", "step", "2", "step", "3", "step", "4"], []]
    digests = {step: {(tmp_path / f"whole.{rank}.{step}.sha").read_text() for rank in (0, 1)} for step in (2, 4)}
    assert [len(found) for found in digests.values()] == [1, 1]
    assert digests[2] != digests[4]
    resumed = begin("resumed.safetensors", 2, 1)
    out, err = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, err
    assert out.split() == ["step", "3", "step", "4"]
    assert {(tmp_path / f"resumed.{rank}.4.sha").read_text() for rank in (0, 1)} == digests[4]
    assert equal(tmp_path / "whole.last.safetensors", tmp_path / "resumed.last.safetensors")


@pytest.mark.parametrize("saves", [0, 1, 2, 3])
def test_a_run_that_was_stopped_while_it_wrote_goes_on_without_loss(cells, tmp_path, monkeypatch, saves):
    """Of the two models of each validation, so many are written; the state from which they follow always is."""
    whole = train(cells, header_for(cells), tmp_path / "whole.safetensors", QUICK)
    path, written = tmp_path / "stopped.safetensors", []

    def save(model, path, **options):
        if len(written) == saves:
            raise Stopped
        written.append(path)
        return checkpoint.save(model, path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(run_files, "save", save)
        with pytest.raises(Stopped):
            train(cells, header_for(cells), path, QUICK, resume=True)
    train(cells, header_for(cells), path, QUICK, resume=True)
    assert equal(whole, path)
    assert equal(tmp_path / "whole.last.safetensors", tmp_path / "stopped.last.safetensors")


def test_a_killed_process_is_resumed_to_the_same_result(cells, tmp_path):
    killed = tmp_path / "killed.safetensors"
    done = subprocess.run([sys.executable, "-c", KILLED, cells.root, killed], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    assert (tmp_path / "killed.training.pt").exists()
    train(cells, header_for(cells), killed, QUICK, resume=True)
    whole = train(cells, header_for(cells), tmp_path / "whole.safetensors", QUICK)
    assert equal(whole, killed)
    assert equal(tmp_path / "whole.last.safetensors", tmp_path / "killed.last.safetensors")


def test_workers_and_the_times_of_validation_do_not_change_the_weights(cells, tmp_path):
    header, settings = header_for(cells), dataclasses.replace(QUICK, steps=4)
    train(cells, header, tmp_path / "a.safetensors", settings)
    other = dataclasses.replace(settings, workers=2, validate_every=3)
    train(cells, header, tmp_path / "b.safetensors", other)
    assert equal(tmp_path / "a.last.safetensors", tmp_path / "b.last.safetensors")


def test_resuming_a_finished_run_leaves_it_as_it_is(cells, tmp_path):
    header, path = header_for(cells), tmp_path / "m.safetensors"
    train(cells, header, path, QUICK)
    before = {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()}
    told = []
    train(cells, header, path, QUICK, resume=True, on_update=told.append)
    assert told == []
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == before


def test_resuming_with_other_settings_or_another_network_is_refused(cells, tmp_path):
    header, path = header_for(cells), tmp_path / "m.safetensors"
    train(cells, header, path, dataclasses.replace(QUICK, steps=5))
    for changed in ({"steps": 20}, {"seed": 1}, {"learning_rate": 0.5}, {"augment": "ct"}):
        with pytest.raises(DataSetError, match=r"m\.training\.pt: the run was started with other settings"):
            train(cells, header, path, dataclasses.replace(QUICK, **{"steps": 5, **changed}), resume=True)
    wider = header_for(cells, config={"widths": [4, 4], "deep_supervision": False})
    with pytest.raises(DataSetError, match=r"m\.training\.pt: the run was started with another network"):
        train(cells, wider, path, dataclasses.replace(QUICK, steps=5), resume=True)


def test_a_training_begins_with_the_weights_of_the_model_it_is_given(cells, tmp_path):
    header, still = header_for(cells), dataclasses.replace(QUICK, steps=1, learning_rate=1e-30, weight_decay=0.0)
    parent = load(train(cells, header, tmp_path / "parent.safetensors", QUICK))
    child = load(train(cells, header, tmp_path / "child.safetensors", still, start=parent))
    other = load(train(cells, header, tmp_path / "other.safetensors", still))
    for name, values in parent.network.named_parameters():
        assert torch.equal(child.network.get_parameter(name), values), name
        assert "bias" in name or not torch.equal(other.network.get_parameter(name), values), name
    assert child.header.parent_sha256 == parent.sha256
    assert other.header.parent_sha256 is None


@pytest.mark.parametrize("architecture", ["attention-unet", "medt"])
def test_a_start_that_finds_something_else_gives_all_but_its_last_layer(architecture, cells, tmp_path):
    config = TINY if architecture == "attention-unet" else {"image_size": 64}
    settings = dataclasses.replace(QUICK, patch=64)
    still = dataclasses.replace(settings, steps=1, learning_rate=1e-30, weight_decay=0.0)
    of_classes, of_objects = (
        new_header(cells, architecture=architecture, name="m", result=result, separation="flows", config=config)
        for result in ("semantic", "instances")
    )
    parent = load(train(cells, of_classes, tmp_path / "parent.safetensors", settings))
    child = load(train(cells, of_objects, tmp_path / "child.safetensors", still, start=parent))
    known, learnt = (dict(model.network.named_parameters()) for model in (parent, child))
    made = {name for name, values in learnt.items() if values.shape != known[name].shape}
    assert made == {
        f"{'heads.0' if architecture == 'attention-unet' else 'head'}.{kind}" for kind in ("weight", "bias")
    }
    assert {values.shape[0] for name, values in learnt.items() if name in made} == {4}
    for name in learnt.keys() - made:
        assert torch.equal(learnt[name], known[name]), name


def test_the_header_cites_the_data_and_those_of_the_start(tmp_path):
    data = write(tmp_path / "d", [disks(seed) for seed in range(3)])
    settings = dataclasses.replace(QUICK, steps=1)
    train(data, header_for(data), tmp_path / "none.safetensors", settings)
    assert load(tmp_path / "none.safetensors").header.training["data_sets"] == []
    first, second = ({"name": name, "licence": "MIT"} for name in ("first", "second"))
    (data.root / "CITATION.json").write_text(json.dumps([first]))
    train(data, header_for(data), tmp_path / "a.safetensors", settings)
    assert load(tmp_path / "a.safetensors").header.training["data_sets"] == [first]
    (data.root / "CITATION.json").write_text(json.dumps([second]))
    start = load(tmp_path / "a.safetensors")
    train(data, header_for(data), tmp_path / "b.safetensors", settings, start=start)
    assert load(tmp_path / "b.safetensors").header.training["data_sets"] == [second, first]


def test_a_model_that_is_another_network_cannot_be_the_start(cells, tmp_path):
    parent = load(train(cells, header_for(cells), tmp_path / "parent.safetensors", dataclasses.replace(QUICK, steps=1)))
    wider = header_for(cells, config={"widths": [4, 4], "deep_supervision": False})
    with pytest.raises(UserError, match=r"the model m cannot be the start of this training: its config is .*\[2, 4\]"):
        train(cells, wider, tmp_path / "child.safetensors", QUICK, start=parent)
    assert not (tmp_path / "child.safetensors").exists()


# Beginning an encoder with published weights

LITE = {"encoder": "efficientnet-lite0", "widths": [2, 16, 24], "deep_supervision": False}
FEW = dataclasses.replace(QUICK, steps=4, validate_every=2)


def test_an_encoder_begins_with_published_weights_and_the_header_says_whose(cells, lite0_weights_path, tmp_path):
    still = dataclasses.replace(QUICK, steps=1, learning_rate=1e-30, weight_decay=0.0)
    header = header_for(cells, config=LITE)
    model = load(train(cells, header, tmp_path / "m.safetensors", still, encoder_weights=lite0_weights_path))
    published = torch.load(lite0_weights_path, weights_only=True)
    blocks = model.network.encoder[2]
    assert torch.equal(blocks[1].expand.conv.weight, published["_blocks.2._expand_conv.weight"])
    stem = model.network.encoder[1][0].layer.conv.weight
    torch.testing.assert_close(stem, published["_conv_stem.weight"].sum(1, keepdim=True) * 255 / 128)
    assert model.header.training["encoder_weights"] == encoder_weights_facts(lite0_weights_path)
    child = load(train(cells, header, tmp_path / "child.safetensors", still, start=model))
    assert child.header.training["encoder_weights"] == encoder_weights_facts(lite0_weights_path)


def test_a_run_that_is_resumed_does_not_begin_again(cells, lite0_weights_path, tmp_path, monkeypatch):
    header = header_for(cells, config=LITE)
    whole = train(cells, header, tmp_path / "whole.safetensors", FEW, encoder_weights=lite0_weights_path)

    def stop(update):
        if update.step == 3:
            raise KeyboardInterrupt

    parts = tmp_path / "parts.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(cells, header, parts, FEW, encoder_weights=lite0_weights_path, on_update=stop)
    with pytest.raises(DataSetError, match=r"parts\.training\.pt: the run was started with another network"):
        train(cells, header, parts, FEW, resume=True)
    monkeypatch.setattr(training, "begin_with_imagenet", lambda *_args, **_how: pytest.fail("it began again"))
    train(cells, header, parts, FEW, encoder_weights=lite0_weights_path, resume=True)
    assert equal(whole, parts)
    assert load(parts).header.training["encoder_weights"] == encoder_weights_facts(lite0_weights_path)


@pytest.mark.parametrize(
    ("config", "intensity", "words"),
    [
        (TINY, Intensity(), "for the encoder efficientnet-lite0 or a residual network, and the network has another"),
        (LITE, Intensity(kind="zscore", low=1, high=99), "intensity zscore gives others: choose percentile or window"),
    ],
)
def test_published_weights_that_do_not_go_with_a_network_are_refused(
    cells, lite0_weights_path, tmp_path, config, intensity, words
):
    header = header_for(cells, config=config, intensity=intensity)
    with pytest.raises(UserError, match=words):
        train(cells, header, tmp_path / "m.safetensors", FEW, encoder_weights=lite0_weights_path)
    assert not list(tmp_path.iterdir())


def test_an_encoder_begins_with_one_thing(cells, lite0_weights_path, tmp_path):
    header = header_for(cells, config=LITE)
    start = Model(create("attention-unet", **header.config), header)
    with pytest.raises(UserError, match="and with the weights of the model m: leave one out"):
        train(cells, header, tmp_path / "m.safetensors", FEW, encoder_weights=lite0_weights_path, start=start)


def test_a_damaged_state_is_said_to_be_so(cells, tmp_path):
    header, path = header_for(cells), tmp_path / "m.safetensors"
    (tmp_path / "m.training.pt").write_bytes(b"no state at all")
    with pytest.raises(
        DataSetError, match=r"m\.training\.pt: this training state cannot be read; start anew with --overwrite$"
    ):
        train(cells, header, path, QUICK, resume=True)


def test_existing_models_are_kept_unless_told(cells, tmp_path):
    header, path = header_for(cells), tmp_path / "m.safetensors"
    for kept in (path, tmp_path / "m.last.safetensors", tmp_path / "m.training.pt"):
        kept.write_bytes(b"precious")
        with pytest.raises(OutputError, match="exists already"):
            train(cells, header, path, QUICK)
        assert kept.read_bytes() == b"precious"
        kept.unlink()
    path.write_bytes(b"precious")
    train(cells, header, path, dataclasses.replace(QUICK, steps=1), overwrite=True)
    assert load(path).header.training["step"] == 1


# Refusals


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_state(cells, tmp_path):
    settings = dataclasses.replace(QUICK, learning_rate=1e30)
    with pytest.raises(DataSetError, match=r"training step \d+: the loss is not a number; lower the learning rate"):
        train(cells, header_for(cells), tmp_path / "m.safetensors", settings)
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"batch": 0}, "batch is 0"),
        ({"patch": -4}, "patch is -4"),
        ({"validate_every": 0}, "validate every is 0"),
        ({"devices": 3}, "batch 2 must be a multiple of the number of devices, 3"),
        ({"workers": -1}, "workers is -1"),
        ({"learning_rate": 0.0}, "learning rate is 0"),
        ({"learning_rate": float("nan")}, "learning rate is nan"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changed, words):
    with pytest.raises(UserError, match=words):
        dataclasses.replace(QUICK, **changed)


@pytest.mark.parametrize("changed", [{"device": "abacus"}, {"precision": "12-bit"}])
def test_a_device_or_precision_that_is_not_there_is_a_sentence(cells, tmp_path, changed):
    with pytest.raises(UserError, match="cannot be used here"):
        train(cells, header_for(cells), tmp_path / "m.safetensors", dataclasses.replace(QUICK, **changed))
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_noticed_before_the_work(cells, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        train(cells, header_for(cells), tmp_path / "file" / "m.safetensors", QUICK)
    with pytest.raises(UserError, match=r"m\.pt: the name of a model file ends in \.safetensors"):
        train(cells, header_for(cells), tmp_path / "m.pt", QUICK)


def test_a_network_that_cannot_be_made_is_a_sentence(cells, tmp_path):
    header = dataclasses.replace(header_for(cells), config={"widths": [4]})
    with pytest.raises(ModelFileError, match="at least two positive numbers"):
        train(cells, header, tmp_path / "m.safetensors", QUICK)


def test_the_learning_rate_rises_then_falls_to_nothing():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1)
    settings = dataclasses.replace(QUICK, steps=100, learning_rate=2.0)
    rates = []
    for step in range(100):
        set_learning_rate(optimizer, step, settings)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates[:5] == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0])
    assert rates[5] == pytest.approx(2.0)
    assert rates[52] == pytest.approx(1 + np.cos(np.pi * 47 / 95))
    assert all(a >= b for a, b in itertools.pairwise(rates[5:]))
    assert rates[-1] < 0.002


# Data sets in which not every pixel counts


def half_marked(root, wrong):
    """Discs whose right half is marked; the labels of the left half are wrong, if asked for."""
    pairs = []
    for seed in range(6):
        image, labels = disks(seed)
        pairs.append((image, labels if not wrong else np.where(np.arange(64) < 32, 1 - labels, labels)))
    data = write(root, pairs)
    (root / "marked").mkdir()
    for sample in data.samples:
        marks = np.where(np.arange(64) < 32, 0, 3) * np.ones((64, 1))
        tifffile.imwrite(root / "marked" / sample.name, marks.astype(np.uint8))
    return DataSet.open(root)


@pytest.mark.parametrize("loss", ["dice-ce", "ce"])
def test_what_does_not_count_changes_nothing(tmp_path, loss):
    settings = dataclasses.replace(QUICK, steps=5, loss=loss, augment="flip")
    paths = []
    for wrong in (False, True):
        data = half_marked(tmp_path / f"{wrong}", wrong)
        paths.append(train(data, header_for(data), tmp_path / f"{wrong}.safetensors", settings))
    assert equal(*paths)
    one, other = (load(path).header.training["validation_dice"] for path in paths)
    assert one == other


def test_a_set_of_corrections_is_trained_on(tmp_path):
    from src_models.corrections.correction import Source, mark
    from src_models.corrections.correction_set import CorrectionSet

    kept = CorrectionSet.open(tmp_path / "set")
    for seed in range(4):
        image, labels = disks(seed)
        background = np.zeros(labels.shape, bool)
        background[10:50] = labels[10:50] == 0
        background[:, :12] = False
        source = Source(layer=f"cells {seed}")
        kept.add(mark(image, labels, source=source, mode="painted", background=background))
    data = DataSet.open(kept.root)
    settings = dataclasses.replace(QUICK, steps=40, batch=4, validate_every=20)
    path = train(data, header_for(data, config={"widths": [4, 8, 8]}), tmp_path / "m.safetensors", settings)
    model = load(path)
    image, labels = disks(99)
    assert overlap(segment(image, model, device="cpu").labels > 0, labels > 0) > 0.8
    assert model.header.training["train_images"] == 3


# Masks without numbers


def test_masks_without_numbers_teach_what_numbered_ones_do(tmp_path, caplog):
    """Discs that do not touch: the same network comes out, and it is said that parts were taken as objects."""
    numbered = [(image, connected_parts(labels > 0)) for image, labels in (disks(seed, classes=0) for seed in range(4))]
    binary = [(image, ((labels > 0) * 255).astype(np.uint8)) for image, labels in numbered]
    made = {}
    for name, pairs in (("numbered", numbered), ("binary", binary)):
        caplog.clear()
        data = write(tmp_path / name, [(image, labels.astype(np.uint16)) for image, labels in pairs])
        header = header_for(data, "instances", config=TINY)
        made[name] = train(data, header, tmp_path / f"{name}.safetensors", QUICK)
        assert ("no mask tells objects apart" in caplog.text) == (name == "binary")
    assert equal(made["numbered"], made["binary"])
    training_of = {name: load(path).header.training for name, path in made.items()}
    assert training_of["binary"]["objects"] == "connected parts of masks without numbers"
    assert "objects" not in training_of["numbered"]
