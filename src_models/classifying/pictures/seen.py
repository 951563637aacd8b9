"""The picture that a model of classes saw of an object, a tile or a plane, and where its pixels lie on the image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from src_models.attention.placed_map import PlacedMap
from src_models.classifying.class_probabilities import Classified
from src_models.classifying.pictures.crops import Crops
from src_models.classifying.pictures.picture import prepared
from src_models.errors import UserError
from src_models.images.model_image import ModelImage

__all__ = ["SeenPicture", "in_image", "seen_picture"]


@dataclass(frozen=True, slots=True, eq=False)
class SeenPicture:
    """A picture as the network took it.

    Parameters
    ----------
    values
        (C, H, W) float32.
    plane
        The plane that it is of: its position along the image's axes besides Y, X and the channels.
    corner
        The first pixel (y, x) of the image that was looked at; it may lie outside of it.
    size
        Height and width (px) of what was looked at; the longer side was brought to the picture's, and the picture has
        room alike at both ends of the shorter one.
    middle
        The middle (y, x) of what has a class: of an object, of what of it lies in the plane.
    """

    values: NDArray[np.float32]
    plane: tuple[int, ...]
    corner: tuple[int, int]
    size: tuple[int, int]
    middle: tuple[float, float]

    def pixel(self, place: tuple[float, float]) -> tuple[float, float]:
        """Return where a place (y, x) of the image lies in the picture (px).

        Raises
        ------
        UserError
            If the network did not see it.
        """
        row, column = (
            (at - corner + 0.5) * shown / side + begin - 0.5
            for at, corner, side, shown, begin in zip(
                place, self.corner, self.size, self._shown, self._begins, strict=True
            )
        )
        inside = (
            -0.5 <= at - begin < shown - 0.5
            for at, begin, shown in zip((row, column), self._begins, self._shown, strict=True)
        )
        if not all(inside):
            raise UserError("this place lies outside of what the model saw of the object: click on one nearer to it")
        return row, column

    def place(self, pixel: tuple[float, float]) -> tuple[float, float]:
        """Return where a pixel of the picture lies on the image (y, x), as undoes :meth:`pixel`."""
        y, x = (
            (at - begin + 0.5) * side / shown - 0.5 + corner
            for at, corner, side, shown, begin in zip(
                pixel, self.corner, self.size, self._shown, self._begins, strict=True
            )
        )
        return y, x

    def placed(
        self, cells: NDArray[np.float32], name: str, kind: str, description: str, *, level: int = 1, stride: int = 1
    ) -> PlacedMap:
        """Return values (h, w), each of a cell of `stride` px of the picture, with their place on the image.

        There is a value for each pixel that shows the image: what lies in the room around it is left out.
        """
        rows, columns = (slice(begin, begin + shown) for begin, shown in zip(self._begins, self._shown, strict=True))
        values = cells.repeat(stride, 0).repeat(stride, 1)[rows, columns]
        height, width = (side / shown for side, shown in zip(self.size, self._shown, strict=True))
        first = (height / 2 - 0.5 + self.corner[0], width / 2 - 0.5 + self.corner[1])
        return PlacedMap(name, kind, description, level, np.asarray(values, np.float32), (height, width), first)

    @property
    def _shown(self) -> list[int]:
        """Height and width (px of the picture) of the part that shows the image."""
        seen = self.values.shape[1:]
        return [max(1, round(side * whole / max(self.size))) for side, whole in zip(self.size, seen, strict=True)]

    @property
    def _begins(self) -> list[int]:
        return [(whole - part) // 2 for part, whole in zip(self._shown, self.values.shape[1:], strict=True)]


def seen_picture(image: ModelImage, found: Classified, row: int) -> SeenPicture:
    """Read once more what a model was shown in a run.

    Parameters
    ----------
    image
        The image of the run, read as it was there.
    found
        What the run gave.
    row
        Of the object, the tile or the plane.
    """
    plane = tuple(found.planes[row].tolist())
    crops = Crops(image, plane)
    axes = image.planes.label_axes
    y, x = (float(found.positions[row, axes.index(letter)]) for letter in "YX")
    corner, size, middle = (0, 0), image.planes.shape, (y, x)
    if found.kind == "image":
        values = crops.whole()
    else:
        side = int(found.provenance["settings"]["size"])
        if found.kind == "tiles":  # one at the far ends is narrower than what was looked at
            y, x = (float(begin) + (side - 1) / 2 for begin in found.boxes[row][:2])
        corner, size = (round(y + 0.5 - side / 2), round(x + 0.5 - side / 2)), (side, side)
        values = crops.square(y, x, side)()
    chosen = image.normalisations[image.planes.time_of(plane)] if image.grey_range is not None else None
    shown = prepared(values, image.header, image.name, reading=image.reading, normalisation=chosen)
    return SeenPicture(shown, plane, corner, (size[0], size[1]), middle)


def in_image(placed: PlacedMap, axes: str, plane: tuple[int, ...]) -> PlacedMap:
    """Give a map of a plane (Y, X) an axis for every axis of the image less its channels.

    Parameters
    ----------
    placed
        The map.
    axes
        Letters of the image's axes without that of channels.
    plane
        Where the plane lies along those besides Y and X.
    """
    data = placed.data if axes.index("Y") < axes.index("X") else placed.data.T
    rest = iter(plane)
    at = [placed.translate["YX".index(letter)] if letter in "YX" else float(next(rest)) for letter in axes]
    return replace(
        placed,
        data=data[tuple(slice(None) if letter in "YX" else np.newaxis for letter in axes)],
        scale=tuple(placed.scale["YX".index(letter)] if letter in "YX" else 1.0 for letter in axes),
        translate=tuple(at),
    )
