"""Checkpoints of the code of multi-scale self-guided attention (sinAshish/Multi-Scale-Attention), tensor by tensor.

Its class is called ``DAF_stack``. Channels and classes are read off shapes; all else is the same in every checkpoint.
Some of its tensors were never used by any computation, and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from src_models.errors import ModelFileError
from src_models.nets.guided_architectures import COMPATIBLE, SCALES

__all__ = ["SOURCE", "configuration", "recognises", "renamed"]

SOURCE = "DAF_stack of Multi-Scale-Attention (Sinha & Dolz 2020)"
ARCHITECTURE = "guided-attention"
SIZE = 256  # px of the images that it was made for

_FIRST, _LAST = "resnext.layer0.0.weight", "predict1_2.weight"
_UNUSED = r"(conv6_|conv7_|attention|refine)\d\..*"
_KINDS = {"pam": "position", "cam": "channel"}
_LAYERS = ("conv", "norm", "activation")  # of a convolution with norm and PReLU, in their order


def recognises(tensors: Mapping[str, Tensor]) -> bool:
    """Return whether these are the tensors of such a network."""
    return all(name in tensors for name in (_FIRST, _LAST, "semanticModule_1_1.enc1.encode.0.weight"))


def configuration(tensors: Mapping[str, Tensor]) -> tuple[str, dict[str, Any]]:
    """Return the architecture, and channels and classes as they are read off shapes.

    Raises
    ------
    ModelFileError
        If the shapes are those of another network.
    """
    first, last = tensors[_FIRST].shape, tensors[_LAST].shape
    if len(first) != 4 or len(last) != 4:
        raise ModelFileError(f"its tensors have the shapes {tuple(first)} and {tuple(last)}, which are not of {SOURCE}")
    config = {"in_channels": first[1], "classes": last[0], "dimensions": 2, "image_size": SIZE, **COMPATIBLE}
    return ARCHITECTURE, config


def renamed(tensors: Mapping[str, Tensor], architecture: str = ARCHITECTURE) -> dict[str, Tensor]:
    """Return the tensors under our names; those that nothing uses are left out.

    Raises
    ------
    ModelFileError
        If a name is of no module of that network.
    """
    return {_ours(name): tensor for name, tensor in tensors.items() if not re.fullmatch(_UNUSED, name)}


def _ours(theirs: str) -> str:
    """Translate one name."""
    for pattern, translate in _PATTERNS.items():
        found = re.fullmatch(pattern, theirs)
        if found:
            return translate(*found.groups())
    raise ModelFileError(f"the tensor {theirs} is of no module of {SOURCE}")


def _in_order(number: str, leaf: str) -> str:
    """Return which of the layers of a row of convolutions, each with norm and PReLU, a number is."""
    return f"{_LAYERS[int(number) % 3]}.{leaf}"


def _stem(number: str, leaf: str) -> str:
    return f"backbone.{('conv1', 'bn1')[int(number)]}.{leaf}"


def _attention(kind: str, step: str, scale: str, number: str, rest: str) -> str:
    branch = f"refinements.{int(step) - 1}.{int(scale) - 1}.branches.{_KINDS[kind]}"
    if number == "3":
        return f"{branch}.attention.{rest.replace('_conv', '')}"
    before = int(number) < 3
    return f"{branch}.{'before' if before else 'after'}.{_in_order(str(int(number) - (0 if before else 4)), rest)}"


def _semantic(step: str, half: str, level: str, number: str, leaf: str) -> str:
    module = f"semantics.{int(step) - 1}.0"
    place = int(level) - 1 if half == "enc" else 2 - int(level)  # its decoders are numbered from the finest
    if number == "6":
        return f"{module}.ups.{place}.{leaf}"
    part = "encoder" if half == "enc" else "decoder"
    return f"{module}.{part}.{place}.{int(number) // 3}.{_LAYERS[int(number) % 3]}.{leaf}"


def _refinement(step: int, number: str, part: str, leaf: str) -> str:
    """Return a convolution of a step; they are numbered from the coarsest scale."""
    return f"refinements.{step - 1}.{SCALES[-1] - int(number)}.{part}.{leaf}"


_PATTERNS: dict[str, Callable[..., str]] = {
    r"resnext\.layer0\.([01])\.(\w+)": _stem,
    r"resnext\.layer1\.1\.(.+)": lambda rest: f"backbone.layer1.{rest}",
    r"resnext\.layer([234])\.(.+)": lambda stage, rest: f"backbone.layer{stage}.{rest}",
    r"down([1-4])\.([012])\.(\w+)": lambda scale, number, leaf: f"down.{int(scale) - 1}.{_in_order(number, leaf)}",
    r"fuse1\.fuse_attn\.([0-8])\.(\w+)": lambda number, leaf: f"join.{int(number) // 3}.{_in_order(number, leaf)}",
    r"(pam|cam)_attention_([12])_([1-4])\.attn\.([0-6])\.([\w.]+)": _attention,
    r"semanticModule_([12])_1\.(enc)([12])\.encode\.([0134])\.(\w+)": _semantic,
    r"semanticModule_([12])_1\.(dec)([12])\.decode\.([01346])\.(\w+)": _semantic,
    r"conv_sem_([12])_([1-4])\.(\w+)": lambda step, number, leaf: _refinement(int(step), number, "guide", leaf),
    r"conv8_([1-4])\.(\w+)": lambda number, leaf: _refinement(1, number, "project", leaf),
    r"conv8_1([1-4])\.(\w+)": lambda number, leaf: _refinement(2, number, "project", leaf),
    r"predict([1-4])\.(\w+)": lambda scale, leaf: f"early_heads.{int(scale) - 1}.{leaf}",
    r"predict([1-4])_2\.(\w+)": lambda scale, leaf: f"heads.{int(scale) - 1}.{leaf}",
}
