"""The protocol of the benchmark on ImageNet weights: what is compared, and what is in the table."""

import json

import torch

from benchmarks import encoder_gain
from src_models.models.architectures import create
from src_models.models.encoder_weights import begin_with_imagenet


def begun(name, weights):
    _, config, published = encoder_gain.BEGINNINGS[name]
    torch.manual_seed(5)
    network = create("attention-unet", in_channels=3, classes=3, **config, **encoder_gain.DECODER)
    if published:
        begin_with_imagenet(network, weights)
    return network.state_dict()


def test_what_is_compared_differs_in_the_encoders_weights_alone(lite0_weights_path):
    random, imagenet = (begun(name, lite0_weights_path) for name in ("random", "imagenet"))
    assert random.keys() == imagenet.keys()
    other = [name for name in random if not torch.equal(random[name], imagenet[name])]
    assert len(other) > 100
    assert all(name.startswith("encoder.") and not name.startswith("encoder.0.") for name in other)
    assert "encoder" not in encoder_gain.BEGINNINGS["unet"][1]


def test_the_table_has_a_row_for_each_set_and_run_of_as_many_steps(tmp_path, monkeypatch):
    for beginning, steps, dice in (("imagenet", 40, 0.7), ("random", 40, 0.5), ("random", 99, 0.9)):
        scores = {name: (3, ["0.1", "0.2", "0.3"]) for name in encoder_gain.SETS}
        run = {"beginning": beginning, "steps": steps, "rate": 0.003, "seed": 0, "validation_dice": dice}
        (tmp_path / f"{beginning}-{steps}.json").write_text(json.dumps({**run, "scores": scores}))
    written = []
    monkeypatch.setattr(encoder_gain, "report", lambda *arguments: written.append(arguments))
    encoder_gain.write_table(tmp_path, 40)
    ((name, columns, rows, notes),) = written
    assert (name, notes) == ("encoder_gain", {"steps": 40})
    assert [(row[0], row[3], row[-1]) for row in rows] == [
        (f"EfficientNet-Lite0, {words} weights", data, dice)
        for data in encoder_gain.SETS
        for words, dice in (("random", 0.5), ("ImageNet", 0.7))
    ]
    assert {len(row) for row in rows} == {len(columns)}
