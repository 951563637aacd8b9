"""The mean of models: of every weight, with the last one's counts and header."""

import copy

import pytest
import torch

from benchmarks.mean_of_weights import mean_of
from src_models.models.checkpoint import Model, load


@pytest.fixture
def two():
    first = load("click")
    second = Model(copy.deepcopy(first.network), first.header)
    with torch.no_grad():
        for parameter in second.network.parameters():
            parameter.mul_(3)
        for name, buffer in second.network.named_buffers():
            if name.endswith("num_batches_tracked"):
                buffer.add_(5)
    return first, second


def test_each_weight_is_the_mean_and_counts_are_the_last_models(two):
    first, second = ({k: v.clone() for k, v in model.network.state_dict().items()} for model in two)
    mean = mean_of(list(two))
    for name, weight in mean.network.state_dict().items():
        expected = (first[name] + second[name]) / 2 if weight.is_floating_point() else second[name]
        torch.testing.assert_close(weight, expected)
    assert mean.header.training["mean_of"] == 2
    assert mean.header.training["data"] == two[1].header.training["data"]


def test_networks_that_differ_have_no_mean(two):
    with pytest.raises(KeyError):
        mean_of([load("nuclei-medt"), two[1]])
