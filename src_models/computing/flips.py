"""Asking a network about a tile and its mirror images, and taking the mean of the answers.

A network whose training turned images in every direction should answer alike whichever way it is asked, and does not
quite: the mean over the four flips of height and width is a little better, at four times the work. Of a volume, the
planes are flipped; along depth a microscope sees differently.

What is classes, or distances, has no direction and is averaged as it is. Of a field of vectors, a component changes its
sign when the image is flipped along it; :func:`vector_rule` says so.

>>> batch = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
>>> upper_left = lambda images: images * torch.tensor([[1.0, 0.0], [0.0, 0.0]])
>>> mean_of_flips(upper_left, batch).tolist()  # each pixel is upper left once
[[[[0.25, 0.5], [0.75, 1.0]]]]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

__all__ = ["FLIPS", "FlipRule", "mean_of_flips", "vector_rule"]

# Axes along which the image is flipped, counted from the end: width, height, both.
FLIPS = ((-1,), (-2,), (-2, -1))

#: Mends an answer (N, K, *S) that was flipped back along the given axes (-1 width, -2 height).
FlipRule = Callable[[Tensor, tuple[int, ...]], Tensor]


def mean_of_flips(
    predict: Callable[[Tensor], Tensor], batch: Tensor, *, first: Tensor | None = None, rule: FlipRule | None = None
) -> Tensor:
    """Return the mean of what a network answers to a batch and its three mirror images, each brought back.

    Parameters
    ----------
    predict
        Gives (N, K, *S) for a batch (N, C, *S).
    batch
        The images; the last two axes are height and width.
    first
        ``predict(batch)``, where that is there already.
    rule
        What has to be done to an answer besides flipping it back; None: nothing, as for classes and distances.
    """
    total = predict(batch) if first is None else first
    for axes in FLIPS:
        back = predict(batch.flip(axes)).flip(axes)
        total = total + (back if rule is None else rule(back, axes))
    return total / (1 + len(FLIPS))


def vector_rule(components: Mapping[int, int]) -> FlipRule:
    """Return the rule for answers in which some channels are components of vectors.

    Parameters
    ----------
    components
        Axis along which the component points, by channel: -1 width, -2 height; others never change.

    Examples
    --------
    >>> rule = vector_rule({1: -2, 2: -1})  # channel 0 is a class, 1 points down, 2 to the right
    >>> rule(torch.ones(1, 3, 1, 1), (-1,)).flatten().tolist()
    [1.0, 1.0, -1.0]
    """

    def rule(answer: Tensor, axes: tuple[int, ...]) -> Tensor:
        signs = torch.ones(answer.shape[1], dtype=answer.dtype, device=answer.device)
        for channel, axis in components.items():
            if axis in axes:
                signs[channel] = -1
        return answer * signs.reshape(-1, *[1] * (answer.ndim - 2))

    return rule
