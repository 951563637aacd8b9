"""Asking a network of clicks as people would: what it learns from, and how good it is after so many clicks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from src_models.clicking.training.examples import Example
from src_models.clicking.training.simulated_person import SimulatedPerson

__all__ = ["CLICKS", "asked", "iou_of", "ious_after_clicks", "lesson"]

ROUNDS = (0.3, 0.25, 0.2, 0.15, 0.1)  # shares of steps that learn from the first answer, the second and so on
CLICKS = (1, 3, 5)


def lesson(
    network: Any, examples: Sequence[Example], random: np.random.Generator, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Let people ask a network about an object each, and return what it is to answer next.

    Parameters
    ----------
    network
        What answers; it is in eval mode afterwards.
    examples
        The objects, of one size.
    random
        Decides what people do, and how often they have clicked before.
    device
        Where to compute.

    Returns
    -------
    batch : Tensor, shape (N, channels, size, size)
        Images and what was given.
    targets : Tensor of int64, shape (N, 1, size, size)
        1 where the object is, else 0.
    """
    people = [SimulatedPerson(example, random) for example in examples]
    images = torch.from_numpy(np.stack([example.image for example in examples]))
    for _ in range(int(random.choice(len(ROUNDS), p=ROUNDS))):
        for person, probability in zip(people, _answers(network, _batch(images, people, device)), strict=True):
            person.react(probability)
    targets = torch.from_numpy(np.stack([person.truth for person in people]))[:, None].long()
    return _batch(images, people, device), targets.to(device)


def ious_after_clicks(
    network: Any, examples: Sequence[Example], randoms: Sequence[np.random.Generator], device: torch.device
) -> NDArray[np.float64]:
    """Return the IoU of each object after so many clicks of :data:`CLICKS`, shape (objects, counts).

    Parameters
    ----------
    network, examples, device
        As for :func:`lesson`.
    randoms
        Decide what each person does.
    """
    truths = [example.truth for example in examples]
    found = [
        [iou_of(probability > 0.5, truth) for probability, truth in zip(probabilities, truths, strict=True)]
        for _, probabilities in _conversation(network, examples, randoms, device)
    ]
    return np.array(found).T


def asked(
    network: Any, examples: Sequence[Example], randoms: Sequence[np.random.Generator], device: torch.device
) -> list[Tensor]:
    """Return what people ask a network after so many clicks of :data:`CLICKS`: (N, channels, size, size) each.

    Parameters
    ----------
    network, examples, randoms, device
        As for :func:`ious_after_clicks`.
    """
    return [batch for batch, _ in _conversation(network, examples, randoms, device)]


def iou_of(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Return the intersection over the union of two masks; 0 of two empty ones."""
    return float((found & truth).sum() / max((found | truth).sum(), 1))


def _conversation(
    network: Any, examples: Sequence[Example], randoms: Sequence[np.random.Generator], device: torch.device
) -> Iterator[tuple[Tensor, NDArray[np.float32]]]:
    """Let people click, and yield what was asked and answered after so many clicks of :data:`CLICKS`."""
    people = [SimulatedPerson(example, random) for example, random in zip(examples, randoms, strict=True)]
    images = torch.from_numpy(np.stack([example.image for example in examples]))
    for count in range(1, max(CLICKS) + 1):
        batch = _batch(images, people, device)
        probabilities = _answers(network, batch)
        if count in CLICKS:
            yield batch, probabilities
        for person, probability in zip(people, probabilities, strict=True):
            person.react(probability)


@torch.no_grad()
def _answers(network: Any, batch: Tensor) -> NDArray[np.float32]:
    """Return probabilities (N, size, size)."""
    network.eval()
    found: NDArray[np.float32] = torch.softmax(network(batch).float(), 1)[:, 1].cpu().numpy()
    return found


def _batch(images: Tensor, people: Sequence[SimulatedPerson], device: torch.device) -> Tensor:
    channels = torch.from_numpy(np.stack([person.channels() for person in people]))
    return torch.cat([images, channels], dim=1).to(device).contiguous(memory_format=torch.channels_last)
