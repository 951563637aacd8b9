"""Why, as files: maps of what was classified, at their place on the image."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from grey_classifiers import SMALL_MED_FORMER, grey_classifier, grey_header

from src_models.attention.map_files import read_map
from src_models.attention.map_table import value_at
from src_models.attention.recording import record_attention
from src_models.classifying.classify import classify
from src_models.classifying.reason_files import Looking, check_reasons, reason_path, reasons_are_there, write_reasons
from src_models.errors import OutputError, UserError
from src_models.files.images import read_image
from src_models.progress import finish

HEADER = grey_header("tiny", ("round", "long"), 32, architecture="med-former", options=SMALL_MED_FORMER)


@pytest.fixture(scope="module")
def model():
    return grey_classifier(HEADER)


@pytest.fixture
def stack(tmp_path):
    """A stack of two planes, each of two tiles."""
    pixels = np.random.default_rng(0).random((2, 32, 64), np.float32)
    tifffile.imwrite(tmp_path / "stack.tif", pixels, imagej=True, metadata={"axes": "ZYX"})
    return read_image(tmp_path / "stack.tif")


def test_maps_of_a_tile_of_a_stack_lie_in_its_plane(tmp_path, stack, model):
    found = classify(stack.data, model, tiles=32, axes=stack.reading)
    count = finish(write_reasons(tmp_path / "why", stack, model, found, maps=["fusion 2 later"]))
    assert count == len(list((tmp_path / "why").iterdir())) == 8
    with torch.inference_mode(), record_attention(model.network) as attention:
        model.network(torch.from_numpy(np.asarray(stack.data)[1, :, 32:])[None, None])  # the last tile
    cells = attention["fusion 2 later"].tensor[0, 0].numpy()  # of 8 px
    placed = read_map(reason_path(tmp_path / "why", "stack", "tiles", 4, "fusion 2 later"))
    for row, column in np.ndindex(4, 4):
        place = (1, row * 8 + 5, 32 + column * 8 + 2)
        assert value_at(placed, place) == pytest.approx(float(cells[row, column]), abs=1e-5)
    with pytest.raises(UserError, match="lies outside"):
        value_at(placed, (0, 5, 40))
    relevance = read_map(reason_path(tmp_path / "why", "stack", "tiles", 1, "class relevance"))
    assert relevance.translate == (0, 0, 0)
    assert found.names[0] in relevance.description


def test_what_is_there_is_not_written_over_unless_that_is_wanted(tmp_path, stack, model):
    found = classify(stack.data, model, axes=stack.reading)
    folder = tmp_path / "why"
    check_reasons(folder, "stack", "image")
    finish(write_reasons(folder, stack, model, found))
    with pytest.raises(UserError, match=r"plane_1_class_relevance\.ome\.tif exists already"):
        check_reasons(folder, "stack", "image")
    check_reasons(folder, "stack", "tiles")
    with pytest.raises(OutputError):
        finish(write_reasons(folder, stack, model, found))
    finish(write_reasons(folder, stack, model, found, overwrite=True))


def test_where_heads_look_from_a_place_is_written_of_what_lies_there_alone(tmp_path, stack, model):
    found = classify(stack.data, model, tiles=32, axes=stack.reading)
    looking = Looking({"large window 1.1": [None, 1]}, (1.0, 14.0, 40.0))
    finish(write_reasons(tmp_path / "why", stack, model, found, looking=looking))
    written = sorted(path.name for path in (tmp_path / "why").iterdir() if "window" in path.name)
    begin = "stack_attention_tile_4_large_window_1.1_from_1,14,40"
    assert written == [f"{begin}.ome.tif", f"{begin}_head_1.ome.tif"]
    with torch.inference_mode(), record_attention(model.network) as attention:
        model.network(torch.from_numpy(np.asarray(stack.data)[1, :, 32:])[None, None])
    matrix = attention["large window 1.1 matrix"].tensor[0, 0]  # of the first window of 4 x 4 cells of 4 px
    for name, row in zip(written, (matrix.mean(0)[3 * 4 + 2], matrix[1, 3 * 4 + 2]), strict=True):
        placed = read_map(tmp_path / "why" / name)
        for cell, weight in enumerate(row.tolist()):
            place = (1, 4 * (cell // 4) + 1, 32 + 4 * (cell % 4) + 2)
            assert value_at(placed, place) == pytest.approx(weight, abs=1e-6)


def test_from_the_middle_each_is_asked_and_from_a_place_without_a_class_none(tmp_path, stack, model):
    found = classify(stack.data, model, tiles=32, axes=stack.reading)
    looking = Looking({"small window 1.2": [None]})
    assert finish(write_reasons(tmp_path / "why", stack, model, found, looking=looking)) == 8
    assert reasons_are_there(tmp_path / "why", "stack", "tiles")
    assert not reasons_are_there(tmp_path / "why", "stack", "objects")
    assert not reasons_are_there(tmp_path / "why", "stac", "tiles")
    with pytest.raises(UserError, match="no tile with a class lies at Z 2, Y 1, X 1"):
        finish(write_reasons(tmp_path / "b", stack, model, found, looking=Looking({"window": [None]}, (2.0, 1.0, 1.0))))
    assert not (tmp_path / "b").exists()
