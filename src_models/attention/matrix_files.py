"""Attention matrices of channels as CSV files, which any program of tables reads."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src_models.attention.map_files import map_path
from src_models.disk.atomic import atomic_path

__all__ = ["matrix_path", "write_matrix"]


def matrix_path(folder: Path, stem: str, name: str) -> Path:
    """Return where a matrix goes, beside the maps of the image: ``STEM_attention_scale_1_step_2_channels.csv``."""
    beside = map_path(folder, stem, name)
    return beside.with_name(beside.name.removesuffix(".ome.tif") + ".csv")


def write_matrix(path: Path, matrix: NDArray[np.floating], *, overwrite: bool = False) -> Path:
    """Write a matrix (C, C): a line for each channel, with what it takes from channels 1 to C; each sums to 1.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written; nothing half-written is left.
    """
    with atomic_path(path, overwrite=overwrite) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["channel", *(f"from {number}" for number in range(1, matrix.shape[1] + 1))])
        writer.writerows([number, *map(float, row)] for number, row in enumerate(matrix, start=1))
    return path
