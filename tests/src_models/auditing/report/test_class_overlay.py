"""Pictures of an audit of classes: what the network saw, and maps over it."""

import pytest
from patch_classes import PATCHES, SIZE, patch_model, patch_picture

from src_models.auditing.classes.audited_pictures import AuditedPicture
from src_models.auditing.report.class_overlay import draw_class_maps
from src_models.auditing.report.overlay import GAP, LINE, PANEL
from src_models.models.architectures import ARCHITECTURES


@pytest.fixture(autouse=True)
def patch_architecture():
    ARCHITECTURES.append(PATCHES)
    yield
    ARCHITECTURES.remove(PATCHES)


def test_a_row_for_each_picture_whose_map_is_bright_on_the_patch_alone():
    corners = [(4, 4), (24, 4), (4, 24)]
    pictures = [AuditedPicture(str(corner), patch_picture(*corner)) for corner in corners]
    drawn = draw_class_maps(pictures, patch_model(), ["class relevance"])
    assert drawn.shape == (3 * (PANEL + LINE), 2 * PANEL + GAP, 3)
    for number, (row, column) in enumerate(corners):
        top = number * (PANEL + LINE) + LINE
        map_ = drawn[top : top + PANEL, PANEL + GAP :].mean(2)
        zoom = PANEL / SIZE
        patch = map_[
            round((row + 1) * zoom) : round((row + 7) * zoom), round((column + 1) * zoom) : round((column + 7) * zoom)
        ]
        assert patch.min() > 2 * map_.mean()


def test_of_many_pictures_four_are_drawn():
    pictures = [AuditedPicture("x", patch_picture(4, 4 + number)) for number in range(7)]
    assert len(draw_class_maps(pictures, patch_model(), ["class relevance"])) == 4 * (PANEL + LINE)
