"""The record of EfficientNet-Lite0, against the network that it describes."""

from __future__ import annotations

import pytest

from src_models.errors import ModelFileError
from src_models.models.architectures import create, find_architecture


def test_the_record_is_that_of_its_network():
    record = find_architecture("efficientnet-lite0")
    assert record.task == "classification"
    assert tuple(create("efficientnet-lite0", in_channels=1, classes=3).learnable()) == record.parts
    assert record.maps({}) == []


def test_it_is_trained_gently():
    recipe = find_architecture("efficientnet-lite0").recipe(1000)
    assert 0 < recipe["learning_rate"] < 1e-2


def test_what_it_does_not_know_is_refused():
    with pytest.raises(ModelFileError, match="efficientnet-lite0 cannot be made"):
        create("efficientnet-lite0", classes=2, widths=(4, 8))
