"""Colours of classes, as napari gives them to labels."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_medt.classifying.colours import class_colour, class_colours, coloured_by_class


def rgba(colour):
    return [*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)), 1]


def test_no_two_of_many_classes_share_a_colour():
    colours = class_colours(40)
    assert len(set(colours)) == 40
    assert colours[17] == class_colour(17)
    parts = np.array([rgba(colour)[:3] for colour in colours[:12]])
    apart = np.abs(parts[:, None] - parts).sum(-1) + 9 * np.eye(12)
    assert apart.min() > 0.3


@pytest.mark.parametrize("highest", [7, 500, 2**16 + 5], ids=["few", "many", "more than colours in turn"])
def test_each_object_has_the_colour_of_its_class(highest):
    ids, numbers = np.array([2, 5, highest]), np.array([1, 0, 1])
    colours = class_colours(2)
    data = np.array([[0, 2, 5], [highest, 2, 5]])
    layer = Labels(data, colormap=coloured_by_class(ids, numbers, colours))
    for own, number in zip(ids, numbers, strict=True):
        np.testing.assert_allclose(layer.get_color(own), rgba(colours[number]), atol=1e-3)
    shown = layer.colormap.map(data)
    np.testing.assert_allclose(shown[0, 1], rgba(colours[1]), atol=1e-3)
    np.testing.assert_allclose(shown[0, 2], rgba(colours[0]), atol=1e-3)
    np.testing.assert_allclose(shown[1, 0], rgba(colours[1]), atol=1e-3)
    assert shown[0, 0, 3] == 0
    assert np.all(shown[:, 1:, 3] == 1)


def test_an_object_without_a_class_cannot_be_seen():
    layer = Labels(np.array([[1, 2, 3]]), colormap=coloured_by_class(np.array([1, 3]), np.zeros(2, int), ("#ff0000",)))
    assert layer.colormap.map(np.array([[2]]))[0, 0, 3] == 0
    assert layer.colormap.map(np.array([[3]]))[0, 0].tolist() == [1, 0, 0, 1]


def test_without_objects_there_are_no_colours():
    none = np.zeros(0, np.int64)
    assert coloured_by_class(none, none, class_colours(3)).map(np.array([[0]]))[0, 0, 3] == 0
