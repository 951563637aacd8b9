"""What attention maps are called and mean, for people who never read the papers: the one place for these words.

The window, the command line and the docs take them from here. Files, tables and Python keep the maps' own names, such
as ``"gate 2"``, which are the papers' terms.

>>> words = map_words("gate 2")
>>> words.name
'Fine detail let through'
>>> words.reading(0.27)
'mostly held back'
>>> map_words("global 2.1 received").name
'Stage 2.1, whole view: looked-at places'
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

__all__ = [
    "GATE_WORDS",
    "MapWords",
    "contrast_sentence",
    "difference_name",
    "head_words",
    "like_pairs",
    "likeness",
    "map_words",
    "pointer_sentence",
    "unlike_sentence",
    "view_words",
]

GATE, RECEIVED, SHARE = "attention gate", "attention received", "positional share"
STRENGTH, PREDICTION = "attention strength", "prediction"
LOOK, DIFFERENCE = "axial attention", "difference"
DECIDES, RESULT = "positions in similarity", "positions in output"
RELEVANCE = "class relevance"
LOOKS = (LOOK, "position attention", "window attention", "token attention")  # maps of where one place looks

_FINENESS = {1: "Finest", 2: "Fine", 3: "Medium", 4: "Coarse", 5: "Coarsest"}
_SCALES = {1: "Finest scale", 2: "Fine scale", 3: "Coarse scale", 4: "Coarsest scale"}
_WINDOWS = {"large window": "large windows", "small window": "small windows", "window": "windows"}
_FUSED = {"earlier": "taken of the stage before", "later": "taken of what it sees itself"}
_PLACES = {"global": "whole view", "local": "small patches"}  # a network of one branch sees the whole view, too

#: The four gates of gated axial attention: what each weighs, in plain words (equation 3 of the paper).
GATE_WORDS = {
    "g_q": "where to look: distance, as seen from here",
    "g_k": "where to look: distance, as seen from there",
    "g_v1": "what is taken: content",
    "g_v2": "what is taken: distance",
}


@dataclass(frozen=True, slots=True)
class MapWords:
    """Words for a map.

    Parameters
    ----------
    name
        What to call it.
    term
        What the papers call it.
    meaning
        What its values say, in one line.
    low, high
        What a low and a high value say, in a phrase.
    steps
        Values, and what is said of those below the first, from the first on, and so on: see :meth:`reading`.
    """

    name: str
    term: str
    meaning: str
    low: str
    high: str
    steps: tuple[tuple[float, ...], tuple[str, ...]]

    def reading(self, value: float) -> str:
        """Return what a value says."""
        borders, said = self.steps
        return said[bisect_right(borders, value)]


_APART = 0.3  # standard deviations of a map: objects that are less apart from the rest do not stand out
_GATE_STEPS = ((0.35, 0.65), ("mostly held back", "half let through", "mostly let through"))
_RECEIVED_STEPS = ((0.5, 1.5, 4.0), ("hardly looked at", "looked at as usual", "looked at much", "looked at very much"))
_SHARE_STEPS = ((0.35, 0.65), ("content counts more", "both count alike", "position counts more"))
_STRENGTH_STEPS = (
    (0.5, 1.5, 3.0),
    ("weaker than usual", "as usual", "stronger than usual", "very strong"),
)
_FOUND_STEPS = ((0.35, 0.65), ("nothing found", "unsure", "found"))
_FUSION_STEPS = ((0.35, 0.65), ("little is taken", "half is taken", "most is taken"))
_RELEVANCE_STEPS = (
    (0.5, 1.5, 4.0),
    ("hardly speaks for it", "speaks for it as an average place does", "speaks for it", "speaks for it very much"),
)
_LOOK_STEPS = ((1e-3, 1e-2), ("hardly looked at from there", "looked at from there", "looked at much from there"))
_DIFFERENCE_STEPS = ((-0.02, 0.02), ("lower", "about the same", "higher"))


def map_words(name: str, kind: str = "") -> MapWords:
    """Return the words for a map.

    Parameters
    ----------
    name
        The map's own name, such as ``"gate 2"`` or ``"global 2.1 received"``.
    kind
        Its kind, of maps whose name does not tell, such as a difference.
    """
    if kind == DIFFERENCE:
        what, colon, models = name.partition(": ")
        meaning = "Green: the first model's value is higher here. Pink: the other's is. Pale: both agree."
        name = f"{map_words(what).name}: {models}" if colon else name
        return MapWords(name, "difference of attention maps", meaning, "lower", "higher", _DIFFERENCE_STEPS)
    gate = _gate(name)
    if gate is not None or kind == GATE:
        level, part = gate or (0, 0)
        fineness = _FINENESS.get(level, f"Level {level}")
        return MapWords(
            f"{fineness} detail let through" + (f", map {part}" if part else "") if gate else name,
            f"attention gate {level}, its coefficients alpha" if gate else kind,
            "How much detail of the image reaches the result here: 1 lets it through, 0 holds it back. Where it is "
            "held back, the network goes by what it saw more coarsely.",
            "held back",
            "let through",
            _GATE_STEPS,
        )
    axial = _axial(name)
    if axial is not None:
        branch, stage, what = axial
        where = f"Stage {stage}, {_PLACES.get(branch, 'whole view')}"
        if what == "received":
            return MapWords(
                f"{where}: looked-at places",
                f"axial attention received, block {branch} {stage}",
                "How much all other places look here: 1 is the average, more is looked at more.",
                "hardly looked at",
                "looked at much",
                _RECEIVED_STEPS,
            )
        decides = what == DECIDES
        return MapWords(
            f"{where}: position in {'where to look' if decides else 'the result'}",
            f"share of the positional terms in {'the similarity' if decides else 'the output'}, block {branch} {stage}",
            ("Whether the network chooses where to look" if decides else "Whether the result here comes")
            + " by where things lie (1) or by what they look like (0).",
            "content counts",
            "position counts",
            _SHARE_STEPS,
        )
    scale = _scale(name)
    if scale is not None:
        return _scale_words(*scale)
    seen = _seen(name)
    if seen is not None:
        return seen
    if kind == RELEVANCE or name == RELEVANCE:
        meaning = "How much each place speaks for the class: 1 is the average, more speaks for it more."
        return MapWords(name, "gradient-weighted attention", meaning, "does not", "speaks for it", _RELEVANCE_STEPS)
    if kind in LOOKS:
        meaning = "Where the network looks from the marked place; all values together are 1."
        return MapWords(name, kind, meaning, "hardly looked at", "looked at much", _LOOK_STEPS)
    return MapWords(name, kind or name, "A map of the network.", "low", "high", ((), ("",)))


def _scale_words(number: int, step: int, what: str) -> MapWords:
    """Return the words for a map of self-guided attention; of predictions, the step is 0."""
    where = _where(number, step)
    if what == "prediction":
        return MapWords(
            f"{where}: what it finds by itself",
            f"prediction of scale {number}",
            "How sure this scale by itself is that something is here: 0 nothing, 1 sure. The result is their mean.",
            "nothing is found",
            "it is found",
            _FOUND_STEPS,
        )
    if what == "received":
        return MapWords(
            f"{where}: looked-at places",
            f"position attention received, scale {number}, step {step}",
            "How much all other places look here: 1 is the average, more is looked at more.",
            "hardly looked at",
            "looked at much",
            _RECEIVED_STEPS,
        )
    guided = what == "guided"
    return MapWords(
        f"{where}: attention {'after' if guided else 'before'} guidance",
        f"mean size of the {'guided' if guided else 'position and channel'} attention, scale {number}, step {step}",
        "How strongly the network attends to what is here, "
        + ("once it is weighed by what the image means there" if guided else "before that is weighed by its meaning")
        + ": 1 is the average.",
        "weak attention",
        "strong attention",
        _STRENGTH_STEPS,
    )


def _where(scale: int, step: int) -> str:
    return _SCALES.get(scale, f"Scale {scale}") + (f", step {step}" if step else "")


def view_words(view: str, kind: str) -> str:
    """Return what to call a way to look at a place: a block, all blocks of a branch (``"rollout"``), or a gate."""
    if kind == "gate":
        return map_words(view).name
    scale = re.fullmatch(r"scale (\d) step (\d)", view)
    if scale:
        return f"{_where(int(scale[1]), int(scale[2]))}: where it looks from here"
    found = re.fullmatch(r"((?:large |small )?window) (\d+\.\d+)|layer (\d+)", view)
    if found is not None:
        where = f"Stage {found[2]}, {_WINDOWS[found[1]]}" if found[1] else f"Layer {found[3]}, whole view"
        return f"{where}: where it looks from here"
    branch, _, stage = view.partition(" ")
    place = _PLACES.get(branch, "whole view")
    return f"{f'Stage {stage}' if stage else 'All stages'}, {place}: where it looks from here"


def pointer_sentence(name: str, value: float | None) -> str:
    """Return what to say at the pointer of a gate's value, or (None) of a map of where the network looks from there."""
    if value is None:
        return "Bright: where it looks most from the cross."
    return f"{value:.2f} here: {map_words(name).reading(value)}."


