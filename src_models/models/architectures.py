"""The list of architectures, and networks made by name.

The names are the ones the command line, model files and widgets use. Torch is imported when a network is made. To add
a family, write its networks and their records (:class:`~src_models.nets.architecture.Architecture`) in files of their
own, and add the records to :data:`ARCHITECTURES`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from src_models.errors import ModelFileError, UserError
from src_models.models.packages.architecture import ONNX_GRAPH
from src_models.nets import (
    attention_unet_architectures,
    efficientnet_architectures,
    fcn_architectures,
    guided_architectures,
    medt_architectures,
    resnet_architectures,
)
from src_models.nets.architecture import Architecture
from src_models.nets.med_former import architectures as med_former_architectures
from src_models.nets.vit import architectures as vit_architectures

if TYPE_CHECKING:
    from torch import nn

    from src_models.models.header import ModelHeader

__all__ = [
    "ARCHITECTURES",
    "architectures",
    "attention_names",
    "choose_attention",
    "create",
    "find_architecture",
    "usual_attention",
]

ARCHITECTURES: list[Architecture] = [
    *attention_unet_architectures.ARCHITECTURES,
    *medt_architectures.ARCHITECTURES,
    *guided_architectures.ARCHITECTURES,
    *fcn_architectures.ARCHITECTURES,
    *med_former_architectures.ARCHITECTURES,
    *vit_architectures.ARCHITECTURES,
    *resnet_architectures.ARCHITECTURES,
    *efficientnet_architectures.ARCHITECTURES,
]


def architectures() -> dict[str, str]:
    """Return the names of all architectures with a line on each."""
    return {record.name: record.line for record in ARCHITECTURES}


def find_architecture(name: str) -> Architecture:
    """Return the record of an architecture.

    Raises
    ------
    ModelFileError
        If there is none of that name.
    """
    for record in (*ARCHITECTURES, ONNX_GRAPH):  # which is no architecture that could be chosen and trained
        if record.name == name:
            return record
    raise ModelFileError(f"there is no architecture {name!r}; choose from {', '.join(architectures())}")


def create(name: str, /, **config: Any) -> nn.Module:
    """Make an untrained network.

    Parameters
    ----------
    name
        One of :func:`architectures`.
    **config
        Arguments of the network's class, such as `in_channels`, `classes`, `dimensions` and `widths`.

    Raises
    ------
    ModelFileError
        If the name is unknown or the configuration does not fit the network.
    """
    record = find_architecture(name)
    try:
        return record.make(**config)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{name} cannot be made with this configuration: {error}") from error


def attention_names(architecture: str, config: Mapping[str, Any]) -> list[str]:
    """Return the names of the attention maps that such a network gives, finest first, without making it.

    Parameters
    ----------
    architecture, config
        As in a model's header. An architecture that is not known here has none: loading such a model says so.
    """
    return find_architecture(architecture).maps(config) if architecture in architectures() else []


def usual_attention(architecture: str, config: Mapping[str, Any]) -> list[str]:
    """Return the names of the maps that are worth a layer unless a person chooses: all of few, the telling of many."""
    return find_architecture(architecture).usual_maps(config) if architecture in architectures() else []


def choose_attention(header: ModelHeader, wanted: bool | Collection[str]) -> list[str]:
    """Return the names of the maps a person wants of a model, finest first: all (True), none (False), or some by name.

    Raises
    ------
    UserError
        If the model has no map of that name.
    """
    known = attention_names(header.architecture, header.config)
    if isinstance(wanted, bool):
        return known if wanted else []
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UserError(
            f"the model {header.name!r} has no attention map {unknown[0]!r}; it has {', '.join(known) or 'none'}"
        )
    return [name for name in known if name in wanted]
