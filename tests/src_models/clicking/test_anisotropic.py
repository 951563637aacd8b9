"""Objects of volumes with flat voxels: the same in mm, whichever way the planes lie that are clicked in."""

import numpy as np
import pytest

from src_models.clicking.answering.known import whole
from src_models.clicking.session import ClickSession
from src_models.images.axes import read_axes

# Two scans of one phantom: slices of 5 mm, and a sagittal series with slices of 3 mm, in its own order of axes.
AXIAL = ("ZYX", (5.0, 0.7, 0.7), (15, 100, 100))
SAGITTAL = ("XZY", (3.0, 0.8, 0.8), (24, 88, 88))
RADIUS = 17.0
MIDDLE = np.array([36.0, 35.0, 34.0])  # mm along z, y, x
OTHER = np.array([36.0, 35.0, 58.5])  # of a small ball beside it


def phantom(order, spacing, shape, middle=MIDDLE, radius=RADIUS):
    """A ball, by the distance in mm of each voxel's centre from its middle."""
    places = np.indices(shape)
    away = [(places[axis] * spacing[axis] - middle["ZYX".index(letter)]) ** 2 for axis, letter in enumerate(order)]
    return sum(away) <= radius**2


def turned(volume, order, spacing, across):
    """The volume with an axis first, so that its planes are those across it."""
    axis = order.index(across)
    others = [at for at in range(3) if at != axis]
    return np.transpose(volume, (axis, *others)), [spacing[at] for at in (axis, *others)], others


def carried(image, spacing, network, plane, click):
    reading = read_axes(image.shape, axes="ZYX", spacing=dict(zip("ZYX", spacing, strict=True)), unit="mm")
    session = ClickSession(image.astype(np.float32), network, axes=reading, plane=(plane,))
    session.click(*click)
    list(session.carry())
    return session


def volume_of(session, shape):
    found = np.zeros(shape, bool)
    for (at,), known in session.state.planes.items():
        found[at] = whole(known.answer)
    return found


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize("across", "ZYX")
@pytest.mark.parametrize("scan", [AXIAL, SAGITTAL], ids=["axial 5 mm", "sagittal 3 mm"])
def test_a_click_in_a_plane_of_any_orientation_gives_the_same_ball(bright, scan, across):
    order, spacing, _ = scan
    truth = phantom(*scan)
    image, sizes, others = turned(truth | phantom(*scan, OTHER, 3.0), order, spacing, across)
    ball, _, _ = turned(truth, order, spacing, across)
    plane = round(MIDDLE["ZYX".index(across)] / sizes[0])
    click = [MIDDLE["ZYX".index(order[at])] / spacing[at] for at in others]
    session = carried(image, sizes, bright, plane, click)
    found = volume_of(session, image.shape)
    assert dice(found, ball) > 0.93
    assert found.sum() * np.prod(sizes) == pytest.approx(ball.sum() * np.prod(sizes), rel=0.1)
    held = np.flatnonzero(ball.any((1, 2)))
    slack = max(1, round(0.15 * RADIUS / sizes[0]))  # the caps are too small to be told from noise
    ends = [session.state.ends[side].plane[0] for side in (-1, 1)]
    assert abs(ends[0] - held[0]) <= slack
    assert abs(ends[1] - held[-1]) <= slack
    assert held[0] - 1 <= ends[0]
    assert ends[1] <= held[-1] + 1


@pytest.mark.parametrize("across", "YX")
def test_a_network_is_shown_tall_pixels_in_their_true_proportions(bright, across):
    """A ball is round on the network's grid, as high as it is wide, although its rows are seven times as high."""
    image, sizes, _ = turned(phantom(*AXIAL), *AXIAL[:2], across)
    plane = round(MIDDLE["ZYX".index(across)] / sizes[0])
    session = carried(image, sizes, bright, plane, (7.2, 49.0))
    cells = session.state.planes[plane,].answer.cells > 0.5
    height, width = (np.flatnonzero(cells.any(axis)).size for axis in (1, 0))
    assert height / width == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("across", "ZYX")
def test_a_mend_of_a_tall_plane_is_near_the_click_in_mm(bright, across):
    image, sizes, _ = turned(phantom(*AXIAL), *AXIAL[:2], across)
    plane = round(MIDDLE["ZYX".index(across)] / sizes[0])
    session = carried(image, sizes, bright, plane, [MIDDLE[0] / sizes[1], MIDDLE[1] / sizes[2]])
    before = session.mask
    edge = np.argwhere(before)[-1]
    session.click(*edge, positive=False)
    changed = np.argwhere(before != session.mask)
    assert not session.mask[tuple(edge)]
    away = np.hypot(*((changed - edge) * np.array(sizes[1:])).T)
    assert away.max() < 0.8 * RADIUS


def test_volumes_of_nearly_even_voxels_are_seen_pixel_by_pixel(bright):
    reading = read_axes((3, 40, 40), axes="ZYX", spacing=(5.0, 0.7, 0.8), unit="mm")
    assert ClickSession(np.zeros((3, 40, 40), np.float32), bright, axes=reading).image.pixel == (1.0, 1.0)
