"""Curves of a round: what is drawn is what was told, and nothing of a round before."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_medt.correcting.panels.loss_plot import LossPlot
from src_models.finetuning.judging import Validation
from src_models.finetuning.progress import LearningUpdate

REST = {"improved": False, "done": 0.1, "seconds_left": 1.0, "seconds_idle": 1.0}


@pytest.fixture
def plot(qtbot):
    plot = LossPlot()
    qtbot.addWidget(plot)
    return plot


def update(step, loss, validation=None):
    return LearningUpdate(step, loss, validation, Validation(0.3, 0.4), Validation(0.2, 0.6), **REST)


def validation(loss, dice):
    made = Validation.__new__(Validation)  # the plot reads these two of it
    for name, value in (("loss", loss), ("dice", dice)):
        object.__setattr__(made, name, value)
    return made


def drawn(plot, name):
    return [np.asarray(values).tolist() for values in plot._curves[name].getData()]


def test_each_curve_has_its_own_steps(plot):
    plot.clear()
    plot.add(update(0, float("nan"), validation(0.9, 0.4)))  # before the first step nothing was learnt from
    plot.add(update(2, 0.8))
    plot.add(update(4, 0.6, validation(0.7, 0.55)))
    assert drawn(plot, "training") == [[2, 4], [0.8, 0.6]]
    assert drawn(plot, "validation") == [[0, 4], [0.9, 0.7]]
    assert drawn(plot, "dice") == [[0, 4], [0.4, 0.55]]
    assert plot._start.value() == 0.4


def test_the_next_round_begins_anew(plot):
    plot.clear()
    plot.add(update(2, 0.8, validation(0.7, 0.5)))
    plot.clear()
    assert all(not values for values in (*plot.steps.values(), *plot.values.values()))
    plot.add(update(1, 0.3))
    assert drawn(plot, "training") == [[1], [0.3]]


def test_charts_are_loaded_when_the_first_round_begins():
    code = (
        "import sys; from qtpy.QtWidgets import QApplication; app = QApplication([]);"
        "from napari_medt.correcting.panels.loss_plot import LossPlot; plot = LossPlot();"
        "assert plot.isHidden() and 'pyqtgraph' not in sys.modules; plot.clear(); assert 'pyqtgraph' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
