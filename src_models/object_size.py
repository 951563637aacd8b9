"""How large the objects of an image are, and the zoom that brings them to a size the network knows."""

from __future__ import annotations

import math

import torch
from torch import nn

from src_models.errors import UserError
from src_models.execution import Execution
from src_models.header import ModelHeader
from src_models.instances import labels_from_probabilities, median_diameter
from src_models.plane_source import PlaneSource

__all__ = ["choose_zoom", "estimate_diameter"]

# Zooms that are tried, and the largest window (px after zooming) that is looked at.
TRIED = (1.0, 0.5, 2.0, 0.25)
WINDOW = {2: 512, 3: 96}
FEWEST_OBJECTS = 3


def choose_zoom(
    source: PlaneSource, network: nn.Module, execution: Execution, header: ModelHeader, diameter: float | None
) -> float:
    """Return the factor to resize an image by before the network sees it.

    Parameters
    ----------
    source
        A plane of the image at its own scale.
    network, execution, header
        The model, ready to run.
    diameter
        Diameter (px) of the objects, if a person gave it; otherwise it is estimated.

    Returns
    -------
    float
        1.0 where the objects are of a size the network handles, and for models that do not depend on size or learnt
        the images at their own scale.

    Raises
    ------
    UserError
        If `diameter` is no positive number.
    """
    if diameter is not None and not 0 < diameter < math.inf:
        raise UserError(f"the diameter {diameter!r} of the objects must be a number of pixels above 0")
    if header.object_diameter is None or header.diameter_range is None:
        return 1.0
    if diameter is None and header.result == "instances" and header.estimates_diameter:
        diameter = estimate_diameter(source, network, execution, header)
    low, high = header.diameter_range
    if diameter is None or low <= diameter <= high:
        return 1.0
    return header.object_diameter / diameter


def estimate_diameter(
    source: PlaneSource, network: nn.Module, execution: Execution, header: ModelHeader
) -> float | None:
    """Estimate the median diameter (px of the image) of the objects from the middle of a plane.

    The network looks at it at several scales. The scale whose objects are both of a size the network handles and most
    surely seen (highest mean probability of the likeliest class on the objects) decides.

    Returns
    -------
    float or None
        None if no scale shows objects.
    """
    assert header.diameter_range is not None
    low, high = header.diameter_range
    best: tuple[float, float] | None = None
    window = header.config["image_size"] if header.config.get("compatible") else WINDOW[header.dimensions]
    for zoom in TRIED:
        resized = source.zoomed(zoom)
        starts = [max(0, (size - window) // 2) for size in resized.shape]
        region = [slice(start, min(size, start + window)) for start, size in zip(starts, resized.shape, strict=True)]
        if min(part.stop - part.start for part in region) < low:
            continue
        batch = torch.from_numpy(resized.read(region))[None]
        probabilities = execution(network, batch)[0].cpu().numpy()
        labels = labels_from_probabilities(probabilities, header.instances)
        diameter = median_diameter(labels)
        if diameter is None or labels.max() < FEWEST_OBJECTS or not low <= diameter <= high:
            continue
        sureness = float(probabilities.max(0)[labels > 0].mean())
        if best is None or sureness > best[0]:
            best = (sureness, diameter / zoom)
    return best[1] if best else None
