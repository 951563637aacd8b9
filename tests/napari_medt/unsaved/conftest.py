"""A kind of labels of its own, for tests of what all kinds share."""

from __future__ import annotations

import pytest

from napari_medt.unsaved.unfinished_labels import LabelsHome, UnfinishedLabels


@pytest.fixture
def home():
    """Where cells are kept, with what they were at first beside them; no earlier test left any there."""
    return LabelsHome("unfinished-cells", beside="unfinished-first")


@pytest.fixture
def unfinished_cells(home):
    """Cells that were not saved, as a kind of labels."""

    class UnfinishedCells(UnfinishedLabels):
        @property
        def what(self) -> str:
            return f"cells of {self.journal.notes['who']}"

    UnfinishedCells.home = home
    return UnfinishedCells
