"""The gates of a network and of its file, against the parameters themselves."""

import pytest
import torch

from src_models.attention.gates import GateValues, gate_values, stored_gate_values
from src_models.computing.execution import choose_execution, prepare
from src_models.models.checkpoint import save


@pytest.fixture
def gated(make_model):
    """A MedT with random gates."""
    model = make_model("medt")
    for name, gate in model.network.named_parameters():
        if name.split(".")[-1] in ("g_q", "g_k", "g_v1", "g_v2"):
            gate.data.uniform_(-2, 2)
    return model


def test_each_layer_has_the_gates_that_it_multiplies_with(gated):
    found = {gates.layer: gates for gates in gate_values(gated.network)}
    branch = gated.network.global_branch.layers
    blocks = {"1.1": branch[0][0], "2.1": branch[1][0], "2.2": branch[1][1]}
    assert list(found) == [f"global {name} {axis}" for name in blocks for axis in ("height", "width")]
    for name, block in blocks.items():
        for axis in ("height", "width"):
            layer = getattr(block, axis)
            wanted = (float(gate.detach()) for gate in (layer.g_q, layer.g_k, layer.g_v1, layer.g_v2))
            assert found[f"global {name} {axis}"] == GateValues(f"global {name} {axis}", *wanted)


def test_a_file_and_a_network_made_ready_have_the_same_gates(gated, tmp_path):
    wanted = gate_values(gated.network)
    assert stored_gate_values(save(gated, tmp_path / "gated.safetensors")) == wanted
    with torch.inference_mode():
        assert gate_values(prepare(gated.network, choose_execution("cpu"))) == wanted


@pytest.mark.parametrize("name", ["attention-unet", "logo", "axial-unet"])
def test_networks_without_gates_have_none(make_model, name):
    assert gate_values(make_model(name).network) == []


def test_the_branch_of_a_single_unet_is_called_block_as_its_maps_are(make_model):
    layers = [gates.layer for gates in gate_values(make_model("gated-axial-unet").network)]
    assert len(layers) == 16
    assert layers[0] == "block 1.1 height"
    assert layers[-1] == "block 4.1 width"
