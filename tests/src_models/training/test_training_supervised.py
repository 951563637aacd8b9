"""Training and fine-tuning a network that is supervised by more than its logits, with every loss and separation."""

import dataclasses

import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import load_file

from src_models.files.dataset import DataSet
from src_models.finetuning.learning import Learning
from src_models.finetuning.settings import FinetuneSettings
from src_models.models.checkpoint import load
from src_models.prediction.segment import segment
from src_models.training.new_model import new_header
from src_models.training.training import TrainSettings, train

QUICK = TrainSettings(
    steps=4, batch=2, patch=32, learning_rate=1e-3, augment="none", validate_every=2, device="cpu", workers=0
)
OBJECTS = ("background", "interior", "boundary")
TINY = {"width": 4, "refinements": 1}


def disks(seed, classes):
    """Bright disks on noise, numbered or of a class."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :48]
    labels, image = np.zeros((48, 48), np.uint16), rng.normal(40, 8, (48, 48))
    for number in (1, 2, 3):
        disk = np.hypot(y - rng.uniform(6, 42), x - rng.uniform(6, 42)) < 7
        labels[disk] = 1 if classes else number
        image[disk] += 90
    return image.clip(0, 255).astype(np.uint8), labels


def written(root, *, classes=False):
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for index in range(4):
        image, labels = disks(index, classes)
        tifffile.imwrite(root / "images" / f"{index}.tif", image)
        tifffile.imwrite(root / "masks" / f"{index}.tif", labels)
    rows = [f"{index}.tif,{'train' if index else 'val'}" for index in range(4)]
    (root / "manifest.csv").write_text("\n".join(["file,split", *rows]))
    return DataSet.open(root)


def described(data, result="instances", config=TINY, **options):
    return new_header(data, architecture="guided-attention", name="m", result=result, config=config, **options)


@pytest.mark.parametrize(
    ("separation", "loss"),
    [("boundary", "dice-ce"), ("boundary", "ce"), ("distance", "dice-ce"), ("flows", "ce"), (None, "dice-ce")],
)
def test_it_is_trained_with_every_loss_and_finds_what_its_header_says(tmp_path, separation, loss):
    data = written(tmp_path / "d", classes=separation is None)
    header = described(data, "instances", separation=separation) if separation else described(data, "semantic")
    settings = dataclasses.replace(QUICK, loss=loss)
    told = []
    path = train(data, header, tmp_path / "m.safetensors", settings, on_update=told.append)
    model = load(path)
    assert all(np.isfinite(update.loss) and update.loss > 0 for update in told)
    found = segment(disks(9, False)[0], model, device="cpu", attention=["scale 1 prediction"])
    assert found.probabilities.shape == (len(header.classes), 48, 48)
    np.testing.assert_allclose(found.probabilities.astype(np.float32).sum(0), 1, atol=2e-3)
    assert [placed.name for placed in found.attention] == ["scale 1 prediction"]


def test_a_run_that_was_stopped_ends_like_one_that_was_not(tmp_path):
    data = written(tmp_path / "d")
    header = described(data)

    class Stopped(Exception):
        pass

    def stop(update):
        if update.step == 3:
            raise Stopped

    whole = train(data, header, tmp_path / "whole.safetensors", QUICK)
    with pytest.raises(Stopped):
        train(data, header, tmp_path / "parts.safetensors", QUICK, on_update=stop)
    parts = train(data, header, tmp_path / "parts.safetensors", QUICK, resume=True)
    one, other = load_file(whole), load_file(parts)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("part", ["full", "decoder", "gates"])
def test_a_part_of_it_learns_from_corrected_images_and_nothing_else(make_model, tmp_path, part):
    model = make_model(
        "guided-attention", config=TINY, classes=("background", "interior", "boundary"), result="instances"
    )
    settings = FinetuneSettings(steps=2, seconds=1e6, batch=2, patch=32, device="cpu", part=part, replay=0)
    learning = Learning(model, written(tmp_path / "d"), settings)
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    for _ in learning.steps():
        pass
    after = learning._network.state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    looks = {"refinements", "semantics"}
    drawing = looks | {"down", "join", "early_heads", "heads"}
    assert changed == {"full": drawing | {"backbone"}, "decoder": drawing, "gates": looks}[part]


def test_for_another_kind_of_labels_it_gets_new_heads_which_learn_at_every_scale(make_model, tmp_path):
    model = make_model(
        "guided-attention", config=TINY, classes=("background", "interior", "boundary"), result="instances"
    )
    settings = FinetuneSettings(steps=2, seconds=1e6, batch=2, patch=32, device="cpu", replay=0)
    learning = Learning(model, written(tmp_path / "d", classes=True), settings, kind="classes")
    for _ in learning.steps():
        pass
    heads = [*learning._network.early_heads, *learning._network.heads]
    assert {head.out_channels for head in heads} == {2}
    start = [*learning._parent.network.early_heads, *learning._parent.network.heads]
    assert all(not torch.equal(now.weight, then.weight) for now, then in zip(heads, start, strict=True))
