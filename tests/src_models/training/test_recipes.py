"""What a recipe of training asks for is what is done: gates, optimiser, learning rate and loss."""

import dataclasses

import numpy as np
import pytest
import tifffile
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from src_models.files.dataset import DataSet
from src_models.models.architectures import create
from src_models.models.header import Intensity
from src_models.training.new_model import new_header
from src_models.training.training import TrainSettings, train

QUICK = TrainSettings(
    steps=2, batch=2, patch=16, learning_rate=1e-2, augment="none", validate_every=1, device="cpu", workers=0
)
GATES = (".g_q", ".g_k", ".g_v1", ".g_v2")
GREY = Intensity(kind="window", low=0, high=255)


def write(root, count, size):
    """Images of bright squares on noise; the last one is for validation."""
    rng = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    rows = ["file,split"]
    for index in range(count):
        mask = np.zeros((size, size), np.uint8)
        row, column = rng.integers(0, size // 2, 2)
        mask[row : row + size // 2, column : column + size // 2] = 1
        tifffile.imwrite(root / "images" / f"{index}.tif", (rng.integers(0, 60, mask.shape) + 150 * mask).astype("u1"))
        tifffile.imwrite(root / "masks" / f"{index}.tif", mask)
        rows.append(f"{index}.tif,{'val' if index == count - 1 else 'train'}")
    (root / "manifest.csv").write_text("\n".join(rows))
    return DataSet.open(root)


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "squares", 5, 24)


def header_for(data, architecture="gated-axial-unet"):
    config = {"widths": [4, 4], "deep_supervision": False} if "axial" not in architecture else {"image_size": 16}
    return new_header(
        data, architecture=architecture, name="m", result="semantic", config=config, intensity=GREY, licence="CC0-1.0"
    )


def untrained(header):
    torch.manual_seed(QUICK.seed)
    return create(header.architecture, **header.config)


def steps_of(data, header, output, settings, read=load_file, kept=".last.safetensors"):
    """Train, and return what the run keeps after each step."""
    path, found = output.with_suffix(kept), []
    train(data, header, output, settings, on_update=lambda update: update.step == 1 or found.append(read(path)))
    return [*found, read(path)]


# Gates


@pytest.mark.parametrize(("optimizer", "gates_from"), [("adam", 0), ("adam", 1), ("adamw", 2)])
def test_gates_keep_every_bit_until_they_are_trained_and_then_all_move(squares, tmp_path, optimizer, gates_from):
    """The first step of Adam is as long as the learning rate, whatever the gradient; decay does not count before."""
    header, rate = header_for(squares), QUICK.learning_rate
    settings = dataclasses.replace(
        QUICK,
        steps=gates_from + 1,
        gates_from=gates_from,
        optimizer=optimizer,
        schedule="constant",
        weight_decay=0.1,
    )
    first = untrained(header).state_dict()
    *before, after = steps_of(squares, header, tmp_path / "m.safetensors", settings)
    gates = [name for name in first if name.endswith(GATES)]
    assert len(gates) == 4 * 2 * 8  # gates, axes, blocks
    assert len(before) == gates_from
    for weights in before:
        assert all(torch.equal(weights[name], first[name]) for name in gates)
        assert not torch.equal(weights["head.weight"], first["head.weight"])
    for name in gates:
        start = float(first[name]) * (1 - rate * 0.1 if optimizer == "adamw" else 1)
        assert abs(float(after[name]) - start) == pytest.approx(rate, rel=0.02), name


def test_a_run_that_was_stopped_before_and_after_gates_are_trained_ends_like_one_that_was_not(squares, tmp_path):
    header = header_for(squares)
    settings = dataclasses.replace(
        QUICK, steps=6, gates_from=3, validate_every=2, optimizer="adam", schedule="constant", loss="ce", augment="flip"
    )
    whole = train(squares, header, tmp_path / "whole.safetensors", settings)
    pieces, resumed_at = tmp_path / "pieces.safetensors", []

    def stop_at(step):
        def check(update):
            resumed_at.append(update.step)
            if update.step == step:
                raise KeyboardInterrupt

        return check

    for step in (3, 5):  # what is kept by then is of steps 2 and 4, when gates are frozen and when they are not
        with pytest.raises(KeyboardInterrupt):
            train(squares, header, pieces, settings, resume=True, on_update=stop_at(step))
    train(squares, header, pieces, settings, resume=True, on_update=stop_at(None))
    assert resumed_at == [1, 2, 3, 3, 4, 5, 5, 6]
    one, other = (load_file(path.with_suffix(".last.safetensors")) for path in (whole, pieces))
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


# Optimiser


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_decay_is_part_of_adams_gradient_and_apart_from_adamws(squares, tmp_path, optimizer):
    """After one step: w - r sign(g + d w) of the one, and w (1 - r d) - r sign(g) of the other."""
    header, rate, decay = header_for(squares, "attention-unet"), QUICK.learning_rate, 3.0
    settings = dataclasses.replace(QUICK, steps=1, optimizer=optimizer, weight_decay=decay)
    before = untrained(header).state_dict()["heads.0.weight"]
    (after,) = steps_of(squares, header, tmp_path / "m.safetensors", settings)
    start = before * (1 - rate * decay) if optimizer == "adamw" else before
    lengths = (after["heads.0.weight"] - start).abs() / rate
    assert before.abs().min() > 0.01  # else both were the same
    torch.testing.assert_close(lengths, torch.ones_like(lengths), rtol=0, atol=2e-3)


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        ("constant", [1, 1, 1, 1, 1]),
        # One step of warm-up (5 % of 5 steps, and at least one), then four on a half-wave.
        ("cosine", [1, *(0.5 + 0.5 * np.cos(np.pi * np.arange(4) / 4))]),
    ],
)
def test_the_learning_rate_of_each_step_is_the_schedules(squares, tmp_path, schedule, factors):
    def rate(path):
        return torch.load(path, weights_only=True)["optimizer"]["param_groups"][0]["lr"]

    settings = dataclasses.replace(QUICK, steps=5, schedule=schedule)
    header = header_for(squares, "attention-unet")
    rates = steps_of(squares, header, tmp_path / "m.safetensors", settings, rate, ".training.pt")
    assert rates == pytest.approx(QUICK.learning_rate * np.array(factors))


# Loss


@pytest.mark.parametrize("loss", ["ce", "dice-ce"])
def test_the_loss_is_cross_entropy_alone_or_with_dice(tmp_path, loss):
    """One training image, as large as a patch: every patch is that image."""
    data = write(tmp_path / "one", 2, 16)
    header, told = header_for(data, "attention-unet"), []
    settings = dataclasses.replace(QUICK, steps=1, loss=loss)
    train(data, header, tmp_path / "m.safetensors", settings, on_update=told.append)

    (sample,) = data.split("train")
    image, mask = tifffile.imread(sample.image), tifffile.imread(sample.mask)
    batch = torch.from_numpy(np.float32(np.float16(image / 255)))[None, None].expand(2, 1, 16, 16)
    truth = torch.from_numpy(mask.astype(np.int64))[None].expand(2, 16, 16)
    with torch.no_grad():
        logits = untrained(header).train()(batch)
    wanted = float(F.cross_entropy(logits, truth))
    if loss == "dice-ce":
        found, true = logits.softmax(1), torch.stack([truth == 0, truth == 1], 1).float()
        both, sizes = (found * true).sum((2, 3)), (found + true).sum((2, 3))
        wanted += float((1 - 2 * both / sizes).mean())
    assert told[0].loss == pytest.approx(wanted, rel=1e-5)
