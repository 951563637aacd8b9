"""Running a network over one plane, tile by tile: class probabilities, fields and attention maps, blended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.attention.recording import AttentionMap, record_attention
from src_models.computing.execution import Execution
from src_models.computing.flips import mean_of_flips, vector_rule
from src_models.disk.scratch import Scratch
from src_models.errors import UserError
from src_models.images.plane_source import PlaneSource
from src_models.images.slides.tissue import Tissue
from src_models.models.architectures import find_architecture
from src_models.models.header import ModelHeader
from src_models.nets.network import stride_of
from src_models.prediction.tiling import Band, Tile, Tiling

__all__ = ["FoundMap", "MapSink", "PlanePrediction"]

_PASSED_OVER = "passing over glass"


@dataclass
class FoundMap:
    """One map over all planes: `data` has the leading axes, then the cells."""

    name: str
    kind: str
    description: str
    level: int
    stride: int
    data: Any


class MapSink:
    """Collects the attention maps of all planes."""

    def __init__(self, scratch: Scratch, leading_shape: tuple[int, ...]) -> None:
        self._scratch = scratch
        self._leading_shape = leading_shape
        self._by_name: dict[str, list[FoundMap]] = {}

    @property
    def found(self) -> list[FoundMap]:
        """The maps, finest first."""
        return sorted((m for maps in self._by_name.values() for m in maps), key=lambda m: (m.level, m.name))

    def arrays(self, recorded: AttentionMap, shape: Sequence[int]) -> list[FoundMap]:
        """Return one array per coefficient map of a tap, for a plane of this shape (px)."""
        if recorded.name not in self._by_name:
            count = recorded.shape[1]
            cells = tuple(-(-size // recorded.stride) for size in shape)
            self._by_name[recorded.name] = [
                FoundMap(
                    recorded.name if count == 1 else f"{recorded.name} map {k + 1}",
                    recorded.kind,
                    recorded.description,
                    recorded.level,
                    recorded.stride,
                    self._scratch.zeros((*self._leading_shape, *cells), np.float32),
                )
                for k in range(count)
            ]
        return self._by_name[recorded.name]


class PlanePrediction:
    """Prediction of one plane.

    Parameters
    ----------
    source
        The plane.
    network, execution
        From :func:`~src_models.computing.execution.prepare` and
        :func:`~src_models.computing.execution.choose_execution`.
    header
        The model's.
    tile
        Tile size (px).
    attention
        Names of the maps to record.
    maps
        Where they go.
    outputs
        Where class probabilities go, and after them fields: zeros, (outputs, *S) float16.
    flips
        Whether every tile is looked at from four sides (:func:`~src_models.computing.flips.mean_of_flips`). Attention
        is that of the tile as it is.
    tiling
        How `source` is cut into tiles, where it is a part of a plane whose other parts are predicted elsewhere; None
        cuts it as a whole.
    tissue
        Where on a slide there is tissue: tiles without any are passed over, and their outputs stay 0. None takes all.
    """

    def __init__(
        self,
        source: PlaneSource,
        network: nn.Module,
        execution: Execution,
        header: ModelHeader,
        tile: tuple[int, ...],
        attention: Sequence[str],
        maps: MapSink,
        outputs: Any,
        *,
        flips: bool = False,
        tiling: Tiling | None = None,
        tissue: Tissue | None = None,
    ) -> None:
        self.source = source
        self._network = network
        self._execution = execution
        self._tile_batch = execution.tile_batch
        self._flips = flips
        self._tissue = tissue
        self._attention = attention
        self._maps = maps
        most = find_architecture(header.architecture).largest(header.config)
        if most is not None and max(tile) > most:
            raise UserError(f"a tile of {max(tile)} px is too large: the model {header.name!r} takes at most {most} px")
        self._tiling = tiling or Tiling(source.shape, tile, header.overlap, stride_of(network))
        self.outputs = outputs
        self._classes = len(header.classes)
        self._rule = vector_rule(_flows(header))
        self._band = Band(self._tiling, header.outputs, 1, _storing(self.outputs))
        self._map_bands: dict[str, Band] = {}

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self._tiling)

    def steps(self) -> Iterator[str]:
        """Predict; yield, after every tile, a line on what is being done."""
        note = "segmenting"
        with record_attention(self._network, self._attention) as recorded:
            for number, row in enumerate(self._tiling.rows()):
                wanted = [tile for tile in row if self._wants(tile)]
                for _ in range(len(row) - len(wanted)):
                    yield _PASSED_OVER
                for _, alike in groupby(wanted, key=lambda tile: tile.shape):
                    waiting = list(alike)
                    while waiting:
                        batch, waiting = waiting[: self._tile_batch], waiting[self._tile_batch :]
                        try:
                            self._predict(batch, recorded)
                        except torch.OutOfMemoryError:
                            if self._tile_batch == 1:
                                raise _too_little_memory(self._tiling.tile, self._execution.device) from None
                            note = self._with_smaller_batch()
                            waiting = batch + waiting
                            continue
                        for _ in batch:
                            yield note
                for band in (self._band, *self._map_bands.values()):
                    band.finish_row(number)

    def _wants(self, tile: Tile) -> bool:
        return self._tissue is None or self.source.holds(self._tissue, tile.region)

    def _with_smaller_batch(self) -> str:
        self._tile_batch //= 2
        torch.cuda.empty_cache()
        return f"segmenting {self._tile_batch} tile(s) at a time, since memory is short"

    def _predict(self, tiles: Sequence[Tile], recorded: Sequence[AttentionMap]) -> None:
        batch = torch.from_numpy(np.stack([self.source.read(tile.region) for tile in tiles]))
        answer = self._ask(batch)
        # Read before the network is asked again, since only its last attention is recorded.
        maps = [(self._map_band(attention), _in_memory(attention.tensor)) for attention in recorded]
        if self._flips:
            answer = mean_of_flips(self._ask, batch, first=answer, rule=self._rule)
        found = _in_memory(answer)
        # Nothing is added before all is here: a batch that runs out of memory on the way is done again.
        for band, values in ((self._band, found), *maps):
            for tile, plane in zip(tiles, values, strict=True):
                band.add(tile, plane)

    def _ask(self, batch: Tensor) -> Tensor:
        return self._execution(self._network, batch, self._classes)

    def _map_band(self, recorded: AttentionMap) -> Band:
        if recorded.name not in self._map_bands:
            arrays = self._maps.arrays(recorded, self.source.shape)
            store = _storing_maps(arrays, self.source.plane)
            self._map_bands[recorded.name] = Band(self._tiling, len(arrays), recorded.stride, store)
        return self._map_bands[recorded.name]


def _flows(header: ModelHeader) -> dict[int, int]:
    """Return the axis, counted from the end, along which each channel of flows points."""
    named = enumerate(header.fields, start=len(header.classes))
    return {channel: "zyx".index(name[-1]) - 3 for channel, name in named if name.startswith("flow ")}


# Functions of their own rather than methods: a band that held its owner would keep both, and the arrays, in memory.
def _storing(outputs: Any) -> Callable[[int, NDArray[np.float32]], None]:
    def store(first: int, rows: NDArray[np.float32]) -> None:
        outputs[:, first : first + rows.shape[1]] = rows.astype(np.float16)

    return store


def _storing_maps(maps: Sequence[FoundMap], plane: tuple[int, ...]) -> Callable[[int, NDArray[np.float32]], None]:
    def store(first: int, rows: NDArray[np.float32]) -> None:
        for found, row in zip(maps, rows, strict=True):
            found.data[(*plane, slice(first, first + len(row)))] = row

    return store


def _in_memory(tensor: Tensor) -> NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy())


def _too_little_memory(tile: Sequence[int], device: torch.device) -> UserError:
    return UserError(
        f"the memory of the device {device} does not hold one tile of {' x '.join(map(str, tile))} px; choose smaller "
        "tiles, or the device cpu"
    )
