"""Names of devices, and whether this machine may have one: asked without loading torch, which takes seconds.

Examples
--------
>>> check_device("cpu")
>>> check_device("auto")
"""

from __future__ import annotations

import ctypes
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from src_models.errors import UserError

__all__ = ["DeviceName", "check_device"]

DeviceName = Literal["auto", "cpu", "cuda", "mps"]

_DRIVER = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}


def check_device(device: str) -> None:
    """Refuse a device that this machine cannot have; whether it really has one, torch tells when the run begins.

    Raises
    ------
    UserError
        If there is no such device: MPS is macOS's, and CUDA needs its driver and a PyTorch built for it.
    """
    possible = {
        "auto": True,
        "cpu": True,
        "cuda": device == "cuda" and _may_have_cuda(),
        "mps": sys.platform == "darwin",
    }
    if not possible.get(device, False):
        raise UserError(f"this machine has no device {device!r}; choose from auto (the fastest there is) and cpu")


def _may_have_cuda() -> bool:
    built = _torch_version()
    if sys.platform not in _DRIVER or built.endswith("+cpu"):
        return False
    if "rocm" in built:  # AMD's cards are called cuda as well, and have another driver
        return True
    try:
        ctypes.CDLL(_DRIVER[sys.platform])
    except OSError:
        return False
    return True


def _torch_version() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""
