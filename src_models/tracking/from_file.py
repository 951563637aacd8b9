"""Objects of a file of labels followed through its time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.images import ImageFile, read_label_file
from src_models.tracking.linking import Tracks, track_objects

__all__ = ["track_file"]


def track_file(
    path: Path, *, farthest: float | None = None, gap: int = 1, divisions: bool = True
) -> tuple[ImageFile, NDArray[Any], Tracks]:
    """Follow the objects in a file.

    Parameters
    ----------
    path
        Labels with time, in any format that is read.
    farthest, gap, divisions
        As of :func:`src_models.tracking.linking.track_objects`; distances in the unit of the file.

    Returns
    -------
    tuple of ImageFile, NDArray and Tracks
        The file, its labels (t, [z, ]y, x), and the tracks.

    Raises
    ------
    ImageError
        If the file cannot be read, or has no time.
    """
    file = read_label_file(path)
    axes, data = file.reading.without_channels().axes, np.asarray(file.data)
    if "T" not in axes:
        raise ImageError(
            f"{path}: it is read as {file.reading.describe()}, without time; save it with its axes named (T), or open "
            "it in napari and call its first axis t"
        )
    order = [letter for letter in "TZYX" if letter in axes]
    data = data.transpose([axes.index(letter) for letter in order])
    spacing = [file.reading.spacing.get(letter, 1.0) for letter in order[1:]]
    try:
        return file, data, track_objects(data, spacing=spacing, farthest=farthest, gap=gap, divisions=divisions)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
