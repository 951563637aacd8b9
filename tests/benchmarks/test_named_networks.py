"""Networks by name: what can be made is made as it is said, and what cannot is left out with a word."""

import pytest
import torch

from benchmarks import named_networks
from benchmarks.named_networks import NETWORKS, NamedNetwork, chosen, known, made
from src_models.errors import UserError
from src_models.models.architectures import architectures, find_architecture

THERE = [name for name, network in NETWORKS.items() if network.architecture in architectures()]


def test_every_architecture_has_a_name_here():
    assert {network.architecture for network in NETWORKS.values()} >= set(architectures())


def test_no_two_names_are_one_network():
    seen = [(network.architecture, repr(sorted(network.config.items()))) for network in NETWORKS.values()]
    assert len(set(seen)) == len(seen)
    titles = [network.title for network in NETWORKS.values()]
    assert len(set(titles)) == len(titles)


def test_all_that_there_is_can_be_made():
    assert list(known(THERE)) == THERE


@pytest.mark.parametrize(
    "name", [name for name in THERE if find_architecture(NETWORKS[name].architecture).window({"image_size": 1})]
)
def test_a_network_that_is_made_for_a_size_is_made_for_the_size_that_is_asked_for(name):
    record = find_architecture(NETWORKS[name].architecture)
    assert record.window(NETWORKS[name].config) == NETWORKS[name].size
    assert record.window(NETWORKS[name].for_images_of(192)) == 192
    with torch.no_grad():
        assert made(NETWORKS[name], channels=1, classes=3, size=64).eval()(torch.zeros(1, 1, 64, 64)).shape[1] == 3


def test_what_is_still_to_come_is_left_out_with_a_word(monkeypatch, capsys):
    others = {
        "unet": NETWORKS["unet"],
        "later": NamedNetwork("Later", "later", "no-such-network"),
        "odd": NamedNetwork("Odd", "unet", "unet", {"no_such_option": 1}),
    }
    monkeypatch.setattr(named_networks, "NETWORKS", others)
    assert list(chosen(["later", "odd", "unet"])) == ["unet"]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "left out: later, since there is no architecture 'no-such-network' yet"
    assert said[1].startswith("left out: odd: unet cannot be made with this configuration")
    assert len(said) == 2


def test_a_name_that_there_is_not_is_refused():
    with pytest.raises(UserError, match="there is no network 'u-net'; choose from unet, attention-unet"):
        chosen(["u-net"])
