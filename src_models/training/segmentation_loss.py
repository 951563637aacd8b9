"""The loss that a network learns by: of its classes, and of the fields that tell its objects apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor

from src_models.models.header import ModelHeader
from src_models.training.masked_loss import IGNORED, masked_ce, masked_dice_ce
from src_models.training.partial_labels import marginal

__all__ = ["SegmentationLoss", "class_logits", "class_targets", "masked_fields", "segmentation_loss"]

SegmentationLoss = Callable[[Tensor, Tensor], Tensor]


def segmentation_loss(header: ModelHeader, name: Literal["dice-ce", "ce"] = "dice-ce") -> SegmentationLoss:
    """Return the loss of a network's output (N, outputs, *S) and its targets, as patches give them.

    Parameters
    ----------
    header
        The network's.
    name
        ``"dice-ce"`` or ``"ce"``, for the classes. That of fields, where there are some, is added. Where classes were
        not drawn, it is marginal (:mod:`src_models.training.partial_labels`).
    """
    of_known = masked_dice_ce if name == "dice-ce" else masked_ce

    def of_classes(logits: Tensor, targets: Tensor) -> Tensor:
        return of_known(*marginal(logits, targets))

    if not header.fields:
        return of_classes

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        classes = len(header.classes)
        known = class_targets(targets, header)
        return of_classes(outputs[:, :classes], known) + masked_fields(outputs[:, classes:], targets[:, 1:], known)

    return loss


def class_logits(outputs: Tensor, header: ModelHeader) -> Tensor:
    """Return the logits of classes (N, C, *S) in what a network gives."""
    return outputs[:, : len(header.classes)]


def class_targets(targets: Tensor, header: ModelHeader) -> Tensor:
    """Return the classes (N, *S), int64, in a batch of targets."""
    return targets[:, 0].long() if header.fields else targets


def masked_fields(fields: Tensor, targets: Tensor, classes: Tensor) -> Tensor:
    """Return the mean over the pixels of objects of the squared length of the error of fields; 0 if there are none.

    Parameters
    ----------
    fields, targets
        (N, F, *S).
    classes
        (N, *S); the background, 0, and :data:`~src_models.training.masked_loss.IGNORED` do not count.
    """
    inside = ((classes > 0) & (classes != IGNORED)).to(fields.dtype)
    error = (fields - targets).square().sum(1)
    return (error * inside).sum() / inside.sum().clamp(min=1)
