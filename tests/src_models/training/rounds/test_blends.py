"""A network follows what another learnt, as far as it is told, and stays what it is itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from src_models.training.rounds.blends import BlendingNetwork

CPU = torch.device("cpu")


def network(weight, count=3):
    """A norm, whose state has a whole number: how many batches it has seen."""
    made = nn.BatchNorm1d(2).train()
    with torch.no_grad():
        made.weight[:] = torch.tensor(weight)
        made.num_batches_tracked.fill_(count)
    return made


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_weights_lie_on_the_line_between_the_two(share):
    start, learnt = np.array([1.0, -2.0]), np.array([3.0, 6.0])
    blending = BlendingNetwork(network(start), CPU)
    followed = blending.follow(network(learnt, count=9).state_dict(), share)
    assert followed.weight.numpy() == pytest.approx(start + share * (learnt - start))
    assert int(followed.num_batches_tracked) == 3, "what is counted is not blended"
    assert not followed.training


def test_each_time_it_follows_from_where_it_began():
    blending = BlendingNetwork(network([0.0, 0.0]), CPU)
    learnt = network([1.0, 1.0]).state_dict()
    blending.follow(learnt, 1.0)
    assert blending.follow(learnt, 0.5).weight.tolist() == [0.5, 0.5]


def test_its_weights_are_a_copy_and_the_network_it_was_made_of_stays():
    own = network([0.0, 0.0])
    blending = BlendingNetwork(own, CPU)
    blending.follow(network([1.0, 1.0]).state_dict(), 1.0)
    kept = blending.weights()
    blending.follow(network([8.0, 8.0]).state_dict(), 1.0)
    assert kept["weight"].tolist() == [1.0, 1.0]
    assert own.weight.tolist() == [0.0, 0.0]
    assert own.training
