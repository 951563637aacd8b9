"""Measuring a model of classes on a set of pictures whose classes are known."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.classifying.asking import Asking
from src_models.classifying.class_order import class_order
from src_models.classifying.class_probabilities import ClassProbabilities
from src_models.classifying.evaluation.scores import (
    ClassScores,
    accuracy,
    balanced_accuracy,
    class_scores,
    confusion_of,
    mean_auc,
)
from src_models.classifying.pictures.picture import model_size, prepared
from src_models.disk.atomic import atomic_path
from src_models.files.class_sets.class_set import ClassSample, ClassSet
from src_models.files.class_sets.opening import open_class_set
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader

__all__ = ["ClassEvaluation", "evaluate_classes", "write_class_json"]


@dataclass(frozen=True, slots=True, eq=False)
class ClassEvaluation:
    """How a model did on a set.

    Parameters
    ----------
    data
        The set.
    split
        Which of its pictures; None for all.
    header, sha256
        Of the model.
    samples
        The pictures, in the set's order.
    true
        (N,) Their classes, counted as the model's.
    found
        What the model says of them.
    """

    data: ClassSet
    split: str | None
    header: ModelHeader
    sha256: str | None
    samples: tuple[ClassSample, ...]
    true: NDArray[np.int64]
    found: ClassProbabilities

    @property
    def confusion(self) -> NDArray[np.int64]:
        """How many of each class (rows) were found to be of each (columns), in the order of the model's classes."""
        return confusion_of(self.true, self.found.best, len(self.header.classes))

    @property
    def accuracy(self) -> float:
        """The share of pictures whose class was found."""
        return accuracy(self.confusion)

    @property
    def balanced_accuracy(self) -> float:
        """The mean over the classes of the share that was found."""
        return balanced_accuracy(self.confusion)

    @property
    def auc(self) -> float | None:
        """The mean over the classes of the area under the ROC curve; None where a class has no picture."""
        return mean_auc(self.true, self.found.probabilities)

    @property
    def per_class(self) -> dict[str, ClassScores]:
        """Precision, recall, F1 and count of each class, by its name."""
        return dict(zip(self.header.classes, class_scores(self.confusion), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return everything that JSON can hold."""
        names, best, certainty = self.found.names, self.found.best, self.found.certainty
        return {
            "model": {"name": self.header.name, "architecture": self.header.architecture, "sha256": self.sha256},
            "data_set": str(self.data.root),
            "split": self.split,
            "result": "class",
            "classes": list(self.header.classes),
            "count": len(self.samples),
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "auc": self.auc,
            "per_class": {
                name: {
                    "precision": _number(scores.precision),
                    "recall": _number(scores.recall),
                    "f1": _number(scores.f1),
                    "count": scores.count,
                }
                for name, scores in self.per_class.items()
            },
            "confusion": {
                "classes": list(self.header.classes),
                "rows": "true",
                "columns": "found",
                "matrix": self.confusion.tolist(),
            },
            "images": [
                {
                    "file": sample.name,
                    "class": self.header.classes[true],
                    "found": names[number],
                    "right": bool(best[number] == true),
                    "probability": round(float(certainty[number]), 6),
                }
                for number, (sample, true) in enumerate(zip(self.samples, self.true.tolist(), strict=True))
            ],
        }


def evaluate_classes(
    data: ClassSet | str | Path,
    model: Model,
    *,
    split: str | None = None,
    device: str = "auto",
    on_progress: Callable[[int, int, str], None] | None = None,
) -> ClassEvaluation:
    """Measure a model on a set of classes.

    Parameters
    ----------
    data
        The set, or its folder or file. Its classes are told by their names: each must be one of the model's.
    model
        Of classes.
    split
        Which pictures; None takes "test", else "val", else all.
    device
        As :func:`src_models.segment` takes it.
    on_progress
        Called with the number of pictures that are done, that of all, and a name.

    Raises
    ------
    DataSetError
        If there is no such split, or the set has a class that the model does not tell.
    UserError
        If the model segments.
    """
    data = data if isinstance(data, ClassSet) else open_class_set(data)
    asking = Asking(model, device)
    order = class_order(data, model.header)
    split = split or next((word for word in ("test", "val") if word in {each.split for each in data.samples}), None)
    samples = data.samples if split is None else data.split(split)
    size = model_size(model.header)
    found = [np.zeros((0, len(model.header.classes)), np.float32)]
    for first in range(0, len(samples), asking.batch):
        batch = samples[first : first + asking.batch]
        pictures = [
            prepared(data.picture(sample, size), model.header, f"{data.root}, {sample.name}") for sample in batch
        ]
        found.append(asking(pictures))
        if on_progress is not None:
            on_progress(min(first + asking.batch, len(samples)), len(samples), batch[-1].name)
    true = np.array([order[sample.label] for sample in samples], np.int64)
    told = ClassProbabilities(model.header.classes, np.concatenate(found))
    return ClassEvaluation(data, split, model.header, model.sha256, tuple(samples), true, told)


def write_class_json(evaluation: ClassEvaluation, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write :meth:`ClassEvaluation.to_dict` as JSON, whole or not at all.

    Raises
    ------
    OutputError
        If `path` exists and `overwrite` is False, or cannot be written.
    """
    text = json.dumps(evaluation.to_dict(), indent=1, allow_nan=False)
    with atomic_path(path, overwrite) as beside:
        beside.write_text(text + "\n", encoding="utf-8")
    return Path(path)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
