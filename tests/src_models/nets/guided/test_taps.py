"""What can be read of self-guided attention is called as its record says."""

from src_models.nets.guided.taps import MapTaps, prediction_tap
from src_models.nets.guided_architectures import ARCHITECTURES


def test_names_are_those_of_the_record():
    (record,) = ARCHITECTURES
    taps = MapTaps(3, 2)
    maps = [tap.name for tap in (taps.received(), taps.attended(), taps.guided(), prediction_tap(3))]
    assert set(maps) <= set(record.maps({"refinements": 2}))
    assert taps.channels().name in record.matrices({"refinements": 2})
    assert not set(maps) & set(record.matrices({"refinements": 2}))


def test_all_lie_on_the_finest_grid_the_finest_scale_first():
    taps = [MapTaps(scale, 1).received() for scale in (1, 2, 3, 4)]
    assert {tap.stride for tap in (*taps, prediction_tap(1))} == {4}
    assert [tap.level for tap in taps] == [3, 4, 5, 6]
