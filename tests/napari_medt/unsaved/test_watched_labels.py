"""Labels are on disk from when they are watched until they are saved or removed."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy

from napari_medt.unsaved.labels_autosave import LabelsAutosave
from napari_medt.unsaved.unfinished_labels import LabelsHome
from napari_medt.unsaved.watched_labels import WatchedLabels
from src_models.errors import ImageError
from src_models.journal.journal import read_journal


@pytest.fixture
def watched(home):
    """A watch that ends with the test."""
    watched = WatchedLabels(home)
    yield watched
    watched.leave(lambda _: False)


@pytest.fixture
def layer():
    return ViewerModel().add_labels(np.zeros((20, 30), np.uint16))


def journals(home):
    return sorted(home.folder.glob("*")) if home.folder.exists() else []


def test_labels_are_watched_once_whatever_stands_for_them(watched, layer, home):
    for _ in range(2):
        watched.watch(layer, dict)
        watched.watch(PublicOnlyProxy(layer), dict)
    layer.paint((5, 5), 7)
    watched.flush()
    (journal,) = journals(home)
    np.testing.assert_array_equal(read_journal(journal).labels, layer.data)
    assert not home.beside(journal).exists()


def test_what_lies_beside_is_kept_and_written_in_the_same_place(watched, layer, home):
    first = np.full((20, 30), 4, np.uint16)
    watched.watch(layer, dict, beside=first)
    watched.flush()
    (journal,) = journals(home)
    assert (read_journal(home.beside(journal)).labels == 4).all()
    region = (slice(2, 6), slice(10, 20))
    layer.data[region] = 5
    again = first.copy()
    again[region] = 6
    again[0, 0] = 9  # elsewhere; nobody said so
    watched.wrote(layer, region, again)
    watched.flush()
    expected = first.copy()
    expected[region] = 6
    np.testing.assert_array_equal(read_journal(home.beside(journal)).labels, expected)
    np.testing.assert_array_equal(read_journal(journal).labels, layer.data)


def test_a_kind_that_has_nothing_beside_keeps_only_labels(layer, tmp_path):
    home = LabelsHome("unfinished")
    watched = WatchedLabels(home)
    watched.watch(layer, dict, beside=np.ones((20, 30), np.uint16))
    watched.flush()
    assert [path.name for path in (tmp_path / "state" / "napari-medt").iterdir()] == ["unfinished"]
    watched.leave(lambda _: False)


def test_notes_are_asked_for_again(watched, layer, home):
    notes = {"session": None}
    watched.watch(layer, lambda: notes)
    notes["session"] = {"done": 1}
    watched.note(None)
    watched.note(layer)
    watched.flush()
    assert read_journal(journals(home)[0]).notes["session"] == {"done": 1}


@pytest.mark.parametrize("how", ["saved", "removed"])
def test_labels_that_were_saved_or_removed_leave_nothing_on_disk(watched, home, how):
    viewer = ViewerModel()
    one, other = (viewer.add_labels(np.ones((5, 5), np.uint8)) for _ in range(2))
    for layer in (one, other):
        watched.watch(layer, dict, beside=np.ones((5, 5), np.uint8))
    if how == "saved":
        watched.drop(one)
        watched.drop(one)  # twice does no harm
    else:
        viewer.layers.remove(one)
        watched.drop_removed(viewer)
    watched.flush()
    (journal,) = journals(home)
    assert [path.name for path in home.beside(journal).parent.iterdir()] == [journal.name]
    other.paint((1, 1), 4)
    watched.flush()
    np.testing.assert_array_equal(read_journal(journal).labels, other.data)


def test_only_labels_that_are_unsaved_are_found_later(watched, home):
    viewer = ViewerModel()
    done, begun = (viewer.add_labels(np.ones((5, 5), np.uint8), name=name) for name in ("done", "begun"))
    for layer in (done, begun):
        watched.watch(layer, dict, beside=np.ones((5, 5), np.uint8))
    watched.leave(lambda layer: layer.name == "begun")
    (journal,) = journals(home)
    assert set(home.living()) == {journal}
    assert home.living()[journal][0] is begun
    watched.leave(lambda _: False)  # nothing is watched any more
    assert journals(home) == [journal]
    assert home.beside(journal).exists()


def test_what_is_on_disk_can_be_waited_for_after_the_end(watched, layer, home):
    watched.watch(layer, dict)
    layer.paint((5, 5), 7)
    kept = watched.kept()
    watched.leave(lambda _: True)
    assert kept()
    assert read_journal(journals(home)[0]).labels.any()


def test_a_problem_of_any_of_them_is_told(watched, monkeypatch):
    viewer = ViewerModel()
    layers = [viewer.add_labels(np.ones((5, 5), np.uint8)) for _ in range(2)]
    for layer in layers:
        watched.watch(layer, dict)
    kept = watched.kept()
    assert kept()
    assert watched.problem() is None
    problem = property(lambda self: "the disk is full" if self.layer is layers[1] else None)
    monkeypatch.setattr(LabelsAutosave, "problem", problem)
    assert watched.problem() == "the disk is full"
    assert not kept()


def test_a_pyramid_is_refused_and_leaves_no_folder(watched, home):
    pyramid = [np.zeros((64, 64), np.uint8), np.zeros((32, 32), np.uint8)]
    layer = ViewerModel().add_labels(pyramid, multiscale=True)
    with pytest.raises(ImageError, match="is a pyramid"):
        watched.watch(layer, dict, beside=np.zeros((64, 64), np.uint8))
    assert journals(home) == []
    assert not home.folder.with_name("unfinished-first").exists()
