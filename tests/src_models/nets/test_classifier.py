"""Test what a network that classifies tells of itself."""

from __future__ import annotations

import pytest

from src_models.nets.classifier import Classifier


def test_a_classifier_that_does_not_say_how_to_get_a_new_head_is_not_taken_for_one_that_has():
    with pytest.raises(NotImplementedError):
        Classifier().new_head(3)
