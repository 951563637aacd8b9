"""Devices that a machine cannot have are known without torch."""

import ctypes
import subprocess
import sys

import pytest

from src_models.computing import devices
from src_models.computing.devices import check_device
from src_models.computing.execution import available_devices
from src_models.errors import UserError


def test_a_device_that_torch_finds_is_never_refused():
    for device in ("auto", *available_devices()):
        check_device(device)


@pytest.mark.parametrize(
    ("platform", "torch", "driver", "refused"),
    [
        ("linux", "2.6.0", True, {"mps"}),
        ("linux", "2.6.0", False, {"mps", "cuda"}),
        ("linux", "2.6.0+cpu", True, {"mps", "cuda"}),
        ("linux", "2.6.0+rocm6.2", False, {"mps"}),
        ("win32", "2.6.0+cu124", True, {"mps"}),
        ("win32", "2.6.0", False, {"mps", "cuda"}),
        ("darwin", "2.6.0", False, {"cuda"}),
    ],
)
def test_mps_is_macos_and_cuda_needs_a_driver_and_a_build_for_it(monkeypatch, platform, torch, driver, refused):
    def load(name):
        if not driver:
            raise OSError(name)

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(devices, "_torch_version", lambda: torch)
    monkeypatch.setattr(ctypes, "CDLL", load)
    for device in ("auto", "cpu", "cuda", "mps"):
        if device in refused:
            with pytest.raises(UserError, match=f"this machine has no device '{device}'; choose from auto"):
                check_device(device)
        else:
            check_device(device)


def test_what_is_no_device_is_refused():
    with pytest.raises(UserError, match="has no device 'tpu'"):
        check_device("tpu")


def test_torch_is_not_loaded_for_the_answer():
    code = (
        "import sys\nfrom src_models.computing.devices import check_device\n"
        "for name in ('auto', 'cpu', 'cuda', 'mps'):\n"
        "    try: check_device(name)\n"
        "    except Exception: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
