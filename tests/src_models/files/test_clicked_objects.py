"""The file that says what clicked objects were made by: where it lies, and what it holds."""

import json
from pathlib import Path

import pytest

from src_models.errors import OutputError
from src_models.files.clicked_objects import clicks_path, write_clicks

OBJECTS = [
    {"value": 1, "model_sha256": "ab" * 32, "prompts": [{"kind": "click", "y": 3.5, "x": 4.0, "positive": True}]},
    {"value": 7, "model_sha256": None, "prompts": []},
]


@pytest.mark.parametrize(
    ("labels", "clicks"),
    [
        ("cells.tif", "cells.clicks.json"),
        ("cells.ome.tif", "cells.clicks.json"),
        ("Cells.OME.TIF", "Cells.clicks.json"),
        ("scan.nii.gz", "scan.clicks.json"),
        ("scan.nii", "scan.clicks.json"),
        ("scan.nrrd", "scan.clicks.json"),
        ("scan.seg.nrrd", "scan.clicks.json"),
        ("organ.zarr", "organ.clicks.json"),
        ("day 1.5 h.tif", "day 1.5 h.clicks.json"),
        ("cells", "cells.clicks.json"),
    ],
)
def test_it_lies_beside_the_labels_and_is_called_like_them(tmp_path, labels, clicks):
    assert clicks_path(tmp_path / labels) == tmp_path / clicks
    assert clicks_path(str(tmp_path / labels)) == tmp_path / clicks


def test_it_names_the_labels_and_holds_all_that_is_known(tmp_path):
    path = write_clicks(tmp_path / "cells.tif", OBJECTS)
    assert path == tmp_path / "cells.clicks.json"
    assert json.loads(path.read_text()) == {"labels": "cells.tif", "objects": OBJECTS}
    assert list(tmp_path.iterdir()) == [path], "nothing else was left"


def test_what_is_there_is_kept_unless_told(tmp_path):
    path = clicks_path(tmp_path / "cells.tif")
    path.write_text("mine")
    with pytest.raises(OutputError, match=r"cells\.clicks\.json exists already"):
        write_clicks(tmp_path / "cells.tif", OBJECTS)
    assert path.read_text() == "mine"
    write_clicks(tmp_path / "cells.tif", OBJECTS[:1], overwrite=True)
    assert json.loads(path.read_text())["objects"] == OBJECTS[:1]


def test_what_json_cannot_hold_leaves_the_old_file(tmp_path):
    path = write_clicks(tmp_path / "cells.tif", OBJECTS)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_clicks(tmp_path / "cells.tif", [{"value": 1, "time": Path()}], overwrite=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
