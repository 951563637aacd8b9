"""The names of classes go with the labels that hold them: napari tells the one under the pointer in its status bar.

Measurements and files with names of segments take them from there, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari.layers

__all__ = ["class_features", "name_classes"]

_NUMBER, _NAME = "index", "name"  # napari goes by the first; files with names of segments are written from both


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
    labels.features = class_features(names)


def class_features(names: Sequence[str]) -> dict[str, list[int] | list[str]]:
    """Return the features of labels whose numbers from 1 on have these names."""
    return {_NUMBER: list(range(1, len(names) + 1)), _NAME: list(names)} if names else {}
