"""The records of MedT and its ablations, against the networks that they describe."""

import pytest
import torch

from src_models.models.architectures import create, find_architecture
from src_models.nets.axial.attention import axial_blocks
from src_models.nets.medt_architectures import ARCHITECTURES, AXIAL
from src_models.training.settings import TrainSettings

RECORD = pytest.mark.parametrize("record", ARCHITECTURES, ids=AXIAL)


@RECORD
def test_the_blocks_are_the_networks_finest_first(record):
    blocks = axial_blocks(create(record.name, image_size=64))
    cells = [blocks[name].taps.received.stride for name in record.blocks({})]
    assert sorted(record.blocks({})) == sorted(blocks)
    assert cells == sorted(cells)


@RECORD
def test_a_usual_map_is_one_of_the_maps_and_of_the_whole_view(record):
    usual = record.usual_maps({})
    assert set(usual) < set(record.maps({}))
    assert f"{usual[0].split()[0]} 2.1 received" in usual
    assert not any(name.startswith("local") for name in usual)


@RECORD
@pytest.mark.parametrize("compatible", [False, True])
def test_the_largest_image_is_the_largest_that_the_network_takes(record, compatible):
    config = {"image_size": 128, "compatible": compatible}
    network = create(record.name, in_channels=1, **config).eval()
    assert record.window(config) == 128
    assert record.largest(config) == (128 if compatible else None)
    larger = torch.zeros(1, 1, 128, 192)
    if compatible:
        with pytest.raises(ValueError, match="at most 128 x 128 px"):
            network(larger)
    else:
        assert network(larger).shape == (1, 2, 128, 192)


def test_a_configuration_without_a_window_has_none():
    assert find_architecture("medt").window({}) is None
    assert find_architecture("medt").largest({}) is None


@RECORD
def test_the_parts_are_those_that_the_network_has(record):
    assert tuple(create(record.name, image_size=64).learnable()) == record.parts


@RECORD
def test_the_window_of_a_new_network_is_its_patch(record):
    config = record.configure({option.name: option.default for option in record.options}, 64)
    assert config == {"image_size": 64, "compatible": False}
    create(record.name, **config)


@pytest.mark.parametrize(("images", "epoch"), [(1, 1), (4, 1), (5, 2), (85, 22)])
def test_the_recipe_is_the_authors(images, epoch):
    """Section 3.2: 400 epochs, batches of 4, Adam with 0.001; gates from the 11th epoch on."""
    settings = TrainSettings(**find_architecture("medt").recipe(images))
    assert (settings.steps, settings.batch, settings.gates_from) == (400 * epoch, 4, 11 * epoch)
    assert (settings.optimizer, settings.learning_rate, settings.loss) == ("adam", 0.001, "ce")
