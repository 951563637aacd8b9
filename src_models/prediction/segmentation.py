"""What a run of a model on an image gives: labels, probabilities, placed attention maps, and what to say of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from src_models.attention.placed_map import PlacedMap
from src_models.disk.scratch import Scratch
from src_models.images.resampling import Zoom

__all__ = ["ResultName", "Segmentation"]

ResultName = Literal["semantic", "instances"]


@dataclass
class Segmentation:
    """What a run found.

    Parameters
    ----------
    labels
        In the image's axes without channels: int32 object numbers, or uint8 classes.
    probabilities
        (classes, *labels.shape), float16; None where that would take over 512 MiB.
    attention
        The maps asked for, finest first.
    classes
        Names of the classes.
    result
        ``"semantic"`` or ``"instances"``.
    provenance
        How it was made: model, settings, versions.
    diameter
        Diameter (px of the image) of the objects that the image was resized for: given, or estimated; None where
        neither.
    zoom
        Factor by which the image was resized before the network saw it, or one for each axis that the network sees.
    certainty
        Mean probability of being an object, where objects are, of a model of instances; None where there are none.
    summary
        What was found, in a few words, such as ``"68 objects"`` or ``"cell 12.3%"``.
    found
        The same in numbers: ``{"objects": 68}``, in a stack their outlines as well; of classes
        ``{"pixels": {"background": 5000, "cell": 700}}``.
    size
        Diameter and zoom in words, such as ``"objects of about 24 px, image resized 0.8 times"`` or ``"image resampled
        from 0.75 to 1.5 mm"``; empty where the model depends neither on the size of objects nor on that of voxels, or
        the image is at the model's spacing.
    advice
        Sentences on what may be wrong, and what to try: nothing was found, the image is unlike what the network
        learnt from, a size was out of bounds.
    read_as
        How the image was read, in one line: axes, channels, size of a pixel, and the grey values that count.
    notes
        Sentences on how the image was read: values that were filled, channels that were taken for colours, specks that
        were left out of the range of grey values.
    """

    labels: Any
    probabilities: NDArray[np.float16] | None
    attention: list[PlacedMap]
    classes: tuple[str, ...]
    result: ResultName
    provenance: dict[str, Any]
    diameter: float | None = None
    zoom: Zoom = 1.0
    certainty: float | None = None
    summary: str = ""
    found: dict[str, Any] = field(default_factory=dict)
    size: str = ""
    advice: tuple[str, ...] = ()
    read_as: str = ""
    notes: tuple[str, ...] = ()
    _scratch: Scratch = field(default_factory=Scratch, repr=False)
