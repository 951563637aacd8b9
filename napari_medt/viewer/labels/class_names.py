"""The names of classes go with the labels that hold them: napari tells the one under the pointer in its status bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari.layers

__all__ = ["name_classes"]

_NUMBER, _NAME = "index", "class"  # napari goes by the first


def name_classes(labels: napari.layers.Labels, names: Sequence[str]) -> None:
    """Give the numbers of labels the names of classes; without names, take away those that they had.

    Parameters
    ----------
    labels
        The labels. Where they have features of other names, these are somebody's own, and are left alone.
    names
        Of the classes from 1 on.
    """
    there = set(labels.features)
    if there - {_NUMBER, _NAME} or not (names or _NAME in there):
        return
    labels.features = {_NUMBER: list(range(1, len(names) + 1)), _NAME: list(names)} if names else {}
