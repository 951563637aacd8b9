"""Operations with fixed numbers, against what bioimageio's specification says of them, by hand."""

import numpy as np
import pytest
import torch

from src_models.models.packages.fixed_steps import apply

VALUES = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        (["scale", 2.0, -1.0], VALUES * 2 - 1),
        (["scale", [1.0, 2.0, 3.0], 0.5], VALUES * np.array([1, 2, 3])[:, None, None] + 0.5),
        (["clip", -0.5, None], np.maximum(VALUES, -0.5)),
        (["clip", None, 0.25], np.minimum(VALUES, 0.25)),
        (["clip", None, None], VALUES),
        (["sigmoid"], 1 / (1 + np.exp(-VALUES))),
        (["softmax"], np.exp(VALUES) / np.exp(VALUES).sum(axis=1, keepdims=True)),
        (["binarize", 0.1], VALUES > 0.1),
        (["binarize", [0.0, 1.0, -1.0]], np.array([0, 1, -1])[:, None, None] < VALUES),
    ],
    ids=str,
)
def test_a_step_does_what_is_specified(step, wanted):
    np.testing.assert_allclose(apply(torch.from_numpy(VALUES), [step]).numpy(), wanted, atol=1e-6)


def test_steps_follow_each_other_and_unknown_ones_are_named():
    values = torch.tensor([[[[4.0]]]])
    assert apply(values, [["scale", 2, 0], ["clip", 0, 5]]).item() == 5
    assert apply(values, [["clip", 0, 5], ["scale", 2, 0]]).item() == 8
    with pytest.raises(ValueError, match="no step 'melt'"):
        apply(values, [["melt"]])
