"""The records of the U-Nets, against the networks that they describe."""

import pytest

from src_models.models.architectures import create, find_architecture
from src_models.nets.architecture import DECODER, GATES
from src_models.nets.attention_unet_architectures import ARCHITECTURES
from src_models.nets.tap import AttentionTap

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
    assert "encoder" not in config, "so that earlier versions read such a model"
    create(record.name, **config)


@RECORD
@pytest.mark.parametrize(
    ("widths", "made", "decoder"),
    [
        ("16,32,64,128,192", [16, 16, 24, 40, 112], [16, 32, 48, 80]),
        ("8,0,0,0,0,0", [8, 16, 24, 40, 112, 320], [8, 32, 48, 80, 112]),
        ("12,1", [12, 16], [12]),
    ],
)
def test_efficientnet_has_its_own_widths_but_for_the_first_and_their_number(record, widths, made, decoder):
    chosen = {**GIVEN, "encoder": "efficientnet-lite0", "widths": widths, "gate": "grid", "norm": "batch"}
    config = record.configure(chosen, 160)
    assert (config["encoder"], config["widths"], config["decoder_widths"]) == ("efficientnet-lite0", made, decoder)
    network = create(record.name, **config)
    assert [level[-1].project.conv.out_channels for level in network.encoder[1:]] == made[1:]
    assert [block[-1].conv.out_channels for block in network.decoder] == decoder
    gates = [f"gate {level}" for level in range(2, len(made))] if record.gated else []
    assert record.maps(config) == gates
    assert [module.name for module in network.modules() if isinstance(module, AttentionTap)] == gates


def test_skip_gates_have_a_decoder_as_wide_as_the_encoder():
    chosen = {**GIVEN, "encoder": "efficientnet-lite0", "norm": "batch"}
    network = create("attention-unet", **find_architecture("attention-unet").configure(chosen, 160))
    assert [block[-1].conv.out_channels for block in network.decoder] == [4, 16]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"encoder": "resnet"}, "--encoder 'resnet' is not one of unet, efficientnet-lite0"),
        ({"encoder": "efficientnet-lite0", "widths": "16"}, "2 to 6 levels are possible, not 1"),
        ({"encoder": "efficientnet-lite0", "widths": "1,2,3,4,5,6,7"}, "2 to 6 levels are possible, not 7"),
    ],
)
def test_an_encoder_that_there_is_not_is_refused(changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        find_architecture("attention-unet").configure({**GIVEN, **changed}, 160)


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
