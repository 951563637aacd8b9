"""The loss of one step, of networks with logits alone and of those that are supervised by more."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from src_models.nets.network import Supervised, SupervisedNetwork
from src_models.training.supervision import step_loss


class Twice(SupervisedNetwork):
    """Predicts the image, and the image doubled; its logits are the mean of both."""

    def forward(self, image, *, supervised=False):
        if supervised:
            return Supervised((image, 2 * image), image.new_tensor(5.0))
        return 1.5 * image


class Wrapped(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)


IMAGE = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
TARGETS = torch.arange(32).view(2, 4, 4) % 3


@pytest.mark.parametrize("wrap", [lambda network: network, Wrapped], ids=["plain", "wrapped"])
@pytest.mark.parametrize("training", [True, False])
def test_losses_of_all_predictions_and_the_penalty_add_up(wrap, training):
    network = wrap(Twice()).train(training)
    wanted = F.cross_entropy(IMAGE, TARGETS) + F.cross_entropy(2 * IMAGE, TARGETS) + 5
    assert float(step_loss(network, IMAGE, TARGETS, F.cross_entropy)) == pytest.approx(float(wanted))


def test_of_logits_alone_it_is_the_loss():
    assert step_loss(nn.Identity(), IMAGE, TARGETS, F.cross_entropy) == F.cross_entropy(IMAGE, TARGETS)
