"""The file beside labels that says what every clicked object was made by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src_models.disk.atomic import atomic_path

__all__ = ["clicks_path", "write_clicks"]


def clicks_path(path: str | Path) -> Path:
    """Return the file with the clicks that belongs to a file with labels: ``cells.tif`` has ``cells.clicks.json``."""
    path = Path(path)
    suffix = next(
        (suffix for suffix in (".nii.gz", ".seg.nrrd", ".ome.tif") if path.name.lower().endswith(suffix)), path.suffix
    )
    return path.with_name(path.name[: len(path.name) - len(suffix)] + ".clicks.json")


def write_clicks(labels: Path, objects: Sequence[Mapping[str, Any]], *, overwrite: bool = False) -> Path:
    """Write what objects were made by, beside the file with their labels, and return the file.

    Parameters
    ----------
    labels
        The file with the labels.
    objects
        For each its number in the labels as ``"value"``, and its clicks, model and time.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    OutputError
        If it exists or cannot be written.
    """
    path = clicks_path(labels)
    with atomic_path(path, overwrite=overwrite) as file:
        file.write_text(json.dumps({"labels": labels.name, "objects": list(objects)}, indent=1))
    return path
