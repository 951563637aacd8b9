"""A network that goes by patches, among the architectures."""

import pytest
from patch_classes import PATCHES

from src_models.models.architectures import ARCHITECTURES


@pytest.fixture(autouse=True)
def patch_architecture():
    """Have it among the architectures for as long as a test runs."""
    ARCHITECTURES.append(PATCHES)
    yield
    ARCHITECTURES.remove(PATCHES)
