"""What a training runs on, and its optimiser."""

import dataclasses

import pytest
import torch

from src_models.errors import DataSetError, UserError
from src_models.training.fabric import descend, leads, make_fabric, make_optimizer
from src_models.training.settings import TrainSettings

SETTINGS = TrainSettings(learning_rate=0.25, weight_decay=0.5)


def test_a_device_is_found_and_its_process_leads():
    fabric = make_fabric("cpu", 1)
    assert (fabric.device, fabric.world_size, fabric.is_global_zero) == (torch.device("cpu"), 1, True)


def test_the_precision_is_that_which_is_asked_for():
    """In bf16-mixed a product is computed with the eight bits of bfloat16's mantissa."""
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(layer.weight, 1 + 2**-10)
    results = {}
    for precision in ("32-true", "bf16-mixed"):
        network = make_fabric("cpu", 1, precision=precision).setup(layer)
        results[precision] = float(network(torch.ones(1, 1)).detach())
    assert results == {"32-true": 1 + 2**-10, "bf16-mixed": 1.0}


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"device": "abacus", "devices": 1}, "device 'abacus' (1 of them)"),
        ({"device": "cuda", "devices": 64}, "device 'cuda' (64 of them)"),
        ({"device": "cpu", "devices": 1, "strategy": "wishful"}, "strategy 'wishful'"),
        ({"device": "cpu", "devices": 1, "precision": "12-bit"}, "precision '12-bit'"),
    ],
)
def test_what_this_machine_does_not_have_is_a_sentence(asked, named):
    with pytest.raises(UserError) as error:
        make_fabric(**asked)
    assert named in str(error.value)
    assert str(error.value).endswith("the default, auto, works everywhere, in precision 32-true")


@pytest.mark.parametrize(("name", "kind"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)])
def test_the_optimiser_is_the_one_that_was_chosen(name, kind):
    network = torch.nn.Linear(3, 2)
    optimizer = make_optimizer(network, dataclasses.replace(SETTINGS, optimizer=name))
    assert type(optimizer) is kind
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (0.25, 0.5)
    assert {id(parameter) for parameter in group["params"]} == {id(parameter) for parameter in network.parameters()}


def test_several_devices_share_the_work_and_one_needs_no_sharing():
    assert [dataclasses.replace(SETTINGS, devices=count).strategy for count in (1, 4)] == ["auto", "ddp"]
    assert dataclasses.replace(SETTINGS, nodes=2).strategy == "ddp"


def test_on_how_many_nodes_the_devices_are_is_free_when_a_run_goes_on():
    together = [dataclasses.replace(SETTINGS, batch=8, devices=devices, nodes=4 // devices) for devices in (1, 2, 4)]
    assert [settings.processes for settings in together] == [4, 4, 4]
    assert together[0].repeatable() == together[1].repeatable() == together[2].repeatable()
    assert "nodes" not in together[0].repeatable(), "as in states that were written before there were nodes"
    with pytest.raises(UserError, match="batch 8 must be a multiple of the number of devices, 6 on 3 nodes"):
        dataclasses.replace(SETTINGS, batch=8, devices=2, nodes=3)


def test_one_process_speaks(monkeypatch):
    for name in ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    assert leads()
    for name in ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "0")
            assert leads()
            patch.setenv(name, "1")
            assert not leads()


def line(*weights):
    network = torch.nn.Linear(len(weights), 1, bias=False)
    with torch.no_grad():
        network.weight[:] = torch.tensor(weights)
    return make_fabric("cpu", 1).setup(network, torch.optim.SGD(network.parameters(), lr=1.0))


def test_a_step_goes_down_the_gradient_and_no_further_than_a_gradient_of_five():
    fabric = make_fabric("cpu", 1)
    for slope, moved in ((3.0, 3.0), (30.0, 5.0)):
        network, optimizer = line(0.0)
        loss = network(torch.full((1, 1), slope)).sum()
        told = descend(fabric, network, optimizer, loss, step="step 1", examples="numbers")
        assert float(network.module.weight.detach()) == pytest.approx(-moved)
        assert float(told) == 0
        assert not told.requires_grad
        assert network.module.weight.grad is None


def test_what_is_held_stays_and_does_not_count_for_how_steep_it_is():
    fabric = make_fabric("cpu", 1)
    network = torch.nn.ModuleDict({name: torch.nn.Linear(1, 1, bias=False) for name in ("held", "free")})
    before = float(network["held"].weight.detach())
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    free = float(network["free"].weight.detach())
    loss = 100 * network["held"].weight.sum() + network["free"].weight.sum()
    held = network["held"].parameters()
    descend(fabric, network, optimizer, loss, step="step 1", examples="numbers", held=held)
    assert float(network["held"].weight.detach()) == before
    assert float(network["free"].weight.detach()) == pytest.approx(free - 1)


def test_a_loss_that_is_no_number_moves_nothing():
    network, optimizer = line(1.0)
    loss = network(torch.full((1, 1), torch.nan)).sum()
    with pytest.raises(DataSetError, match=r"^step 7: the loss is not a number; .* extreme values in the numbers$"):
        descend(make_fabric("cpu", 1), network, optimizer, loss, step="step 7", examples="numbers")
    assert float(network.module.weight.detach()) == 1
