"""Re-initialising layer by layer, on networks of which it is known what a map depends on."""

import copy

import pytest
import torch
from torch import nn

from src_models.auditing.measures.correlation import rank_correlation
from src_models.auditing.measures.randomisation import layers_from_output, randomise
from src_models.auditing.recorded import record_maps
from src_models.models.architectures import create, usual_attention
from src_models.nets.tap import AttentionTap


class Two(nn.Module):
    """A layer whose output is the map, and one after it that no map sees."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.first = nn.Conv2d(1, 1, 3, padding=1)
        self.second = nn.Conv2d(1, 2, 1)
        self.tap = AttentionTap(name="map", kind="gate", level=1, stride=1, description="")

    def forward(self, x):
        return self.second(self.tap(self.first(x)))


def finish(steps):
    messages = []
    while True:
        try:
            messages.append(next(steps))
        except StopIteration as finished:
            return finished.value, messages


def picture(channels, size=64):
    return torch.rand(1, channels, size, size, generator=torch.Generator().manual_seed(0))


def test_a_map_changes_with_the_layer_it_depends_on_and_with_no_other():
    network, untrained, x = Two(0).eval(), Two(1).eval(), picture(1, 20)
    found, messages = finish(randomise(network, untrained, x, ["map"]))
    assert found["map"].layers == ("second", "first")
    wanted = rank_correlation(network.first(x).detach().numpy(), untrained.first(x).detach().numpy())
    assert found["map"].correlations == pytest.approx((1, abs(wanted)))
    assert abs(wanted) < 0.9
    assert messages == ["re-initialising second", "re-initialising first"]


def test_a_map_that_becomes_flat_has_no_correlation():
    network, untrained = Two(0).eval(), Two(1).eval()
    nn.init.zeros_(untrained.first.weight)
    assert finish(randomise(network, untrained, picture(1, 9), ["map"]))[0]["map"].final is None


@pytest.mark.parametrize("name", ["attention-unet", "medt", "gated-axial-unet"])
def test_at_the_end_nothing_of_the_trained_network_is_left(make_model, name):
    network = make_model(name).network
    config = make_model(name).header.config
    before, torch_state = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    torch.manual_seed(7)
    untrained = create(name, **config).eval()
    names, x = usual_attention(name, config), picture(1)
    found, _ = finish(randomise(network, untrained, x, names))
    ours, fresh = record_maps(network, x, names), record_maps(untrained, x, names)
    assert found.keys() == set(names)
    for key, one in found.items():
        assert one.final == pytest.approx(abs(rank_correlation(ours[key].values, fresh[key].values)), abs=1e-6)
        assert one.correlations[0] == pytest.approx(1)
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[key])
    torch.set_rng_state(torch_state)


@pytest.mark.parametrize("name", ["attention-unet", "medt"])
def test_layers_go_from_the_output_and_those_after_a_map_cannot_change_it(make_model, name):
    model, x = make_model(name), picture(1)
    names = usual_attention(name, model.header.config)
    layers = layers_from_output(model.network, x, names)
    modules = [module for layer in layers for module in layer.modules]
    with_weights = {key.rpartition(".")[0] for key in model.network.state_dict()}
    assert sorted(modules) == sorted(with_weights)
    assert not layers[0].matters
    assert layers[-1].matters
    assert "final" in layers[0].modules or "head" in layers[0].modules
    before, changed = record_maps(model.network, x, names), copy.deepcopy(model.network)
    for matters in (False, True):
        for layer in layers:
            for module in layer.modules if layer.matters == matters else ():
                for parameter in changed.get_submodule(module).parameters(recurse=False):
                    nn.init.uniform_(parameter, 0.5, 1)
        after = record_maps(changed, x, names)
        assert [(after[key].values == before[key].values).all() for key in names] == [not matters] * len(names)
