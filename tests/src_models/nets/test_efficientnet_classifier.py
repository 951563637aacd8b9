"""EfficientNet-Lite0 with a linear layer: its formula, sizes, new heads, and folding."""

from __future__ import annotations

import pytest
import torch

from src_models.computing.execution import fold_batch_norms
from src_models.nets.architecture import HEAD
from src_models.nets.efficientnet_classifier import EfficientNetClassifier


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = EfficientNetClassifier(in_channels=2, classes=5)
    made.train()(torch.rand(4, 2, 40, 40))
    return made.eval()


@pytest.mark.parametrize("shape", [(40, 40), (28, 28), (33, 70), (8, 8)])
def test_logits_are_the_linear_layer_of_the_mean_of_the_last_features_for_any_size(network, shape):
    image = torch.rand(2, 2, *shape)
    features = []
    hook = network.deepest().register_forward_hook(lambda _m, _i, output: features.append(output))
    with torch.inference_mode():
        found = network(image)
    hook.remove()
    mean = features[0].flatten(2).mean(2)
    assert torch.allclose(found, mean @ network.fc.weight.T + network.fc.bias, atol=1e-5)


def test_it_has_the_published_parameters_but_for_the_last_convolution_and_the_classes_of_photographs():
    """4.652 M in all, of which 320 x 1280 + 2 x 1280 and 1280 x 1000 + 1000 come after the last level."""
    network = EfficientNetClassifier(classes=2)
    own = sum(p.numel() for p in network.encoder.parameters())
    assert own == 4_652_008 - (320 * 1280 + 2 * 1280) - (1280 * 1000 + 1000)


def test_folding_norms_changes_nothing_but_rounding(network):
    import copy

    image, folded = torch.rand(2, 2, 40, 40), copy.deepcopy(network)
    fold_batch_norms(folded)
    with torch.inference_mode():
        assert torch.allclose(folded(image), network(image), atol=1e-4)
    assert len(list(folded.modules())) > 0
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())


def test_a_new_head_tells_other_classes_and_can_learn_alone():
    network = EfficientNetClassifier(in_channels=1, classes=2)
    fresh = network.new_head(7)
    assert network(torch.rand(1, 1, 32, 32).expand(2, -1, -1, -1)).shape == (2, 7)
    assert [parameter.shape for parameter in fresh] == [(7, 320), (7,)]
    assert network.learnable() == {HEAD: fresh}


def test_dropout_is_for_training_alone():
    torch.manual_seed(0)
    network = EfficientNetClassifier(in_channels=1, classes=2, dropout=0.5).eval()
    image = torch.rand(2, 1, 32, 32)
    assert torch.equal(network(image), network(image))
    network.dropout.train()
    assert not torch.equal(network(image), network(image))


def test_volumes_are_refused():
    with pytest.raises(ValueError, match="flat images"):
        EfficientNetClassifier(classes=2, dimensions=3)
