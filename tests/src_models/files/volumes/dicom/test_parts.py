"""How frames are divided: only where they must be, and then by what tells them apart."""

import numpy as np
import pytest
from dicom_files import slice_in

from src_models.files.volumes.dicom.parts import divided
from src_models.files.volumes.dicom.reading import read_slices

UPWARDS = [{"position": (0, 0, 2 * z)} for z in range(3)]


@pytest.fixture
def divide(tmp_path, write_frames):
    """Return a function that writes frames, and tells the parts of them by name: how many times, and frames of each."""

    def divide_(frames, **told):
        values = np.zeros((len(frames), 2, 2), "uint16")
        parts, lacking = divided(read_slices(write_frames(tmp_path / "a.dcm", values, frames, modality="MR", **told)))
        assert not lacking
        return {part.name: (len(part.moments), *{len(moment) for moment in part.moments}) for part in parts}, parts

    return divide_


def repeated(**values):
    (name, each), *_ = values.items()
    return [{**one, name: value} for value in each for one in UPWARDS]


def test_what_differs_without_need_divides_nothing(divide):
    frames = [{**one, "echo": 3.0 + z, "trigger": 10.0 * z, "time": z + 1} for z, one in enumerate(UPWARDS)]
    assert divide(frames)[0] == {"": (1, 3)}


def test_stacks_are_apart_though_they_would_make_one(divide):
    frames = [{**one, "stack": "12"[z % 2]} for z, one in enumerate(UPWARDS)]
    assert divide(frames)[0] == {"stack 1": (1, 2), "stack 2": (1, 1)}


def test_an_overview_in_three_directions_is_three_series(divide):
    turns = [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 0, -1)]
    found, _ = divide([{"position": (0, 0, 0), "orientation": turn} for turn in turns])
    assert found == {f"orientation {number}": (1, 1) for number in (1, 2, 3)}


@pytest.mark.parametrize(
    ("name", "values", "names"),
    [
        ("echo", (30.0, 4.6, 100.0), ["echo 4.6 ms", "echo 30 ms", "echo 100 ms"]),
        ("b", (1000.0, 0.0), ["b-value 0 s/mm²", "b-value 1000 s/mm²"]),
    ],
)
def test_what_lies_at_one_place_is_divided_by_what_differs_in_order(divide, name, values, names):
    found, _ = divide(repeated(**{name: values}))
    assert list(found.items()) == [(each, (1, 3)) for each in names]


def test_directions_of_one_b_value_are_divided_and_the_one_without_stays_whole(divide):
    frames = [{**one, "b": 0.0} for one in UPWARDS]
    frames += [{**one, "b": 800.0, "direction": turn} for turn in ((1, 0, 0), (0, 1, 0)) for one in UPWARDS]
    assert divide(frames)[0] == {
        "b-value 0 s/mm²": (1, 3),
        "b-value 800 s/mm², direction 0 1 0": (1, 3),
        "b-value 800 s/mm², direction 1 0 0": (1, 3),
    }


def test_times_of_each_echo_are_an_axis(divide):
    frames = [{**one, "echo": echo} for one in repeated(time=(1, 2)) for echo in (5.0, 9.0)]
    assert divide(frames)[0] == {"echo 5 ms": (2, 3), "echo 9 ms": (2, 3)}


def test_phases_of_the_heart_are_an_axis_with_their_own_step(divide):
    found, (part,) = divide(repeated(trigger=(0.0, 40.0, 80.0)))
    assert found == {"": (3, 3)}
    assert part.seconds == pytest.approx(0.04)


def test_times_of_other_places_are_series_of_their_own(divide):
    frames = [*repeated(time=(1, 2)), {"position": (0, 0, 6), "time": 2}]
    assert divide(frames)[0] == {"time 1": (1, 3), "time 2": (1, 4)}


def test_a_dimension_without_a_name_divides_where_nothing_else_does(divide):
    frames = [{**one, "index": [1, number]} for number in (1, 2) for one in UPWARDS]
    found, _ = divide(frames, dimensions=(0x00209057, 0x00089215))
    assert found == {"dimension 2 1": (1, 3), "dimension 2 2": (1, 3)}


def test_what_nothing_tells_apart_stays_together(divide):
    assert divide([*UPWARDS, UPWARDS[0]])[0] == {"": (1, 4)}


def test_files_of_one_series_are_apart_but_those_of_one_frame_each_are_together(tmp_path, write_frames):
    values = np.zeros((3, 2, 2), "uint16")
    whole = [write_frames(tmp_path / f"w{n}.dcm", values, UPWARDS, series="1.2") for n in range(2)]
    alone = [write_frames(tmp_path / f"a{n}.dcm", values[:1], [UPWARDS[n]], series="1.2") for n in range(3)]
    frames = [one for path in (*whole, *alone) for one in read_slices(path)]
    parts, _ = divided(frames)
    assert [len(part.moments[0]) for part in parts] == [3, 3, 3]
    assert [part.name for part in parts] == ["(1)", "(2)", "(3)"]
    assert slice_in(alone[0]).traits is not None


def test_a_divided_object_that_is_not_whole_is_left_out_with_its_missing_parts(tmp_path, write_frames):
    values = np.zeros((1, 2, 2), "uint16")
    frames = []
    for number in (2, 4):
        told = {"ConcatenationUID": "1.2", "InConcatenationNumber": number, "InConcatenationTotalNumber": 5}
        frames += read_slices(write_frames(tmp_path / f"{number}.dcm", values, [UPWARDS[0]], **told))
    parts, lacking = divided(frames)
    assert parts == []
    assert {one.path.name for one in lacking} == {"2.dcm", "4.dcm"}
    assert "in 5 files, of which number 1 and 2 more is missing" in lacking[0].reason
