"""Operations on grey values and outputs whose numbers are fixed beforehand, as a network's configuration holds them.

A step is a list: its name, then its numbers, each one for all channels or a list with one for each.

>>> apply(torch.tensor([[[[1.0, 3.0]]]]), [["scale", 2, -1], ["clip", None, 4]]).tolist()
[[[[1.0, 4.0]]]]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["STEPS", "apply"]


def _scale(values: Tensor, gain: Any, offset: Any) -> Tensor:
    return values * _of_channels(gain, values) + _of_channels(offset, values)


def _clip(values: Tensor, low: float | None, high: float | None) -> Tensor:
    return values if low is None and high is None else values.clamp(low, high)


def _binarize(values: Tensor, threshold: Any) -> Tensor:
    return (values > _of_channels(threshold, values)).to(values.dtype)


#: What can be done, by name: linear scaling, clipping, the logistic function, softmax over channels, a threshold.
STEPS: dict[str, Callable[..., Tensor]] = {
    "scale": _scale,
    "clip": _clip,
    "sigmoid": torch.sigmoid,
    "softmax": lambda values: torch.softmax(values, dim=1),
    "binarize": _binarize,
}


def apply(values: Tensor, steps: Sequence[Sequence[Any]]) -> Tensor:
    """Return values (N, C, *S) after some steps.

    Raises
    ------
    ValueError
        If there is no step of that name.
    """
    for name, *numbers in steps:
        if name not in STEPS:
            raise ValueError(f"there is no step {name!r}; choose from {', '.join(STEPS)}")
        values = STEPS[name](values, *numbers)
    return values


def _of_channels(number: Any, values: Tensor) -> Tensor:
    given = torch.as_tensor(number, dtype=values.dtype, device=values.device)
    return given.reshape(-1, *[1] * (values.ndim - 2)) if given.ndim else given
