"""The maps of one pass, by name and at their own resolution."""

import numpy as np
import torch

from src_models.attention.recording import record_attention
from src_models.auditing.recorded import record_maps

PICTURE = torch.from_numpy(np.random.default_rng(0).random((1, 1, 64, 64), np.float32))


def test_a_map_is_what_the_network_records_of_itself(make_model):
    network = make_model().network
    with torch.inference_mode(), record_attention(network, ["gate 2"]) as recorded:
        network(PICTURE)
    (tap,) = recorded
    (found,) = record_maps(network, PICTURE, ["gate 2"]).values()
    np.testing.assert_array_equal(found.values, tap.tensor[0, 0].numpy())
    assert (found.stride, found.kind, found.description) == (tap.stride, tap.kind, tap.description)
    assert found.values.shape == (64 // found.stride, 64 // found.stride)


def test_every_sub_gate_has_a_map_and_a_number(make_model):
    network = make_model(config={"subgates": 2}).network
    maps = record_maps(network, PICTURE, ["gate 2"])
    assert list(maps) == ["gate 2 map 1", "gate 2 map 2"]
    assert not np.array_equal(maps["gate 2 map 1"].values, maps["gate 2 map 2"].values)


def test_only_what_is_asked_for_is_recorded_and_the_answer_stays(make_model):
    network = make_model("medt").network
    with torch.inference_mode():
        before = network(PICTURE)
        maps = record_maps(network, PICTURE, ["global 2.1 received"])
        after = network(PICTURE)
    assert list(maps) == ["global 2.1 received"]
    assert torch.equal(before, after)
