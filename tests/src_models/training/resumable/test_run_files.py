"""The files of a run: whole, named as ever, and enough to go on from."""

from __future__ import annotations

import csv
import dataclasses
import json

import pytest
import torch

from src_models.errors import DataSetError, OutputError, UserError
from src_models.models.architectures import create
from src_models.models.checkpoint import load
from src_models.models.header import ModelHeader
from src_models.training.resumable.run_files import RunFiles
from src_models.training.settings import TrainSettings

SETTINGS = TrainSettings(steps=9, batch=2, device="cpu")
CONFIG = {"in_channels": 1, "classes": 2, "widths": [2, 4]}
HEADER = ModelHeader(
    name="m",
    purpose="Tests",
    architecture="unet",
    config=CONFIG,
    classes=("background", "cell"),
    channels=("grey",),
    training={"sets": ["cells"]},
)


def files(folder, *, settings=SETTINGS, header=HEADER):
    return RunFiles(folder / "m.safetensors", ("step", "loss"), settings, header)


def learner(seed=0, steps=3):
    """A network and its optimiser, some steps on."""
    torch.manual_seed(seed)
    network = create(HEADER.architecture, **CONFIG)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    for _ in range(steps):
        network(torch.rand(1, 1, 16, 16)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return network, optimizer


def same(one, other):
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def rows(run):
    with run.log.open(newline="") as file:
        return list(csv.reader(file))


def test_what_was_kept_comes_back_and_the_next_step_is_the_same(tmp_path):
    run, (network, optimizer) = files(tmp_path), learner()
    run.begin()
    run.keep((5, "0.5"), network, optimizer, step=5, best=0.75, iou=[0.25, 0.5])
    again, fresh = learner(seed=1, steps=1)
    stored = files(tmp_path).restore(again, fresh, "step", "best")
    assert (stored["step"], stored["best"], stored["iou"]) == (5, 0.75, [0.25, 0.5])
    assert same(network, again)
    for one, optimiser in ((network, optimizer), (again, fresh)):
        one(torch.ones(1, 1, 16, 16)).sum().backward()
        optimiser.step()
    assert same(network, again), "the optimiser's moments came back, too"


def test_a_run_that_was_begun_by_an_earlier_version_goes_on(tmp_path):
    """What is in the file, by name, is fixed: such files lie on people's disks."""
    run, (network, optimizer) = files(tmp_path), learner()
    chosen = dataclasses.asdict(SETTINGS)
    for name in ("device", "workers", "validate_every", "nodes", "balance"):  # the last two were not there yet
        del chosen[name]
    of_clicks = {
        "settings": json.dumps(chosen, sort_keys=True),
        "step": 5,
        "best": 0.5,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    torch.save(of_clicks, tmp_path / "m.training.pt")
    stored = run.restore(*learner(1), "step", "best")
    assert stored == {"step": 5, "best": 0.5}
    kept = ("architecture", "config", "classes", "channels", "dimensions", "intensity", "result", "parent_sha256")
    everything = dataclasses.asdict(HEADER)
    header = json.dumps({name: everything[name] for name in kept}, sort_keys=True)
    del of_clicks["step"], of_clicks["best"]
    torch.save({**of_clicks, "header": header, "state": {"step": 5}}, tmp_path / "m.training.pt")
    assert run.restore(*learner(1), "state")["state"] == {"step": 5}
    run.keep((6, ""), network, optimizer, state={"step": 6})
    written = torch.load(tmp_path / "m.training.pt", weights_only=True)
    assert set(written) == {"settings", "header", "state", "network", "optimizer"}
    assert (written["settings"], written["header"]) == (of_clicks["settings"], header)


def test_the_log_is_cut_to_what_the_state_knows(tmp_path):
    run, learnt = files(tmp_path), learner()
    run.begin()
    assert rows(run) == [["step", "loss"]]
    for step in (5, 10, 12):
        run.keep((step, f"{step / 10}"), *learnt, step=step)
    run.cut_log(10)
    assert rows(run) == [["step", "loss"], ["5", "0.5"], ["10", "1.0"]]
    run.log.unlink()
    run.cut_log(10)
    assert rows(run) == [["step", "loss"]]


def test_the_models_are_the_last_and_the_best(tmp_path):
    run, (first, _), (second, _) = files(tmp_path), learner(0), learner(1)
    run.write_models(first, 5, best=True, validation_dice=0.5)
    run.write_models(second, 10, best=False, validation_dice=0.25)
    best, last = load(run.output), load(run.last)
    assert same(best.network, first)
    assert same(last.network, second)
    told = best.header.training
    assert (told["step"], told["validation_dice"], told["sets"]) == (5, 0.5, ["cells"])
    assert told["settings"]["steps"] == 9
    assert told["versions"]["torch"] == torch.__version__
    assert last.header.training["step"] == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.last.safetensors", "m.safetensors"]


@pytest.mark.parametrize("there", ["m.safetensors", "m.last.safetensors", "m.training.pt"])
def test_nothing_that_is_there_is_replaced_unasked(tmp_path, there):
    (tmp_path / there).write_bytes(b"precious")
    run = files(tmp_path)
    with pytest.raises(OutputError, match="exists already"):
        run.check(resume=False, overwrite=False)
    assert run.check(resume=False, overwrite=True) is False
    if there == "m.training.pt":
        assert run.check(resume=True, overwrite=False) is True
    else:
        with pytest.raises(OutputError, match="exists already"):  # there is nothing to go on with
            run.check(resume=True, overwrite=False)
    assert (tmp_path / there).read_bytes() == b"precious"


def test_a_run_that_is_to_go_on_and_was_never_begun_begins(tmp_path):
    assert files(tmp_path / "new").check(resume=True, overwrite=False) is False
    assert list((tmp_path / "new").iterdir()) == []


def test_a_name_that_is_no_models_is_a_sentence(tmp_path):
    run = dataclasses.replace(files(tmp_path), output=tmp_path / "m.pt")
    with pytest.raises(UserError, match=r"m\.pt: the name of a model file ends in \.safetensors"):
        run.check(resume=False, overwrite=False)


def test_another_runs_state_is_refused_and_nothing_is_loaded(tmp_path):
    network, optimizer = learner()
    files(tmp_path).keep((5, ""), network, optimizer, step=5)
    others = {
        "other settings": files(tmp_path, settings=dataclasses.replace(SETTINGS, seed=4)),
        "another network": files(tmp_path, header=dataclasses.replace(HEADER, parent_sha256="0" * 64)),
    }
    for words, run in others.items():
        mine, fresh = learner(1)
        before = {name: value.clone() for name, value in mine.state_dict().items()}
        with pytest.raises(DataSetError, match=rf"m\.training\.pt: the run was started with {words}"):
            run.restore(mine, fresh, "step")
        assert all(torch.equal(value, mine.state_dict()[name]) for name, value in before.items())
    elsewhere = files(tmp_path, settings=dataclasses.replace(SETTINGS, device="auto", workers=4, validate_every=1))
    assert elsewhere.restore(*learner(1), "step")["step"] == 5


@pytest.mark.parametrize("content", [b"nothing", None, {"settings": ""}])
def test_a_damaged_state_is_said_to_be_so(tmp_path, content):
    run = files(tmp_path)
    if isinstance(content, bytes):
        run.state.write_bytes(content)
    elif content is None:  # whole, but without what this run needs
        run.keep((5, ""), *learner(), step=5)
    else:
        torch.save(content, run.state)
    with pytest.raises(DataSetError, match=r"cannot be read; start anew with --overwrite$"):
        run.restore(*learner(1), "step", "best")
