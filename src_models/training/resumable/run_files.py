"""The files of a training run, from which it goes on after whatever ended it.

``NAME.safetensors`` is the best model so far; ``NAME.last.safetensors``, the model as it is now; ``NAME.training.pt``,
all that is needed to go on; and ``NAME.log.csv`` has a row for each validation. The state is written before the models,
which follow from it: what a killed run did not come to write is written when it is resumed.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from src_models.computing.package_versions import package_versions
from src_models.disk.atomic import atomic_path, check_new, check_writable
from src_models.errors import DataSetError, UserError
from src_models.models.checkpoint import Model, save
from src_models.models.header import ModelHeader
from src_models.training.settings import TrainSettings

__all__ = ["RunFiles"]

_PACKAGES = ("torch", "monai", "lightning-fabric", "numpy", "scipy", "scikit-image")


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of one run.

    Parameters
    ----------
    output
        The file of the best model; the others lie beside it.
    columns
        Of the log; the first is the step.
    settings
        How the network is trained. A run is resumed only with those that it was begun with.
    header
        What the network is, before it is trained; the same holds for it.
    """

    output: Path
    columns: tuple[str, ...]
    settings: TrainSettings
    header: ModelHeader

    @property
    def last(self) -> Path:
        """The file of the model as it is now."""
        return self.output.with_suffix(".last.safetensors")

    @property
    def state(self) -> Path:
        """The file from which the run goes on."""
        return self.output.with_suffix(".training.pt")

    @property
    def log(self) -> Path:
        """The table of validations."""
        return self.output.with_suffix(".log.csv")

    def check(self, *, resume: bool, overwrite: bool) -> bool:
        """Check that the run may write, before anything is computed, and return whether there is one to go on with.

        Raises
        ------
        OutputError
            If a file exists that is neither to be gone on with nor may be replaced, or nothing can be written there.
        UserError
            If the name is not that of a model file.
        """
        if self.output.suffix != ".safetensors":
            raise UserError(f"{self.output}: the name of a model file ends in .safetensors")
        resume = resume and self.state.exists()
        for path in (self.output, self.last, self.state):
            check_new(path, overwrite=overwrite or resume)
        check_writable(self.output.parent)
        return resume

    def begin(self) -> None:
        """Begin a new log."""
        with atomic_path(self.log, overwrite=True) as beside, beside.open("w", newline="") as file:
            csv.writer(file).writerow(self.columns)

    def restore(self, network: nn.Module, optimizer: Any, *facts: str) -> dict[str, Any]:
        """Bring network and optimiser to where the run was, and return what else :meth:`keep` was given.

        Parameters
        ----------
        network, optimizer
            Of the same kind as those that were kept.
        facts
            Names of what must be there.

        Raises
        ------
        DataSetError
            If the state cannot be read, or is that of another run.
        """
        try:
            content: dict[str, Any] = torch.load(self.state, map_location="cpu", weights_only=True)
            settings, weights, moments = (content.pop(name) for name in ("settings", "network", "optimizer"))
            header = content.pop("header", self._header)
            if not content.keys() >= set(facts):
                raise KeyError(facts)
        except Exception as error:  # torch's own words advise to load it unsafely
            raise DataSetError(
                f"{self.state}: this training state cannot be read; start anew with --overwrite"
            ) from error
        if settings != self._settings:
            raise DataSetError(
                f"{self.state}: the run was started with other settings ({settings}); give the same ones to resume"
            )
        if header != self._header:
            raise DataSetError(
                f"{self.state}: the run was started with another network, or other classes or channels ({header}); "
                "give the same options to resume"
            )
        network.load_state_dict(weights)
        optimizer.load_state_dict(moments)
        return content

    def cut_log(self, step: int) -> None:
        """Drop what was logged after the state that the run resumes from."""
        rows: list[list[str]] = []
        if self.log.exists():
            with self.log.open(newline="") as file:
                rows = list(csv.reader(file))
        kept = [list(self.columns), *(row for row in rows[1:] if int(row[0]) <= step)]
        with atomic_path(self.log, overwrite=True) as beside, beside.open("w", newline="") as file:
            csv.writer(file).writerows(kept)

    def keep(self, row: Sequence[object], network: nn.Module, optimizer: Any, **facts: Any) -> None:
        """Add a row to the log, and write the state from which the run can go on.

        Parameters
        ----------
        row
            What the log's columns say of this step.
        network, optimizer
            As they are now.
        facts
            What else the run needs to go on: numbers, text, and lists and tables of them.
        """
        with self.log.open("a", newline="") as file:
            csv.writer(file).writerow(row)
        content = {
            "settings": self._settings,
            "header": self._header,
            **facts,
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        with atomic_path(self.state, overwrite=True) as beside:
            torch.save(content, beside)

    def write_models(self, network: nn.Module, step: int, *, best: bool, **facts: Any) -> None:
        """Write the model as it is now, and as the best if it is that.

        Parameters
        ----------
        network
            The network.
        step
            Steps made.
        best
            Whether no earlier one is better.
        facts
            What the header tells of the training, besides settings and versions.
        """
        training = {
            **self.header.training,
            **facts,
            "settings": dataclasses.asdict(self.settings),
            "step": step,
            "versions": package_versions(*_PACKAGES),
        }
        model = Model(network, dataclasses.replace(self.header, training=training))
        save(model, self.last, overwrite=True)
        if best:
            save(model, self.output, overwrite=True)

    @property
    def _settings(self) -> str:
        return json.dumps(self.settings.repeatable(), sort_keys=True)

    @property
    def _header(self) -> str:
        """The fields of the header that decide what the network is and learns, as JSON."""
        everything = dataclasses.asdict(self.header)
        names = ("architecture", "config", "classes", "channels", "dimensions", "intensity", "result", "parent_sha256")
        facts = {name: everything[name] for name in names}
        # States of runs without such weights say nothing of them.
        begun = {name: self.header.training[name] for name in ("encoder_weights",) if name in self.header.training}
        return json.dumps({**facts, **begun}, sort_keys=True)
