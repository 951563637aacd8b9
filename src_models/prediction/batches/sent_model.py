"""The model that was sent to this process (:mod:`src_models.computing.cluster.parcels`), loaded once."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from src_models.computing.cluster.parcels import parcel
from src_models.models.checkpoint import Model, load

__all__ = ["sent_model"]


@functools.lru_cache(maxsize=1)
def sent_model(key: str) -> Model:
    """Return the model whose file has this SHA-256.

    Raises
    ------
    KeyError
        If it was not sent here.
    """
    with TemporaryDirectory(prefix="napari-medt-") as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(parcel(key))
        return replace(load(path), path=None)
