"""Recording what a network attends to, without changing what it computes.

>>> import torch
>>> from src_models.models.architectures import create
>>> network = create("attention-unet", in_channels=1, classes=2, widths=(4, 8, 8)).eval()
>>> with record_attention(network) as attention:
...     logits = network(torch.zeros(1, 1, 30, 30))
>>> [(m.name, tuple(m.tensor.shape)) for m in attention]
[('gate 2', (1, 1, 15, 15))]

Every network passes its attention through :class:`~src_models.nets.tap.AttentionTap` modules; recording hooks these for
the length of the ``with`` block. There is no global state: two networks, or two threads with a network each, do not see
one another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, overload

from torch import Tensor, nn

from src_models.errors import UserError
from src_models.nets.patches import from_patches
from src_models.nets.tap import CHANNELS, MATRICES, AttentionTap

__all__ = ["AttentionMap", "AttentionRecord", "record_attention"]


@dataclass(frozen=True, slots=True)
class AttentionMap:
    """One recorded attention tensor.

    Parameters
    ----------
    name, kind, level, description
        As in :class:`~src_models.nets.tap.AttentionTap`.
    stride
        Input pixels per cell along every spatial axis.
    offset
        Position (input pixels) of the centre of the first cell: ``(stride - 1) / 2``.
    tensor
        Values (N, K, *cells), detached, on the network's device. Cells that lie wholly in padding are left out, and
        patches are put back in their places. Of axial attention, the matrices: (N, O, heads, L, L), where N counts the
        patches of every image. Of attention in windows: (N, windows, heads, L, L); among all tokens:
        (N, heads, L, L). Of channel attention, (N, C, C).
    patches
        Patches per side that the network cut the image into for this map.
    grid
        Cells along every spatial axis that lie at least in part in the image.
    window, shifted
        As in :class:`~src_models.nets.tap.AttentionTap`.
    """

    name: str
    kind: str
    level: int
    description: str
    stride: int
    offset: float
    tensor: Tensor
    patches: int = 1
    grid: tuple[int, ...] = ()
    window: int | None = None
    shifted: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return tuple(self.tensor.shape)


class AttentionRecord(Sequence[AttentionMap]):
    """The maps of the last forward pass, finest first, by position or by name."""

    def __init__(self) -> None:
        self._maps: dict[str, AttentionMap] = {}
        self._input_size: tuple[int, ...] = ()

    @overload
    def __getitem__(self, key: int | str) -> AttentionMap: ...
    @overload
    def __getitem__(self, key: slice) -> list[AttentionMap]: ...
    def __getitem__(self, key: int | str | slice) -> AttentionMap | list[AttentionMap]:
        """Return a map by name or position."""
        if isinstance(key, str):
            return self._maps[key]
        return sorted(self._maps.values(), key=lambda m: m.level)[key]

    def __len__(self) -> int:
        """Return the number of maps."""
        return len(self._maps)

    def names(self) -> list[str]:
        """Return the maps' names, finest first."""
        return [m.name for m in self]

    def start(self, _network: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Forget the last pass (a forward pre-hook of the network)."""
        self._maps.clear()
        self._input_size = tuple(inputs[0].shape[2:])

    def keep(self, tap: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep what flows through a tap (a forward hook of the tap)."""
        assert isinstance(tap, AttentionTap)
        tensor = output.detach()
        grid = tuple(-(-size // tap.stride) for size in self._input_size)
        if tap.kind not in MATRICES | {CHANNELS}:
            tensor = from_patches(tensor, tap.patches) if tap.patches > 1 else tensor
            tensor = tensor[(slice(None), slice(None), *(slice(0, cells) for cells in grid))]
        self._maps[tap.name] = AttentionMap(
            name=tap.name,
            kind=tap.kind,
            level=tap.level,
            description=tap.description,
            stride=tap.stride,
            offset=(tap.stride - 1) / 2,
            tensor=tensor,
            patches=tap.patches,
            grid=grid,
            window=tap.window,
            shifted=tap.shifted,
        )


@contextmanager
def record_attention(network: nn.Module, names: Sequence[str] | None = None) -> Iterator[AttentionRecord]:
    """Record the attention of every forward pass inside the ``with`` block.

    Parameters
    ----------
    network
        Any network of this project.
    names
        Record only these maps.

    Yields
    ------
    AttentionRecord
        Filled anew by each forward pass.

    Raises
    ------
    UserError
        If the network has no map of one of the names.
    """
    record = AttentionRecord()
    taps = [module for module in network.modules() if isinstance(module, AttentionTap)]
    known = {tap.name for tap in taps}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise UserError(f"the network has no attention map {unknown[0]!r}; choose from {', '.join(sorted(known))}")
    handles = [network.register_forward_pre_hook(record.start)]
    handles += [tap.register_forward_hook(record.keep) for tap in taps if names is None or tap.name in names]
    try:
        yield record
    finally:
        for handle in handles:
            handle.remove()
