"""Reading weights that were saved by PyTorch alone, without running any code that a file may hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from src_models.errors import ModelFileError

__all__ = ["named_tensors", "read_pickle", "read_weights"]


def read_weights(path: Path) -> Any:
    """Read what is in a ``.safetensors`` file, or else in a file of :func:`read_pickle`.

    Raises
    ------
    ModelFileError
        If the file cannot be read, or holds more than tensors, numbers and text.
    """
    if path.suffix != ".safetensors":
        return read_pickle(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path}: this is not a whole safetensors file ({error}); get it again") from error


def read_pickle(path: Path) -> Any:
    """Read what is in a ``.pth`` or ``.pt`` file.

    Raises
    ------
    ModelFileError
        If the file cannot be read, or holds more than tensors, numbers and text.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError as error:
        raise ModelFileError(f"{path}: there is no permission to read this file") from error
    except Exception as error:  # an unpickler that is fed a foreign file raises anything
        raise ModelFileError(
            f"{path}: this cannot be read as plain weights: it is damaged, is no PyTorch file, or holds pickled code, "
            "which is never run; where the network was made, save its state_dict() with torch.save and give that"
        ) from error


def named_tensors(content: Any) -> dict[str, Tensor]:
    """Take the tensors out of what a file holds, under the names that the network itself gave them.

    Raises
    ------
    ModelFileError
        If it holds anything else.
    """
    for key in ("state_dict", "model_state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise ModelFileError("this holds other things than named tensors; save the network's state_dict() alone")
    tensors = {str(name): tensor for name, tensor in content.items()}
    prefix = "module."  # nn.DataParallel
    if all(name.startswith(prefix) for name in tensors):
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors
