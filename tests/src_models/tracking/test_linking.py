"""Discs whose lineage is known are followed through frames, a gap, and a division."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from lineages import dividing_discs

from src_models.errors import ImageError, OutputError, UserError
from src_models.tracking.linking import relabelled, track_objects, write_tracks

pytest.importorskip("laptrack")


@pytest.fixture(scope="module")
def scene():
    labels, truth, parents = dividing_discs()
    return labels, truth, parents, track_objects(labels)


def names_of(tracks, truth):
    """Return the name of each track, by what it follows; it follows one object alone."""
    names = {}
    rows = zip(tracks.track.tolist(), tracks.objects.frame.tolist(), tracks.objects.number.tolist(), strict=True)
    for track, frame, number in rows:
        assert names.setdefault(track, truth[frame, number]) == truth[frame, number]
    return names


def test_each_track_is_one_object_and_each_object_one_track(scene):
    _, truth, parents, tracks = scene
    names = names_of(tracks, truth)
    assert sorted(names.values()) == ["a", "b", "c", "d", "e"]
    assert {names[child]: names[parent] for child, parent in tracks.parents.items()} == parents
    assert (tracks.count, tracks.divisions) == (5, 1)


def test_a_tracks_layer_of_napari_takes_them(scene):
    from napari.layers import Tracks

    *_, tracks = scene
    layer = Tracks(tracks.data(), graph=tracks.graph())
    assert len(layer.data) == len(tracks.objects)
    assert sorted(layer.graph) == sorted(tracks.parents)


def test_labels_have_the_numbers_of_tracks(scene):
    labels, truth, _, tracks = scene
    names = names_of(tracks, truth)
    numbered = relabelled(labels, tracks)
    for (frame, number), name in truth.items():
        (own,) = np.unique(numbered[frame][labels[frame] == number])
        assert names[own] == name
    np.testing.assert_array_equal(numbered == 0, labels == 0)


def test_without_divisions_and_gaps_tracks_end_and_begin(scene):
    labels, truth, *_ = scene
    tracks = track_objects(labels, gap=0, divisions=False)
    assert tracks.parents == {}
    names = sorted(names_of_first(tracks, truth))
    assert names.count("b") == 2


def names_of_first(tracks, truth):
    for track in range(1, tracks.count + 1):
        row = int(np.flatnonzero(tracks.track == track)[0])
        yield truth[int(tracks.objects.frame[row]), int(tracks.objects.number[row])]


def test_distances_are_in_units_of_the_spacing():
    """Two slices of 10 µm are too far where objects go 6 µm, though they are two voxels apart."""
    labels = np.zeros((2, 5, 20, 20), int)
    labels[0, 0, 5:10, 5:10] = labels[1, 2, 5:10, 5:10] = 1
    assert track_objects(labels, spacing=(10, 1, 1), farthest=6).count == 2
    assert track_objects(labels, spacing=(1, 1, 1), farthest=6).count == 1


def test_the_table_has_a_row_for_each_object_and_frame(scene, tmp_path):
    *_, tracks = scene
    write_tracks(tmp_path / "t.csv", tracks)
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(tracks.objects)
    assert list(rows[0]) == ["track", "parent", "frame", "id", "y (px)", "x (px)", "pixels"]
    assert {int(row["track"]): int(row["parent"]) for row in rows if row["parent"]} == tracks.parents
    with pytest.raises(OutputError):
        write_tracks(tmp_path / "t.csv", tracks)


def test_what_cannot_be_followed_is_told():
    with pytest.raises(ImageError, match="no object"):
        track_objects(np.zeros((2, 4, 4), int))
    with pytest.raises(ImageError, match="2 axes"):
        track_objects(np.zeros((4, 4), int))
    with pytest.raises(UserError, match="above 0"):
        track_objects(np.ones((2, 4, 4), int), farthest=-1)
