"""A whole audit: its sentences in order, and all of it as JSON."""

import json
from dataclasses import replace

import pytest

from src_models.auditing.figures import Curve, Gain, MapAudit, ObjectAttention, Order, Pointing, Randomisation
from src_models.auditing.results import Audit

CURVE = Curve.through((0.0, 1.0), (1.0, 0.0))


def order(name):
    return Order(name, CURVE, CURVE, Gain(0.2, 0.01), Gain(0.2, 0.01))


def one_map(name, pointing=None):
    return MapAudit(name, "gate", "", order(name), Randomisation(("in",), (0.1,)), pointing)


@pytest.fixture
def audit():
    return Audit(
        name="cells.tif",
        model="net",
        images=1,
        region=(4, 6, 64, 48),
        whole=False,
        zoom=0.5,
        found=0.2,
        floor=0.1,
        random=order("random"),
        references=(order("input gradient"), order("the result itself")),
        maps=(one_map("gate 1"), one_map("gate 2", Pointing(1.0, 0.2, 0.8, 0.2))),
        looks=(
            ObjectAttention("global 2.1", 9, 0.2, 0.1, 0.4, 0.3),
            ObjectAttention("global rollout", 9, 0.3, 0.1, 0.6, 0.3),
        ),
    )


def test_sentences_go_from_what_was_audited_to_each_map_and_to_the_rollouts(audit):
    lines = audit.summary
    assert lines[0].startswith("Of cells.tif only 64 x 48 px in the middle were audited (from row 4, column 6)")
    assert lines[1].startswith("For comparison: removing pixels in the order of the input gradient")
    first = [number for number, line in enumerate(lines) if "gate 1" in line]
    second = [number for number, line in enumerate(lines) if "gate 2" in line]
    assert (len(first), len(second)) == (2, 3), "the pointing game is played where objects are known"
    assert max(first) < min(second)
    assert "global rollout" in lines[-1]
    assert not any("global 2.1" in line for line in lines)


def test_where_much_is_left_with_everything_removed_that_is_said_first(audit):
    assert "50% of the result is still there" in replace(audit, floor=0.5).summary[1]
    assert not any("still there" in line for line in replace(audit, floor=0.49).summary)


def test_one_image_whole_or_in_part_and_many_are_told_apart(audit):
    assert replace(audit, whole=True).summary[0] == "The whole plane of cells.tif was audited, 64 x 48 px."
    assert replace(audit, images=7, region=None).summary[0].startswith("Means over 7 images of cells.tif")


def test_json_holds_every_figure_and_the_sentences(audit):
    kept = json.loads(json.dumps(audit.to_dict()))
    assert kept["region"] == [4, 6, 64, 48]
    assert kept["maps"][1]["pointing"] == {"strongest": 1.0, "strongest_chance": 0.2, "top": 0.8, "chance": 0.2}
    assert kept["maps"][0]["pointing"] is None
    assert kept["random"]["deletion"] == {"fractions": [0.0, 1.0], "scores": [1.0, 0.0], "area": 0.5}
    assert tuple(kept["summary"]) == audit.summary
