"""What a process that is gone has left is offered, gone on with, and deleted once it is kept anew: of any kind."""

from __future__ import annotations

import os

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.running.ordered_work import OrderedWork
from napari_medt.unsaved.labels_autosave import LabelsAutosave
from napari_medt.unsaved.recovery_bar import RecoveryBar
from napari_medt.unsaved.unfinished_image import UnfinishedImage
from napari_medt.unsaved.unsaved_labels import UnsavedLabels
from src_models.journal.journal import read_journal

PIXELS = np.zeros((4, 5), np.uint8)


class Cells(UnsavedLabels):
    """What a widget for cells does about them."""

    takes_up = True

    def __init__(self, kind, viewer, work, bar):
        self.reports, self.taken = [], []
        super().__init__(kind, viewer, work, bar, self.reports.append)

    def watch(self, labels, image, beside):
        self.watched.watch(labels, lambda: {**UnfinishedImage.notes(image), "who": "Ada"}, beside)

    def _add(self, recovered, beside):
        labels = super()._add(recovered, beside)
        labels.metadata = {"first": beside}
        return labels

    def _take_up(self, labels, image, work):
        self.taken.append((labels, image, work))
        if self.takes_up:
            self.watch(labels, image, labels.metadata["first"])
        return self.takes_up

    def _is_unsaved(self, labels):
        return bool(np.any(labels.data != labels.metadata["first"]))


@pytest.fixture
def start(qtbot, unfinished_cells):
    """Return a function that starts a widget for cells in a viewer, and another that waits for its work."""
    begun = []

    def start_(viewer):
        bar, work = RecoveryBar(), OrderedWork("cells")
        qtbot.addWidget(bar)
        begun.append((Cells(unfinished_cells, viewer, work, bar), bar, work))
        return begun[-1]

    yield start_
    for cells, _, work in begun:
        work.leave()
        cells.leave()


@pytest.fixture
def settle(qtbot):
    return lambda work: qtbot.waitUntil(lambda: work.untold == 0, timeout=20_000)


@pytest.fixture
def left(home):
    """The journal of a process that is gone, in which a cell was painted into an image that it named."""
    viewer = ViewerModel()
    image, layer = viewer.add_image(PIXELS, name="image"), viewer.add_labels(PIXELS.copy(), name="cells")
    folder = home.new()
    notes = {**UnfinishedImage.notes(image), "who": "Grace"}
    saved = LabelsAutosave(layer, folder, lambda: notes, (PIXELS + 1, home.beside(folder)))
    layer.data_setitem((np.array([2]), np.array([3])), 7)
    saved.close(keep=True)
    return folder


@pytest.fixture
def painted():
    expected = PIXELS.copy()
    expected[2, 3] = 7
    return expected


def test_work_is_offered_gone_on_with_and_replaced(start, settle, left, painted, home):
    viewer = ViewerModel()
    image = viewer.add_image(PIXELS, name="image")
    cells, bar, work = start(viewer)
    cells.offer()
    settle(work)
    assert "cells of Grace" in bar.text.text()
    assert left.exists()
    bar.go_on.click()
    settle(work)
    ((labels, taken_in, _),) = cells.taken
    np.testing.assert_array_equal(labels.data, painted)
    assert (labels.metadata["first"] == 1).all()
    assert taken_in is image
    assert viewer.layers.selection.active is image
    (new,) = home.folder.iterdir()
    assert new != left
    np.testing.assert_array_equal(read_journal(new).labels, painted)
    assert (read_journal(home.beside(new)).labels == 1).all()
    assert not home.beside(left).exists()
    assert cells.reports == []


def test_the_old_journal_goes_only_when_the_new_one_is_on_disk(start, settle, left, home, monkeypatch):
    viewer = ViewerModel()
    viewer.add_image(PIXELS, name="image")
    cells, bar, work = start(viewer)
    cells.offer()
    settle(work)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        bar.go_on.click()
        settle(work)
        assert read_journal(left).labels.any()
        work.leave()
        cells.leave()  # the dock is closed while the disk is full
        assert read_journal(left).labels.any()


def test_a_dock_that_is_closed_before_the_old_journal_went_takes_it_along(start, settle, left, painted, home):
    viewer = ViewerModel()
    viewer.add_image(PIXELS, name="image")
    cells, bar, work = start(viewer)
    cells.offer()
    settle(work)
    ask = work.ask
    work.ask = lambda what, do: None if what[0] == "replace" else ask(what, do)  # its turn has not come
    bar.go_on.click()
    settle(work)
    assert left.exists()
    work.leave()
    cells.leave()
    (new,) = home.folder.iterdir()
    assert new != left
    np.testing.assert_array_equal(read_journal(new).labels, painted)


def test_labels_without_their_image_are_shown_and_stay_on_disk(start, settle, left, painted):
    viewer = ViewerModel()
    cells, bar, work = start(viewer)
    cells.offer()
    settle(work)
    bar.go_on.click()
    settle(work)
    assert cells.reports == ["Open the image 'image' to go on; what you made in it is in the layer 'cells'."]
    np.testing.assert_array_equal(viewer.layers["cells"].data, painted)
    assert cells.taken == []
    assert left.exists()


def test_labels_that_a_widget_cannot_take_up_stay_on_disk(start, settle, left):
    viewer = ViewerModel()
    viewer.add_image(PIXELS, name="image")
    cells, bar, work = start(viewer)
    cells.takes_up = False
    cells.offer()
    settle(work)
    bar.go_on.click()
    settle(work)
    assert len(cells.taken) == 1
    assert left.exists()


def test_a_journal_that_is_gone_meanwhile_is_refused_and_nothing_is_added(start, settle, left, home):
    viewer = ViewerModel()
    cells, bar, work = start(viewer)
    refused = []
    work.refused.connect(lambda _, sentence: refused.append(sentence))
    cells.offer()
    settle(work)
    home.discard(left)
    bar.go_on.click()
    settle(work)
    assert "cannot be read" in refused[0]
    assert len(viewer.layers) == 0


def test_what_is_not_wanted_is_deleted_or_it_is_said_why_not(start, left, unfinished_cells):
    cells, bar, _ = start(ViewerModel())
    (unfinished,) = unfinished_cells.find()
    viewer = ViewerModel()
    watched = LabelsAutosave(viewer.add_labels(PIXELS.copy()), left.with_name("living"), dict)
    living = unfinished_cells(type(unfinished.journal)(watched.folder, {}, unfinished.journal.time))
    bar.unwanted.emit(living)
    assert "in use" in cells.reports[0]
    bar.unwanted.emit(unfinished)
    assert not left.exists()
    assert len(cells.reports) == 1
    watched.close(keep=False)


def test_what_is_saved_is_not_kept_when_the_dock_is_closed(start, home):
    viewer = ViewerModel()
    image = viewer.add_image(PIXELS, name="image")
    cells, _, work = start(viewer)
    layers = [viewer.add_labels(PIXELS.copy(), name=name, metadata={"first": PIXELS}) for name in ("same", "painted")]
    for layer in layers:
        cells.watch(layer, image, PIXELS)
    layers[1].paint((1, 1), 3)
    work.leave()
    cells.leave()
    (journal,) = home.folder.iterdir()
    np.testing.assert_array_equal(read_journal(journal).labels, layers[1].data)
    assert home.living()[journal][0] is layers[1]
