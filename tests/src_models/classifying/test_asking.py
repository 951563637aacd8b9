"""Pictures go through the network in batches, fewer where the memory is short, with the same answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_classes import MiddlePixel, middle_pixel_model, toy_header

from src_models.classifying.asking import Asking, check_classifies
from src_models.errors import UserError
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader

PICTURES = [picture.astype(np.float32) for picture in np.random.default_rng(0).uniform(0, 1, (11, 1, 16, 16))]


def by_formula(pictures):
    middle = np.array([picture[0, 8, 8] for picture in pictures])
    logits = np.stack([4 * middle, -4 * middle, 8 * (np.array([p[0, 0, 0] for p in pictures]) - middle)], axis=1)
    raised = np.exp(logits)
    return raised / raised.sum(1, keepdims=True)


@pytest.mark.parametrize("batch", [1, 4, 100, None])
def test_probabilities_do_not_depend_on_the_batch(batch):
    asking = Asking(middle_pixel_model(), "cpu", batch)
    assert np.abs(asking(PICTURES) - by_formula(PICTURES)).max() < 1e-6
    assert asking.probabilities(PICTURES).classes == ("bright", "dark", "striped")
    assert asking([]).shape == (0, 3)


def test_where_memory_is_short_the_batch_is_halved_and_it_is_said():
    class Small(MiddlePixel):
        def forward(self, image):
            if len(image) > 2:
                raise torch.OutOfMemoryError
            return super().forward(image)

    asking = Asking(Model(Small(), toy_header()), "cpu", 8)
    assert np.abs(asking(PICTURES) - by_formula(PICTURES)).max() < 1e-6
    assert (asking.batch, asking.note) == (2, "2 picture(s) at a time, since memory is short")


def test_a_picture_that_does_not_fit_is_told_of():
    class Full(MiddlePixel):
        def forward(self, image):
            raise torch.OutOfMemoryError

    with pytest.raises(UserError, match="does not hold one picture of 16 px"):
        Asking(Model(Full(), toy_header()), "cpu", 4)(PICTURES)


@pytest.mark.parametrize(("prompts", "does"), [((), "segments"), (("positive clicks",), "answers clicks")])
def test_other_models_are_refused(prompts, does):
    header = ModelHeader(name="cells", purpose="", architecture="unet", config={}, classes=("background", "cell"),
                         channels=("grey",), prompts=prompts)  # fmt: skip
    with pytest.raises(UserError, match=f"'cells' {does} and does not say what a picture"):
        check_classifies(header)
    check_classifies(toy_header())
