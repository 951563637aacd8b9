"""Cutting images into a grid of patches that form one batch, and putting them back."""

from __future__ import annotations

from torch import Tensor

__all__ = ["from_patches", "to_patches"]


def to_patches(image: Tensor, count: int) -> Tensor:
    """Cut (N, C, H, W) into count x count patches, (N * count^2, C, H / count, W / count), row by row."""
    cut: Tensor = image.unflatten(3, (count, -1)).unflatten(2, (count, -1))  # type: ignore[no-untyped-call]
    # N, C, rows, h, columns, w
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(0, 2)


def from_patches(patches: Tensor, count: int) -> Tensor:
    """Undo :func:`to_patches`."""
    cut: Tensor = patches.unflatten(0, (-1, count, count))  # type: ignore[no-untyped-call]
    return cut.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
