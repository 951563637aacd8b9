"""Numbers are written into labels that are shown and into hidden ones, and can be undone in both."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.viewer.labels.set_pixels import set_pixels


@pytest.mark.parametrize("visible", [True, False])
@pytest.mark.parametrize("plane", [0, 2])
def test_numbers_are_written_seen_and_undone_whatever_is_shown(visible, plane):
    viewer = ViewerModel()
    labels = viewer.add_labels(np.zeros((4, 40, 50), np.int32))
    labels.visible = visible
    viewer.dims.set_current_step(0, 2)
    heard = []
    labels.events.paint.connect(lambda event: heard.append(event.value))

    set_pixels(labels, (np.array([plane, plane]), np.array([7, 30]), np.array([9, 41])), 3)

    assert np.argwhere(labels.data == 3).tolist() == [[plane, 7, 9], [plane, 30, 41]]
    assert len(heard) == 1  # who saves edits is told
    assert labels.visible is visible
    labels.visible = True
    assert (labels._slice.image.raw == 3).sum() == (2 if plane == 2 else 0)
    labels.undo()
    assert not labels.data.any()
