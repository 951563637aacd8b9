"""3D models learn from volumes and from slices of stacks: they get better where nobody corrected anything."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.corrections.volumes import slices_around
from src_models.finetuning.held_out import learning_images
from src_models.finetuning.learning import Learning
from src_models.finetuning.settings import FinetuneSettings
from src_models.finetuning.whole_images import open_corrections
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader
from src_models.prediction.segment import segment

CONFIG = {"in_channels": 1, "classes": 2, "widths": (4, 8), "norm": "group", "dimensions": 3}
HEADER = ModelHeader(
    name="novice",
    purpose="Tests",
    architecture="attention-unet",
    config=CONFIG,
    classes=("background", "ball"),
    channels=("grey",),
    dimensions=3,
    intensity=Intensity(kind="window", low=0, high=255),
    tile=(16, 24, 24),
    overlap=(4, 4, 4),
)
QUICK = FinetuneSettings(steps=20, seconds=1e6, batch=2, learning_rate=3e-2, validate_every=10, device="cpu", replay=0)


def balls(seed, shape=(20, 36, 36)):
    random = np.random.default_rng(seed)
    places = np.stack(np.mgrid[tuple(slice(0, size) for size in shape)], -1)
    labels = np.zeros(shape, np.uint8)
    for middle in ((8, 10, 10), (12, 26, 25)):
        labels[np.linalg.norm(places - middle - random.uniform(-2, 2, 3), axis=-1) < random.uniform(5, 7)] = 1
    return (random.normal(60, 8, shape) + 110 * labels).clip(0, 255).astype(np.uint8), labels


def dice(model, seed=9):
    image, truth = balls(seed)
    found = segment(image, model, axes="ZYX", device="cpu").labels > 0
    return 2 * (found & (truth > 0)).sum() / (found.sum() + (truth > 0).sum())


@pytest.fixture
def novice():
    torch.manual_seed(0)
    return Model(create("attention-unet", **CONFIG).eval(), HEADER)


@pytest.fixture
def volumes(tmp_path):
    """A folder of two volumes and their masks."""
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for seed in range(2):
        for folder, array in zip(("images", "masks"), balls(seed), strict=True):
            tifffile.imwrite(tmp_path / folder / f"{seed}.tif", array, imagej=True, metadata={"axes": "ZYX"})
    return tmp_path


@pytest.fixture
def slices(tmp_path):
    """A set of six corrected slices of one stack."""
    image, labels = balls(0)
    kept = CorrectionSet.open(tmp_path / "set")
    for place in (4, 7, 9, 11, 13, 15):
        source = Source(layer="stack", axes="ZYX", plane=(place,))
        kept.add(mark(image[place], labels[place], source=source, around=slices_around(image, place, 16)))
    return kept


def learnt(model, taught):
    learning = Learning(model, taught, QUICK)
    for _ in learning.steps():
        pass
    result = learning.result()
    assert result.model is not None, result.sentence
    return result


def test_it_learns_from_whole_volumes(novice, volumes):
    result = learnt(novice, volumes)
    assert result.best_dice > result.start_dice + 0.2
    assert dice(result.model) > max(0.6, dice(novice) + 0.2)


def test_it_learns_from_corrected_slices(novice, slices):
    result = learnt(novice, slices)
    assert result.best_dice > result.start_dice + 0.2
    assert dice(result.model) > max(0.6, dice(novice) + 0.2)


def test_of_a_volume_an_octant_is_held_out_and_the_rest_taught(volumes):
    images = learning_images(open_corrections(volumes), HEADER)
    assert len(images.training) == len(images.validation) == 2
    for taught, judged in zip(images.training, images.validation, strict=True):
        learns, judges = taught.labels >= 0, judged.labels >= 0
        assert (learns ^ judges).all(), "each voxel is on one side"
        assert judges.mean() == pytest.approx(1 / 8)


def test_slices_that_did_not_count_do_not(slices):
    images = learning_images(slices, HEADER)
    for each in (*images.training, *images.validation):
        assert each.image.shape == (1, 16, 36, 36)
        assert (each.labels >= 0).any(axis=(1, 2)).sum() == 1, "one slice counts"
    assert len(images.validation) == 4, "parts of the first three, and the fourth"
