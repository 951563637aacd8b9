"""``napari-medt track``: a table, and labels with the numbers of tracks."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile
from lineages import dividing_discs
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.files.images import read_labels

pytest.importorskip("laptrack")


def test_objects_keep_one_number_in_the_labels_that_are_written(tmp_path):
    labels, truth, _ = dividing_discs()
    tifffile.imwrite(tmp_path / "a.tif", labels.astype(np.uint16), imagej=True, metadata={"axes": "TYX"})
    run = ["track", str(tmp_path / "a.tif"), "-o", str(tmp_path / "t.csv"), "--labels", str(tmp_path / "b.tif")]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, run)
    assert done.exit_code == 0, done.output
    assert "5 tracks, 1 divisions" in done.output
    with (tmp_path / "t.csv").open(newline="") as file:
        own = {(int(row["frame"]), int(row["id"])): int(row["track"]) for row in csv.DictReader(file)}
    tracked = read_labels(tmp_path / "b.tif")
    for (frame, number), track in own.items():
        assert (tracked[frame][labels[frame] == number] == track).all()
    assert len({(track, truth[key]) for key, track in own.items()}) == 5
    assert CliRunner().invoke(app, run).exit_code == 1  # nothing is replaced unasked
