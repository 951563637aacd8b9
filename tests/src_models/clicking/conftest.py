"""A network of clicks whose answer is known beforehand."""

from __future__ import annotations

import pytest

from src_models.clicking.answering.network import ClickNetwork


@pytest.fixture(scope="session")
def bright(bright_model) -> ClickNetwork:
    """A network that finds what is bright, made ready."""
    return ClickNetwork(bright_model, device="cpu")
