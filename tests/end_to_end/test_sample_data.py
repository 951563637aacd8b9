"""The sample images: their labels fit, and each one's source and licence are told."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

NAMES = ("brightfield", "fluorescence", "histology")


@pytest.fixture
def folder(repository: Path) -> Path:
    return repository / "sample_data"


def test_every_file_has_its_source_and_licence_told(folder: Path) -> None:
    images = {path.name for path in folder.glob("*.png")}
    assert images == {f"{name}{end}.png" for name in NAMES for end in ("", "_labels")}
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "CC0 1.0" in text
    assert [name for name in images if f"`{name}`" not in text] == []


def test_the_samples_are_small(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) < 600_000


@pytest.mark.parametrize(
    ("name", "shape", "nuclei"),
    [("brightfield", (384, 384), 18), ("fluorescence", (520, 696), 138), ("histology", (256, 320, 3), 112)],
)
def test_labels_fit_their_image(folder: Path, name: str, shape: tuple[int, ...], nuclei: int) -> None:
    image, labels = iio.imread(folder / f"{name}.png"), iio.imread(folder / f"{name}_labels.png")
    assert image.shape == shape
    assert image.dtype == np.uint8
    assert labels.shape == shape[:2]
    assert labels.dtype == np.uint16
    assert np.array_equal(np.unique(labels), np.arange(nuclei + 1))
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert f"| {shape[0]} x {shape[1]} | {nuclei} |" in text


def test_labels_lie_on_the_nuclei(folder: Path) -> None:
    # Stain is bright in fluorescence and dark in transmitted light: a shifted or wrong label image loses this contrast.
    for name, sign in (("fluorescence", 1), ("histology", -1), ("brightfield", -1)):
        image = iio.imread(folder / f"{name}.png").astype(float)
        grey = image.mean(axis=-1) if image.ndim == 3 else image
        inside = iio.imread(folder / f"{name}_labels.png") > 0
        contrast = sign * (np.median(grey[inside]) - np.median(grey[~inside]))
        assert contrast > 0.5 * grey[~inside].std(), name
