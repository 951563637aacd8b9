"""What a person asks ``napari-medt train`` for, whatever the data set teaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medt.cli.models.network_options import configuration

if TYPE_CHECKING:
    from src_models.models.header import ModelHeader

__all__ = ["AskedTraining"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTraining:
    """A training as it was asked for.

    Parameters
    ----------
    dataset, output, start, encoder_weights, resume, overwrite
        As the command has them.
    architecture
        The network.
    of_network
        The values of the options of all architectures.
    settings
        Settings that a person chose, by name.
    about
        Name, purpose, licence and normalisation for the header.
    class_names
        Names of the classes; none where they were not given.
    channels
        Positions of the channels to learn from; None for all.
    known
        The header of `start`, where the network is to be the same one.
    """

    dataset: Path
    output: Path
    architecture: str
    of_network: dict[str, Any]
    settings: Mapping[str, Any]
    about: Mapping[str, Any]
    class_names: tuple[str, ...]
    channels: tuple[int, ...] | None
    start: str
    known: ModelHeader | None
    encoder_weights: Path | None
    resume: bool
    overwrite: bool

    def run(self) -> dict[str, Any]:
        """Return how a run begins, and what may become of the files of another."""
        from src_models.models.checkpoint import load

        return {
            "start": load(self.start) if self.start else None,
            "encoder_weights": self.encoder_weights,
            "resume": self.resume,
            "overwrite": self.overwrite,
        }

    def configuration(self, patch: int) -> Mapping[str, Any]:
        """Return the configuration of the network, for patches of some size."""
        return configuration(self.architecture, self.of_network, patch) if self.known is None else self.known.config
