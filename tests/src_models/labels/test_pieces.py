"""The largest pieces of classes, against scipy's own numbering of whole volumes; how many are wanted, as it is said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from src_models.errors import UserError
from src_models.labels import pieces
from src_models.labels.pieces import Dropped, keep_largest, pieces_wanted, with_pieces
from src_models.models.header import ModelHeader
from src_models.progress import finish

HEADER = ModelHeader(
    name="organs",
    purpose="",
    architecture="attention-unet",
    config={},
    channels=("grey",),
    classes=("background", "liver", "bones", "lungs"),
    largest_pieces={"liver": 1, "lungs": 2},
)


def brute_force(labels, kept):
    """Number each class in the whole volume; the largest stay, of equal ones those that begin first."""
    wanted, dropped = labels.copy(), {}
    for value, count in kept.items():
        numbered, found = ndimage.label(labels == value, np.ones((3,) * labels.ndim))
        sizes = np.bincount(numbered.ravel(), minlength=found + 1)[1:]
        going = np.argsort(-sizes, kind="stable")[count:] + 1
        wanted[np.isin(numbered, going)] = 0
        if going.size:
            dropped[value] = Dropped(going.size, int(sizes[going - 1].sum()))
    return wanted, dropped


def blobs(shape, seed=0):
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.random((4, *shape)), (0, *[1.2] * len(shape)))
    return np.where(smooth.max(0) > np.quantile(smooth.max(0), 0.6), smooth.argmax(0), 0).astype(np.uint8)


@pytest.mark.parametrize("slab", [1, 400, 10**9], ids=["plane by plane", "few planes", "whole"])
@pytest.mark.parametrize("shape", [(11, 20, 18), (40, 37)])
def test_what_stays_is_what_numbering_the_whole_volume_says(monkeypatch, shape, slab):
    monkeypatch.setattr(pieces, "SLAB", slab)
    labels = blobs(shape)
    for kept in ({1: 1, 3: 2}, {2: 3}, {1: 1, 2: 1, 3: 1, 7: 1}, {}):
        wanted, dropped = brute_force(labels, kept)
        assert not kept or (wanted != labels).any()
        found = labels.copy()
        assert finish(keep_largest(found, kept)) == dropped
        np.testing.assert_array_equal(found, wanted)


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(*[st.integers(1, 5)] * 3), elements=st.integers(0, 2)), st.integers(1, 3))
def test_of_any_volume_and_number(labels, count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "SLAB", 2 * int(np.prod(labels.shape[1:])))
        wanted, dropped = brute_force(labels, {1: count, 2: 1})
        assert finish(keep_largest(labels, {1: count, 2: 1})) == dropped
        np.testing.assert_array_equal(labels, wanted)


def test_pieces_that_meet_at_a_corner_across_a_seam_are_one(monkeypatch):
    monkeypatch.setattr(pieces, "SLAB", 1)
    labels = np.zeros((3, 4, 4), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = labels[2, 2, 2] = 1
    labels[0, 3, 3] = labels[0, 3, 2] = 1
    assert finish(keep_largest(labels, {1: 1})) == {1: Dropped(1, 2)}
    assert labels[[0, 1, 2], [0, 1, 2], [0, 1, 2]].all()


def test_labels_on_disk_are_written_where_something_goes_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(pieces, "SLAB", 20 * 18)
    labels = np.zeros((6, 20, 18), np.uint8)
    labels[1:4, 2:8, 2:8] = 1
    labels[5, 15, 15] = 1
    stored = zarr.create_array(tmp_path / "labels.zarr", data=labels, chunks=(1, 20, 18))
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "labels.zarr" / "c" / "2").rglob("*")}
    assert finish(keep_largest(stored, {1: 1})) == {1: Dropped(1, 1)}
    labels[5] = 0
    np.testing.assert_array_equal(stored[:], labels)
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "labels.zarr" / "c" / "2").rglob("*")} == before


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (None, {1: 1, 3: 2}),
        ("all", {}),
        (1, {1: 1, 2: 1, 3: 1}),
        ("2", {1: 2, 2: 2, 3: 2}),
        ("liver, bones:4", {1: 1, 2: 4}),
        ({"lungs": 3}, {3: 3}),
    ],
)
def test_how_many_are_wanted(said, kept):
    assert pieces_wanted(said, HEADER) == kept


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("spleen", "has no class 'spleen'.*liver, bones, lungs"),
        ("liver:x", "such as lungs:2"),
        (0, "at least 1 piece"),
        ({"liver": 0}, "at least 1 piece"),
    ],
)
def test_what_makes_no_sense_is_refused(said, sentence):
    with pytest.raises(UserError, match=sentence):
        pieces_wanted(said, HEADER)


def test_a_header_says_how_many_as_they_were_written():
    unsaid = dataclasses.replace(HEADER, largest_pieces={})
    assert with_pieces(unsaid, "") is unsaid
    assert with_pieces(unsaid, "liver,lungs:2") == HEADER
    objects = dataclasses.replace(unsaid, result="instances", classes=("background", "interior", "boundary"))
    with pytest.raises(UserError, match="learns objects"):
        with_pieces(objects, "liver")
