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


BOXES = [(slice(0, 700), slice(0, 900)), (slice(133, 411), slice(70, 888)), (slice(9, 12), slice(5, 7))]


@pytest.mark.parametrize("box", BOXES)
def test_a_region_holds_tissue_where_the_slide_does(box):
    """Pixel by pixel: nothing that is tissue is lost, and no more than a cell around it is added."""
    shape, random = (700, 900), np.random.default_rng(0)
    whole = Tissue(random.random((31, 47)) < 0.3)
    part = whole.within(box, shape)
    sides = tuple(side.stop - side.start for side in box)
    wide = Tissue(ndimage.binary_dilation(whole.cells, np.ones((3, 3), bool)))
    for y in range(0, sides[0], 7):
        for x in range(0, sides[1], 11):
            there = (slice(box[0].start + y, box[0].start + y + 1), slice(box[1].start + x, box[1].start + x + 1))
            here = part is None or part.holds((slice(y, y + 1), slice(x, x + 1)), sides)
            assert here or not whole.holds(there, shape)
            assert wide.holds(there, shape) or not here


def test_a_region_that_is_all_tissue_is_looked_at_whole():
    cells = np.zeros((10, 10), bool)
    cells[4:8, 4:8] = True
    assert Tissue(cells).within((slice(40, 80), slice(50, 70)), (100, 100)) is None
    np.testing.assert_array_equal(Tissue(cells).within((slice(0, 100), slice(0, 100)), (100, 100)).cells, cells)
