"""Model files: bit for bit, atomic, and never unpickled."""

import dataclasses
import errno
import hashlib
import itertools
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from src_models.errors import ModelFileError, OutputError
from src_models.models import checkpoint
from src_models.models.checkpoint import Model, load, save
from src_models.models.header import METADATA_KEY
from src_models.nets.medt_architectures import AXIAL


@pytest.fixture
def saved(tmp_path, make_model):
    """A model and the file it was saved to."""
    model = make_model()
    return model, save(model, tmp_path / "model.safetensors")


def rewritten(path, change, header=None):
    """Write the tensors and the header of a model file again after a change, with safetensors itself."""
    from src_models.models.header import read_header

    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={METADATA_KEY: (header or read_header(path)).to_json()})
    return path


@pytest.mark.parametrize(
    ("architecture", "dimensions", "config"),
    [
        *itertools.product(
            ("attention-unet", "unet", "fcn"), (2, 3), ({"norm": n} for n in ("batch", "instance", "group"))
        ),
        *itertools.product(AXIAL, (2,), ({}, {"compatible": True, "image_size": 128})),
    ],
)
def test_every_architecture_comes_back_bit_for_bit(tmp_path, make_model, architecture, dimensions, config):
    model = make_model(architecture, config=config, dimensions=dimensions)
    back = load(save(model, tmp_path / "model.safetensors"))
    before, after = model.network.state_dict(), back.network.state_dict()
    assert before.keys() == after.keys()
    assert all(before[name].dtype == after[name].dtype and torch.equal(before[name], after[name]) for name in before)
    assert dataclasses.replace(back.header, config=dict(back.header.config)) == model.header
    image = torch.randn(1, 1, *(config.get("image_size", 20),) * dimensions)
    with torch.inference_mode():
        assert torch.equal(model.network(image), back.network(image))


def test_skip_gates_and_subgates_come_back_too(tmp_path, make_model):
    for config in ({"gate": "skip", "upsampling": "conv"}, {"subgates": 3, "deep_supervision": False}):
        model = make_model(config=config)
        back = load(save(model, tmp_path / "model.safetensors", overwrite=True))
        image = torch.randn(1, 1, 24, 24)
        with torch.inference_mode():
            assert torch.equal(model.network(image), back.network(image))


def test_a_loaded_model_knows_its_file(saved):
    model, path = saved
    back = load(path)
    assert back.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert back.path == path.resolve()
    assert (model.sha256, model.path) == (None, None)


def test_a_loaded_network_is_in_eval_mode_and_saving_leaves_the_mode_alone(saved, tmp_path):
    model, path = saved
    assert not any(module.training for module in load(path).network.modules())
    model.network.train()
    save(model, tmp_path / "again.safetensors")
    assert all(module.training for module in model.network.modules())


def test_the_file_is_plain_safetensors(saved):
    model, path = saved
    tensors = load_file(path)
    assert tensors.keys() == model.network.state_dict().keys()


@pytest.mark.parametrize("kept", [0, 5, 100, 0.5, -1])
def test_a_truncated_file_is_refused(saved, kept):
    _, path = saved
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "get it again" in str(caught.value) or "get the model again" in str(caught.value)


def test_bytes_appended_are_noticed(saved):
    _, path = saved
    with path.open("ab") as file:
        file.write(b"1234")
    with pytest.raises(ModelFileError, match="damaged"):
        load(path)


def test_weights_of_another_program_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(ModelFileError, match="no napari-medt header"):
        load(path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(lambda tensors: tensors.pop("final.bias"), "final.bias", id="missing"),
        pytest.param(lambda tensors: tensors.update(extra=torch.zeros(2)), "extra", id="extra"),
        pytest.param(lambda tensors: tensors.update({"final.bias": torch.zeros(9)}), "final.bias", id="shape"),
    ],
)
def test_tensors_that_do_not_fit_the_header_are_refused(saved, change, named):
    _, path = saved
    rewritten(path, change)
    with pytest.raises(ModelFileError, match=f"1 tensors missing, unknown or of another shape: {named}"):
        load(path)


