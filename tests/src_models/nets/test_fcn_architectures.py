"""The record of the fully convolutional network, against the network that it describes."""

import pytest

from src_models.models.architectures import create, find_architecture
from src_models.nets.tap import AttentionTap


def test_the_parts_are_those_that_the_network_has():
    assert tuple(create("fcn", widths=(2, 4, 4)).learnable()) == find_architecture("fcn").parts


def test_there_is_no_attention_to_see():
    record = find_architecture("fcn")
    assert (record.maps({}), record.blocks({})) == ([], [])
    assert not [module for module in create("fcn").modules() if isinstance(module, AttentionTap)]


def test_any_size_of_image_is_taken_and_none_is_the_best():
    record = find_architecture("fcn")
    assert (record.window({}), record.largest({}), record.recipe(100)) == (None, None, {})


@pytest.mark.parametrize(("skips", "step"), [(2, 8), (1, 16), (0, 32)])
def test_the_finest_scores_are_those_that_a_person_chose(skips, step):
    config = find_architecture("fcn").configure({"skips": skips}, 160)
    network = create("fcn", **config)
    assert network.stride >> len(network.ups) == step


@pytest.mark.parametrize("skips", [-1, 3])
def test_levels_that_there_are_not_are_refused(skips):
    with pytest.raises(ValueError, match=f"--skips {skips} must be 0, 1 or 2"):
        find_architecture("fcn").configure({"skips": skips}, 160)
