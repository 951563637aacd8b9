"""Classes in the table of features that napari keeps with labels, beside what else a person has in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari.layers

    from src_models.classifying.layer.object_classes import ObjectClasses

__all__ = ["write_features"]

_NUMBER, _ALL = "index", "p "  # napari goes by the first; what each class has begins with the second
_OWN = ("class", "probability", "corrected")


def write_features(labels: napari.layers.Labels, table: ObjectClasses) -> None:
    """Write a table into the features of labels, in place of what an earlier one wrote there.

    Rows and columns that are somebody else's stay.

    Parameters
    ----------
    labels
        The labels.
    table
        The classes of their objects.
    """
    import pandas as pd

    found = pd.DataFrame(table.columns()).set_index(_NUMBER)
    there = pd.DataFrame(labels.features)
    if _NUMBER in there:
        there = there.drop_duplicates(_NUMBER).set_index(_NUMBER)
    theirs = [name for name in there if name not in _OWN and not str(name).startswith(_ALL)]
    joined = there[theirs].join(found, how="outer") if theirs else found
    joined.index.name = _NUMBER
    labels.features = joined.reset_index()
