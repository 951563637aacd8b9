"""Reading checkpoints that the papers' own code wrote.

Such a checkpoint is a bare dictionary of tensors. Which network it belongs to, and how wide that network is, is read
off the tensors' names and shapes; then every tensor goes to its place in a network of ours, or the file is refused.
Each supported code base is one row of :data:`_SOURCES`, whose main part is a table of names, or a module of its own.

Two things are not in such a file. How linear up-sampling placed its samples: the 3D networks were trained with a
PyTorch that did what is now called ``align_corners=True``. And which function the gates used: the published
configuration, an additive gate with a sigmoid, is taken.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from src_models.errors import ModelFileError
from src_models.models import official_guided, official_medt
from src_models.models.architectures import create
from src_models.models.header import METADATA_KEY, Intensity
from src_models.models.plain_weights import named_tensors, read_pickle

__all__ = ["OfficialNetwork", "for_rgb", "from_state_dict", "load_official", "with_background"]


@dataclass(frozen=True, slots=True)
class OfficialNetwork:
    """A network of ours that computes what a checkpoint of the papers' own code computed.

    Parameters
    ----------
    network
        In eval mode, float32, on the CPU.
    architecture, config
        Arguments of :func:`src_models.create` that make this network.
    source
        The class and the repository that the checkpoint comes from.
    intensity
        How that code scaled grey values, as near as a model header can say it.
    """

    network: nn.Module
    architecture: str
    config: Mapping[str, Any]
    source: str
    intensity: Intensity


@dataclass(frozen=True, slots=True)
class _Source:
    """A code base whose checkpoints can be read.

    Parameters
    ----------
    name
        Its classes and repository, for people.
    names
        Our modules and theirs. ``{level}`` stands for a level of the pyramid, ``{half}`` for the first or second
        convolution of a pair, ``{map}`` for a sub-gate, all counted from 0 by us; ``{level+1}`` is that plus one.
        The first row that fits counts.
    widths
        Their convolutions whose output channels are the widths, the finest first.
    output
        Their convolution whose output channels are the classes.
    gate
        A pattern that each sub-gate of one level has one tensor of; none in a plain U-Net.
    gate_config, config
        Our configuration of the gated network, and of both.
    linear
        Whether the network interpolates linearly, so that `align_corners` matters.
    intensity
        How its training scaled grey values.
    """

    name: str
    names: Mapping[str, str]
    widths: tuple[str, ...]
    output: str
    gate: str
    gate_config: Mapping[str, Any]
    config: Mapping[str, Any]
    linear: bool
    intensity: Intensity


class _Family(Protocol):
    """A code base with a module of its own, which knows every tensor's name."""

    SOURCE: str

    def recognises(self, tensors: Mapping[str, Tensor], /) -> bool: ...
    def configuration(self, tensors: Mapping[str, Tensor], /) -> tuple[str, dict[str, Any]]: ...
    def renamed(self, tensors: Mapping[str, Tensor], architecture: str, /) -> dict[str, Tensor]: ...


