"""The records of Med-Former and Swin Transformer, against their networks."""

import pytest
import torch

from src_models.attention.recording import record_attention
from src_models.models.architectures import create
from src_models.nets.med_former.architectures import ARCHITECTURES
from src_models.nets.tap import MATRICES
from src_models.nets.vit.lite_embedding import LiteEmbedding

MED_FORMER, SWIN = ARCHITECTURES
SMALL = {"width": 8, "head_channels": 4}
CHOSEN = {option.name: option.default for option in MED_FORMER.options}


@pytest.mark.parametrize(
    ("record", "config"),
    [
        (MED_FORMER, {}),
        (MED_FORMER, {"stages": 1, "fusion": "concat"}),
        (MED_FORMER, {"depths": [1, 3], "local": False}),
        (SWIN, {}),
        (SWIN, {"stages": 2, "fusion": "saf"}),
    ],
)
def test_the_names_of_maps_are_known_without_the_network(record, config):
    network = record.make(classes=2, **SMALL, **config).eval()
    with torch.inference_mode(), record_attention(network) as attention:
        network(torch.zeros(1, 3, 32, 32))
    assert record.maps({**SMALL, **config}) == [each.name for each in attention if each.kind not in MATRICES]
    usual = record.usual_maps(config)
    assert usual
    assert set(usual) < set(record.maps(config))


def test_swin_has_neither_small_windows_nor_fusion_unless_a_configuration_says_so():
    network = SWIN.make(classes=2, **SMALL)
    assert all(stage.fusion is None for stage in network.stages)
    assert not any("small" in name for name in SWIN.maps({}))
    assert SWIN.make(classes=2, fusion="saf", **SMALL).stages[1].fusion is not None


def test_options_become_a_configuration():
    found = MED_FORMER.configure({**CHOSEN, "windows": "7,4", "fusion": "none"}, 72)
    assert found == {"size": "small", "stages": 3, "windows": [7, 4], "local": True, "fusion": "none"}
    assert "windows" not in MED_FORMER.configure(CHOSEN, 72)


def test_where_a_convolutional_network_embeds_cells_are_larger_and_wider():
    found = MED_FORMER.configure({**CHOSEN, "embedding": "efficientnet-lite0"}, 72)
    assert (found["embedding"], found["patch"], found["width"]) == ("efficientnet-lite0", 8, 48)
    assert isinstance(create("med-former", classes=2, **found).embedding, LiteEmbedding)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"windows": "7;4"}, "--windows '7;4' must be two whole numbers such as 6,3"),
        ({"windows": "3,6"}, "must be the large one and a smaller one"),
        ({"embedding": "words"}, "--embedding 'words' is not one of patches, efficientnet-lite0"),
        ({"size": "huge"}, "'huge' is not one of small, paper"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_made(changed, words):
    with pytest.raises(ValueError, match=words):
        MED_FORMER.configure({**CHOSEN, **changed}, 72)


def test_both_are_networks_that_classify():
    assert {record.task for record in ARCHITECTURES} == {"classification"}
    assert [record.blocks({}) for record in ARCHITECTURES] == [[], []], "which ask for axial attention"
