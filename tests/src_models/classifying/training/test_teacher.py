"""A model that teaches another one."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from src_models.classifying.training.teacher import SHARE, TEMPERATURE, Teacher
from src_models.errors import UserError
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader

HEADER = ModelHeader(
    name="knowing", purpose="an example", architecture="efficientnet-lite0", result="class", tile=(8, 8),
    overlap=(0, 0), classes=("round", "long", "bent"), channels=("grey",), config={},
)  # fmt: skip


class Columns(nn.Module):
    """Answers with the sums of the first three columns, which a picture of another width would change."""

    def forward(self, x):
        assert x.shape[2:] == (8, 8)
        return x[:, 0, :, :3].sum(1)


@pytest.fixture
def teacher():
    return Teacher(Model(Columns(), HEADER))


def test_its_answers_are_its_softened_probabilities(teacher):
    batch = torch.rand(4, 1, 8, 8)
    logits = batch[:, 0, :, :3].sum(1) / TEMPERATURE
    exponents = logits.exp()
    torch.testing.assert_close(teacher.answers(batch), exponents / exponents.sum(1, keepdim=True))


def test_pictures_of_another_size_are_brought_to_its_own(teacher):
    """Of a picture whose rows are equal, 16 px wide and linear, a column of 8 px is the mean of two."""
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    found = torch.log(teacher.answers(ramp)[0]) * TEMPERATURE / 8
    # Away from the border, neighbours of the smaller picture are 2 apart.
    assert float(found[2] - found[1]) == pytest.approx(2, abs=1e-3)


def test_the_loss_is_least_where_the_network_answers_as_it_does(teacher):
    batch = torch.rand(5, 1, 8, 8)
    logits = nn.Parameter(torch.zeros(5, 3))
    optimizer = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-9)

    def step():
        optimizer.zero_grad()
        loss = teacher.joined(logits.new_zeros(()), logits, batch)
        loss.backward()
        return loss

    optimizer.step(step)
    torch.testing.assert_close(torch.softmax(logits, 1).detach(), teacher.answers(batch), atol=1e-3, rtol=0)


def test_what_people_said_counts_for_the_rest(teacher):
    batch, logits, loss = torch.rand(2, 1, 8, 8), torch.randn(2, 3), torch.tensor(2.5)
    own = -(teacher.answers(batch) * torch.log_softmax(logits, 1)).sum(1).mean()
    torch.testing.assert_close(teacher.joined(loss, logits, batch), (1 - SHARE) * loss + SHARE * own)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"classes": ("round", "long", "flat")}, "its classes is .*'bent'.*, and .*'flat'.* is asked for"),
        ({"intensity": Intensity(kind="zscore", low=0.5, high=99.5)}, "its intensity is"),
        ({"channels": ("red", "green", "blue")}, "its channels is"),
    ],
)
def test_a_model_that_sees_or_tells_something_else_cannot_teach(teacher, changed, words):
    teacher.check(HEADER)
    with pytest.raises(UserError, match=words):
        teacher.check(replace(HEADER, **changed))
