"""Classes of a set are those of a model of the same name, in whatever order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from toy_classes import toy_header

from src_models.classifying.class_order import class_order
from src_models.errors import DataSetError
from src_models.files.class_sets.class_set import ClassSet


def test_classes_are_found_by_name():
    data = ClassSet(Path("cells"), ("striped", "bright"), (), 8)
    assert class_order(data, toy_header()) == [2, 0]
    with pytest.raises(DataSetError, match="cells has the class 'spotted' and 'toy' tells bright, dark, striped"):
        class_order(replace(data, classes=("bright", "spotted")), toy_header())
