"""Checkpoints of Medical Transformer's own code (jeya-maria-jose/Medical-Transformer), tensor by tensor.

Which of its four networks a state dict belongs to, the image size and the channels are read off names and shapes. Two
of its tensors become one of ours, or one two: its norm of the result holds content and position in turns, ours are
apart. Some of its tensors were never used by any computation, and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from src_models.errors import ModelFileError

__all__ = ["SOURCE", "configuration", "recognises", "renamed"]

SOURCE = "axialunet, gated, logo or MedT of Medical-Transformer (Valanarasu et al. 2021)"

_UNUSED = (r"adjust_p\..*", r"layer\d_p\.\d\.conv1\..*", r".*\.flatten_index")
_MODULES = {
    r"conv(\d)\.": r"stem.\1.conv.",
    r"bn(\d)\.": r"stem.\1.norm.",
    r"layer(\d)\.(\d)\.conv_down\.": r"layers.\1.\2.down.conv.",
    r"layer(\d)\.(\d)\.bn1\.": r"layers.\1.\2.down.norm.",
    r"layer(\d)\.(\d)\.conv_up\.": r"layers.\1.\2.up.conv.",
    r"layer(\d)\.(\d)\.bn2\.": r"layers.\1.\2.up.norm.",
    r"layer(\d)\.(\d)\.downsample\.0\.": r"layers.\1.\2.shortcut.conv.",
    r"layer(\d)\.(\d)\.downsample\.1\.": r"layers.\1.\2.shortcut.norm.",
    r"layer(\d)\.(\d)\.hight_block\.": r"layers.\1.\2.height.",
    r"layer(\d)\.(\d)\.width_block\.": r"layers.\1.\2.width.",
}
_INSIDE_ATTENTION = {
    "qkv_transform.weight": "qkv.conv.weight",
    "bn_qkv.": "qkv.norm.",
    "bn_similarity.": "similarity_norm.",
    "f_qr": "g_q",
    "f_kr": "g_k",
    "f_sv": "g_v1",
    "f_sve": "g_v2",
    "relative": "relative",
}


def recognises(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of one of the four networks."""
    return all(name in tensors for name in ("layer1.0.hight_block.relative", "conv1.weight", "adjust.weight"))


def configuration(tensors: Mapping[str, Tensor]) -> tuple[str, dict[str, Any]]:
    """Read architecture, image size, channels and classes off names and shapes."""
    gated = "layer1.0.hight_block.f_qr" in tensors
    if "decoderf.weight" in tensors:
        architecture = "medt" if gated else "logo"
    else:
        architecture = "gated-axial-unet" if gated else "axial-unet"
    relative, first, last = (
        tensors[name].shape for name in ("layer1.0.hight_block.relative", "conv1.weight", "adjust.weight")
    )
    if len(relative) != 2 or len(first) != 4 or len(last) != 4:
        raise ModelFileError(
            f"its tensors have the shapes {tuple(relative)}, {tuple(first)}, {tuple(last)}, which are not {SOURCE}"
        )
    return architecture, {
        "image_size": relative[1] + 1,  # 2K - 1 distances between K = size / 2 positions
        "in_channels": first[1],
        "classes": last[0],
        "dimensions": 2,
        "compatible": True,
    }


def renamed(tensors: Mapping[str, Tensor], architecture: str) -> dict[str, Tensor]:
    """Return the tensors under our names; those that nothing uses are left out.

    Raises
    ------
    ModelFileError
        If a name is of no module of that network.
    """
    weights: dict[str, Tensor] = {}
    for theirs, tensor in tensors.items():
        if any(re.fullmatch(pattern, theirs) for pattern in _UNUSED):
            continue
        if ".bn_output." in theirs:
            weights.update(_two_norms(theirs, tensor, architecture))
            continue
        in_one_dimension = theirs.endswith(".qkv_transform.weight")
        weights[_ours(theirs, architecture)] = tensor[..., None] if in_one_dimension else tensor
    return weights


def _two_norms(theirs: str, tensor: Tensor, architecture: str) -> dict[str, Tensor]:
    """Take a norm of the result apart, in which content and position take turns; or rename it, where all is content."""
    module, _, leaf = theirs.rpartition(".bn_output.")
    prefix = _ours(f"{module}.relative", architecture).removesuffix("relative")
    if module.startswith("layer") and "_p." in module and architecture == "medt":
        return {f"{prefix}content_norm.{leaf}": tensor}
    content, position = (tensor, tensor) if tensor.ndim == 0 else (tensor[0::2], tensor[1::2])
    return {f"{prefix}content_norm.{leaf}": content, f"{prefix}position_norm.{leaf}": position}


def _ours(theirs: str, architecture: str) -> str:
    """Translate one name."""
    for head, module in (("adjust.", "head."), ("decoderf.", "fuse.")):
        if theirs.startswith(head):
            return theirs.replace(head, module)
    two = architecture in ("medt", "logo")
    plain, local = re.subn(r"^([a-z]+\d)_p\.", r"\1.", theirs)
    branch = ("local_branch." if local else "global_branch.") if two else "branch."
    found = re.fullmatch(r"decoder(\d)\.(.*)", plain)
    if found:
        level = 5 - int(found[1])
        return f"{branch}{'bottom' if level == 4 else f'decoder.{level}'}.{found[2]}"
    for pattern, module in _MODULES.items():
        found = re.match(pattern, plain)
        if found:
            layer, *block = found.groups()
            ours = module.replace("\\1", str(int(layer) - 1)).replace("\\2", "".join(block))
            return branch + ours + _leaf(plain[found.end() :], attention="_block" in pattern)
    raise ModelFileError(f"the tensor {theirs} is of no module of {SOURCE}")


def _leaf(rest: str, *, attention: bool) -> str:
    if not attention:
        return rest
    for theirs, ours in _INSIDE_ATTENTION.items():
        if rest == theirs or (theirs.endswith(".") and rest.startswith(theirs)):
            return ours + rest[len(theirs) :]
    raise ModelFileError(f"the tensor {rest} is of no attention layer of {SOURCE}")
