"""How a network learns from corrections; the defaults need no decision from a person."""

from __future__ import annotations

from dataclasses import dataclass

from src_models.errors import UserError
from src_models.models.architectures import ARCHITECTURES
from src_models.training.rounds.settings import RoundSettings

__all__ = ["FULL", "FinetuneSettings", "part_names"]

FULL = "full"


def part_names() -> list[str]:
    """Return the names of all that can learn: the full network, and the parts that some architecture has."""
    return list(dict.fromkeys([FULL, *(part.name for record in ARCHITECTURES for part in record.parts)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneSettings(RoundSettings):
    """How to learn from corrections; what is not told here is as in :class:`RoundSettings`.

    Parameters
    ----------
    part
        What changes: one of :func:`part_names`, such as the ``"full"`` network or its ``"decoder"`` alone.
    batch, patch
        Patches per step, over all devices, and their size (px) along each axis.
    devices, strategy
        As Lightning Fabric takes them.
    """

    part: str = FULL
    steps: int = 300
    batch: int = 6
    patch: int = 128
    learning_rate: float = 1e-3
    replay: float = 0.5
    validate_every: int = 20
    patience: int = 5
    devices: int = 1
    strategy: str = "auto"

    def __post_init__(self) -> None:
        if self.part not in part_names():
            raise UserError(f"part {self.part!r} is not one of {', '.join(part_names())}")
        RoundSettings.__post_init__(self)
        self.check_counts("patch", "devices")
        if self.batch % self.devices:
            raise UserError(f"batch {self.batch} must be a multiple of the number of devices, {self.devices}")
