"""How large a Med-Former is: two sizes by name, and what a configuration has otherwise. Without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["SIZES", "Size"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """All numbers of a Med-Former.

    Parameters
    ----------
    patch
        Size of a patch (px), N in the paper.
    width
        Channels of the first stage, d in the paper; each stage has twice as many as the one before.
    head_channels
        Channels of a head of attention, the same in all stages.
    depths
        Blocks of each stage: first the encoding phase, then the stages that begin with merging patches.
    windows
        Cells per side of the large and of the small windows, m and n in the paper.

    Raises
    ------
    ValueError
        If no network can be made of these.
    """

    patch: int
    width: int
    head_channels: int
    depths: tuple[int, ...]
    windows: tuple[int, int]

    def __post_init__(self) -> None:
        large, small = self.windows
        if not 1 <= small < large:
            raise ValueError(f"windows {self.windows!r} must be the large one and a smaller one, in cells per side")
        if self.patch < 1 or not self.depths or min(self.depths) < 1:
            raise ValueError(f"patch {self.patch!r} and depths {self.depths!r} must be positive numbers")
        if self.head_channels < 1 or self.width < 1 or self.width % self.head_channels:
            raise ValueError(f"width {self.width!r} must be a multiple of head_channels {self.head_channels!r}")

    @classmethod
    def of(
        cls,
        size: str = "small",
        *,
        patch: int | None = None,
        width: int | None = None,
        head_channels: int | None = None,
        stages: int | None = None,
        depths: Sequence[int] | None = None,
        windows: Sequence[int] | None = None,
    ) -> Size:
        """Return a size by name, with what is given in place of its own.

        Parameters
        ----------
        size
            ``"small"`` or ``"paper"``.
        stages
            How many stages follow the encoding phase, K in the paper, of as many blocks as it; not beside `depths`.
        patch, width, head_channels, depths, windows
            As of the class.

        Raises
        ------
        ValueError
            If the name is unknown, or no network can be made of it.
        """
        if size not in SIZES:
            raise ValueError(f"size {size!r} is not one of {', '.join(SIZES)}")
        named = SIZES[size]
        if stages is not None and depths is not None:
            raise ValueError("stages and depths both say how many stages there are: leave one out")
        if stages is not None:
            if stages < 0:
                raise ValueError(f"stages {stages!r} must be at least 0")
            depths = (named.depths[0],) * (stages + 1)
        if windows is not None and len(windows) != 2:
            raise ValueError(f"windows {tuple(windows)!r} must be two numbers: the large one and the small one")
        large, small = named.windows if windows is None else windows
        return cls(
            patch=named.patch if patch is None else patch,
            width=named.width if width is None else width,
            head_channels=named.head_channels if head_channels is None else head_channels,
            depths=named.depths if depths is None else tuple(depths),
            windows=(large, small),
        )

    @classmethod
    def in_config(cls, config: Mapping[str, Any]) -> Size:
        """Return the size that a configuration of a network says."""
        names = ("size", "patch", "width", "head_channels", "stages", "depths", "windows")
        return cls.of(**{name: config[name] for name in names if name in config})

    def stride(self, stage: int) -> int:
        """Return the pixels per cell of a stage, counted from 1."""
        return int(self.patch * 2 ** (stage - 1))


#: By name. "paper": what the paper, as it is retold, says, and Swin-T's numbers where it is silent. "small": for images
#: of some 70 px, and for processors; 6 and 3 divide the 18 cells of 72 px.
SIZES: dict[str, Size] = {
    "small": Size(patch=4, width=32, head_channels=16, depths=(2, 2, 2, 2), windows=(6, 3)),
    "paper": Size(patch=4, width=96, head_channels=32, depths=(2, 2, 2, 2), windows=(7, 4)),
}
