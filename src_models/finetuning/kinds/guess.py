"""What labels probably mean, and why; a person can say otherwise.

The thresholds part the sets of real annotations that they were chosen on: whole cells, microbes, nuclei and white cells
(objects) from abdominal organs, axons with their myelin and organs of head and neck (classes), and from membranes and
vessels (one class of thin lines), of five tiles each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from src_models.corrections.correction import Correction
from src_models.corrections.correction_set import Corrections, CorrectionSet
from src_models.errors import UserError
from src_models.finetuning.kinds.label_facts import LOOKED_AT, LabelFacts, facts_of
from src_models.finetuning.kinds.label_kind import MOST_CLASSES, LabelKind, Meaning
from src_models.finetuning.kinds.learning_scale import learning_zoom
from src_models.models.header import ModelHeader, read_header

__all__ = ["Guess", "guess_of_facts", "guess_of_folder", "kind_to_learn"]

FEW = 16  # numbers; people do not tell more kinds apart
MANY_PARTS = 0.5  # where fewer numbers than this share mark one part each, numbers are no objects
NEARLY_WHOLE = 0.92  # of objects more than this share of the numbers mark one part each
RETURNS = 1.6  # tiles in which a number occurs on average, where numbers are classes
ALIKE = 0.06  # p value
THIN = 9.0  # px; of narrower lines, a boundary of two layers leaves next to nothing
LONG = 16.0  # widths
SPANNING = 0.5  # share of the tiles


@dataclass(frozen=True, slots=True)
class Guess:
    """What labels mean, in which numbers, and why that is thought.

    Parameters
    ----------
    kind
        The kind.
    why
        A sentence or two for people.
    numbers
        The numbers that occur in the labels.
    diameter
        Median diameter (px) of what would be the objects, if there are any.
    zoom
        Factor to resize images by for the model that is to learn.
    """

    kind: LabelKind
    why: str
    numbers: tuple[int, ...] = ()
    diameter: float | None = None
    zoom: float = 1.0


def kind_to_learn(
    corrections: Corrections,
    header: ModelHeader,
    kind: LabelKind | Meaning | None = None,
    class_names: Sequence[str] = (),
) -> Guess:
    """Return what a network is to learn from corrections.

    Parameters
    ----------
    corrections
        What it learns from.
    header
        The network's: where labels fit what it finds, it goes on with that.
    kind
        What a person said that labels mean; None guesses.
    class_names
        Names of the classes from 1 on; with them, labels are classes. A single name is that of all that is marked.

    Raises
    ------
    UserError
        If what a person said does not fit the labels.
    """
    facts = facts_of(corrections.corrections())
    known = LabelKind.of(header)
    meaning, names = (kind.meaning, kind.names) if isinstance(kind, LabelKind) else (kind, tuple(class_names))
    if meaning is None and not names:
        chosen, why = _fitting(facts, known, header.name)
    else:
        chosen, why = _said(facts, known, meaning, names), "That was said of them."
    goes_on = chosen.meaning == known.meaning == "objects"
    zoom = learning_zoom(header, facts.diameter) if goes_on else header.image_zoom
    return Guess(chosen, f"{why}{_scale(header, facts.diameter, zoom)}", facts.numbers, facts.diameter, zoom)


def guess_of_folder(folder: Path, model: Path) -> Guess:
    """Return what the newest corrections in a folder mean, for the model in a file.

    Raises
    ------
    UserError
        If either cannot be read.
    """
    return kind_to_learn(_Newest(CorrectionSet.open(folder)), read_header(model))


def _scale(header: ModelHeader, diameter: float | None, zoom: float) -> str:
    if zoom == header.image_zoom or diameter is None:
        return ""
    known = header.object_diameter or 0.0
    other = "larger" if diameter * header.image_zoom > known else "smaller"
    return (
        f" They are about {diameter:.0f} px across, {other} than what {header.name} knows best ({known:.0f} px): it "
        f"learns, and then finds, them in images resized {zoom:.2g} times."
    )


def guess_of_facts(facts: LabelFacts) -> tuple[LabelKind, str]:
    """Return what labels probably mean, whatever a model finds, and why.

    Parameters
    ----------
    facts
        What can be seen of the labels.
    """
    count = len(facts.numbers)
    if count == 1:
        return _of_one_number(facts)
    objects = LabelKind("objects")
    some = f"{count} numbers"
    if facts.whole < MANY_PARTS and count <= FEW and facts.numbers[-1] <= MOST_CLASSES:
        return _classes(facts), f"{some} mark many separate parts each, so they are taken as classes."
    if count > FEW or facts.numbers[-1] > MOST_CLASSES:
        return objects, f"There are {some}, most of them one connected part each, so they are taken as objects."
    if facts.counts_up:
        return objects, f"The {some} count up from 1 in each image, one connected part each: taken as objects."
    if facts.returning >= RETURNS and facts.whole < NEARLY_WHOLE:
        return _classes(facts), f"The same {some} return, some of them in several parts, so they are taken as classes."
    if facts.returning >= RETURNS and facts.alike < ALIKE:
        return _classes(facts), f"The same {some} return and look alike each time, so they are taken as classes."
    return objects, f"The {some} mark one connected part each, so they are taken as objects."


class _Newest:
    """The corrections of a set that were added last, as many as are looked at."""

    def __init__(self, corrections: CorrectionSet) -> None:
        self._set = corrections

    def corrections(self) -> Iterator[tuple[str, Correction]]:
        for item in self._set.items[-LOOKED_AT:]:
            yield item.name, self._set.read(item.name)


def _of_one_number(facts: LabelFacts) -> tuple[LabelKind, str]:
    if facts.width < THIN and facts.length >= LONG:
        return LabelKind.classes(1), (
            f"One number marks long thin lines, about {facts.width:.0f} px wide, so it is taken as one class."
        )
    if facts.spans > SPANNING:
        return LabelKind.classes(1), "One number marks what reaches across the image, so it is taken as one class."
    compact = "1 compact part" if facts.parts == 1 else f"{facts.parts} compact parts"
    return LabelKind("objects"), f"One number marks {compact}, so each part is taken as an object."


def _classes(facts: LabelFacts) -> LabelKind:
    return LabelKind.classes(1 if len(facts.numbers) == 1 else facts.numbers[-1])


def _fitting(facts: LabelFacts, known: LabelKind, name: str) -> tuple[LabelKind, str]:
    """Return what a model finds where the labels can be that, and else what they probably mean."""
    goes_on = f"The model {name} finds {known.words}, and goes on with that"
    if not facts.numbers:
        return known, f"{goes_on}."
    guess, why = guess_of_facts(facts)
    if guess.meaning == known.meaning == "objects":
        return known, why
    highest, several = facts.numbers[-1], len(known.names)
    fits_one = several == 1 and (guess.meaning == "objects" or len(facts.numbers) == 1)
    fits_some = several > 1 and (highest <= several or guess.meaning == "classes")
    if fits_one or fits_some:
        return known, f"{goes_on}; choose another kind if the labels mean something else."
    return guess, f"{why} The model {name} finds {known.words}: for this it gets a new last layer."


def _said(facts: LabelFacts, known: LabelKind, meaning: Meaning | None, names: tuple[str, ...]) -> LabelKind:
    if meaning == "objects":
        return LabelKind("objects", names)
    highest = 1 if len(facts.numbers) <= 1 or len(names) == 1 else facts.numbers[-1]  # one class is all that is marked
    if highest > MOST_CLASSES:
        raise UserError(
            f"the labels have numbers up to {highest}, and a network learns {MOST_CLASSES} classes at most: number the "
            "classes 1, 2, 3 and so on, or choose objects if each number is an object"
        )
    if names and len(names) < highest:
        raise UserError(
            f"the labels have classes up to {highest} and there are {len(names)} names ({', '.join(names)}): name "
            "every class, without the background"
        )
    if not names and known.meaning == "classes" and len(known.names) >= highest:
        return known
    return LabelKind("classes", names) if names else LabelKind.classes(highest)
