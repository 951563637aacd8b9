"""Accepted objects as they are kept: to the pixel, with what is around them, each once, whatever happens."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import AcceptedObject, ObjectSlice
from src_models.clicking.learning import kept_objects as module
from src_models.clicking.learning.kept_objects import (
    KeptObject,
    corrections_of,
    count_items,
    keep_objects,
    object_id,
    withdraw_objects,
)
from src_models.clicking.prompts import Click
from src_models.clicking.writing import Again, Plan
from src_models.corrections.correction import Source
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import DataSetError, OutputError
from src_models.images.labels_axes import LabelsAxes

SHAPE = (9, 400, 500)
COVERING = LabelsAxes("ZYX", SHAPE)
SOURCE = Source(layer="stack", axes="ZYX", plane=(0,))


def disc(y, x, radius):
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    return np.hypot(rows - y, columns - x) < radius


def plan(mask, value, planes=(4,), *, is_class=False, again=None, second=0, clicked=(4,)):
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    region = slice(rows[0] - 3, rows[-1] + 5), slice(columns[0] - 2, columns[-1] + 4)
    parts = tuple(
        ObjectSlice((z,), region, mask[region], (Click(200.0, 300.0),) if z in clicked else ()) for z in planes
    )
    accepted = AcceptedObject(parts, "ab" * 32, datetime(2026, 1, 2, 3, 4, second, tzinfo=UTC))
    return Plan(accepted, {}, value, is_class, again)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 4000, SHAPE).astype(np.uint16)


@pytest.fixture
def kept(image, bright):
    """Return a function that writes an object into labels and returns it as it is kept."""
    labels = np.zeros(SHAPE, np.uint16)
    looked_at = ClickImage(image, bright, axes="ZYX")

    def keep(plan):
        for part in plan.accepted.slices:
            there = labels[(*part.plane, *part.region)]
            there[part.mask & (there == 0)] = plan.value
        return corrections_of(plan, looked_at, COVERING, labels, SOURCE)

    return keep


def test_an_object_is_kept_with_its_image_and_its_neighbours(kept, image):
    neighbour, mask = disc(200, 330, 10), disc(200, 300, 14)
    kept(plan(neighbour, 7))
    found = kept(plan(mask, 8, second=1))
    (correction,) = found.corrections
    (top, bottom), (left, right) = correction.record.region
    assert (top, bottom, left, right) == (187 - 64, 214 + 64, 287 - 64, 314 + 64)
    cut = np.s_[top:bottom, left:right]
    assert (correction.image == image[4][cut]).all(), "in its own grey values"
    assert (correction.counts == mask[cut]).all(), "the object is what counts"
    assert ((correction.labels == 8) == mask[cut]).all()
    assert ((correction.labels == 7) == neighbour[cut]).all(), "its neighbour is known"
    assert correction.record.source.plane == (4,)
    assert correction.record.made_by == {"network": 0, "click": int(mask.sum()), "brush": 0}
    assert found.id == object_id(8, "2026-01-02T03:04:01+00:00") == correction.record.clicked["object"]
    window = correction.record.clicked["normalisation"]
    assert (window["offset"], window["width"]) == (0.0, 1.0), "the model's window, not what the cut would give"


def test_what_finished_objects_keep_is_not_the_object(kept):
    first, second = disc(200, 300, 14), disc(200, 318, 14)
    kept(plan(first, 1))
    (correction,) = kept(plan(second, 2)).corrections
    (top, bottom), (left, right) = correction.record.region
    assert (correction.counts == (second & ~first)[top:bottom, left:right]).all()


def test_objects_of_one_class_are_told_from_each_other(kept):
    first, second = disc(200, 300, 14), disc(200, 328, 10)
    kept(plan(first, 3, is_class=True))
    (correction,) = kept(plan(second, 3, is_class=True)).corrections
    (top, bottom), (left, right) = correction.record.region
    own = correction.labels[correction.counts]
    assert len(np.unique(own)) == 1
    assert ((correction.labels == own[0]) == (second & ~first)[top:bottom, left:right]).all()


def test_of_an_object_in_a_stack_a_few_slices_are_kept_and_all_that_were_clicked(kept):
    found = kept(plan(disc(200, 300, 14), 1, planes=range(9), clicked=(6, 7)))
    planes = sorted(each.record.source.plane[0] for each in found.corrections)
    assert len(planes) == module.MOST_SLICES
    assert {6, 7, 0, 8} <= set(planes)
    assert {each.record.clicked["object"] for each in found.corrections} == {found.id}


def test_an_object_of_which_nothing_was_written_is_not_kept(kept, tmp_path):
    kept(plan(disc(200, 300, 20), 1))
    found = kept(plan(disc(200, 300, 10), 2))
    assert found.corrections == ()
    assert keep_objects(tmp_path / "set", [found]) == 0


def test_objects_are_counted_once_and_one_that_was_mended_takes_its_own_place(kept, tmp_path):
    folder = tmp_path / "set"
    first, other = plan(disc(100, 100, 12), 1), plan(disc(200, 300, 14), 2, planes=(3, 4, 5), second=1)
    assert keep_objects(folder, [kept(first), kept(other)]) == 2
    again = Again(2, False, other.accepted.time.isoformat(), {}, "mine")
    smaller = plan(disc(200, 300, 14), 2, planes=(4,), again=again, second=2)
    assert keep_objects(folder, [kept(smaller)]) == 2
    items = CorrectionSet.open(folder).items
    assert count_items(items) == 2
    assert len(items) == 2, "three slices were replaced by one"
    assert len(CorrectionSet.open(folder).history) == 5, "and are still there"


def test_an_object_that_is_there_is_not_added_again(kept, tmp_path):
    found = kept(plan(disc(200, 300, 14), 1))
    assert keep_objects(tmp_path / "set", [found]) == keep_objects(tmp_path / "set", [found]) == 1
    assert len(CorrectionSet.open(tmp_path / "set").history) == 1


def test_a_larger_object_does_not_take_the_place_of_one_within_it(kept, tmp_path):
    folder = tmp_path / "set"
    nucleus = kept(plan(disc(200, 300, 8), 1))
    cell = KeptObject("cell", None, kept(plan(disc(200, 300, 30), 2, second=1)).corrections)
    keep_objects(folder, [nucleus])
    assert keep_objects(folder, [cell]) == 2


def test_what_was_taken_back_is_left_out_and_its_files_stay(kept, tmp_path):
    folder = tmp_path / "set"
    one, other = kept(plan(disc(100, 100, 12), 1)), kept(plan(disc(200, 300, 14), 2, second=1))
    keep_objects(folder, [one, other])
    assert withdraw_objects(folder, [one.id, "never seen"]) == 1
    assert [item.record.clicked["object"] for item in CorrectionSet.open(folder).items] == [other.id]
    assert len(list((folder / "images").iterdir())) == 2


def test_a_set_reads_back_what_was_kept(kept, tmp_path):
    found = kept(plan(disc(200, 300, 14), 1))
    keep_objects(tmp_path / "set", [found])
    ((_, back),) = CorrectionSet.open(tmp_path / "set").corrections()
    assert (back.image == found.corrections[0].image).all()
    assert (back.labels == found.corrections[0].labels).all()
    assert back.record == found.corrections[0].record


def test_where_the_disk_is_full_the_set_is_as_it_was(kept, tmp_path, monkeypatch):
    from src_models.corrections import correction_set

    folder = tmp_path / "set"
    keep_objects(folder, [kept(plan(disc(100, 100, 12), 1))])
    before = (folder / "manifest.csv").read_text()

    def full(path, *, overwrite):
        raise OutputError(f"{path} cannot be written: the disk is full")

    monkeypatch.setattr(correction_set, "atomic_path", full)
    with pytest.raises(OutputError, match="the disk is full"):
        keep_objects(folder, [kept(plan(disc(200, 300, 14), 2, second=1))])
    assert (folder / "manifest.csv").read_text() == before
    assert len(CorrectionSet.open(folder)) == 1


def test_a_folder_of_other_things_is_refused(kept, tmp_path):
    (tmp_path / "thesis.tex").write_text("chapter 1")
    with pytest.raises(DataSetError, match="holds other things"):
        keep_objects(tmp_path, [kept(plan(disc(200, 300, 14), 1))])
