"""What tests of classes share: a toy network among the architectures, and a set that it can learn."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_classes import TOY, write_squares

from src_models.models.architectures import ARCHITECTURES


@pytest.fixture(autouse=True)
def toy_architecture():
    """Have the toy network among the architectures for as long as a test runs."""
    ARCHITECTURES.append(TOY)
    yield
    ARCHITECTURES.remove(TOY)


@pytest.fixture
def squares(tmp_path) -> Path:
    """A folder of bright, dark and striped squares."""
    return write_squares(tmp_path / "squares")
