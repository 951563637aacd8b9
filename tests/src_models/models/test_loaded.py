"""What was read of model files is kept as long as the file is the same."""

import hashlib
import os
import shutil

import torch

from src_models.models.loaded import file_sha256, load_model


def touched(path):
    """Give a file another time of change, as whoever writes it anew does."""
    time = path.stat().st_mtime_ns + 1_000_000_000
    os.utime(path, ns=(time, time))


def test_a_network_is_loaded_once_until_its_file_changes(tiny_model_path, tmp_path):
    path = tmp_path / "m.safetensors"
    shutil.copy(tiny_model_path, path)
    first = load_model(path)
    assert load_model(path) is first
    touched(path)
    again = load_model(path)
    assert again is not first
    ours, theirs = first.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_last_two_are_kept_and_no_more(tiny_model_path, tmp_path):
    paths = [tmp_path / f"{number}.safetensors" for number in range(3)]
    for path in paths:
        shutil.copy(tiny_model_path, path)
    models = [load_model(path) for path in paths]
    assert load_model(paths[2]) is models[2]
    assert load_model(paths[1]) is models[1]
    assert load_model(paths[0]) is not models[0]


def test_checksums_are_those_of_the_file_as_it_is(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"one")
    assert file_sha256(path) == hashlib.sha256(b"one").hexdigest()
    path.write_bytes(b"two")
    touched(path)
    assert file_sha256(path) == hashlib.sha256(b"two").hexdigest()


def test_a_file_that_is_not_there_has_no_checksum(tmp_path):
    assert file_sha256(tmp_path / "none") is None
    path = tmp_path / "file"
    path.write_bytes(b"one")
    assert file_sha256(path)
    path.unlink()
    assert file_sha256(path) is None
