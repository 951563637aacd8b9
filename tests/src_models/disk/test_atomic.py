"""Files appear whole or not at all."""

import doctest
import errno
import os
from pathlib import Path

import pytest

import src_models.disk.atomic
from src_models.disk.atomic import atomic_path, check_new, check_writable, remove_stale
from src_models.errors import OutputError


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.disk.atomic).failed == 0


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "labels.ome.tif"
    with atomic_path(target) as beside:
        beside.write_bytes(b"whole")
        assert not target.exists()
        assert (beside.parent, beside.suffix) == (target.parent, ".tif")
    assert target.read_bytes() == b"whole"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyboardInterrupt(), GeneratorExit()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "labels.tif"
    target.write_bytes(b"old")

    def write():
        with atomic_path(target, overwrite=True) as beside:
            beside.write_bytes(b"half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_is_kept_unless_told(tmp_path):
    target = tmp_path / "labels.tif"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"labels\.tif exists already"), atomic_path(target) as beside:
        beside.write_bytes(b"never written")
    assert target.read_bytes() == b"old"
    with atomic_path(target, overwrite=True) as beside:
        beside.write_bytes(b"new")
    assert target.read_bytes() == b"new"


def test_a_file_written_meanwhile_by_another_is_kept(tmp_path):
    target = tmp_path / "labels.tif"

    def write():
        with atomic_path(target) as beside:
            beside.write_bytes(b"ours")
            target.write_bytes(b"theirs")

    with pytest.raises(OutputError, match="exists already"):
        write()
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_folders_are_replaced_whole(tmp_path):
    target = tmp_path / "labels.zarr"
    for content in ("old", "new"):
        with atomic_path(target, overwrite=True) as beside:
            beside.mkdir()
            (beside / content).write_text(content)
    assert [file.name for file in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission"),
        (errno.EIO, "error"),
    ],
)
def test_failures_of_the_file_system_become_a_sentence(tmp_path, code, says):
    target = tmp_path / "labels.tif"

    def write():
        with atomic_path(target) as beside:
            beside.write_bytes(b"half")
            raise OSError(code, os.strerror(code))

    with pytest.raises(OutputError, match=f"labels.tif cannot be written: .*{says}"):
        write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full (Linux)")
def test_a_disk_that_is_really_full_leaves_nothing(tmp_path):
    target = tmp_path / "labels.tif"

    def write():
        with atomic_path(target) as beside:
            beside.write_bytes(b"half")
            Path("/dev/full").write_bytes(b"the other half")

    with pytest.raises(OutputError, match="the disk is full"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_tried_before_the_work(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="not a folder"):
        check_writable(tmp_path / "file" / "b")
    with pytest.raises(OutputError, match="where the folder should be"):
        check_writable(tmp_path / "file")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc, where not even root can write (Linux)")
def test_a_folder_nobody_can_write_to_is_refused():
    with pytest.raises(OutputError, match=r"/proc/labels cannot be written"):
        check_writable("/proc/labels")


def test_a_name_that_is_too_long_is_a_sentence(tmp_path):
    with (
        pytest.raises(OutputError, match="cannot be written: the name is too long"),
        atomic_path(tmp_path / f"{'x' * 400}.tif") as beside,
    ):
        beside.write_bytes(b"never written")


def test_a_name_that_is_too_long_is_refused_before_the_work(tmp_path):
    with pytest.raises(OutputError, match="cannot be written: the name is too long"):
        check_new(tmp_path / ("\u00e9" * 126 + ".tif"))  # 256 bytes
    check_new(tmp_path / ("\u00e9" * 125 + ".tif"))


@pytest.mark.parametrize("name", ["x" * 251 + ".tif", "\u7d30" * 83 + ".zarr", "a." + "x" * 200])
def test_a_name_as_long_as_may_be_is_written(tmp_path, name):
    """What is written beside it has a longer ending."""
    with atomic_path(tmp_path / name) as beside:
        beside.write_bytes(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_a_killed_process_left_is_removed_when_it_is_old_and_nothing_else(tmp_path):
    names = (".dark-v1.0123abcd.part.safetensors", ".a.ome.89abcdef.part.tif")
    others = ("dark-v1.safetensors", ".my.part.tif", ".scan.0123abcd.part.zarr.old", "a.0123abcd.part.tif")
    fresh = tmp_path / ".fresh.0123abcd.part.tif"
    for name in (*names, *others):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (1, 1))
    fresh.write_bytes(b"being written")
    remove_stale(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*others, fresh.name}
    remove_stale(tmp_path / "missing")
