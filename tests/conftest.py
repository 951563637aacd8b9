"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The top level of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public data sets and reference outputs beside the repository; its tests are skipped without it."""
    folder = Path(os.environ.get("NAPARI_MEDT_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"needs the reference data in {folder}; NAPARI_MEDT_SHARED can name another place")
    return folder


@pytest.fixture(scope="session")
def tiny_model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of a small untrained Attention U-Net for grey images, 2D, instances."""
    import torch

    from src_models.architectures import create
    from src_models.checkpoint import Model, save
    from src_models.header import ModelHeader

    torch.manual_seed(0)
    config = {"in_channels": 1, "classes": 3, "widths": (4, 8, 8)}
    header = ModelHeader(
        name="tiny",
        purpose="Tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "interior", "boundary"),
        channels=("grey",),
        tile=(64, 64),
        overlap=(8, 8),
        result="instances",
        licence="CC0-1.0",
    )
    network = create(header.architecture, **config)
    return save(Model(network, header), tmp_path_factory.mktemp("models") / "tiny.safetensors")
