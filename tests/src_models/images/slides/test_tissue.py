"""Tissue is what has colour or is dark on a bright slide; a slide without glass, or an image that is none, is whole."""

import numpy as np
import pytest
from scipy import ndimage
from slide_files import tissue_slide

from src_models.images.slides.tissue import Tissue, find_tissue

ISLANDS = [(60, 70, 30), (150, 200, 45), (30, 260, 8)]


@pytest.fixture(scope="module")
def slide():
    return tissue_slide(220, 300, ISLANDS)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "with alpha", "yellowish glass"])
def test_all_tissue_is_found_and_little_else(slide, kind):
    data, tissue = slide
    if kind == "uint16":
        data = data.astype(np.uint16) * 257
    elif kind == "float32":
        data = (data / 255).astype(np.float32)
    elif kind == "with alpha":
        data = np.concatenate([data, np.full((*data.shape[:2], 1), 255, np.uint8)], -1)
    elif kind == "yellowish glass":
        data = (data * (1.0, 0.98, 0.94)).astype(np.uint8)
    cells = find_tissue(data).cells
    assert cells[tissue].all()
    assert not cells[ndimage.distance_transform_edt(~tissue) > 6].any()


def test_pale_stain_beside_dark_stain_and_dark_specks_count(slide):
    data, _ = slide
    data = data.copy()
    data[90:120, 20:50] = (232, 205, 218)  # Otsu alone would set the threshold between this and the islands
    data[190:210, 20:40] = 60  # pigment, which has no colour
    cells = find_tissue(data).cells
    assert cells[90:120, 20:50].all()
    assert cells[190:210, 20:40].all()


@pytest.mark.parametrize("kind", ["glass only", "tissue only", "fluorescence", "black"])
def test_where_nothing_can_be_left_out_nothing_is(slide, kind):
    data = {
        "glass only": np.full((50, 60, 3), 240, np.uint8),
        "tissue only": tissue_slide(50, 60, [(25, 30, 90)])[0],
        "fluorescence": 255 - slide[0],
        "black": np.zeros((50, 60, 3), np.uint8),
    }[kind]
    assert find_tissue(data) is None


def test_a_region_holds_tissue_if_any_of_its_pixels_does():
    """Compared with the mask brought to full size, pixel by pixel."""
    random = np.random.default_rng(0)
    tissue = Tissue(random.random((7, 9)) < 0.15)
    shape = (100, 131)
    places = [(np.arange(size) * count) // size for size, count in zip(shape, tissue.cells.shape, strict=True)]
    whole = tissue.cells[np.ix_(*places)]
    held = 0
    for _ in range(300):
        (a, b), (c, d) = (sorted(random.choice(size + 1, 2, replace=False)) for size in shape)
        b, d = min(b, a + 20), min(d, c + 20)
        region = (slice(int(a), int(b)), slice(int(c), int(d)))
        if whole[region].any():
            assert tissue.holds(region, shape)
            held += 1
        else:  # a cell that is cut may count for what is beside it
            grown = whole[max(0, a - 15) : b + 15, max(0, c - 15) : d + 15]
            assert not tissue.holds(region, shape) or grown.any()
    assert 50 < held < 290


def test_its_middle_lies_in_the_largest_island(slide):
    data, _ = slide
    y, x = find_tissue(data).middle
    assert np.hypot(y * 220 - 150, x * 300 - 200) < 45
