"""How large a Vision Transformer is: two sizes by name. Without torch."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SIZES", "Size"]


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a patch (px), channels of a token, blocks, and heads of each."""

    patch: int
    width: int
    depth: int
    heads: int


#: By name. "paper": ViT-B/16 (arXiv 2010.11929, Table 1). "small": for images of some 70 px, and for processors.
SIZES: dict[str, Size] = {"small": Size(8, 96, 6, 6), "paper": Size(16, 768, 12, 12)}
