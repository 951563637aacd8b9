"""Overlapping tiles whose predictions blend into one, in memory that does not grow with the image.

Tiles start at multiples of the network's coarsest stride, so that every tile pools the same groups of pixels, and a
cell of an attention map is the same cell in every tile. Where two tiles overlap, the outer 3/8 of the overlap on each
side (which a tile sees with too little context) has no weight and the middle quarter is a smooth ramp. Weights are
divided by their sum beforehand, so that predictions only need to be added.

The image is worked through in rows of tiles (layers of tiles in 3D). Only one row is held: as soon as a row is done,
the part that no later tile touches is handed on.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError

__all__ = ["Band", "Tile", "Tiling"]

IGNORED = 3 / 8


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: where it starts (px) and how large it is, along each axis, and its place in the tiling's grid."""

    start: tuple[int, ...]
    shape: tuple[int, ...]
    index: tuple[int, ...]

    @property
    def region(self) -> tuple[slice, ...]:
        """Where the tile lies in the image."""
        return tuple(slice(a, a + n) for a, n in zip(self.start, self.shape, strict=True))


class Tiling:
    """How an image is cut into tiles.

    Parameters
    ----------
    shape
        Image size (px) along each spatial axis.
    tile, overlap
        Largest tile and wanted overlap (px) along each axis; both are rounded up to multiples of `stride`.
    stride
        The network's coarsest stride.

    Raises
    ------
    UserError
        If the overlap is not below half of the tile.
    """

    def __init__(self, shape: Sequence[int], tile: Sequence[int], overlap: Sequence[int], stride: int) -> None:
        self.shape = tuple(shape)
        self.stride = stride
        self.tile = tuple(_round_up(t, stride) for t in tile)
        self.overlap = tuple(_round_up(o, stride) for o in overlap)
        if any(2 * o >= t for t, o in zip(self.tile, self.overlap, strict=True)):
            needed = max(2 * o for o in self.overlap) + stride
            raise UserError(
                f"a tile of {min(tile)} px is too small for an overlap of {max(overlap)}; use {needed} px or more"
            )
        self._spans = [
            _spans(size, t, o, stride) for size, t, o in zip(self.shape, self.tile, self.overlap, strict=True)
        ]
        self._weights = [_weights(size, spans) for size, spans in zip(self.shape, self._spans, strict=True)]

    def __len__(self) -> int:
        """Return the number of tiles."""
        return math.prod(len(spans) for spans in self._spans)

    def rows(self) -> Iterator[list[Tile]]:
        """Yield the tiles row by row (along the first axis)."""
        for first, span in enumerate(self._spans[0]):
            rest = itertools.product(*(list(enumerate(spans)) for spans in self._spans[1:]))
            yield [_tile((first, span), *others) for others in rest]

    def tile_at(self, pixel: Sequence[int]) -> Tile:
        """Return the tile whose prediction counts most at a pixel."""
        axes = []
        for place, spans, weights in zip(pixel, self._spans, self._weights, strict=True):
            here = [k for k, (start, length) in enumerate(spans) if start <= place < start + length]
            best = max(here, key=lambda k: weights[k][place - spans[k][0]])
            axes.append((best, spans[best]))
        return _tile(*axes)

    def around(self, region: Sequence[slice]) -> tuple[Tiling, tuple[slice, ...]]:
        """Return the tiles that count anywhere in a region, as a tiling of their own, and where they lie.

        Within the region their predictions blend as they do in the whole image; beyond it, some are missing.

        Parameters
        ----------
        region
            Of the image (px).

        Returns
        -------
        tiling, box
            The tiling, and the region (px) that its tiles fill.
        """
        spans_of_part, weights_of_part, box = [], [], []
        for side, spans, weights in zip(region, self._spans, self._weights, strict=True):
            counts = [
                k
                for k, ((start, _), weight) in enumerate(zip(spans, weights, strict=True))
                if weight[max(0, side.start - start) : max(0, side.stop - start)].any()
            ]
            chosen = slice(counts[0], counts[-1] + 1)
            first, (last, length) = spans[chosen][0][0], spans[chosen][-1]
            spans_of_part.append([(start - first, size) for start, size in spans[chosen]])
            weights_of_part.append(weights[chosen])
            box.append(slice(first, last + length))
        return _Part(self, spans_of_part, weights_of_part), tuple(box)

    def weights(self, tile: Tile, stride: int = 1) -> NDArray[np.float32]:
        """Return the weight of each pixel (or cell of `stride` pixels) of a tile; over all tiles they sum to 1."""
        result: NDArray[np.float32] = np.ones((), np.float32)
        for axis, index in enumerate(tile.index):
            result = np.multiply.outer(result, _cell_means(self._weights[axis][index], stride))
        return result

    def finished(self, row: int) -> tuple[int, int]:
        """Return the range of pixels along the first axis that are done once row number `row` is."""
        starts = [start for start, _ in self._spans[0]]
        return starts[row], starts[row + 1] if row + 1 < len(starts) else self.shape[0]