def head_words(axis: str, head: int | None, count: int) -> str:
    """Return what to call a head (from 0; None is the mean over heads) of attention.

    It is that along the ``"height"`` or the ``"width"``, or (``""``) attention that looks in all directions.
    """
    if not axis:
        return f"all {count}, their mean" if head is None else f"way {head + 1}"
    direction = {"height": "up-down", "width": "left-right"}[axis]
    return f"{direction}: all {count}" if head is None else f"{direction}: way {head + 1}"


def contrast_sentence(name: str, inside: float, outside: float, separation: float) -> str:
    """Return what a map shows of the objects that were found.

    Parameters
    ----------
    name
        The map's.
    inside, outside, separation
        Of :class:`~src_models.attention.map_contrast.Contrast`.

    >>> contrast_sentence("gate 2", 0.27, 0.57, -1.4)
    'Here: 0.27 inside the objects found, 0.57 elsewhere: objects are dark, detail is held back in them.'
    """
    words = map_words(name)
    subject = "detail is " if _gate(name) else ""
    if abs(separation) < _APART:
        what = "objects do not stand out"
    elif inside < outside:
        what = f"objects are dark, {subject}{words.low} in them"
    else:
        what = f"objects are bright, {subject}{words.high} in them"
    return f"Here: {inside:.2f} inside the objects found, {outside:.2f} elsewhere: {what}."