def test_a_header_for_another_network_is_refused(saved):
    model, path = saved
    wider = dataclasses.replace(model.header, config={**model.header.config, "widths": [4, 8, 16]})
    rewritten(path, lambda tensors: None, wider)
    with pytest.raises(ModelFileError, match="do not match the network that the header describes"):
        load(path)


@pytest.mark.parametrize(
    "fields",
    [
        {"classes": ("background", "cell", "nucleus")},
        {"channels": ("red", "green", "blue")},
        {"dimensions": 3, "tile": (64, 64, 64), "overlap": (16, 16, 16)},
    ],
    ids=["classes", "channels", "dimensions"],
)
def test_a_header_that_contradicts_its_own_configuration_is_refused(saved, fields):
    model, path = saved
    rewritten(path, lambda tensors: None, dataclasses.replace(model.header, **fields))
    with pytest.raises(ModelFileError, match="header contradicts itself") as caught:
        load(path)
    assert next(iter(fields)) in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"architecture": "resnet"}, "there is no architecture 'resnet'"),
        ({"config": {"widths": [4]}}, "at least two positive numbers"),
        ({"config": {"colour": "blue"}}, "'colour'"),
    ],
)
def test_a_network_that_cannot_be_made_is_refused_by_file(saved, fields, words):
    model, path = saved
    rewritten(path, lambda tensors: None, dataclasses.replace(model.header, **fields))
    with pytest.raises(ModelFileError, match=words) as caught:
        load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_neither_loaded_nor_saved(saved, tmp_path, value):
    model, path = saved

    def spoil(tensors):
        tensors["final.weight"].view(-1)[3] = value

    rewritten(path, spoil)
    with pytest.raises(ModelFileError, match=r"final\.weight hold NaN or infinite"):
        load(path)
    model.network.final.weight.data[0, 0] = value
    with pytest.raises(ModelFileError, match=r"final\.weight hold NaN or infinite"):
        save(model, tmp_path / "nan.safetensors")
    assert not (tmp_path / "nan.safetensors").exists()


class Trap:
    """An object whose pickle makes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_under_a_model_files_name_is_never_run(tmp_path):
    proof, path = tmp_path / "proof", tmp_path / "model.safetensors"
    for content in (pickle.dumps(Trap(proof)), pickle.dumps(Trap(proof), protocol=0)):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match="such as a pickle"):
            load(path)
    torch.save(Trap(proof), path)
    with pytest.raises(ModelFileError, match="such as a pickle"):
        load(path)
    assert not proof.exists()
    pickle.loads(content)
    assert proof.exists(), "the trap itself works"


def test_an_existing_file_is_kept_unless_told(saved, make_model):
    _, path = saved
    before = path.read_bytes()
    other = make_model(seed=1)
    with pytest.raises(OutputError, match="exists already"):
        save(other, path)
    assert path.read_bytes() == before
    save(other, path, overwrite=True)
    assert path.read_bytes() != before


def test_a_full_disk_leaves_the_old_file_and_nothing_else(saved, make_model, monkeypatch):
    _, path = saved
    before = path.read_bytes()
    write = Path.write_bytes

    def full(self, content):
        write(self, content[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"model\.safetensors cannot be written: the disk is full"):
        save(make_model(seed=1), path, overwrite=True)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_another_ending_is_refused(make_model, tmp_path):
    with pytest.raises(ModelFileError, match=r"ends in \.safetensors"):
        save(make_model(), tmp_path / "model.pth")
    assert not list(tmp_path.iterdir())


def test_a_network_on_strided_memory_is_saved_alike(saved, tmp_path):
    model, path = saved
    striding = Model(model.network.to(memory_format=torch.channels_last), model.header)
    again = save(striding, tmp_path / "strided.safetensors")
    assert again.read_bytes() == path.read_bytes()


def test_a_name_is_looked_up_and_a_path_is_not(saved, monkeypatch):
    model, path = saved
    from src_models.models import library

    monkeypatch.setattr(library, "find_model", lambda name: {"cells": path}[name])
    assert load("cells").path == path.resolve()
    assert load(str(path)).header == load("cells").header
    assert checkpoint.load(path).header.name == model.header.name
