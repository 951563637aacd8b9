"""The scale at which a network learns objects that are much larger, or smaller, than those it knows.

A network has its objects by filters of a fixed size. To learn others at their own scale it must change most of them; to
learn them at the scale of its own objects, which it is shown between them all the while, it need change little.
"""

from __future__ import annotations

import math

from src_models.models.header import ModelHeader

__all__ = ["learning_zoom"]

NEAR = 1.25  # times the sizes that are learnt as they are: not worth resizing
MOST = 8.0


def learning_zoom(header: ModelHeader, diameter: float | None) -> float:
    """Return the factor to resize images by before a network of objects learns from them, and whenever it sees them.

    Objects of a size between the middle (geometric mean) of the network's best and its least and that of its best and
    its largest are learnt at the scale at which it sees images now. Others are brought to the nearer of the two.

    Parameters
    ----------
    header
        The network's.
    diameter
        Median diameter (px of the image) of the objects that it is to learn; None where there is none.

    Returns
    -------
    float
        The header's own zoom where the size does not matter, or is not known.
    """
    best, handled, zoom = header.object_diameter, header.diameter_range, header.image_zoom
    if diameter is None or best is None or handled is None or header.spacing is not None:
        return zoom
    least, largest = (math.sqrt(best * end) for end in handled)
    seen = diameter * zoom
    wanted = min(max(seen, least), largest)
    if max(seen / wanted, wanted / seen) <= NEAR:
        return zoom
    return round(min(max(wanted / diameter, 1 / MOST), MOST), 3)
