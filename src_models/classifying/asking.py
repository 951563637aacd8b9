"""Asking a model of classes about pictures, as many at a time as the memory holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from src_models.classifying.class_probabilities import ClassProbabilities
from src_models.classifying.pictures.picture import model_size
from src_models.computing.execution import Execution, choose_execution, prepare
from src_models.errors import UserError
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader

__all__ = ["Asking", "check_classifies"]

PIXELS = {"cpu": 16 * 72 * 72, "cuda": 256 * 224 * 224, "mps": 32 * 224 * 224}  # that go through a network at a time
SMALL = "{} picture(s) at a time, since memory is short"


def check_classifies(header: ModelHeader) -> None:
    """Refuse a model that segments.

    Raises
    ------
    UserError
        If it says nothing of whole pictures.
    """
    if header.use != "classify":
        does = "answers clicks" if header.use == "click" else "segments"
        raise UserError(
            f"the model {header.name!r} {does} and does not say what a picture or an object shows: choose a model of "
            "classes (`napari-medt models`)"
        )


class Asking:
    """A model that is ready to be asked.

    Parameters
    ----------
    model
        Of classes.
    device
        As :func:`~src_models.computing.execution.choose_execution` takes it.
    batch
        Pictures at a time; None takes what suits the device.

    Attributes
    ----------
    batch
        Pictures at a time: fewer after memory ran out.
    note
        What became of the batch; empty where nothing did.

    Raises
    ------
    UserError
        If the model does not tell classes, or the device is missing.
    """

    def __init__(self, model: Model, device: str = "auto", batch: int | None = None) -> None:
        check_classifies(model.header)
        self.header: ModelHeader = model.header
        self.execution: Execution = choose_execution(device)
        usual = PIXELS.get(self.execution.device.type, PIXELS["cpu"]) // model_size(self.header) ** 2
        self.batch = batch or max(1, usual)
        self.note = ""
        self._network = prepare(model.network, self.execution)

    def __call__(self, pictures: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return probabilities (N, classes) of pictures (C, size, size).

        Raises
        ------
        UserError
            If the memory does not hold a single one.
        """
        found = [np.zeros((0, len(self.header.classes)), np.float32)]
        waiting = list(pictures)
        while waiting:
            now = waiting[: self.batch]
            try:
                answer = self.execution(self._network, torch.from_numpy(np.stack(now)))
            except torch.OutOfMemoryError:
                self._halve()
                continue
            found.append(answer.float().cpu().numpy())
            waiting = waiting[self.batch :]
        return np.concatenate(found)

    def probabilities(self, pictures: Sequence[NDArray[np.float32]]) -> ClassProbabilities:
        """Return the same with the names of the classes."""
        return ClassProbabilities(self.header.classes, self(pictures))

    def _halve(self) -> None:
        if self.batch == 1:
            raise UserError(
                f"the memory of the device {self.execution.device} does not hold one picture of "
                f"{model_size(self.header)} px; choose the device cpu"
            ) from None
        self.batch //= 2
        torch.cuda.empty_cache()
        self.note = SMALL.format(self.batch)
