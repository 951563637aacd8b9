"""The record beside a result: by which model, with which settings and versions, in how long, and what was found.

Labels ``cells_labels.tif`` have the record ``cells_labels.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src_models.disk.atomic import atomic_path, check_new

if TYPE_CHECKING:
    from src_models.files.images import ImageFile
    from src_models.prediction.segmentation import Segmentation

__all__ = ["check_record", "record_path", "write_record"]

VERSION = 1
_SUFFIXES = (".nii.gz", ".seg.nrrd", ".nrrd", ".mha", ".dcm", ".tif", ".zarr")


def record_path(labels: Path) -> Path:
    """Return where the record of a file with labels is."""
    suffix = next((suffix for suffix in _SUFFIXES if labels.name.lower().endswith(suffix)), labels.suffix)
    return labels.with_name(labels.name[: len(labels.name) - len(suffix)] + ".json")


def check_record(labels: Path, *, overwrite: bool = False) -> None:
    """Refuse a record's place if something else is there; the record of earlier labels goes with them.

    Raises
    ------
    OutputError
        If a file of that name is no record, and may not be replaced.
    """
    path = record_path(labels)
    check_new(path, overwrite=overwrite or _is_record(path))


def write_record(
    labels: Path,
    segmentation: Segmentation,
    image: ImageFile,
    *,
    seconds: float,
    maps: Sequence[Path] = (),
    overwrite: bool = False,
    beside: Path | None = None,
) -> Path:
    """Write the record of a result beside its labels, whole or not at all.

    Parameters
    ----------
    labels
        The file with the labels.
    segmentation
        What was found.
    image
        What it was found in.
    seconds
        How long it took.
    maps
        The files with attention maps.
    overwrite
        Whether a file that is no record may be replaced.
    beside
        What it lies beside instead, where the labels are in another folder, the image's.

    Returns
    -------
    Path
        The record.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    path = record_path(labels if beside is None else beside)
    provenance = segmentation.provenance
    content = {
        "record": VERSION,
        "image": str(image.path.absolute()),
        **({} if image.series is None else {"series": {"number": image.series.number, "name": image.series.name}}),
        "read_as": segmentation.read_as or image.reading.describe(),
        "read_notes": image.notes,
        "labels": labels.name if beside is None else str(labels.absolute()),
        "attention": [file.name for file in maps],
        "model": {"name": provenance["header"]["name"], "sha256": provenance["model_sha256"]},
        "settings": provenance["settings"],
        "versions": provenance["versions"],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "result": segmentation.result,
        "found": segmentation.found,
        "summary": segmentation.summary,
        "size": segmentation.size,
        "advice": segmentation.advice,
        "notes": segmentation.notes,
    }
    with atomic_path(path, overwrite=overwrite or _is_record(path)) as written:
        written.write_text(json.dumps(content, indent=1, ensure_ascii=False, default=_plain) + "\n", encoding="utf-8")
    return path


def _is_record(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"record", "labels", "model"} <= content.keys()


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a number of NumPy's, or else how it is written."""
    return value.item() if hasattr(value, "item") else str(value)
