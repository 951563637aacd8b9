"""Maps of many pictures at once: which places speak for a class, and attention that was recorded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.attention.recording import record_attention
from src_models.auditing.measures.cells import to_pixels
from src_models.classifying.relevance import RELEVANCE, class_relevance
from src_models.errors import UserError
from src_models.models.architectures import attention_names, choose_attention, usual_attention
from src_models.models.header import ModelHeader

__all__ = ["ClassMaps", "MapsOfPictures", "choose_class_maps"]


@dataclass(frozen=True, slots=True, eq=False)
class MapsOfPictures:
    """A map of each picture.

    Parameters
    ----------
    values
        (N, h, w) At its own resolution.
    pixels
        (N, H, W) For each pixel, as a person sees it.
    kind, description
        What it is.
    """

    values: NDArray[np.float32]
    pixels: NDArray[np.float32]
    kind: str
    description: str


def choose_class_maps(header: ModelHeader, wanted: Collection[str] | None = None) -> list[str]:
    """Return the names of the maps that are audited: what speaks for the class, and the usual ones, or those wanted.

    Raises
    ------
    UserError
        If the model has no map of a name.
    """
    if wanted is None:
        return [RELEVANCE, *usual_attention(header.architecture, header.config)]
    known = [RELEVANCE, *attention_names(header.architecture, header.config)]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UserError(f"the model {header.name!r} has no map {unknown[0]!r}; it has {', '.join(known)}")
    others = choose_attention(header, [name for name in wanted if name != RELEVANCE])
    return [RELEVANCE, *others] if RELEVANCE in wanted else others


class ClassMaps:
    """Makes maps of pictures, by any network of their architecture.

    Parameters
    ----------
    pictures
        (N, C, H, W), on the device of the networks.
    classes
        (N,) The class that is asked about of each, whatever a network tells.
    names
        Of the maps.
    at_once
        Pictures that go through a network together.
    """

    def __init__(self, pictures: Tensor, classes: NDArray[np.int64], names: Collection[str], *, at_once: int) -> None:
        starts = range(at_once, len(classes), at_once)
        self._parts = list(zip(torch.split(pictures, at_once), np.split(classes, starts), strict=True))
        self._names = list(names)

    def __call__(self, network: nn.Module) -> dict[str, NDArray[np.float32]]:
        """Return the maps (N, h, w) by name."""
        return {name: each.values for name, each in self.described(network).items()}

    def described(self, network: nn.Module) -> dict[str, MapsOfPictures]:
        """Return the same with what they are."""
        parts = [self._of_part(network, pictures, classes.tolist()) for pictures, classes in self._parts]
        found = {}
        for name in self._names:
            first = parts[0][name]
            values, pixels = (
                np.concatenate([getattr(part[name], what) for part in parts]) for what in ("values", "pixels")
            )
            found[name] = MapsOfPictures(values, pixels, first.kind, first.description)
        return found

    def _of_part(self, network: nn.Module, pictures: Tensor, classes: list[int]) -> Mapping[str, MapsOfPictures]:
        found = {}
        if RELEVANCE in self._names:
            speaks = class_relevance(network, pictures, classes)
            description = "how much each place speaks for the class that was told (1: average)"
            found[RELEVANCE] = MapsOfPictures(speaks.cells, speaks.at_image_resolution(), RELEVANCE, description)
        recorded = [name for name in self._names if name != RELEVANCE]
        if recorded:
            with torch.inference_mode(), record_attention(network, recorded) as attention:
                network(pictures)
            for one in attention:
                cells = one.tensor[:, 0].float().cpu().numpy()
                shape = tuple(pictures.shape[2:])
                pixels = np.stack([to_pixels(each, one.stride, shape) for each in cells])
                found[one.name] = MapsOfPictures(cells, pixels, one.kind, one.description)
        return found
