"""Which images are slides whose glass is left out, and which of their levels is looked at."""

import numpy as np
import pytest
import tifffile
from slide_files import tissue_slide, write_svs

from src_models.files.images import read_image
from src_models.files.series import lazy_tiff
from src_models.files.slides import slide_tissue
from src_models.files.slides.slide_tissue import tissue_of

CENTRE = (200, 200, 120)


@pytest.fixture(scope="module")
def slide():
    return tissue_slide(512, 640, [CENTRE])


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    monkeypatch.setattr(lazy_tiff, "LAZY_BYTES", 100_000)
    monkeypatch.setattr(slide_tissue, "LEAST_PIXELS", 100_000)


@pytest.mark.parametrize(("most", "cells"), [(200, (128, 160)), (100, (32, 40)), (20, (16, 20))])
def test_tissue_is_found_on_the_finest_level_that_is_small_enough(tmp_path, slide, monkeypatch, most, cells):
    """If none is, on every so many pixels of the coarsest."""
    monkeypatch.setattr(slide_tissue, "_MOST_SIDE", most)
    found = tissue_of(read_image(write_svs(tmp_path / "a.svs", slide[0])))
    assert found.cells.shape == cells
    rows, columns = np.nonzero(slide[1])
    assert found.cells[rows * cells[0] // 512, columns * cells[1] // 640].all()
    assert not found.holds((slice(0, 512), slice(500, 640)), (512, 640))


def test_no_image_but_a_large_slide_is_one(tmp_path, slide, monkeypatch):
    colours = {"photometric": "rgb", "tile": (64, 64)}
    tifffile.imwrite(tmp_path / "flat.tif", slide[0], **colours)
    assert tissue_of(read_image(tmp_path / "flat.tif")) is None, "it has no coarser level"
    with tifffile.TiffWriter(tmp_path / "grey.ome.tif") as tiff:
        tiff.write(slide[0][..., 0], subifds=1, tile=(64, 64), photometric="minisblack", metadata={"axes": "YX"})
        tiff.write(slide[0][::4, ::4, 0], subfiletype=1, tile=(64, 64), photometric="minisblack")
    grey = read_image(tmp_path / "grey.ome.tif")
    assert grey.levels
    assert tissue_of(grey) is None
    path = write_svs(tmp_path / "a.svs", slide[0])
    assert tissue_of(read_image(path)) is not None
    monkeypatch.setattr(slide_tissue, "LEAST_PIXELS", 10**9)
    assert tissue_of(read_image(path)) is None
