"""A model that was shown an image and can be asked about single pixels: fast enough to follow a pointer.

The network runs once over each tile that is asked about. Kept of it is only what the answers follow from, a few
megabytes. Tiles are kept as long as they fit into a budget; the one that was not asked about for longest goes first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Collection
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from src_models.computing.execution import choose_execution, prepare
from src_models.errors import UserError
from src_models.images.axes import AxesReading
from src_models.images.grey.grey_range import GreyRange
from src_models.images.model_image import ModelImage
from src_models.images.resampling import Zoom
from src_models.models.checkpoint import Model
from src_models.nets.network import stride_of
from src_models.prediction.tiling import Tile, Tiling

__all__ = ["BUDGET", "Seen", "TileProbe"]

BUDGET = 256 * 2**20


class Seen(Protocol):
    """What is kept of a tile."""

    @property
    def bytes(self) -> int:
        """Its size in memory."""


S = TypeVar("S", bound=Seen)


class TileProbe(ABC, Generic[S]):
    """What every kind of probe does with images, tiles and memory; a kind says what it keeps and how it answers.

    Parameters
    ----------
    image
        NumPy, dask or zarr array; only the tiles that are asked about are read.
    model
        A network with attention of the probe's kind.
    axes
        Axes of the image, such as ``"TYX"``, or how they were read; None works them out.
    grey_range
        The range of grey values that a person chose; None as the model was made.
    zoom
        Factor by which the image is resized first, or one for each axis: that of the run whose result is looked at.
        None brings it to the model's spacing, if it has one and the image's is known.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    budget
        Bytes that may be kept of tiles.
    name
        What to call the image in errors.

    Raises
    ------
    UserError
        If the model has no such attention, or does not fit the image.
    """

    kind: str  #: of attention, as maps are called

    def __init__(
        self,
        image: Any,
        model: Model,
        *,
        axes: str | AxesReading | None = None,
        grey_range: GreyRange | None = None,
        zoom: Zoom | None = None,
        device: str = "auto",
        budget: int = BUDGET,
        name: str = "the image",
    ) -> None:
        header = model.header
        self._image = ModelImage(image, header, axes=axes, intensity=grey_range, name=name)
        self._image.check_colours()
        self._zoom = self._image.seen_at.zoom if zoom is None else zoom
        self.budget = budget
        self._execution = choose_execution(device)
        self._network = prepare(model.network, self._execution)
        if not self._asked:
            raise UserError(f"the model {header.name!r} is a {header.architecture}, which has no {self.kind}")
        shape = self._image.plane(next(iter(self._image.planes)), self._zoom).shape
        self._zooms = tuple(m / n for m, n in zip(shape, self._image.planes.shape, strict=True))
        self._tiling = Tiling(shape, header.tile, header.overlap, stride_of(self._network))
        self._kept: OrderedDict[tuple[tuple[int, ...], Tile], S] = OrderedDict()

    @property
    @abstractmethod
    def _asked(self) -> Collection[str]:
        """Names of what can be asked; empty where the network has no such attention."""

    @property
    def first_plane(self) -> tuple[int, ...]:
        """Position of the first plane along the axes besides height and width."""
        return next(iter(self._image.planes))

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept of tiles."""
        return sum(seen.bytes for seen in self._kept.values())

    @abstractmethod
    def _see(self, batch: Tensor) -> S:
        """Run the network over a tile (1, C, H, W), and return what is to be kept."""

    def _check(self, pixel: tuple[float, float]) -> None:
        height, width = self._image.planes.shape
        if not (-0.5 <= pixel[0] <= height - 0.5 and -0.5 <= pixel[1] <= width - 0.5):
            raise UserError(f"the pixel {pixel} lies outside of the image, which has {height} x {width}")

    def _nearest(self, pixel: tuple[float, float]) -> tuple[tuple[int, int], Tile]:
        """Return the pixel of the resized image that is nearest, and the tile that decides about it."""
        zoomed = [(place + 0.5) * zoom - 0.5 for place, zoom in zip(pixel, self._zooms, strict=True)]
        row, column = (min(max(round(z), 0), n - 1) for z, n in zip(zoomed, self._tiling.shape, strict=True))
        return (row, column), self._tiling.tile_at((row, column))

    def _seen(self, tile: Tile, plane: tuple[int, ...]) -> S:
        """Return what was kept of a tile, or run the network over it."""
        key = (plane, tile)
        if key not in self._kept:
            source = self._image.plane(plane, self._zoom)
            self._kept[key] = self._see(torch.from_numpy(source.read(tile.region)[None]))
        self._kept.move_to_end(key)
        self._shrink()
        return self._kept[key]

    def _shrink(self) -> None:
        """Let go of what does not fit into the budget; the tile in use stays."""
        while self.kept_bytes > self.budget and len(self._kept) > 1:
            self._kept.popitem(last=False)
