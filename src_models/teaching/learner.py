"""The way of learning that belongs to a model: from corrections, from accepted objects, or from given classes.

Examples
--------
>>> tuned = finetune(load("click"), "my objects")  # doctest: +SKIP
>>> tuned.header.training["validation_iou"]["1"]  # doctest: +SKIP
0.83
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from src_models.classifying.learning.learning import ClassLearning
from src_models.classifying.learning.settings import ClassLearningSettings
from src_models.clicking.learning.learning import ClickLearning, KnownObjects
from src_models.clicking.learning.settings import ClickLearningSettings
from src_models.clicking.learning.taught_objects import taught_objects
from src_models.clicking.training.examples import ObjectImage
from src_models.errors import UserError
from src_models.files.class_sets.class_set import ClassSet
from src_models.files.class_sets.opening import open_class_set
from src_models.finetuning.learning import Learning
from src_models.finetuning.replay import NUCLEI, Replay, stored_images
from src_models.finetuning.settings import FinetuneSettings
from src_models.finetuning.whole_images import WholeImages, open_corrections, parts_as_objects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src_models.corrections.correction_set import CorrectionSet
    from src_models.files.dataset import DataSet
    from src_models.models.checkpoint import Model
    from src_models.models.header import ModelHeader

__all__ = ["class_learning", "click_learning", "finetune", "learner"]


def learner(
    model: Model,
    corrections: CorrectionSet | DataSet | ClassSet | str | Path,
    settings: FinetuneSettings | None = None,
    *,
    known: ClassSet | None = None,
    **further: Any,
) -> Learning | ClickLearning | ClassLearning:
    """Return a round of learning for any model.

    Parameters
    ----------
    model
        What to begin with; it stays as it is.
    corrections
        Corrections or accepted objects, or a data set whose images are right as a whole, or the folder of either. For a
        model of classes, a set of these, such as a person gave to objects, or its folder or file.
    settings
        How to learn. Of networks of clicks and of classes, steps, seconds, learning rate, replay, seed and device count
        where they are not the usual ones.
    known
        For a model of classes: the set that it was first trained on, where it is at hand.
    **further
        What else :class:`~src_models.finetuning.learning.Learning` takes; networks of clicks take nothing of it, those
        of classes other names of these.

    Raises
    ------
    UserError
        If there is nothing to learn from, or the network cannot learn so.
    DataSetError
        If corrections do not fit the network.
    """
    settings = settings or FinetuneSettings()
    if model.header.use == "classify":
        if further.get("kind") is not None:
            raise UserError(f"the model {model.header.name!r} tells classes of pictures: labels have no meaning for it")
        if not isinstance(corrections, ClassSet | str | Path):
            raise UserError(f"the model {model.header.name!r} learns from pictures with classes, and not from masks")
        names = further.get("class_names", ())
        return class_learning(model, corrections, _of_classes(settings), known=known, class_names=names)
    if isinstance(corrections, ClassSet):
        raise UserError(f"the model {model.header.name!r} does not tell classes: choose one that does")
    if model.header.use == "click":
        return click_learning(model, corrections, _of_clicks(settings))
    return Learning(model, corrections, settings, **further)


def class_learning(
    model: Model,
    pictures: ClassSet | str | Path,
    settings: ClassLearningSettings | None = None,
    *,
    known: ClassSet | None = None,
    class_names: Sequence[str] = (),
) -> ClassLearning:
    """Return a round of learning for a model of classes.

    Parameters
    ----------
    model
        What to begin with; it stays as it is.
    pictures
        Pictures with classes, such as a person gave to objects, or their folder or file.
    settings
        How to learn.
    known
        The set that the model was first trained on, where it is at hand.
    class_names
        Other names of the set's classes.

    Raises
    ------
    UserError
        If there is too little to learn from, or the model segments.
    DataSetError
        If the pictures do not fit the model.
    """
    data = pictures if isinstance(pictures, ClassSet) else open_class_set(pictures)
    return ClassLearning(model, data.named(class_names) if class_names else data, settings, known=known)


def click_learning(
    model: Model, objects: CorrectionSet | DataSet | str | Path, settings: ClickLearningSettings | None = None
) -> ClickLearning:
    """Return a round of learning for a network of clicks.

    Parameters
    ----------
    model
        What to begin with; it stays as it is.
    objects
        Accepted objects, or corrections or a data set with objects, or the folder of any of them.
    settings
        How to learn.

    Raises
    ------
    UserError
        If there are too few objects, or the model takes no clicks.
    DataSetError
        If images do not fit the network.
    """
    given = open_corrections(objects)
    found = list(given.corrections())
    judging: frozenset[str] = frozenset()
    if isinstance(given, WholeImages):
        found, judging = parts_as_objects(found), given.judging
    taught = taught_objects(found, model.header, judging)
    return ClickLearning(model, taught, _known(model.header), settings, given.sha256)


def finetune(
    model: Model,
    corrections: CorrectionSet | DataSet | ClassSet | str | Path,
    settings: FinetuneSettings | None = None,
    **further: Any,
) -> Model:
    """Let a model learn from corrections, accepted objects or given classes, and return the best network found.

    Parameters
    ----------
    model, corrections, settings, **further
        As for :func:`learner`.

    Returns
    -------
    Model
        The new network; its header names its parent's SHA-256 and that of the corrections.

    Raises
    ------
    UserError
        If there is nothing to learn from, the network cannot learn so, or nothing was gained; the message says what
        would help.
    """
    learning = learner(model, corrections, settings, **further)
    for _ in learning.steps():
        pass
    result = learning.result()
    if result.model is None:
        raise UserError(result.sentence)
    return result.model


def _of_clicks(settings: FinetuneSettings) -> ClickLearningSettings:
    """Return settings for a network of clicks: what is as usual is as usual there."""
    usual = FinetuneSettings()
    names = ("steps", "seconds", "batch", "learning_rate", "replay", "seed", "device")
    chosen = {name: getattr(settings, name) for name in names if getattr(settings, name) != getattr(usual, name)}
    return ClickLearningSettings(**chosen)


def _of_classes(settings: FinetuneSettings) -> ClassLearningSettings:
    """Return settings for a model of classes: what is as usual is as usual there."""
    usual = FinetuneSettings()
    names = ("part", "steps", "seconds", "batch", "learning_rate", "replay", "seed", "device", "validate_every")
    chosen = {name: getattr(settings, name) for name in names if getattr(settings, name) != getattr(usual, name)}
    return ClassLearningSettings(**chosen)


def _known(header: ModelHeader) -> KnownObjects:
    """Return objects that a network of clicks was trained on, as far as such images ship."""
    training = header.training
    while "parent_training" in training:
        training = training["parent_training"]
    trained_on_nuclei = any("nuclei" in str(data) for data in training.get("data", ()))
    found = stored_images(NUCLEI, header) if trained_on_nuclei and header.rgb else Replay()
    sides = [[ObjectImage(each.image, each.labels) for each in side] for side in (found.training, found.watched)]
    return KnownObjects(tuple(sides[0]), tuple(sides[1]))
