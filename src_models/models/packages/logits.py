"""What other networks give, as logits whose softmax has a class for each channel and sums to 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

__all__ = ["Meaning", "to_logits"]

#: ``"logits"``: of classes that exclude each other. ``"classes"``: their probabilities. ``"each"``: probabilities of
#: classes that know nothing of each other, without one of the background. ``"boundary"``: those of being inside an
#: object, its boundary included, and of being on a boundary. ``"logit of each"``: ``"each"`` before the sigmoid.
Meaning = Literal["logits", "classes", "each", "boundary", "logit of each"]

_LEAST = 1e-7


def to_logits(values: Tensor, meaning: str, order: Sequence[int] = ()) -> Tensor:
    """Return logits (N, K, *S) of what a network gives (N, C, *S).

    Parameters
    ----------
    values
        What it gives.
    meaning
        One of :data:`Meaning`. Of ``"each"`` the background is as likely as the likeliest class is not, so that a class
        wins where it is above a half and above the others. Of ``"boundary"`` the classes are background, interior and
        boundary, with ``P(interior) = f (1 - b)`` and ``P(boundary) = f b``.
    order
        Which channels are meant, in the order of the classes; all as they are unless given.

    Raises
    ------
    ValueError
        If there is no such meaning.
    """
    chosen = values[:, list(order)] if order else values
    if meaning == "logits":
        return chosen
    if meaning == "logit of each":
        if chosen.shape[1] == 1:
            return torch.cat([torch.zeros_like(chosen), chosen], dim=1)
        chosen, meaning = torch.sigmoid(chosen), "each"
    if meaning == "each":
        chosen = torch.cat([1 - chosen.amax(dim=1, keepdim=True), chosen], dim=1)
    elif meaning == "boundary":
        inside, edge = torch.chunk(chosen.clamp(0, 1), 2, dim=1)
        chosen = torch.cat([1 - inside, inside * (1 - edge), inside * edge], dim=1)
    elif meaning != "classes":
        raise ValueError(f"there is no meaning {meaning!r} of outputs")
    return torch.log(chosen.clamp(_LEAST, 1))
