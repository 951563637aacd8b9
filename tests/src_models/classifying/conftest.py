"""What tests of classes share: a toy network among the architectures, and a set that it can learn."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_classes import toy_among_architectures, write_squares


@pytest.fixture(autouse=True)
def toy_architecture():
    """Have the toy network among the architectures for as long as a test runs."""
    with toy_among_architectures():
        yield


@pytest.fixture
def squares(tmp_path) -> Path:
    """A folder of bright, dark and striped squares."""
    return write_squares(tmp_path / "squares")
