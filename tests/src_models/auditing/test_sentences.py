"""What is said of numbers: each finding has its words, and a map that explains nothing is called so."""

from dataclasses import replace

import pytest

from src_models.auditing.figures import (
    BlockInfluence,
    Curve,
    Gain,
    MapAudit,
    ObjectAttention,
    Order,
    Pointing,
    Randomisation,
)
from src_models.auditing.results import Audit

CURVE = Curve.through((0.0, 0.5, 1.0), (1.0, 0.5, 0.0))


def order(deletion=0.0, insertion=0.0, name="gate 2", uncertainty=0.02):
    return Order(name, CURVE, CURVE, Gain(deletion, uncertainty), Gain(insertion, uncertainty))


def made(deletion=0.0, insertion=0.0, final=0.1, pointing=None, **other):
    one = MapAudit("gate 2", "", "", order(deletion, insertion), Randomisation(("out", "in"), (1.0, final)), pointing)
    audit = Audit("a.png", "m", 1, (3, 4, 256, 256), False, 1.0, 0.2, 0.1, order(name="random"),
                  (order(0.2, name="input gradient"),), (one,))  # fmt: skip
    return " ".join(replace(audit, **other).summary)


@pytest.mark.parametrize(
    ("gains", "words"),
    [
        ((0.2, 0.2), "back faster than at random: this map marks what the network needs."),
        ((0.005, -0.03), "back no faster than at random: this map is no explanation of the result."),
        ((-0.2, -0.2), "back more slowly than at random: what this map marks is what the network needs least"),
        ((0.2, 0.0), "this map explains the result in part at best"),
        ((-0.2, 0.2), "the two contradict each other"),
        ((-0.2, 0.0), "this map is no explanation of the result"),
    ],
)  # fmt: skip
def test_what_removing_and_showing_say(gains, words):
    assert words in made(*gains)


def test_what_is_too_uncertain_is_not_called_untrue():
    """A gain of 0.11 on four images that differ much may be none, and may be a large one."""
    one = MapAudit("gate 2", "", "", order(0.11, 0.1, uncertainty=0.09), Randomisation(("in",), (0.1,)), None)
    few = made(maps=(one,), references=(order(0.18, name="input gradient", uncertainty=0.11),))
    assert "not clearly faster than at random: the images differ too much, or are too few, to tell" in few
    assert "order of the input gradient destroys the result not clearly faster than at random" in few
    assert "no explanation" not in few


@pytest.mark.parametrize(
    ("final", "words"),
    [(0.9, "hardly changes"), (0.5, "changes in part"), (0.1, "is another map"),
     (None, "becomes flat")],
)  # fmt: skip
def test_what_random_weights_say(final, words):
    assert f"gate 2 {words} when the network's weights are random" in made(final=final)


@pytest.mark.parametrize(
    ("top", "words"), [(0.5, "prefers objects"), (0.22, "does not tell objects from the rest"), (0.1, "avoids objects")]
)
def test_what_the_pointing_game_says(top, words):
    assert f"{top:.0%} lies in objects, which cover 20% of the image: it {words}." in made(
        pointing=Pointing(1.0, 0.2, top, 0.2)
    )


def test_the_part_that_was_looked_at_is_named():
    assert "only 256 x 256 px in the middle were audited (from row 3, column 4)" in made()
    assert "Means over 7 images of a.png" in made(images=7, region=None)


def test_a_blurred_image_that_keeps_the_result_is_told():
    assert "removing pixels can tell little here" in made(floor=0.7)
    assert "removing pixels can tell little here" not in made(floor=0.4)


def test_what_blocks_say():
    text = made(
        looks=(
            ObjectAttention("global (rollout)", 12, 0.2, 0.02, 0.25, 0.24),
            ObjectAttention("global 1.1", 12, 0, 1, 0, 1),
        ),
        influences=(BlockInfluence("global 2.1", 4, 192, 0.4, 0.1, 0.2, 0.25),),
    )
    assert "25% of the attention of global (rollout) on objects (about what chance gives, 24% of the area)" in text
    assert "20.0% on their own object (far more than by chance, 2.0%)" in text
    assert "global 1.1" not in text
    assert "rank correlation 0.25 with its attention map" in text
    assert "does not tell what acts on it" in text


@pytest.mark.parametrize(
    ("mean", "uncertainty", "verdict"), [(0.1, 0.04, 1), (-0.1, 0.04, -1), (0.1, 0.06, 0), (0.009, 0.0, 0)]
)
def test_clear_is_what_exceeds_twice_the_uncertainty_and_a_hundredth(mean, uncertainty, verdict):
    assert Gain(mean, uncertainty).verdict == verdict


def test_the_area_is_that_of_trapezoids():
    assert Curve.through((0.0, 0.1, 1.0), (1.0, 0.5, 0.0)).area == pytest.approx(0.1 * 0.75 + 0.9 * 0.25)
