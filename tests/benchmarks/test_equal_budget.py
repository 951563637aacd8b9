"""The protocol of the comparison at equal budget: what is compared, and what is in the table."""

import json

import torch

from benchmarks import equal_budget
from src_models.models.architectures import create
from src_models.models.encoder_weights import begin_with_imagenet
from src_models.models.header import SEPARATIONS


def begun(name, weights):
    _, config, published, _ = equal_budget.VARIANTS[name]
    torch.manual_seed(5)
    network = create("attention-unet", in_channels=3, classes=3, **config, **equal_budget.DECODER)
    if published:
        begin_with_imagenet(network, weights)
    return network.state_dict()


def test_what_is_compared_differs_in_the_encoders_weights_alone(lite0_weights_path):
    random, imagenet = (begun(name, lite0_weights_path) for name in ("random", "boundary"))
    assert random.keys() == imagenet.keys()
    other = [name for name in random if not torch.equal(random[name], imagenet[name])]
    assert len(other) > 100
    assert all(name.startswith("encoder.") and not name.startswith("encoder.0.") for name in other)
    assert "encoder" not in equal_budget.VARIANTS["unet"][1]


def test_what_separates_objects_differs_in_nothing_else():
    ways = [equal_budget.VARIANTS[way] for way in ("boundary", "distance", "flows")]
    assert [way[-1] for way in ways] == list(SEPARATIONS)
    assert len({repr(way[:-1]) for way in ways}) == 1


def test_the_table_has_a_row_for_each_set_and_run_of_as_many_steps(tmp_path, monkeypatch):
    for variant, steps, dice in (("flows", 40, 0.7), ("random", 40, 0.5), ("random", 99, 0.9)):
        scores = {name: (3, ["0.1", "0.2", "0.3"]) for name in equal_budget.SETS}
        run = {"variant": variant, "steps": steps, "rate": 0.003, "seed": 0, "validation_dice": dice}
        (tmp_path / f"{variant}-{steps}.json").write_text(json.dumps({**run, "scores": scores}))
    written = []
    monkeypatch.setattr(equal_budget, "report", lambda *arguments: written.append(arguments))
    equal_budget.write_table(tmp_path, 40)
    ((name, columns, rows, notes),) = written
    assert (name, notes) == ("equal_budget", {"steps": 40})
    assert [(row[0], row[1], row[4], row[-1]) for row in rows] == [
        (f"EfficientNet-Lite0, {words} weights", way, data, dice)
        for data in equal_budget.SETS
        for words, way, dice in (("random", "boundary", 0.5), ("ImageNet", "flows", 0.7))
    ]
    assert {len(row) for row in rows} == {len(columns)}
