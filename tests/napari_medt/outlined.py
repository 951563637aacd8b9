"""What a person sees outlined, as pixels of the image."""

from __future__ import annotations

import numpy as np


def outlined(widget):
    """Return the pixels within the outline that the Click widget shows, of the shape of labels over the image."""
    target = list(widget.subjects.targets.values())[-1]
    preview, image = widget.layers.preview(), target.layer
    inside = np.zeros(target.shape, bool)
    height, width = target.core
    for start, way in np.asarray(preview.data):
        first, last = (np.array(image.world_to_data(preview.data_to_world(at))) for at in (start, start + way))
        if abs(last[height] - first[height]) > 1e-6:
            continue  # upright: the others say it all, each turns what lies below it
        index = [round(at) for at in first]
        index[height] = slice(round(first[height] + 0.5), None)
        index[width] = slice(round(first[width] + 0.5), round(last[width] + 0.5))
        for axis, letter in enumerate(target.axes[: len(index)]):
            index[axis] = 0 if letter == "C" else index[axis]
        inside[tuple(index)] ^= True
    return inside
