"""What an audit's numbers mean, in sentences for people who use the maps."""

from __future__ import annotations

from src_models.auditing.figures import BlockInfluence, Gain, MapAudit, ObjectAttention, Order, ToldClasses

__all__ = ["of_influence", "of_map", "of_object_attention", "of_reference", "of_remainder", "of_told"]

# Above HIGH a map is taken to be much the same as before, below LOW to be another one.
HIGH, LOW = 0.6, 0.3
# Random orders of cells that are so few that their correlation exceeds this are not alike because of it.
FEW = 0.1
# From this survival with everything removed, deletion and insertion have little room left to tell orders apart.
BLIND = 0.5
# Shares of area, and areas under curves, that differ by less from chance are not told apart.
MARGIN = 0.05
# Shares of attention that lie so many times over chance are called strong.
STRONG = 1.5


def of_told(told: ToldClasses, count: int, name: str, probability: float) -> str:
    """Say what an audit of a model of classes looked at."""
    what = told.what if count > 1 else told.what.removesuffix("s")
    classes = ", ".join(f"{number} {each}" for each, number in told.counts.items() if number)
    return (
        f"{count} {what} of {name} as the network saw {'them' if count > 1 else 'it'}, {told.size} x {told.size} px: "
        f"{classes}. The result is the probability of the class that was told, {probability:.2f} on average."
    )


def of_remainder(floor: float, *, told: bool = False) -> str:
    """Say how much of the result is left with everything removed, where removing pixels then tells little."""
    if floor < BLIND:
        return ""
    if told:
        return (
            f"With everything removed, the probability of the class is still {floor:.2f}: the network tells it of "
            "blurred pictures as well, so removing pixels can tell little here."
        )
    return (
        f"With everything removed, {floor:.0%} of the result is still there: the network finds objects even in a "
        "blurred image, so removing pixels can tell little here."
    )


def of_map(one: MapAudit) -> list[str]:
    """Say what the measures of a map mean."""
    return [_order(one), *_middle(one), _randomised(one), *_pointed(one)]


def of_reference(order: Order) -> str:
    """Say how an order to compare with does against chance."""
    pace = _pace(order.deletion_gain)
    return f"For comparison: removing pixels in the order of the {order.name} destroys the result {pace} at random."


def _order(one: MapAudit) -> str:
    gains = (one.order.deletion_gain, one.order.insertion_gain)
    deletion, insertion = (gain.verdict for gain in gains)
    start = (
        f"Removing what {one.name} marks first destroys the result {_pace(gains[0])} removing pixels at random, and "
        f"showing it first brings the result back {_pace(gains[1])} at random"
    )
    if deletion == insertion == 1:
        return f"{start}: this map marks what the network needs."
    if deletion == insertion == -1:
        return f"{start}: what this map marks is what the network needs least; do not read it as what matters."
    if deletion == insertion == 0 and any(_undecided(gain) for gain in gains):
        return f"{start}: the images differ too much, or are too few, to tell whether this map explains the result."
    if deletion < 1 and insertion < 1:
        return f"{start}: this map is no explanation of the result."
    if deletion == -insertion:
        return f"{start}: the two contradict each other, so do not rely on this map."
    return f"{start}: this map explains the result in part at best."


def _middle(one: MapAudit) -> list[str]:
    """Say whether a map of a class says more than that its object lies in the middle of the picture."""
    if one.against_middle is None:
        return []
    verdicts = [gain.verdict for gain in one.against_middle]
    if verdicts == [1, 1]:
        what = "says more than that: it is better at both"
    elif max(verdicts) < 1:
        what = "says no more than that" + (": it is worse" if min(verdicts) < 0 else "")
    else:
        what = f"says more than that in part: it is better at {'removing' if verdicts[0] == 1 else 'showing'} alone"
    return [f"Marking the middle of each picture needs no network, and {one.name} {what}."]


def _pace(gain: Gain) -> str:
    if _undecided(gain):
        return "not clearly faster than"
    return {1: "faster than", 0: "no faster than", -1: "more slowly than"}[gain.verdict]


def _undecided(gain: Gain) -> bool:
    """Return whether a gain worth having may hide in the uncertainty."""
    return gain.verdict == 0 and gain.mean + 2 * gain.uncertainty > MARGIN


def _randomised(one: MapAudit) -> str:
    final = one.randomisation.final
    if final is None:
        return f"{one.name} becomes flat when the network's weights are random: it depends on what was learned."
    chance = one.randomisation.chance
    size = f"(rank correlation {final:.2f}{f'; of so few cells, chance gives {chance:.2f}' if chance >= FEW else ''})"
    if final >= HIGH:
        return (
            f"{one.name} hardly changes when the network's weights are random {size}: it shows the image more than "
            "what the network learned."
        )
    if final >= LOW and final > chance + MARGIN:
        return (
            f"{one.name} changes in part when the network's weights are random {size}: part of it shows the image, not "
            "what the network learned."
        )
    return f"{one.name} is another map when the network's weights are random {size}: it depends on what was learned."


def _pointed(one: MapAudit) -> list[str]:
    pointing = one.pointing
    if pointing is None:
        return []
    if pointing.top > pointing.chance + MARGIN:
        verdict = "it prefers objects"
    elif pointing.top < pointing.chance - MARGIN:
        verdict = "it avoids objects"
    else:
        verdict = "it does not tell objects from the rest"
    share = f"{pointing.top:.0%} lies in objects, which cover {pointing.chance:.0%} of the image"
    return [f"Of the strongest 1 % of {one.name}, {share}: {verdict}."]


def of_object_attention(look: ObjectAttention) -> str:
    """Say how much of the attention of objects goes to objects."""
    any_ = _against(look.any_object, look.any_object_chance)
    same = _against(look.same_object, look.same_object_chance)
    return (
        f"Pixels inside objects put {look.any_object:.0%} of the attention of {look.block} on objects ({any_} "
        f"{look.any_object_chance:.0%} of the area), and {look.same_object:.1%} on their own object ({same} "
        f"{look.same_object_chance:.1%})."
    )


def _against(share: float, chance: float) -> str:
    if share >= STRONG * chance:
        return "far more than by chance,"
    return "about what chance gives," if share <= 1.1 * chance else "a little more than by chance,"


def of_influence(found: BlockInfluence) -> str:
    """Say how far a block's map tells what acts on a pixel."""
    correlation = found.moving_correlation
    if correlation >= HIGH:
        verdict = "the map of one pixel is a good guide to what acts on it inside the block"
    elif correlation >= LOW:
        verdict = "the map of one pixel is a rough guide to what acts on it inside the block"
    else:
        verdict = "the map of one pixel does not tell what acts on it inside the block"
    return (
        f"In {found.block}, the true influence of positions on a pixel has the rank correlation {correlation:.2f} with "
        f"its attention map ({found.frozen_correlation:.2f} if the second layer's attention could not move): {verdict}."
    )
