"""Which places speak for the class of an object, a tile or an image of a run: what a viewer shows over it.

The network is asked about the very picture that it saw in the run, so the map is of the answer in the table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError
from src_models.models.loaded import load_model

if TYPE_CHECKING:
    from src_models.classifying.layer.layer_run import ClassResult
    from src_models.images.region import Region

__all__ = ["ClassReason", "reason_for"]


@dataclass(frozen=True, slots=True, eq=False)
class ClassReason:
    """How much each place of a picture speaks for a class.

    Parameters
    ----------
    own, name
        The object, and the class that was asked about.
    region
        The plane that the object is in.
    values
        (h, w) float32, one for each pixel of the picture as the model saw it; 1 is the average of the picture. All are
        0 where nothing speaks for the class.
    scale, translate
        Size of such a pixel, and the middle of the first one (px of the region's cut-out).
    """

    own: int
    name: str
    region: Region
    values: NDArray[np.float32]
    scale: tuple[float, float]
    translate: tuple[float, float]


def reason_for(result: ClassResult, own: int, name: str) -> ClassReason:
    """Ask a model which places speak for a class of one object of a run.

    Parameters
    ----------
    result
        The run.
    own
        The object.
    name
        A class of the model.

    Raises
    ------
    UserError
        If the model does not know the class, or is gone.
    """
    from src_models.classifying.pictures.crops import Crops
    from src_models.classifying.pictures.picture import model_size, prepared
    from src_models.classifying.relevance import class_relevance
    from src_models.computing.execution import computing_threads
    from src_models.images.model_image import ModelImage

    run, table = result.run, result.table
    if name not in table.of_model:
        raise UserError(f"the model does not know the class {name!r} yet: let it learn, or ask about another class")
    row = table.row(own)
    plane = tuple(result.found.planes[row].tolist())
    model, region = load_model(run.model), run.region
    cut, called = region.cut(run.data), f"layer {run.layer_name!r}"
    image = ModelImage(
        cut,
        model.header,
        axes=region.sub_reading(cut, called),
        channels=region.sub_chosen,
        intensity=run.grey_range,
        name=called,
    )
    crops = Crops(image, plane)
    if run.looked_at == "image":
        height, width = image.planes.shape
        corner, size, values = (0, 0), (height, width), crops.whole()
    else:
        side = round(model_size(model.header) / run.zoom) if run.looked_at == "objects" else run.tile
        side = side or model_size(model.header)
        y, x = _middle(result, row, side)
        corner, size = (round(y + 0.5 - side / 2), round(x + 0.5 - side / 2)), (side, side)
        values = crops.square(y, x, side)()
    chosen = image.normalisations[image.planes.time_of(plane)] if image.grey_range is not None else None
    picture = prepared(values, model.header, image.name, reading=image.reading, normalisation=chosen)
    with computing_threads(run.threads or None):
        found = class_relevance(model.network, picture[None], table.of_model.index(name))
    values, scale = _without_room(found.at_image_resolution()[0], size)
    translate = (scale[0] / 2 - 0.5 + corner[0], scale[1] / 2 - 0.5 + corner[1])
    return ClassReason(own, name, _plane_of(region, plane), values, scale, translate)


def _without_room(seen: NDArray[np.float32], size: tuple[int, int]) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Leave out the room that was added around a picture, and return the size of a pixel that is left in its own."""
    shown = [max(1, round(side * whole / max(size))) for side, whole in zip(size, seen.shape, strict=True)]
    begins = [(whole - part) // 2 for part, whole in zip(shown, seen.shape, strict=True)]
    cut = tuple(slice(begin, begin + part) for begin, part in zip(begins, shown, strict=True))
    return np.asarray(seen[cut], np.float32), (size[0] / shown[0], size[1] / shown[1])


def _middle(result: ClassResult, row: int, side: int) -> tuple[float, float]:
    """Return the middle of the square that was looked at."""
    if result.run.looked_at == "tiles":
        top, left = (float(begin) for begin in result.table.boxes[row][:2])
        return top + (side - 1) / 2, left + (side - 1) / 2
    axes = result.table.axes
    y, x = (float(result.table.positions[row, axes.index(letter)]) for letter in "YX")
    return y, x


def _plane_of(region: Region, plane: tuple[int, ...]) -> Region:
    """Return the part of a region that is one plane of it."""
    rest, index = iter(plane), []
    for letter, cut in zip(region.letters, region.index, strict=True):
        inside = isinstance(cut, slice) and letter not in "YXC"
        index.append(cut.start + next(rest) if inside and isinstance(cut, slice) else cut)
    return replace(region, index=tuple(index))
