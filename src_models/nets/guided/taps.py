"""Where attention can be read in a network of self-guided attention, and what its maps are called.

Every scale is compared on the grid of the finest, 4 px per cell. Scale 1 is made from the finest features, scale 4 from
the coarsest; step 1 is the first attention of a scale, and the later ones refine it.
"""

from __future__ import annotations

from dataclasses import dataclass

from src_models.nets.guided_architectures import CELL, block_name, prediction_name
from src_models.nets.tap import CHANNELS, AttentionTap

__all__ = ["MapTaps", "prediction_tap"]


@dataclass(frozen=True, slots=True)
class MapTaps:
    """Makes the taps of one step at one scale.

    Parameters
    ----------
    scale, step
        Counted from 1.
    """

    scale: int
    step: int

    def received(self) -> AttentionTap:
        """Return that of how much each place is looked at, (N, 1, H, W); 1 is the average."""
        return self._tap("received", "attention received", "how much all pixels attend to this one (1: average)")

    def channels(self) -> AttentionTap:
        """Return that of the channel matrix, (N, C, C), each row of which sums to 1."""
        return self._tap("channels", CHANNELS, "weights of every channel on every channel")

    def attended(self) -> AttentionTap:
        """Return that of the attention before it is guided, (N, 1, H, W); 1 is the average."""
        return self._tap("attended", "attention strength", "strength of the attention before guidance (1: average)")

    def guided(self) -> AttentionTap:
        """Return that of the attention that the step results in, (N, 1, H, W); 1 is the average."""
        return self._tap("guided", "attention strength", "strength of the attention after guidance (1: average)")

    def _tap(self, what: str, kind: str, description: str) -> AttentionTap:
        name = block_name(self.scale, self.step)
        return _tap(f"{name} {what}", kind, self.scale, f"{name}, 1 cell = {CELL} px: {description}")


def prediction_tap(scale: int) -> AttentionTap:
    """Return the tap of what a scale by itself finds, (N, 1, H, W): the share of what is not background."""
    name = prediction_name(scale)
    description = f"{name}, 1 cell = {CELL} px: what this scale alone finds, 1 minus the share of the background"
    return _tap(name, "prediction", scale, description)


def _tap(name: str, kind: str, scale: int, description: str) -> AttentionTap:
    return AttentionTap(name=name, kind=kind, level=scale + 2, stride=CELL, description=description)
