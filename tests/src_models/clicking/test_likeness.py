"""Places that look like some objects, in images that are made of known ones."""

import numpy as np
import pytest

from src_models.clicking.likeness import ObjectLook, Scale, View, inner

SHAPE = (160, 210)
NOTHING = np.zeros(SHAPE, bool)


def disk(y, x, radius):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def view_of(image, scale, origin=(0, 0)):
    return View(np.asarray(image, np.float32)[None], origin, scale)


def test_the_scale_is_that_of_disks():
    scale = Scale.of([disk(50, 50, 20), disk(80, 120, 10)])
    assert scale.radius == pytest.approx(15, abs=1)
    assert scale.diameter == pytest.approx(30, abs=1)
    bar = np.zeros(SHAPE, bool)
    bar[20:25, 10:190] = True
    assert Scale.of([bar]).radius == pytest.approx(3, abs=0.5)
    assert Scale.of([bar]).diameter == pytest.approx(2 * np.sqrt(5 * 180 / np.pi))


@pytest.mark.parametrize("radius", [5, 11, 19])
@pytest.mark.parametrize("origin", [(0, 0), (1000, 300)])
def test_places_are_the_middles_of_what_is_alike(radius, origin):
    centres = [(30, 30), (30, 100), (100, 50), (110, 150), (45, 180)]
    image = sum(disk(*centre, radius) for centre in centres)
    scale = Scale.of([disk(30, 30, radius)])
    view = view_of(image, scale, origin)
    look = ObjectLook.of(view, disk(30, 30, radius), origin, scale)
    places = view.places([look], disk(30, 30, radius), most=10)
    assert len(places) == 4
    for y, x in centres[1:]:
        nearest = min(np.hypot(y + origin[0] - row, x + origin[1] - column) for row, column in places)
        assert nearest <= 0.3 * radius
    assert view.places([look], NOTHING, most=3) == view.places([look], NOTHING, most=10)[:3]


def test_touching_objects_have_a_place_each():
    image = 0.5 + 0.5 * (disk(60, 60, 14) | disk(60, 90, 14) | disk(60, 120, 14))
    scale = Scale.of([disk(60, 60, 14)])
    view = view_of(image, scale)
    look = ObjectLook.of(view, disk(60, 60, 14), (0, 0), scale)
    columns = sorted(x for _, x in view.places([look], NOTHING, most=10))
    assert columns == pytest.approx([60, 90, 120], abs=5)


def test_what_is_told_apart_by_texture_alone_is_found():
    noise = np.random.default_rng(0).choice([-0.3, 0.3], SHAPE)
    rough = disk(40, 40, 16) | disk(100, 140, 16)
    scale = Scale.of([disk(40, 40, 16)])
    view = view_of(0.5 + noise * rough, scale)
    look = ObjectLook.of(view, disk(40, 40, 16), (0, 0), scale)
    first = view.places([look], disk(40, 40, 16), most=1)[0]
    assert np.hypot(first[0] - 100, first[1] - 140) < 6


def test_an_object_resembles_itself_fully_and_another_kind_not_at_all():
    scale = Scale.of([disk(40, 40, 12)])
    image = disk(40, 40, 12) + 0.9 * disk(40, 120, 12) + 0.6 * disk(110, 60, 12)
    view = view_of(image, scale)
    look = ObjectLook.of(view, disk(40, 40, 12), (0, 0), scale)

    def resemblance(y, x):
        return look.resemblance(np.median(view.at(inner(disk(y, x, 12), (0, 0))), axis=0))

    assert resemblance(40, 40) == pytest.approx(1, abs=0.01)
    assert 0.8 < resemblance(40, 120) < 0.99
    assert resemblance(110, 60) == 0
    assert resemblance(120, 160) == 0


def test_what_fills_the_image_is_like_nothing():
    scale = Scale(10, 20)
    view = view_of(np.ones((40, 40)), scale)
    look = ObjectLook.of(view, np.ones((40, 40), bool), (0, 0), scale)
    assert view.places([look], np.zeros((40, 40), bool), most=5) == []
