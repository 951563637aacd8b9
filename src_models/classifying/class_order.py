"""Which of a model's classes each class of a set is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src_models.errors import DataSetError

if TYPE_CHECKING:
    from src_models.files.class_sets.class_set import ClassSet
    from src_models.models.header import ModelHeader

__all__ = ["class_order"]


def class_order(data: ClassSet, header: ModelHeader) -> list[int]:
    """Return, for each class of a set, the model's of the same name, counted from 0.

    Raises
    ------
    DataSetError
        If the model lacks one.
    """
    unknown = [name for name in data.classes if name not in header.classes]
    if unknown:
        raise DataSetError(
            f"{data.root} has the class {unknown[0]!r} and {header.name!r} tells {', '.join(header.classes)}: "
            "name the classes as it does (--class-names), or choose another model"
        )
    return [header.classes.index(name) for name in data.classes]
