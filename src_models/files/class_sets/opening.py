"""Opening a set of classes of any form, and telling it from a data set of masks."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from src_models.errors import DataSetError
from src_models.files.class_sets.archive import open_class_archive
from src_models.files.class_sets.boxes import open_class_boxes
from src_models.files.class_sets.class_set import ClassSet
from src_models.files.class_sets.folder import LAYOUT, has_class_folders, open_class_folder

__all__ = ["Truth", "open_class_set", "truths_of"]

Truth = Literal["segmentation", "classification"]


def truths_of(path: str | Path) -> tuple[Truth, ...]:
    """Return what a data set can teach: what each pixel is, what each picture shows, both, or nothing.

    Parameters
    ----------
    path
        A folder with ``images/`` and ``masks/``, or one of the forms that :func:`open_class_set` reads.
    """
    path = Path(path)
    masks = path.is_dir() and (path / "masks").is_dir()
    classes = path.suffix.lower() == ".npz" or (path / "boxes.csv").is_file() or (not masks and has_class_folders(path))
    found: list[Truth] = [*(["segmentation"] if masks else []), *(["classification"] if classes else [])]  # type: ignore[list-item]
    return tuple(found)


def open_class_set(path: str | Path) -> ClassSet:
    """Open a folder of classes, a folder with ``boxes.csv``, or an archive ``.npz``.

    Raises
    ------
    DataSetError
        If it is none of these, or is damaged.
    """
    path = Path(path)
    if path.suffix.lower() == ".npz":
        return open_class_archive(path)
    if (path / "boxes.csv").is_file():
        return open_class_boxes(path)
    if (path / "masks").is_dir():
        raise DataSetError(f"{path}: it holds masks and says of no picture which class it shows; {LAYOUT}")
    return open_class_folder(path)
