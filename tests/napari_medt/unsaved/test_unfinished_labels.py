"""Where labels of a kind are kept, what is left there while they live on, and what a process that is gone has left."""

from __future__ import annotations

import gc
import shutil
import threading
from datetime import UTC, datetime

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_medt.unsaved.labels_autosave import LabelsAutosave
from napari_medt.unsaved.unfinished_labels import LabelsHome
from src_models.errors import UserError
from src_models.journal.journal import LabelsJournal, Unfinished, read_journal


def keep(home, value=3, who="Ada", layer=None):
    """Have labels watched and left, as when a dock is closed."""
    layer = layer or Labels(np.full((4, 5), value, np.uint8))
    folder = home.new()
    saved = LabelsAutosave(layer, folder, lambda: {"who": who}, (np.full((4, 5), 1, np.uint8), home.beside(folder)))
    saved.close(keep=True)
    home.leave(saved)
    return layer, saved


def as_in_another_process(home):
    home._left.clear()


def test_the_folders_lie_side_by_side_in_the_persons_state_and_never_twice(home, tmp_path):
    state = tmp_path / "state" / "napari-medt"
    assert home.folder == state / "unfinished-cells"
    new = {home.new() for _ in range(100)}
    assert len(new) == 100
    for folder in new:
        assert folder.parent == home.folder
        assert home.beside(folder) == state / "unfinished-first" / folder.name
    assert LabelsHome("unfinished").beside(new.pop()) is None


def test_labels_that_live_on_are_not_offered_and_those_that_are_gone_are(home, unfinished_cells):
    layer, saved = keep(home)
    assert unfinished_cells.find() == []
    assert home.living()[saved.folder][0] is layer
    del layer
    saved.__dict__.clear()
    gc.collect()
    (found,) = unfinished_cells.find()
    assert home.living() == {}
    assert found.words.startswith("cells of Ada, ")
    recovered, beside = found.read()
    assert (recovered.labels == 3).all()
    assert (beside == 1).all()


def test_what_another_process_left_is_found_newest_first(home, unfinished_cells):
    kept = [keep(home, who=who) for who in ("Ada", "Grace")]
    as_in_another_process(home)
    assert [found.journal.notes["who"] for found in unfinished_cells.find()] == ["Grace", "Ada"]
    assert len(kept) == 2


def test_it_is_said_when_it_was_in_the_time_of_the_place(home, unfinished_cells):
    when = datetime(2026, 1, 31, 12, 5, tzinfo=UTC)
    unfinished = unfinished_cells(Unfinished(home.new(), {"who": "Ada"}, when))
    assert unfinished.words == f"cells of Ada, {when.astimezone():%d %B, %H:%M}"


def test_labels_left_in_a_viewer_are_found_there_without_a_look_at_the_disk(home, unfinished_cells):
    (first, _), (second, _), (elsewhere, _) = (keep(home, who=who) for who in ("first", "second", "elsewhere"))
    viewer = ViewerModel()
    for layer in (first, second):
        viewer.add_layer(layer)
    shutil.rmtree(home.folder)
    found = unfinished_cells.left_in(viewer)
    assert [(layer is first, work.journal.notes["who"]) for layer, work in found] == [
        (False, "second"),
        (True, "first"),
    ]
    assert elsewhere is not None


def test_once_labels_are_watched_anew_what_earlier_watchings_left_goes(home):
    layer, earlier = keep(home)
    other, of_other = keep(home, value=9)
    layer.data[0, 0] = 8
    saved = LabelsAutosave(layer, home.new(), lambda: {"who": "Ada"})
    home.watched_again(saved)
    assert not earlier.folder.exists()
    assert not home.beside(earlier.folder).exists()
    assert read_journal(saved.folder).labels[0, 0] == 8
    assert of_other.folder.exists()
    assert set(home.living()) == {of_other.folder}
    saved.close(keep=False)
    assert other is not None


def test_what_was_left_stays_while_the_disk_does_not_take_the_new(home, monkeypatch):
    layer, earlier = keep(home)
    saved = LabelsAutosave(layer, home.new(), lambda: {"who": "Ada"})
    monkeypatch.setattr(LabelsAutosave, "problem", "the disk is full")
    home.watched_again(saved)
    assert (read_journal(earlier.folder).labels == 3).all()
    assert home.living()[earlier.folder][0] is layer
    saved.close(keep=False)


def test_deleting_takes_what_lies_beside_too_and_nothing_that_is_in_use(home, unfinished_cells):
    _, saved = keep(home)
    as_in_another_process(home)
    (found,) = unfinished_cells.find()
    found.discard()
    assert list(home.folder.iterdir()) == []
    assert not home.beside(saved.folder).exists()
    folder = home.new()
    journal = LabelsJournal.create(folder, np.ones((2, 2), np.uint8), {})
    with pytest.raises(UserError, match="in use"):
        home.discard(folder)
    journal.close(keep=False)


def test_labels_are_left_while_a_thread_looks_for_unfinished_ones(home):
    """The window's thread leaves labels while another one reads the disk."""
    stop, raised = threading.Event(), []

    def look():
        try:
            while not stop.is_set():
                home.living()
        except RuntimeError as error:  # a dictionary that changed meanwhile
            raised.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    layers = [keep(home) for _ in range(10)]
    stop.set()
    thread.join()
    assert raised == []
    assert len(home.living()) == len(layers)
