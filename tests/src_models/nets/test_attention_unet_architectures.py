"""The records of the U-Nets, against the networks that they describe."""

import pytest

from src_models.models.architectures import create, find_architecture
from src_models.nets.architecture import DECODER, GATES
from src_models.nets.attention_unet_architectures import ARCHITECTURES

RECORD = pytest.mark.parametrize("record", ARCHITECTURES, ids=[record.name for record in ARCHITECTURES])
GIVEN = {
    "encoder": "unet",
    "widths": "4,8,16",
    "gate": "skip",
    "subgates": 1,
    "norm": "group",
    "deep_supervision": False,
}


@RECORD
def test_the_parts_are_those_that_the_network_has(record):
    assert tuple(create(record.name, widths=(2, 4, 4)).learnable()) == record.parts


@pytest.mark.parametrize(("gate", "widths"), [("none", (2, 4, 4)), ("grid", (2, 4))])
def test_a_network_that_was_made_without_gates_has_none_to_learn(gate, widths):
    assert tuple(create("attention-unet", gate=gate, widths=widths).learnable()) == (DECODER,)
    assert find_architecture("attention-unet").parts == (DECODER, GATES)


@RECORD
def test_any_size_of_image_is_taken_and_none_is_the_best(record):
    assert (record.window({"widths": [4, 8]}), record.largest({"widths": [4, 8]})) == (None, None)
    assert record.blocks({}) == []
    assert record.recipe(100) == {}


@RECORD
def test_what_a_person_chooses_is_in_the_network(record):
    config = record.configure(GIVEN, 160)
    network = create(record.name, **config)
    assert [block[0].conv.out_channels for block in network.encoder] == [4, 8, 16]
    assert {type(block[0].norm).__name__ for block in network.encoder} == {"GroupNorm"}
    assert len(network.heads) == 1, "without deep supervision"
    assert config["widths"] == [4, 8, 16], "as a model's header holds it"
    assert bool([tap for tap in network.modules() if type(tap).__name__ == "SkipAttentionGate"]) == record.gated


@RECORD
def test_the_defaults_make_a_network(record):
    config = record.configure({option.name: option.default for option in record.options}, 160)
    assert config["widths"] == [16, 32, 64, 128, 192]
    create(record.name, **config)


@pytest.mark.parametrize("widths", ["", "4,", "4;8", "four", "4.5,8"])
def test_widths_that_are_no_numbers_are_refused(widths):
    with pytest.raises(ValueError, match=f"--widths '{widths}' must be whole numbers separated by commas"):
        find_architecture("unet").configure({**GIVEN, "widths": widths}, 160)


@pytest.mark.parametrize(
    ("gate", "depth", "maps"),
    [
        ("grid", 5, ["gate 2", "gate 3", "gate 4"]),
        ("skip", 3, ["gate 1", "gate 2"]),
        ("grid", 2, []),
        ("none", 5, []),
    ],
)
def test_the_paper_gates_all_but_the_finest_skip(gate, depth, maps):
    assert find_architecture("attention-unet").maps({"gate": gate, "widths": [4] * depth}) == maps
