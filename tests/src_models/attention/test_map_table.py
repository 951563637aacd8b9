"""Tables of maps, against NumPy's own statistics and a search for the nearest cell."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.attention import map_table
from src_models.attention.gates import GateValues
from src_models.attention.map_table import map_rows, value_at, write_table
from src_models.attention.placed_map import PlacedMap
from src_models.errors import OutputError, UserError


def placed(data, scale, translate=None, name="gate 2"):
    translate = tuple(step / 2 - 0.5 for step in scale) if translate is None else translate
    return PlacedMap(name, "attention gate", "gate 2, 1 cell = 8 px", 2, data, tuple(scale), tuple(translate))


@given(
    pixel=st.tuples(st.integers(0, 29), st.integers(0, 44)),
    stride=st.sampled_from([1, 2, 4, 8]),
    zoom=st.sampled_from([1.0, 0.5, 2.0]),
)
def test_a_pixel_has_the_value_of_the_cell_whose_square_it_lies_in(pixel, stride, zoom):
    step = stride / zoom
    shape = tuple(int(np.ceil(size / step)) for size in (30, 45))
    data = np.random.default_rng(0).random(shape, np.float32)
    found = value_at(placed(data, (step, step)), pixel)
    cells = [
        [n for n in range(size) if n * step - 0.5 <= place < (n + 1) * step - 0.5]
        for place, size in zip(pixel, shape, strict=True)
    ]
    ((row,), (column,)) = cells
    assert found == data[row, column]


def test_the_value_in_a_stack_is_that_of_its_plane():
    data = np.arange(24.0).reshape(2, 3, 4)
    stack = placed(data, (1, 10, 10))
    assert value_at(stack, (1, 25, 0)) == 20
    assert value_at(placed(data, (1, 10, 10), (5, 104.5, 204.5)), (6, 109.2, 215)) == data[1, 0, 1]


@pytest.mark.parametrize("position", [(-0.6, 3), (0, 39.6), (30, 0), (-4, -4)])
def test_a_position_outside_is_refused(position):
    with pytest.raises(UserError, match=r"lies outside of the map 'gate 2', which covers -0.5 to 29.5, -0.5 to 39.5"):
        value_at(placed(np.zeros((3, 4)), (10, 10)), position)


def test_a_position_of_other_axes_is_refused():
    with pytest.raises(UserError, match=r"'gate 2' has 3 axes and the position 4 5\.5 has 2 numbers"):
        value_at(placed(np.zeros((2, 3, 4)), (1, 10, 10)), (4, 5.5))


@pytest.mark.parametrize("block", [7, 2**22])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_statistics_are_those_of_all_cells(monkeypatch, block, dtype):
    monkeypatch.setattr(map_table, "_BLOCK", block)
    data = (np.random.default_rng(0).random((5, 12, 9)) * 1000).astype(dtype)
    [row] = map_rows([placed(data, (1, 2, 2.5))])
    exact = data.astype("float64")
    assert (row.minimum, row.maximum) == (exact.min(), exact.max())
    assert row.mean == pytest.approx(exact.mean(), rel=1e-12)
    assert row.standard_deviation == pytest.approx(exact.std(), rel=1e-12)
    assert (row.cell_px, row.position_px, row.value) == ((1, 2, 2.5), None, None)


def test_a_table_reads_back_as_it_was(tmp_path):
    data = np.random.default_rng(0).random((3, 4), np.float32)
    maps = [placed(data, (8, 8)), placed(-data, (10 / 3, 8), name='gate 3, "open"')]
    rows = map_rows(maps, (5, 17.5))
    path = write_table(tmp_path / "maps.csv", [*rows, *map_rows(maps[:1])])
    with path.open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [line["map"] for line in read] == ["gate 2", 'gate 3, "open"', "gate 2"]
    assert float(read[0]["value"]) == data[0, 2]
    assert float(read[1]["value"]) == -data[1, 2]
    assert float(read[1]["standard_deviation"]) == rows[1].standard_deviation
    assert tuple(float(size) for size in read[1]["cell_px"].split()) == (10 / 3, 8)
    assert (read[0]["position_px"], read[2]["position_px"], read[2]["value"]) == ("5 17.5", "", "")


def test_gates_are_a_table_too(tmp_path):
    path = write_table(tmp_path / "gates.csv", [GateValues("global 1.1 height", 0.1, -0.25, 1.0, 0.5)])
    assert path.read_text() == "layer,g_q,g_k,g_v1,g_v2\nglobal 1.1 height,0.1,-0.25,1.0,0.5\n"


def test_an_existing_table_is_kept_unless_told_and_an_empty_one_is_refused(tmp_path):
    path = tmp_path / "maps.csv"
    path.write_text("typed by hand")
    rows = map_rows([placed(np.zeros((3, 4)), (8, 8))])
    with pytest.raises(OutputError, match=r"maps\.csv exists already"):
        write_table(path, rows)
    assert path.read_text() == "typed by hand"
    write_table(path, rows, overwrite=True)
    assert path.read_text().startswith("map,kind,")
    with pytest.raises(UserError, match="nothing to write"):
        write_table(tmp_path / "none.csv", [])
    assert [file.name for file in tmp_path.iterdir()] == ["maps.csv"]
