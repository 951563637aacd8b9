"""Maps laid over pictures that a model of classes was audited on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from src_models.auditing.classes.audited_pictures import AuditedPicture
from src_models.auditing.classes.class_maps import ClassMaps
from src_models.auditing.report.overlay import coloured, row_of_panels, stretched
from src_models.models.checkpoint import Model

__all__ = ["draw_class_maps"]

SHOWN = 4


def draw_class_maps(pictures: Sequence[AuditedPicture], model: Model, names: Sequence[str]) -> NDArray[np.uint8]:
    """Draw a row for each of at most four pictures: what the network saw and told, and maps over it.

    Parameters
    ----------
    pictures
        At least one; those drawn are spread over them.
    model
        Of classes.
    names
        Names of maps, as :func:`~src_models.auditing.classes.class_maps.choose_class_maps` returns them.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    places = np.linspace(0, len(pictures) - 1, min(SHOWN, len(pictures))).round().astype(int)
    shown = [pictures[place] for place in places]
    batch = torch.from_numpy(np.stack([one.values for one in shown]))
    network = model.network.eval()
    weight = next(network.parameters())
    with torch.inference_mode():
        said = torch.softmax(network(batch.to(weight.device)).float(), dim=1).cpu().numpy()
    told = said.argmax(axis=1)
    maps = ClassMaps(batch.to(weight.device), told, names, at_once=len(shown)).described(network)
    rows = []
    for number, one in enumerate(shown):
        grey = stretched(one.values.mean(0))
        title = f"{model.header.classes[told[number]]} {said[number, told[number]]:.2f}"
        panels = [(title, _seen(one.values))]
        for name, found in maps.items():
            panels.append((name, coloured(stretched(found.pixels[number]), grey)))
        rows.append(row_of_panels(panels))
    return np.concatenate(rows)


def _seen(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what the network saw as (H, W, 3): three channels as colours, others as their mean."""
    if len(values) == 3:
        return np.stack([stretched(channel) for channel in values], axis=-1)
    return np.repeat(stretched(values.mean(0))[..., None], 3, axis=-1)
