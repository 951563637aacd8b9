"""The records of Medical Transformer and its three ablations; see :mod:`.medt`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src_models.nets.architecture import DECODER, GATES, Architecture, Config, LearnablePart, TrainOption

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ARCHITECTURES", "AXIAL", "BLOCKS", "BRANCHES"]

BLOCKS = (1, 2, 4, 1)  # axial blocks in each layer of a branch
BRANCHES = {"branch": "block", "global_branch": "global", "local_branch": "local"}  # modules, and their names in maps
_SHARES = ("positions in similarity", "positions in output")


@dataclass(frozen=True, slots=True, kw_only=True)
class _AxialNetwork(Architecture):
    """A network of axial attention: of one branch, or of a global and a local one."""

    paper: str = (
        "Valanarasu et al. 2021, Medical Transformer: Gated Axial-Attention for Medical Image Segmentation, "
        "arXiv 2102.10662"
    )
    family: str = "axial networks such as medt"
    options: tuple[TrainOption, ...] = (
        TrainOption(
            "compatible",
            False,
            "Axial networks: the arithmetic of MedT's authors, faults included.",
            can_be_refused=False,
        ),
    )
    settings: tuple[str, ...] = ("gates_from",)
    two_branches: bool
    gated: bool

    def make(self, **config: Any) -> nn.Module:
        from src_models.nets.medt import AxialUNet, LoGoNet

        return (LoGoNet if self.two_branches else AxialUNet)(gated=self.gated, **config)

    def maps(self, config: Config) -> list[str]:
        """Return the maps with one value a pixel; the blocks' matrices are too large to be kept for a whole image."""
        return [
            f"{name} {what}"
            for name, positions in self._blocks()
            for what in ("received", *(_SHARES if positions else ()))
        ]

    def usual_maps(self, config: Config) -> list[str]:
        """Return what the second layer's first block receives: the finest block that looks for objects.

        The first layer looks for edges.
        """
        telling = [name for name in self.maps(config) if " 2.1 " in name and "local" not in name]
        return [name for name in telling if "similarity" not in name]

    def blocks(self, config: Config) -> list[str]:
        return [name for name, _ in self._blocks()]

    def branches(self, config: Config) -> list[str]:
        return list(dict.fromkeys(name.split()[0] for name in self.blocks(config)))

    def window(self, config: Config) -> int | None:
        size = config.get("image_size")
        return None if size is None else int(size)

    def largest(self, config: Config) -> int | None:
        return self.window(config) if config.get("compatible") else None

    def configure(self, chosen: Mapping[str, Any], patch: int) -> dict[str, Any]:
        return {"image_size": patch, **chosen}

    def recipe(self, images: int) -> dict[str, Any]:
        """Return the authors' settings (Section 3.2, and their code).

        Adam, 400 epochs of batches of 4 whole images of 128 px, cross-entropy, gates frozen through epoch 10,
        left-right flips.
        """
        epoch = math.ceil(images / 4)
        return {
            "steps": 400 * epoch,
            "batch": 4,
            "patch": 128,
            "optimizer": "adam",
            "learning_rate": 1e-3,
            "weight_decay": 1e-5,
            "schedule": "constant",
            "loss": "ce",
            "gates_from": 11 * epoch,
            "augment": "flip",
            "validate_every": 5 * epoch,
        }

    def _blocks(self) -> list[tuple[str, bool]]:
        """Return the name of each block, finest first, and whether it knows positions."""
        branches = [("block", len(BLOCKS), True)]
        if self.two_branches:
            branches = [("global", 2, True), ("local", len(BLOCKS), not self.gated)]
        found: list[tuple[int, str, bool]] = []
        for branch, depth, positions in branches:
            cell = 2
            for layer, count in enumerate(BLOCKS[:depth], start=1):
                for block in range(1, count + 1):
                    found.append((cell, f"{branch} {layer}.{block}", positions))
                    cell *= 2 if layer > 1 and block == 1 else 1
        return [(name, positions) for _, name, positions in sorted(found, key=lambda block: block[0])]


_GATED: tuple[LearnablePart, ...] = (DECODER, GATES)

ARCHITECTURES: tuple[Architecture, ...] = (
    _AxialNetwork(
        name="medt",
        line="Medical Transformer (Valanarasu et al. 2021): gated axial attention, a global and a local branch",
        parts=_GATED,
        two_branches=True,
        gated=True,
    ),
    _AxialNetwork(
        name="logo",
        line="MedT's two branches with axial attention that has no gates",
        parts=(DECODER,),
        two_branches=True,
        gated=False,
    ),
    _AxialNetwork(
        name="gated-axial-unet",
        line="U-Net of gated axial attention: MedT's global branch alone, at full depth",
        parts=_GATED,
        two_branches=False,
        gated=True,
    ),
    _AxialNetwork(
        name="axial-unet",
        line="the same without gates",
        parts=(DECODER,),
        two_branches=False,
        gated=False,
    ),
)
AXIAL = tuple(record.name for record in ARCHITECTURES)
