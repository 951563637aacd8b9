"""A model gets new classes without forgetting what it says of those that it knew."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_classes import CLASSES, middle_pixel_model, toy_header

from src_models.classifying.learning.new_classes import with_classes
from src_models.errors import UserError
from src_models.models.checkpoint import Model


@pytest.fixture
def model():
    from toy_classes import ToyClassifier

    torch.manual_seed(0)
    return Model(ToyClassifier().eval(), toy_header())


PICTURES = torch.from_numpy(np.random.default_rng(0).uniform(0, 1, (5, 1, 16, 16)).astype(np.float32))


def logits(model):
    with torch.inference_mode():
        return model.network(PICTURES)


def test_a_new_class_comes_after_the_others_whose_logits_stay(model):
    found = with_classes(model, ("spiky", "dark"))
    assert found.header.classes == (*CLASSES, "spiky")
    assert found.header.config["classes"] == 4
    kept, more = model.network.state_dict(), found.network.state_dict()
    assert all(
        torch.equal(more[name][: len(values)] if values.ndim else more[name], values) for name, values in kept.items()
    )
    # A product of matrices may round otherwise where it has another column.
    torch.testing.assert_close(logits(found)[:, :3], logits(model), rtol=0, atol=1e-6)
    assert logits(found).shape == (5, 4)
    assert model.header.classes == CLASSES


def test_where_none_is_known_the_new_ones_alone_are_told(model):
    found = with_classes(model, ("a", "b"))
    assert found.header.classes == ("a", "b")
    kept, fresh = model.network.state_dict(), found.network.state_dict()
    assert torch.equal(kept["features.weight"], fresh["features.weight"])
    assert logits(found).shape == (5, 2)


def test_where_all_are_known_the_model_stays(model):
    assert with_classes(model, ("dark", "bright")) is model


def test_a_seed_gives_the_same_layer_and_leaves_other_random_numbers_alone(model):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, other = (with_classes(model, ("a", "dark"), seed=3) for _ in range(2))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(logits(one), logits(other))


def test_a_network_that_cannot_is_refused():
    model = middle_pixel_model()
    odd = Model(torch.nn.Identity(), model.header)
    with pytest.raises(UserError, match=r"cannot learn new classes \(a\)"):
        with_classes(odd, ("a", "dark"))
