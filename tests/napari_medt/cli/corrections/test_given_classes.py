"""The list of given classes says of each picture what it is, where it lies, and on which side it is."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.classifying.class_corrections import ClassCorrection, ClassCorrectionSet, ClassRecord
from src_models.corrections.correction import Source


@pytest.fixture
def kept(tmp_path):
    kept = ClassCorrectionSet.open(tmp_path / "given")
    for number in range(5):
        source = Source(layer="smear", axes="ZYX", plane=(number,))
        record = ClassRecord(source=source, position=(3.0, 4.0), class_name="burr", found="normal", by="Ada")
        kept.add([ClassCorrection(np.full((8, 8), number, np.uint8), record)])
    return kept


def test_every_picture_has_a_line(kept):
    listed = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["corrections", str(kept.root)])
    assert listed.exit_code == 0, listed.output
    for number, item in enumerate(kept.items):
        [line] = [line for line in listed.stdout.splitlines() if item.file in line]
        side = "judges" if item.split == "val" else "teaches"
        for words in ("burr", "normal", "smear", f"Z={number}", "y 3, x 4", side, "Ada"):
            assert words in line
    assert "5 pictures count (5 burr), 1 of them held out to judge by, 0 replaced or withdrawn" in listed.stdout


def test_a_list_that_is_there_is_not_replaced(kept, tmp_path):
    (tmp_path / "list.json").write_text("mine")
    done = CliRunner().invoke(app, ["corrections", str(kept.root), "--json", str(tmp_path / "list.json")])
    assert done.exit_code == 1
    assert (tmp_path / "list.json").read_text() == "mine"