def likeness(name: str, kind: str) -> Hashable:
    """Return what two maps must have in common to mean the same, so that one may be taken from the other.

    Gates mean the same at the same level of the pyramid. Maps of axial attention do if they tell the same, of the same
    stage, and both of the whole view or both of patches; it does not matter what a network calls its only branch.
    """
    gate, axial = _gate(name), _axial(name)
    if kind == DIFFERENCE or (gate is None and axial is None):
        return kind, name
    if axial is None:
        return "gate", gate
    branch, stage, what = axial
    return what, stage, branch == "local"


def like_pairs(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of recorded maps of two models that mean the same, in the order of `ours`.

    >>> like_pairs(["gate 2", "gate 3"], ["gate 3", "gate 4"])
    [('gate 3', 'gate 3')]
    >>> like_pairs(["gate 2"], ["global 1.1 received"])
    []
    """
    known = {likeness(name, ""): name for name in theirs}
    return [(name, known[likeness(name, "")]) for name in ours if likeness(name, "") in known]


def unlike_sentence(one: str, other: str) -> str:
    """Return why nothing is subtracted of two models that have no maps which mean the same."""
    return (
        f"No map of {one} means the same as one of {other}, so none is subtracted. To see both: Keep (under Save) a "
        "map of one, Look with the other, and press Side by side; or choose another model here."
    )


def difference_name(first: str, second: str, models: tuple[str, str] | None) -> str:
    """Return what the difference of two maps is called."""
    if models is None:
        return f"{first} - {second}"
    one, other = models
    return f"{first}: {one} - {other}" if first == second else f"{one} {first} - {other} {second}"


def _seen(name: str) -> MapWords | None:
    """Return the words for a map of a network that says what a whole image shows; None for others."""
    found = re.fullmatch(r"((?:large |small )?window) (\d+)\.(\d+) received|layer (\d+) received", name)
    if found is not None:
        where = f"Layer {found[4]}, whole view"
        term = f"attention received, layer {found[4]}"
        among = "all other places look here"
        if found[1]:
            where = f"Stage {found[2]}.{found[3]}, {_WINDOWS[found[1]]}"
            term = f"attention received, {found[1]} of block {found[2]}.{found[3]}"
            among = "the places of the same window look here"
        meaning = f"How much {among}: 1 is the average, more is looked at more."
        return MapWords(
            f"{where}: looked-at places", term, meaning, "hardly looked at", "looked at much", _RECEIVED_STEPS
        )
    found = re.fullmatch(r"fusion (\d+) (earlier|later)", name)
    if found is None:
        return None
    of = "the stage before saw, in finer detail" if found[2] == "earlier" else "this stage itself sees"
    return MapWords(
        f"Stage {found[1]}: {_FUSED[found[2]]}",
        f"spatial attention fusion {found[1]}, weight of the {found[2]} features",
        f"How much is taken here of what {of}: 1 takes all of it, 0 nothing.",
        "little is taken",
        "much is taken",
        _FUSION_STEPS,
    )


def _gate(name: str) -> tuple[int, int] | None:
    """Return level and number (0: the only one) of a gate's map."""
    found = re.fullmatch(r"gate (\d+)(?: map (\d+))?", name)
    return (int(found[1]), int(found[2] or 0)) if found else None


def _axial(name: str) -> tuple[str, str, str] | None:
    """Return branch, stage and what is told of an axial block."""
    found = re.fullmatch(rf"(global|local|block) (\d+\.\d+) (received|{DECIDES}|{RESULT})", name)
    return (found[1], found[2], found[3]) if found else None


def _scale(name: str) -> tuple[int, int, str] | None:
    """Return scale, step (of predictions 0) and what is told of a map of self-guided attention."""
    found = re.fullmatch(r"scale (\d)(?: step (\d) (received|attended|guided)| (prediction))", name)
    return (int(found[1]), int(found[2] or 0), found[3] or found[4]) if found else None
