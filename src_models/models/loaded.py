"""What was read of model files is kept: the last networks, and checksums, which tell models from each other."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from src_models.models.checkpoint import Model

__all__ = ["file_sha256", "load_model"]


def load_model(path: Path) -> Model:
    """Load a model file; the last two are kept, so that trying settings or comparing does not load them each time."""
    return _load(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=2)
def _load(path: Path, _modified: int) -> Model:
    from src_models.models.checkpoint import load

    return load(path)


def file_sha256(path: Path) -> str | None:
    """Return the SHA-256 of a file; None where it cannot be read."""
    try:
        return _file_sha256(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=32)
def _file_sha256(path: Path, _modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
