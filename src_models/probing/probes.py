"""The probe that goes with a network, for who asks where a pixel looks and need not know what looks."""

from __future__ import annotations

from typing import Any

from src_models.models.architectures import find_architecture
from src_models.models.checkpoint import Model
from src_models.nets.axial.attention import axial_blocks
from src_models.probing.axial_probe import AxialProbe
from src_models.probing.look_probe import LookProbe
from src_models.probing.position_probe import PositionProbe

__all__ = ["open_probe"]


def open_probe(image: Any, model: Model, **options: Any) -> LookProbe[Any] | None:
    """Return the probe of a model that was shown an image, or None if its network has nothing that looks.

    Parameters
    ----------
    image, model, **options
        As in :class:`~src_models.probing.tile_probe.TileProbe`.
    """
    header = model.header
    if not find_architecture(header.architecture).blocks(header.config):
        return None
    kind = AxialProbe if axial_blocks(model.network) else PositionProbe
    return kind(image, model, **options)
