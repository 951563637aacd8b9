"""Classes in the table of features that napari keeps with labels, beside what else a person has in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_medt.viewer.labels.features import join_features

if TYPE_CHECKING:
    import napari.layers

    from src_models.classifying.layer.object_classes import ObjectClasses

__all__ = ["write_features"]

_ALL = "p "  # what each class has begins with it
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
    join_features(labels, table.columns(), own=lambda name: name in _OWN or name.startswith(_ALL))
