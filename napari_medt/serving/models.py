"""The models that are served: told by name at once, loaded when they are first asked for, and kept."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from napari_medt.serving.answers import Refusal
from src_models.errors import ModelFileError
from src_models.models.header import ModelHeader, Use, read_header
from src_models.models.library import local_models, model_path, shipped_models

if TYPE_CHECKING:
    from src_models.clicking.answering.network import ClickNetwork
    from src_models.models.checkpoint import Model

__all__ = ["Models"]


class Models:
    """Models by name.

    Parameters
    ----------
    chosen
        Names or files; empty for all that ship and a person's own, less those that say what a whole image shows.

    Raises
    ------
    ModelFileError
        If one is missing or unusable, or two have one name.
    """

    def __init__(self, chosen: Sequence[str] = ()) -> None:
        self._files: dict[str, tuple[Path, ModelHeader]] = {}
        if chosen:
            for path in map(model_path, chosen):
                self._check_new(path)
                self._files[path.stem] = (path, read_header(path))
        else:
            for entry in (*shipped_models(), *local_models()):
                self._files[entry.name] = (entry.path, entry.header)
        self._lock = Lock()
        self._loaded: dict[tuple[str, int], Model] = {}
        self._networks: dict[tuple[str, int], ClickNetwork] = {}

    def names(self, use: Use) -> list[str]:
        """Return the names of models for one use, as they were chosen."""
        return [name for name, (_, header) in self._files.items() if header.use == use]

    def header(self, name: str, use: Use | None = None) -> ModelHeader:
        """Return what a model is and expects.

        Raises
        ------
        Refusal
            If there is none of that name and use (404).
        """
        return self._file(name, use)[1]

    def path(self, name: str) -> Path:
        """Return a model's file; :class:`Refusal` if there is none of that name."""
        return self._file(name, None)[0]

    def load(self, name: str) -> Model:
        """Return a model, anew if its file was written again; for the computing thread.

        Raises
        ------
        Refusal
            If there is none of that name (404).
        ModelFileError
            If its file is gone or damaged.
        """
        from src_models.models.checkpoint import load

        path = self.path(name)
        with self._lock:
            key = (name, _version(path))
            if key not in self._loaded:
                self._loaded = {old: model for old, model in self._loaded.items() if old[0] != name}
                self._loaded[key] = load(path)
            return self._loaded[key]

    def click_network(self, name: str) -> ClickNetwork:
        """Return a model of clicks made ready to answer; as :meth:`load`."""
        from src_models.clicking.answering.network import ClickNetwork

        model, key = self.load(name), (name, _version(self.path(name)))
        with self._lock:
            if key not in self._networks:
                self._networks = {old: network for old, network in self._networks.items() if old[0] != name}
                self._networks[key] = ClickNetwork(model)
            return self._networks[key]

    def add(self, path: Path) -> None:
        """Serve a model as well, before the others; one of the same name is served no more.

        Raises
        ------
        ModelFileError
            If it is missing or unusable.
        """
        # A new table: others may be going through the old one.
        self._files = {path.stem: (path, read_header(path))} | {
            name: file for name, file in self._files.items() if name != path.stem
        }

    def _check_new(self, path: Path) -> None:
        if path.stem in self._files:
            raise ModelFileError(
                f"{path}: two models are called {path.stem!r}, by which clients choose one; rename one of the files"
            )

    def _file(self, name: str, use: Use | None) -> tuple[Path, ModelHeader]:
        found = self._files.get(name)
        if found is not None and use in (None, found[1].use):
            return found
        names = [other for other, (_, header) in self._files.items() if use in (None, header.use)]
        close = difflib.get_close_matches(name, names, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        raise Refusal(404, f"there is no such model here; there are {', '.join(names) or 'none of this kind'}{meant}")


def _version(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise ModelFileError(
            f"the model {path.stem!r} is gone from the server's disk; start the server again"
        ) from error