_FAMILIES: tuple[_Family, ...] = (official_medt, official_guided)
_SOURCES = (
    _Source(
        name="unet_CT_[single_att_|multi_att_]dsv_3D of Attention-Gated-Networks (Oktay et al. 2018)",
        names={
            "encoder.4.{half}.conv": "center.conv{half+1}.0",
            "encoder.4.{half}.norm": "center.conv{half+1}.1",
            "encoder.{level}.{half}.conv": "conv{level+1}.conv{half+1}.0",
            "encoder.{level}.{half}.norm": "conv{level+1}.conv{half+1}.1",
            "gating.conv": "gating.conv1.0",
            "gating.norm": "gating.conv1.1",
            "gates.{level}.subgates.{map}.theta": "attentionblock{level+1}.gate_block_{map+1}.theta",
            "gates.{level}.subgates.{map}.phi": "attentionblock{level+1}.gate_block_{map+1}.phi",
            "gates.{level}.subgates.{map}.psi": "attentionblock{level+1}.gate_block_{map+1}.psi",
            "gates.{level}.subgates.{map}.project.conv": "attentionblock{level+1}.gate_block_{map+1}.W.0",
            "gates.{level}.subgates.{map}.project.norm": "attentionblock{level+1}.gate_block_{map+1}.W.1",
            "gates.{level}.fuse.conv": "attentionblock{level+1}.combine_gates.0",
            "gates.{level}.fuse.norm": "attentionblock{level+1}.combine_gates.1",
            "decoder.{level}.{half}.conv": "up_concat{level+1}.conv.conv{half+1}.0",
            "decoder.{level}.{half}.norm": "up_concat{level+1}.conv.conv{half+1}.1",
            "heads.0": "dsv1",
            "heads.{level}": "dsv{level+1}.dsv.0",
            "final": "final",
        },
        widths=("conv1.conv1.0", "conv2.conv1.0", "conv3.conv1.0", "conv4.conv1.0", "center.conv1.0"),
        output="dsv1",
        gate=r"attentionblock2\.gate_block_\d+\.psi\.weight",
        gate_config={"gate": "grid", "gate_norm": False},
        config={"deep_supervision": True},
        linear=True,
        intensity=Intensity(kind="zscore", low=0.0, high=100.0),
    ),
    _Source(
        name="U_Net or AttU_Net of LeeJunHyun/Image_Segmentation",
        names={
            "encoder.{level}.0.conv": "Conv{level+1}.conv.0",
            "encoder.{level}.0.norm": "Conv{level+1}.conv.1",
            "encoder.{level}.1.conv": "Conv{level+1}.conv.3",
            "encoder.{level}.1.norm": "Conv{level+1}.conv.4",
            "ups.{level}.conv.conv": "Up{level+2}.up.1",
            "ups.{level}.conv.norm": "Up{level+2}.up.2",
            "gates.{level}.w_g.conv": "Att{level+2}.W_g.0",
            "gates.{level}.w_g.norm": "Att{level+2}.W_g.1",
            "gates.{level}.w_x.conv": "Att{level+2}.W_x.0",
            "gates.{level}.w_x.norm": "Att{level+2}.W_x.1",
            "gates.{level}.psi.conv": "Att{level+2}.psi.0",
            "gates.{level}.psi.norm": "Att{level+2}.psi.1",
            "decoder.{level}.0.conv": "Up_conv{level+2}.conv.0",
            "decoder.{level}.0.norm": "Up_conv{level+2}.conv.1",
            "decoder.{level}.1.conv": "Up_conv{level+2}.conv.3",
            "decoder.{level}.1.norm": "Up_conv{level+2}.conv.4",
            "heads.0": "Conv_1x1",
        },
        widths=("Conv1.conv.0", "Conv2.conv.0", "Conv3.conv.0", "Conv4.conv.0", "Conv5.conv.0"),
        output="Conv_1x1",
        gate=r"Att2\.psi\.0\.weight",
        gate_config={"gate": "skip"},
        config={"deep_supervision": False, "upsampling": "conv"},
        linear=False,
        intensity=Intensity(kind="signed-window", low=0.0, high=255.0),
    ),
)


