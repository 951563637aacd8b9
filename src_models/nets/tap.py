"""The place in a network where attention can be read.

A network passes each attention tensor through an :class:`AttentionTap` before it uses it. The tap returns its input
unchanged. Who wants to see the tensor registers an ordinary forward hook on the tap (see
:func:`src_models.attention.recording.record_attention`); with no hook registered a tap costs nothing.
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["CHANNELS", "MATRICES", "TOKENS", "WINDOWS", "AttentionTap"]

CHANNELS = "channel attention"  # the kind of (N, C, C), which lie on no grid of pixels
WINDOWS, TOKENS = "window attention", "token attention"
#: Kinds whose values are weights, query by key, and not a value a cell.
MATRICES = frozenset({"axial attention", WINDOWS, TOKENS})


class AttentionTap(nn.Module):
    """Identity that says what flows through it.

    Parameters
    ----------
    name
        A short name, unique in the network, such as ``"gate 2"``.
    kind
        What the values are, such as ``"attention gate"``.
    level
        Level of the feature pyramid, 1 the finest.
    stride
        Input pixels per cell of the map, the same along every spatial axis.
    description
        What it means, in plain words.
    patches
        Patches per side that the image was cut into: the batch then holds the patches of each image, row by row.
    window
        Cells per side of the windows that attention stays in, if it does.
    shifted
        Whether these windows are shifted by half of their size.
    """

    def __init__(
        self,
        *,
        name: str,
        kind: str,
        level: int,
        stride: int,
        description: str,
        patches: int = 1,
        window: int | None = None,
        shifted: bool = False,
    ) -> None:
        super().__init__()
        self.name = name
        self.kind = kind
        self.level = level
        self.stride = stride
        self.description = description
        self.patches = patches
        self.window = window
        self.shifted = shifted

    @property
    def heard(self) -> bool:
        """Whether anybody reads here; a network need not compute what is only for reading."""
        return bool(self._forward_hooks)

    def forward(self, attention: Tensor) -> Tensor:
        """Return `attention` itself."""
        return attention
