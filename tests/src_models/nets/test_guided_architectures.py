"""The record of self-guided attention, against the networks that it describes."""

import pytest
import torch

from src_models.models.architectures import create, find_architecture
from src_models.nets.guided_architectures import ARCHITECTURES, COMPATIBLE
from src_models.nets.tap import CHANNELS, AttentionTap
from src_models.prediction.tiling import Tiling
from src_models.training.new_model import tiles_for
from src_models.training.settings import TrainSettings

CONFIGS = [
    {},
    {"attention": "position", "refinements": 1},
    {"attention": "channel", "refinements": 3},
    {"refinements": 0},
]
CONFIG = pytest.mark.parametrize("config", CONFIGS, ids=str)


@pytest.fixture
def record():
    (found,) = ARCHITECTURES
    return found


def taps(config):
    with torch.device("meta"):
        network = create("guided-attention", width=4, **config)
    return [module for module in network.modules() if isinstance(module, AttentionTap)]


@CONFIG
def test_maps_matrices_and_blocks_are_the_networks(record, config):
    found = taps(config)
    assert sorted(record.matrices(config)) == sorted(tap.name for tap in found if tap.kind == CHANNELS)
    assert sorted(record.maps(config)) == sorted(tap.name for tap in found if tap.kind != CHANNELS)
    received = [tap.name for tap in found if tap.kind == "attention received"]
    assert sorted(f"{block} received" for block in record.blocks(config)) == sorted(received)
    assert record.branches(config) == []


@CONFIG
def test_maps_come_the_finest_scale_first_and_the_usual_ones_are_among_them(record, config):
    levels = {tap.name: tap.level for tap in taps(config)}
    found = [levels[name] for name in record.maps(config)]
    assert found == sorted(found)
    usual = record.usual_maps(config)
    assert usual == [name for name in record.maps(config) if name in usual]
    assert {"scale 1 prediction", "scale 4 prediction"} <= set(usual)
    assert len(usual) <= 6


def test_the_usual_maps_tell_what_guidance_made_of_the_attention(record):
    assert record.usual_maps({})[:3] == ["scale 1 step 1 guided", "scale 1 step 2 received", "scale 1 step 2 guided"]


def test_a_new_network_is_as_its_options_say_and_its_tiles_are_its_patches(record):
    chosen = {option.name: option.default for option in record.options}
    config = record.configure(chosen, 128)
    assert record.window(config) == 128
    assert record.largest(config) is None
    with torch.device("meta"):
        network = create("guided-attention", in_channels=3, classes=4, **config)
    assert tuple(network.learnable()) == record.parts
    assert sum(parameter.numel() for parameter in network.backbone.parameters()) == 11_689_512 - 512 * 1000 - 1000


@pytest.mark.parametrize(("taught", "tile"), [(32, 96), (64, 96), (96, 96), (160, 160)])
def test_tiles_are_large_enough_to_overlap(record, taught, tile):
    config = record.configure({}, taught)
    assert record.window(config) == tile
    tiles, overlap = tiles_for("guided-attention", config, 2)
    assert Tiling((500, 500), tiles, overlap, 32).tile == (tile, tile)


def test_a_network_that_is_not_told_the_size_of_images_has_no_window(record):
    assert record.window({}) is None


def test_what_a_person_can_choose_includes_the_authors_network(record):
    assert set(COMPATIBLE) == {option.name for option in record.options}


def test_the_recipe_makes_settings():
    settings = TrainSettings.recipe("guided-attention", 20)
    assert (settings.optimizer, settings.learning_rate) == ("adam", 1e-3)


def test_its_name_is_known():
    assert find_architecture("guided-attention").task == "segmentation"
