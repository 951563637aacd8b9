"""What a model has found is not worked out twice, and never taken for the answer to another question."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from napari_medt.correcting.learning import kept_outcomes
from napari_medt.correcting.learning.kept_outcomes import KeptOutcomes
from src_models.errors import ModelFileError
from src_models.images.region import Region
from src_models.prediction.jobs import RegionRun, SegmentSettings, segmentation_steps

SIDE = 64


def part(rows=(0, SIDE), columns=(0, SIDE), plane=0):
    return Region("ZYX", (plane, slice(*rows), slice(*columns)), (3, SIDE, SIDE), rgb=False)


@pytest.fixture
def job(tiny_model_path):
    """A plane of a stack of bright discs."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    disc = 200.0 * ((rows - 20) ** 2 + (columns - 40) ** 2 < 80) + 20
    data = np.stack([disc, disc[::-1], disc[:, ::-1]]).astype(np.float32)
    settings = SegmentSettings(model=tiny_model_path, threads=1)
    return RegionRun(settings=settings, data=data, region=part(), layer_id=1, layer_name="discs")


@pytest.fixture
def runs(monkeypatch):
    """The jobs that were really run."""
    seen = []

    def noted(job):
        seen.append(job)
        return (yield from segmentation_steps(job))

    monkeypatch.setattr(kept_outcomes, "segmentation_steps", noted)
    return seen


def ask(kept, job, **how):
    steps = kept.steps(job, **how)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_an_answer_is_kept_for_pixels_model_and_settings(job, runs, tmp_path):
    kept = KeptOutcomes()
    first = ask(kept, job)
    assert first.labels.any()
    moved = shutil.copy(job.settings.model, tmp_path / "moved.safetensors")
    same = (
        job,
        replace(job, data=job.data.copy(), layer_id=2, layer_name="opened again"),
        replace(job, settings=replace(job.settings, model=moved)),
    )
    for again in same:
        outcome = ask(kept, again)
        np.testing.assert_array_equal(outcome.labels, first.labels)
        assert outcome.job.layer_id == again.layer_id
    assert len(runs) == 1
    other = tmp_path / "other.safetensors"
    content = bytearray(job.settings.model.read_bytes())
    content[-1] ^= 1
    other.write_bytes(content)
    for different in (
        replace(job, region=part(plane=1)),
        replace(job, settings=replace(job.settings, diameter=12.0)),
        replace(job, settings=replace(job.settings, model=other)),
    ):
        before = len(runs)
        ask(kept, different)
        assert len(runs) == before + 1


def test_pixels_that_were_changed_in_place_are_segmented_anew(job, runs):
    kept = KeptOutcomes()
    first = ask(kept, job)
    job.data[0] = job.data[0, ::-1].copy()
    np.testing.assert_raises(AssertionError, np.testing.assert_array_equal, ask(kept, job).labels, first.labels)
    assert len(runs) == 2


def test_a_part_of_what_is_known_is_known_where_more_may_come(job, runs):
    kept = KeptOutcomes()
    whole = ask(kept, job)
    inside = replace(job, region=part((8, 40), (16, 60)))
    assert ask(kept, inside, exactly=False).job.region == whole.job.region
    assert len(runs) == 1
    assert ask(kept, inside).job.region == inside.region
    assert len(runs) == 2
    beyond = replace(job, region=part((8, 41), (16, 60)))
    kept = KeptOutcomes()
    ask(kept, inside)
    assert ask(kept, beyond, exactly=False).job.region == beyond.region


def test_numbers_go_on_after_those_of_other_planes(job, runs):
    kept = KeptOutcomes()
    ask(kept, job)
    previous = np.zeros((3, SIDE, SIDE), np.int32)
    previous[1, 0, 0] = 7
    assert ask(kept, replace(job, previous=previous)).labels.max() == 7 + ask(kept, job).labels.max()
    assert len(runs) == 1


def test_memory_is_bounded_and_what_was_asked_for_last_stays(job, runs):
    size = ask(KeptOutcomes(), job).labels.nbytes
    kept = KeptOutcomes(most_bytes=2 * size)
    jobs = [replace(job, region=part(plane=plane)) for plane in range(3)]
    ask(kept, jobs[0]), ask(kept, jobs[1]), ask(kept, jobs[0]), ask(kept, jobs[2])
    assert kept.nbytes == 2 * size
    before = len(runs)
    ask(kept, jobs[0])
    assert len(runs) == before
    ask(kept, jobs[1])
    assert len(runs) == before + 1


def test_a_failure_is_told_and_not_kept(job, runs, tmp_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no model")
    job = replace(job, settings=replace(job.settings, model=broken))
    kept = KeptOutcomes()
    for _ in range(2):
        with pytest.raises(ModelFileError, match=r"broken\.safetensors"):
            ask(kept, job)
    assert len(runs) == 2
