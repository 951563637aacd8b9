"""The table of features that napari keeps with labels: who writes columns into it leaves those of others alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import napari.layers

__all__ = ["NUMBER", "join_features"]

NUMBER = "index"  # napari goes by this column


def join_features(
    labels: napari.layers.Labels, columns: Mapping[str, Sequence[Any]], *, own: Callable[[str], bool]
) -> None:
    """Write columns into the features of labels, in place of what an earlier table wrote there.

    Rows and columns that are somebody else's stay.

    Parameters
    ----------
    labels
        The labels.
    columns
        By title; ``"index"`` holds the numbers of the objects, each once.
    own
        Tells whether a column that is there is an earlier one of the same writer.
    """
    frame = type(labels.features)  # that of pandas, which napari brings
    found = frame(columns).set_index(NUMBER)
    there = frame(labels.features)
    if NUMBER in there:
        there = there.drop_duplicates(NUMBER).set_index(NUMBER)
    theirs = [name for name in there if not own(str(name))]
    joined = there[theirs].join(found, how="outer") if theirs else found
    joined.index.name = NUMBER
    labels.features = joined.reset_index()
