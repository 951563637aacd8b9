"""What a run gives: large results are files, which live as long as it does."""

from dataclasses import replace

import numpy as np
import pytest

from src_models.disk import scratch
from src_models.disk.scratch import Scratch
from src_models.prediction.segmentation import Segmentation


@pytest.fixture
def found(monkeypatch, tmp_path):
    monkeypatch.setattr(scratch, "IN_MEMORY_BYTES", 100)
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    room = Scratch()
    labels = room.zeros((30, 40), np.int32)
    labels[:10] = 3
    return Segmentation(labels, None, [], ("background", "cell"), "instances", {}, _scratch=room)


def test_files_stay_while_anyone_holds_the_result_and_go_with_it(found, tmp_path):
    copy = replace(found, summary="1 object")
    found.labels, copy.summary = None, ""
    assert len(list(tmp_path.iterdir())) == 1
    assert copy.labels[5, 5] == 3
    copy._scratch.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_known_is_empty_and_not_shared(found):
    other = Segmentation(np.zeros((2, 2)), None, [], ("background",), "semantic", {})
    assert (other.diameter, other.zoom, other.certainty) == (None, 1.0, None)
    assert (other.summary, other.size, other.advice, other.notes) == ("", "", (), ())
    assert other._scratch is not found._scratch
    assert "scratch" not in repr(other)