def load_official(path: str | Path, *, align_corners: bool = False) -> OfficialNetwork:
    """Read a checkpoint of the papers' own code.

    Parameters
    ----------
    path
        A ``.pth`` or ``.pt`` file, which is read without running any code in it, or a ``.safetensors`` file. The names
        of its tensors may carry the prefix of ``DataParallel``, and it may hold a training state with a ``state_dict``.
    align_corners
        Up-sample as PyTorch before 0.4 did, which the 3D networks were trained with. Without effect on a network that
        does not interpolate linearly.

    Raises
    ------
    ModelFileError
        If the file is missing or damaged, holds pickled code, belongs to no network that is known here, or has tensors
        that are missing, in excess, of a wrong shape or not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelFileError(f"{path}: there is no such file")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else read_pickle(path)
    try:
        return from_state_dict(named_tensors(content), align_corners=align_corners)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error


def from_state_dict(tensors: Mapping[str, Tensor], *, align_corners: bool = False) -> OfficialNetwork:
    """Make the network that a state dict of the papers' own code belongs to; see :func:`load_official`."""
    for family in _FAMILIES:
        if family.recognises(tensors):
            return _of_family(family, tensors)
    source = _recognise(tensors)
    architecture, config = _configuration(source, tensors)
    if source.linear:
        config["align_corners"] = align_corners
    network = _empty(architecture, config)
    weights = _place(source, tensors, network.state_dict())
    network.to_empty(device="cpu").load_state_dict(weights, strict=True)
    return OfficialNetwork(network.eval(), architecture, config, source.name, source.intensity)


def _empty(architecture: str, config: Mapping[str, Any]) -> nn.Module:
    with torch.device("meta"):  # neither memory nor random numbers are spent on weights that are replaced
        return create(architecture, **config)


def _of_family(family: _Family, tensors: Mapping[str, Tensor]) -> OfficialNetwork:
    architecture, config = family.configuration(tensors)
    network = _empty(architecture, config)
    found = family.renamed(tensors, architecture)
    places = network.state_dict()
    # Counters of batches, which nothing depends on and early PyTorch did not store.
    found = {name: torch.tensor(0) for name in places if name.endswith("num_batches_tracked")} | found
    missing, excess = sorted(places.keys() - found.keys()), sorted(found.keys() - places.keys())
    for fault, names in (("lacks", missing), ("has in excess", excess)):
        if names:
            raise ModelFileError(
                f"as a checkpoint of {family.SOURCE} it {fault} {len(names)} tensors ({', '.join(names[:3])}, "
                "in our names)"
            )
    weights = {name: _checked(name, found[name], place) for name, place in places.items()}
    network.to_empty(device="cpu").load_state_dict(weights, strict=True)
    # Its images were read as bytes and divided by 255.
    intensity = Intensity(kind="window", low=0.0, high=255.0)
    return OfficialNetwork(network.eval(), architecture, config, family.SOURCE, intensity)


def for_rgb(official: OfficialNetwork) -> OfficialNetwork:
    """Let a MedT that was trained on colours in the order blue, green, red take them as red, green, blue.

    Its code reads images with OpenCV, which has that order. Other networks are returned as they are.
    """
    if official.source != official_medt.SOURCE or official.config["in_channels"] != 3:
        return official
    network = copy.deepcopy(official.network)
    for name, parameter in network.named_parameters():
        if name.endswith("stem.0.conv.weight"):
            parameter.data = parameter.data.flip(1)
    return replace(official, network=network)


def with_background(official: OfficialNetwork) -> OfficialNetwork:
    """Turn one output that was meant for a sigmoid into the two classes background and foreground.

    A logit ``z`` becomes the logits ``(0, z)``, whose softmax is ``(1 - sigmoid(z), sigmoid(z))``. Networks with more
    outputs are returned as they are.

    Raises
    ------
    ModelFileError
        If the network has one output and fuses the outputs of several levels.
    """
    if official.config["classes"] != 1:
        return official
    if official.config.get("deep_supervision"):
        raise ModelFileError("a network with deep supervision and a single class says nothing of the background")
    config = {**official.config, "classes": 2}
    weights = official.network.state_dict()
    for name in (name for name in weights if name.startswith(("head.", "heads.0."))):
        weights[name] = torch.cat([torch.zeros_like(weights[name]), weights[name]])
    network = _empty(official.architecture, config)
    network.to_empty(device="cpu").load_state_dict(weights, strict=True)
    return OfficialNetwork(network.eval(), official.architecture, config, official.source, official.intensity)


