"""How a network that tells classes is trained: what a person can choose besides what all trainings have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from src_models.errors import UserError
from src_models.models.architectures import find_architecture
from src_models.training.settings import TrainSettings

__all__ = ["LARGEST", "ClassTrainSettings"]

LARGEST = 224  # px: pictures that are larger are made smaller, unless a person says otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTrainSettings(TrainSettings):
    """How to train; what is not told here is as in :class:`~src_models.training.settings.TrainSettings`.

    Parameters
    ----------
    batch
        Pictures per step.
    patch
        Size (px) that pictures are brought to: what the model will look at.
    label_smoothing
        Share of each answer that is spread over all classes, so that a network need not be surer than the labels are.
    class_weights
        ``"none"``: each picture counts the same. ``"balanced"``: each class does, however many pictures it has.
    average
        How much of the mean of the weights is kept at each step; the mean is what is measured and written. 0 takes the
        weights as they are.
    """

    steps: int = 2000
    batch: int = 32
    patch: int = 72
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    loss: Literal["dice-ce", "ce"] = "ce"
    validate_every: int = 100
    label_smoothing: float = 0.1
    class_weights: Literal["none", "balanced"] = "none"
    average: float = 0.0

    def __post_init__(self) -> None:
        TrainSettings.__post_init__(self)
        if self.loss != "ce":
            raise UserError(f"the loss {self.loss!r} is for segmentation: classes are learnt with ce, cross-entropy")
        for name in ("label_smoothing", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"{name.replace('_', ' ')} is {getattr(self, name)}; it must be from 0 to below 1")
        if self.class_weights not in ("none", "balanced"):
            raise UserError(f"class weights {self.class_weights!r} is not one of none, balanced")

    @classmethod
    def recipe(
        cls, architecture: str, images: int, dimensions: int = 2, *, size: int | None = None
    ) -> ClassTrainSettings:
        """Return the settings that an architecture is trained with unless a person says otherwise.

        Parameters
        ----------
        architecture
            One of :func:`src_models.architectures`.
        images
            Number of training pictures.
        dimensions
            Theirs: all are 2D.
        size
            Their usual size (px).
        """
        own: dict[str, Any] = find_architecture(architecture).recipe(images)
        return cls(**{**({} if size is None else {"patch": min(size, LARGEST)}), **own})
