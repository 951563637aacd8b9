"""What the benchmark of learning from accepted objects teaches and tests."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from benchmarks.click_learning import accept, divided
from benchmarks.click_sets import ClickSet

CELLS = ClickSet("cells", False, False, "cells")


@pytest.fixture
def sets(tmp_path):
    """Six images of nine squares each, in no splits."""
    root = tmp_path / "cells"
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    mask = np.zeros((90, 90), np.uint16)
    for number in range(9):
        row, column = divmod(number, 3)
        mask[30 * row + 5 : 30 * row + 25, 30 * column + 5 : 30 * column + 25] = number + 1
    for number in range(6):
        tifffile.imwrite(root / "images" / f"{number}.tif", (mask > 0).astype(np.uint8) * 200)
        tifffile.imwrite(root / "masks" / f"{number}.tif", mask)
    return tmp_path


def test_no_image_that_objects_are_accepted_in_is_clicked_in(sets):
    taught, tested = divided(sets, CELLS)
    assert len(taught) == 3
    assert len(tested) == 3
    assert not {sample.name for sample in taught} & {sample.name for sample in tested}


@pytest.mark.parametrize("count", [5, 15])
def test_so_many_objects_are_accepted_evenly_from_the_images_and_nothing_else(sets, count):
    accepted = accept(divided(sets, CELLS)[0], CELLS, count)
    shares = [len(np.unique(labels[labels > 0])) for _, _, labels in accepted]
    assert sum(shares) == count
    assert max(shares) - min(shares) <= 1
    for _, image, labels in accepted:
        assert (np.bincount(labels.ravel())[1:] % 400 == 0).all(), "objects are whole"
        assert (image[labels > 0] == 200).all()