def _read_safetensors(path: Path) -> Any:
    try:
        with safe_open(path, framework="pt") as file:
            if METADATA_KEY in (file.metadata() or {}):
                raise ModelFileError(f"{path}: this is a napari-medt model already; use it as it is")
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path}: this is not a whole safetensors file ({error}); get it again") from error


def _recognise(tensors: Mapping[str, Tensor]) -> _Source:
    for source in _SOURCES:
        if all(f"{module}.weight" in tensors for module in (*source.widths, source.output)):
            return source
    known = "; ".join([*(source.name for source in _SOURCES), *(family.SOURCE for family in _FAMILIES)])
    few = ", ".join(list(tensors)[:3])
    raise ModelFileError(f"its tensors ({few}, ...) are of no network that can be converted, which are: {known}")


def _configuration(source: _Source, tensors: Mapping[str, Tensor]) -> tuple[str, dict[str, Any]]:
    """Read architecture and configuration off the shapes."""
    kernels = [tensors[f"{module}.weight"] for module in (*source.widths, source.output)]
    first, output = kernels[0], kernels[-1]
    if first.ndim not in (4, 5) or any(kernel.ndim != first.ndim or not kernel.numel() for kernel in kernels):
        shapes = ", ".join(str(tuple(kernel.shape)) for kernel in kernels)
        raise ModelFileError(f"its convolutions have the shapes {shapes}, which are not those of {source.name}")
    config = {
        "in_channels": first.shape[1],
        "classes": output.shape[0],
        "dimensions": first.ndim - 2,
        "widths": [kernel.shape[0] for kernel in kernels[:-1]],
        **source.config,
    }
    subgates = sum(re.fullmatch(source.gate, name) is not None for name in tensors)
    if not subgates:
        return "unet", config
    return "attention-unet", {**config, **source.gate_config, "subgates": subgates}


def _place(source: _Source, tensors: Mapping[str, Tensor], places: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `tensors` under our names, checked against the empty tensors `places` that they go to."""
    left = dict(tensors)
    weights: dict[str, Tensor] = {}
    missing: list[str] = []
    for name, place in places.items():
        theirs = _their_name(source, name)
        tensor = left.pop(theirs, None)
        if tensor is not None:
            weights[name] = _checked(theirs, tensor, place)
        elif name.endswith(".num_batches_tracked"):  # PyTorch before 0.4.1 kept no count, and none is needed
            weights[name] = torch.zeros((), dtype=torch.int64)
        else:
            missing.append(theirs)
    for fault, names in (("lacks", missing), ("has in excess", list(left))):
        if names:
            few = ", ".join(names[:3])
            raise ModelFileError(f"as a checkpoint of {source.name} it {fault} {len(names)} tensors ({few})")
    return weights


def _checked(name: str, tensor: Tensor, place: Tensor) -> Tensor:
    if tensor.shape != place.shape:
        raise ModelFileError(f"{name} has the shape {tuple(tensor.shape)} where {tuple(place.shape)} is needed")
    if tensor.is_floating_point() != place.is_floating_point():
        raise ModelFileError(f"{name} is of type {tensor.dtype} where {place.dtype} is needed")
    if not tensor.isfinite().all():
        raise ModelFileError(f"{name} has NaN or infinite values: that training had failed; use an earlier checkpoint")
    return tensor


def _their_name(source: _Source, name: str) -> str:
    """Translate the name of a tensor of ours by the first row of the table that fits."""
    module, _, leaf = name.rpartition(".")
    for ours, theirs in source.names.items():
        match = re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>\\d+)", re.escape(ours)), module)
        if match:
            return f"{_counted(theirs, match.groupdict())}.{leaf}"
    raise KeyError(f"{source.name}: no row for {name}")


def _counted(template: str, numbers: Mapping[str, str]) -> str:
    """Fill in ``{level+1}`` and the like."""
    return re.sub(r"\{(\w+)\+(\d)\}", lambda found: str(int(numbers[found[1]]) + int(found[2])), template)
