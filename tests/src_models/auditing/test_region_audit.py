"""An audit of a part of a layer is the audit of the pixels of that part, with the labels that lie there."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from src_models.auditing import auditor
from src_models.auditing.auditor import audit
from src_models.auditing.region_audit import region_audit_steps
from src_models.errors import ModelFileError
from src_models.images.region import Region
from src_models.models.checkpoint import load, save
from src_models.prediction.jobs import RegionRun, SegmentSettings

SHAPE = (3, 96, 80)
PART = Region("ZYX", (1, slice(20, 84), slice(8, 72)), SHAPE, rgb=False)


@pytest.fixture
def path(make_model, tmp_path):
    made = make_model()
    made.network.final.bias.data.copy_(torch.tensor([-1.0, 1.0]))
    return save(made, tmp_path / "blobs.safetensors")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(auditor, "RANDOM_ORDERS", 2)
    monkeypatch.setattr(auditor, "FRACTIONS", (0.0, 0.2, 1.0))


@pytest.fixture
def stack():
    return np.random.default_rng(0).random(SHAPE, np.float32)


def run_of(path, data, region=PART):
    settings = SegmentSettings(model=path, device="cpu", threads=1)
    return RegionRun(settings=settings, data=data, region=region, layer_id=1, layer_name="cells")


def finish(steps):
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return end.value, seen


def test_what_is_found_is_that_of_the_part_alone(path, quick, stack):
    truth = np.zeros(SHAPE, np.int32)
    truth[1, 40:60, 30:50] = 7
    truth[0] = 9  # of another plane
    found, seen = finish(region_audit_steps(run_of(path, stack), ("gate 2",), labels=truth))
    cut = (1, slice(20, 84), slice(8, 72))
    alone = audit(stack[cut], load(path), labels=truth[cut], maps=("gate 2",), device="cpu", name="layer 'cells'")
    assert found.summary == alone.summary
    assert dataclasses.astuple(found.maps[0].pointing) == dataclasses.astuple(alone.maps[0].pointing)
    assert found.maps[0].pointing.chance == pytest.approx(20 * 20 / 64**2)
    assert found.maps[0].order.deletion.scores == alone.maps[0].order.deletion.scores
    assert seen[-1].done <= seen[-1].total
    assert len(seen) > 3


def test_no_ticked_map_means_the_usual_ones_and_no_truth_no_pointing(path, quick, stack):
    found, _ = finish(region_audit_steps(run_of(path, stack), ()))
    assert [one.name for one in found.maps] == ["gate 2"]
    assert found.maps[0].pointing is None


def test_the_plane_that_is_asked_for_is_audited(path, quick, stack):
    whole = Region("ZYX", (slice(0, 3), slice(20, 84), slice(8, 72)), SHAPE, rgb=False)
    steps = region_audit_steps(run_of(path, stack, whole), ("gate 2",), plane=(1,))
    found, _ = finish(steps)
    alone, _ = finish(region_audit_steps(run_of(path, stack), ("gate 2",)))
    assert found.maps[0].order.deletion.scores == pytest.approx(alone.maps[0].order.deletion.scores, rel=1e-6)


def test_what_people_can_act_on_is_raised(tmp_path, stack):
    with pytest.raises(ModelFileError, match="gone"):
        finish(region_audit_steps(run_of(tmp_path / "gone.safetensors", stack), ()))
