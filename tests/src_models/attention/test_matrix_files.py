"""Matrices of channels as files."""

import csv

import numpy as np
import pytest

from src_models.attention.matrix_files import matrix_path, write_matrix
from src_models.errors import OutputError


def test_a_matrix_is_read_back_as_it_was(tmp_path):
    matrix = np.random.default_rng(0).dirichlet(np.ones(3), 3).astype(np.float32)
    path = matrix_path(tmp_path, "cells", "scale 1 step 2 channels")
    assert path.name == "cells_attention_scale_1_step_2_channels.csv"
    assert write_matrix(path, matrix) == path
    first, *rows = csv.reader(path.open())
    assert first == ["channel", "from 1", "from 2", "from 3"]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    np.testing.assert_array_equal(np.array([row[1:] for row in rows], np.float32), matrix)


def test_what_is_there_is_kept_unless_told(tmp_path):
    path = tmp_path / "m.csv"
    write_matrix(path, np.eye(2))
    with pytest.raises(OutputError):
        write_matrix(path, np.zeros((2, 2)))
    write_matrix(path, np.zeros((2, 2)), overwrite=True)
    assert "1.0" not in path.read_text()
