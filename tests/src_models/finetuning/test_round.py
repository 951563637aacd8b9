"""A round of learning in a worker thread: whatever ends it, the best is on disk, unless a person wants none of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import OutputError, UserError
from src_models.finetuning import round as module
from src_models.finetuning.correction_folder import versions_folder
from src_models.finetuning.progress import LearningUpdate
from src_models.finetuning.round import LearningRound, Learnt, Preview, Trouble
from src_models.finetuning.settings import FinetuneSettings
from src_models.finetuning.versions import ModelVersions
from src_models.images.region import Region
from src_models.models.checkpoint import load
from src_models.prediction.jobs import RegionRun, SegmentSettings
from src_models.prediction.segment import segment

QUICK = FinetuneSettings(steps=24, seconds=1e6, batch=3, patch=32, learning_rate=3e-2, validate_every=6, device="cpu")


def scene(seed, size=64):
    """Bright discs on grey."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    image, labels = rng.normal(80, 6, (size, size)), np.zeros((size, size), np.int32)
    for number, (row, column) in enumerate(itertools.product((16, 48), repeat=2), 1):
        disc = np.hypot(y - row - rng.uniform(-4, 4), x - column - rng.uniform(-4, 4)) < rng.uniform(7, 10)
        labels[disc] = number
        image[disc] += 110
    return image.clip(0, 255).astype(np.uint8), labels


@pytest.fixture
def folder(tmp_path):
    kept = CorrectionSet.open(tmp_path / "set")
    for seed in range(2):
        image, labels = scene(seed)
        kept.add(mark(image, labels, source=Source(layer=f"cells {seed}")))
    return kept.root


def ended(steps):
    """Exhaust the steps; return all that was told, and how it ended."""
    told = []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return told, end.value


def until(steps, condition):
    return next(step for step in steps if condition(step))


def versions(folder):
    return ModelVersions(versions_folder(folder))


def improved(step):
    return isinstance(step, LearningUpdate) and step.improved


def test_what_was_learnt_becomes_the_version_in_use(novice, folder):
    told, learnt = ended(LearningRound(novice, folder, QUICK, threads=1).steps())
    assert [step.step for step in told] == list(range(25))
    (version,) = versions(folder).list()
    assert learnt == Learnt(version, learnt.sentence)
    assert "(Dice) rose from" in learnt.sentence
    assert version.name == "novice-v1"
    assert versions(folder).active == "novice-v1"
    assert versions(folder).base == novice.resolve()
    assert version.dice == pytest.approx(max(step.best_dice for step in told), abs=1e-4)
    assert version.parent_sha256 == load(novice).sha256


def test_a_second_round_goes_on_from_the_first_ones_version(novice, folder):
    ended(LearningRound(novice, folder, QUICK, threads=1).steps())
    (first,) = versions(folder).list()
    gentle = FinetuneSettings(steps=1, seconds=1e6, batch=1, patch=32, learning_rate=1e-30, device="cpu")
    _, learnt = ended(LearningRound(first.path, folder, gentle, threads=1).steps())
    assert learnt.version is None
    assert learnt.sentence.startswith("Nothing was gained")
    assert [version.name for version in versions(folder).list()] == ["novice-v1"]
    assert versions(folder).active == "novice-v1"


def test_the_best_is_on_disk_as_soon_as_it_is_told_of(novice, folder):
    steps = LearningRound(novice, folder, QUICK, threads=1).steps()
    update = until(steps, improved)
    (version,) = versions(folder).list()
    assert version.dice == pytest.approx(update.best_dice, abs=1e-4)
    steps.close()  # the window is closed
    assert versions(folder).active == version.name


def test_stopping_keeps_the_best_and_discarding_nothing(novice, folder):
    task = LearningRound(novice, folder, QUICK, threads=1)
    steps = task.steps()
    until(steps, improved)
    task.stop()
    _, learnt = ended(steps)
    assert learnt.version is not None
    assert learnt.version.name == "novice-v1"
    task = LearningRound(novice, folder, QUICK, threads=1)
    steps = task.steps()
    until(steps, improved)
    assert len(versions(folder).list()) == 2
    task.discard()
    _, learnt = ended(steps)
    assert learnt == Learnt(None, "Discarded: nothing was kept, and the model is as it was.")
    assert [version.name for version in versions(folder).list()] == ["novice-v1"]
    assert versions(folder).active == "novice-v1"


def test_a_pause_waits_until_it_is_resumed(novice, folder):
    task = LearningRound(novice, folder, QUICK, threads=1)
    assert not task.paused
    task.pause()
    assert task.paused
    task.resume()
    assert not task.paused
    task.pause()
    task.stop()  # who waits is woken to end
    assert not task.paused


def test_on_a_full_disk_it_waits_and_goes_on_when_there_is_room(novice, folder, monkeypatch):
    really, tried = ModelVersions.add, []

    def add(self, model, parent):
        tried.append(parent)
        if len(tried) == 1:
            raise OutputError("models cannot be written: the disk is full")
        return really(self, model, parent)

    monkeypatch.setattr(ModelVersions, "add", add)
    task = LearningRound(novice, folder, QUICK, threads=1)
    steps = task.steps()
    trouble = until(steps, lambda step: isinstance(step, Trouble))
    assert trouble == Trouble("models cannot be written: the disk is full")
    assert task.paused
    assert versions(folder).list() == []
    task.resume()
    update = next(steps)
    assert update.improved
    assert [version.name for version in versions(folder).list()] == ["novice-v1"]
    steps.close()


def test_a_disk_that_is_still_full_at_the_end_is_said(novice, folder, monkeypatch):
    def add(self, model, parent):
        raise OutputError("models cannot be written: the disk is full")

    monkeypatch.setattr(ModelVersions, "add", add)
    task = LearningRound(novice, folder, QUICK, threads=1)
    steps = task.steps()
    until(steps, lambda step: isinstance(step, Trouble))
    task.stop()
    with pytest.raises(OutputError, match="the disk is full"):
        ended(steps)


def test_the_plane_in_view_is_looked_at_with_the_network_as_it_is(novice, folder, monkeypatch):
    monkeypatch.setattr(module, "PREVIEW_EVERY", 0.0)
    monkeypatch.setattr(module, "_PREVIEW_SHARE", 0)
    stack = np.stack([scene(9)[0], scene(8)[0]])
    region = Region("ZYX", (1, slice(0, 64), slice(0, 64)), stack.shape, rgb=False)
    settings = SegmentSettings(model=novice, device="cpu")
    task = LearningRound(novice, folder, QUICK, threads=1)
    task.wanted = RegionRun(settings=settings, data=stack, region=region, layer_id=1, layer_name="cells")
    steps = task.steps()
    first = next(steps)
    assert first.step == 0, "what the model finds before it learns is known"
    preview = until(steps, lambda step: isinstance(step, Preview) and step.step == 6)
    assert preview.job is task.wanted
    assert preview.labels.shape == (1, 64, 64)
    task.wanted = None
    told, learnt = ended(steps)
    assert not any(isinstance(step, Preview) for step in told[1:])
    found = segment(stack[1], load(learnt.version.path), device="cpu").labels > 0
    truth = scene(8)[1] > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.5


def test_without_corrections_there_is_nothing_to_learn(novice, tmp_path):
    with pytest.raises(UserError, match="nothing is marked as corrected yet"):
        next(LearningRound(novice, tmp_path / "empty", QUICK, threads=1).steps())
    assert not (tmp_path / "empty").exists()