class _Part(Tiling):
    """Some neighbouring tiles of a tiling, with the weights that they have in the whole."""

    def __init__(
        self,
        whole: Tiling,
        spans: list[list[tuple[int, int]]],
        weights: list[list[NDArray[np.float32]]],
    ) -> None:
        self.stride, self.tile, self.overlap = whole.stride, whole.tile, whole.overlap
        self.shape = tuple(along[-1][0] + along[-1][1] for along in spans)
        self._spans, self._weights = spans, weights


class Band:
    """Sum of weighted tiles for one row of tiles; hands on what is finished.

    Parameters
    ----------
    tiling
        The tiling of the image.
    channels
        Number of planes that are blended.
    stride
        Pixels per cell: 1 for probabilities, more for attention maps.
    sink
        Called with the first cell along the first axis and the finished cells, (channels, cells, ...) float32.
    """

    def __init__(
        self, tiling: Tiling, channels: int, stride: int, sink: Callable[[int, NDArray[np.float32]], None]
    ) -> None:
        self._tiling = tiling
        self._stride = stride
        self._sink = sink
        depth = min(tiling.tile[0], tiling.shape[0])
        cells = (-(-depth // stride), *(-(-size // stride) for size in tiling.shape[1:]))
        self._sum = np.zeros((channels, *cells), np.float32)
        self._first = 0

    def add(self, tile: Tile, values: NDArray[np.float32]) -> None:
        """Add a tile's values, (channels, *cells)."""
        place = [
            slice(a // self._stride, a // self._stride + n) for a, n in zip(tile.start, values.shape[1:], strict=True)
        ]
        place[0] = slice(place[0].start - self._first, place[0].stop - self._first)
        self._sum[(slice(None), *place)] += values * self._tiling.weights(tile, self._stride)

    def finish_row(self, row: int) -> None:
        """Hand on what no later row touches, and move on."""
        start, stop = self._tiling.finished(row)
        last = stop == self._tiling.shape[0]
        count = -(-stop // self._stride) - start // self._stride if last else (stop - start) // self._stride
        self._sink(self._first, self._sum[:, :count].copy())
        kept = self._sum[:, count:].copy()
        self._sum[:, : kept.shape[1]] = kept
        self._sum[:, kept.shape[1] :] = 0
        self._first += count


def _tile(*axes: tuple[int, tuple[int, int]]) -> Tile:
    return Tile(
        start=tuple(span[0] for _, span in axes),
        shape=tuple(span[1] for _, span in axes),
        index=tuple(index for index, _ in axes),
    )


def _spans(size: int, tile: int, overlap: int, stride: int) -> list[tuple[int, int]]:
    """Return (start, length) of the tiles along one axis; the last one ends with the image."""
    if size <= tile:
        return [(0, size)]
    last = _round_up(size - tile, stride)
    count = math.ceil(last / (tile - overlap))
    # Spread evenly: all tiles get at least the wanted overlap.
    starts = [round(last * k / count / stride) * stride for k in range(count + 1)]
    return [(start, min(tile, size - start)) for start in starts]


def _weights(size: int, spans: Sequence[tuple[int, int]]) -> list[NDArray[np.float32]]:
    """Return each tile's weights along one axis, divided by the sum over tiles."""
    ramps = []
    total = np.zeros(size)
    for k, (start, length) in enumerate(spans):
        ramp = np.ones(length)
        if k > 0:
            shared = spans[k - 1][0] + spans[k - 1][1] - start
            ramp[:shared] = _ramp(shared)
        if k + 1 < len(spans):
            shared = start + length - spans[k + 1][0]
            ramp[length - shared :] *= _ramp(shared)[::-1]
        total[start : start + length] += ramp
        ramps.append(ramp)
    return [
        (ramp / total[start : start + length]).astype(np.float32)
        for ramp, (start, length) in zip(ramps, spans, strict=True)
    ]


def _ramp(length: int) -> NDArray[np.float64]:
    """Rise from 0 to 1, flat at both ends; with its mirror image it sums to 1."""
    position = (np.arange(length) + 0.5) / length
    t = np.clip((position - IGNORED) / (1 - 2 * IGNORED), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _cell_means(weights: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    if stride == 1:
        return weights
    edges = np.arange(0, len(weights), stride)
    counts = np.minimum(edges + stride, len(weights)) - edges
    return (np.add.reduceat(weights, edges) / counts).astype(np.float32)


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
