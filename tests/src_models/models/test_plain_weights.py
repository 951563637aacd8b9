"""Weights are read without running what a file holds, and anything else is refused in a sentence."""

import pickle

import pytest
import torch

from src_models.errors import ModelFileError
from src_models.models.plain_weights import named_tensors, read_pickle


class Trap:
    """An object whose unpickling writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_tensors_come_back_as_they_were_saved(tmp_path):
    tensors = {"a": torch.arange(3.0), "b": torch.tensor(7)}
    torch.save(tensors, tmp_path / "w.pth")
    read = named_tensors(read_pickle(tmp_path / "w.pth"))
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_code_in_a_file_is_never_run(tmp_path, save):
    save({"a": torch.zeros(1), "trap": Trap(tmp_path / "sprung")}, tmp_path / "w.pth")
    with pytest.raises(ModelFileError, match=r"w\.pth: this cannot be read as plain weights: .*is never run"):
        read_pickle(tmp_path / "w.pth")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict"])
def test_what_a_training_adds_around_and_before_the_names_is_left_out(key):
    tensors = {"module.conv.weight": torch.zeros(2), "module.conv.bias": torch.ones(1)}
    assert named_tensors({key: tensors, "epoch": 3}).keys() == {"conv.weight", "conv.bias"}
    mixed = {"module.conv.weight": torch.zeros(2), "head.weight": torch.ones(1)}
    assert named_tensors(mixed).keys() == mixed.keys(), "it is a name of the network's own then"


@pytest.mark.parametrize("content", [{}, [torch.zeros(1)], {"a": 1.0}, torch.zeros(1)], ids=str)
def test_other_things_than_named_tensors_are_refused(content):
    with pytest.raises(ModelFileError, match="this holds other things than named tensors"):
        named_tensors(content)
