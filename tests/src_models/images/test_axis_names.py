"""Names of axes as programs and people write them."""

import pytest

from src_models.images.axis_names import axis_letter


@pytest.mark.parametrize(
    ("names", "letter"),
    [
        (("t", "T", "time", " Time "), "T"),
        (("z", "depth", "Plane", "slice"), "Z"),
        (("c", "channel", "Channels"), "C"),
        (("y", "row", "HEIGHT"), "Y"),
        (("x", "column", "width"), "X"),
        (("position", "axis -1", "", "q"), None),
    ],
)
def test_a_name_means_its_axis(names, letter):
    assert {axis_letter(name) for name in names} == {letter}
