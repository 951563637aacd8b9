"""Segments of 3D Slicer in a header, both ways."""

import numpy as np
import pytest

from src_models.files.volumes.nrrd_format.segments import laid_over, read_segments, segment_pairs
from src_models.files.volumes.volume import Segment


def test_segments_come_back_as_they_were_written():
    segments = [Segment(3, "liver", (0.25, 0.5, 1.0)), Segment(1, "kidney", (1.0, 0.0, 0.125))]
    pairs = segment_pairs(segments, {3: ((0, 1), (2, 3), (4, 5))})
    assert [one.segment for one in read_segments(pairs)] == segments
    assert pairs["Segment0_Extent"] == "0 1 2 3 4 5"
    assert pairs["Segment1_Extent"] == "0 -1 0 -1 0 -1"


def test_colours_that_nobody_chose_differ():
    pairs = segment_pairs([Segment(value, "") for value in range(1, 20)], {})
    assert len({pairs[f"Segment{number}_Color"] for number in range(19)}) == 19


def test_older_headers_number_segments_by_their_order():
    pairs = {"Segment0_ID": "a", "Segment1_ID": "b", "Segment1_Name": "B", "Segment1_Color": "red"}
    pairs["Segment1_LabelValue"] = "many"
    assert [one.segment for one in read_segments(pairs)] == [Segment(1, "a"), Segment(2, "B")]
    assert read_segments({}) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_later_of_overlapping_segments_is_on_top(order):
    pairs = segment_pairs([Segment(5, "a"), Segment(5, "b")], {}) | {"Segment1_Layer": "1", "Segment0_Layer": "0"}
    layers = np.zeros((2, 1, 2, 2), "uint8")
    layers[0, 0, 0] = layers[1, 0, :, 0] = 5
    stored = [read_segments(pairs)[number] for number in order]
    labels, segments, lost = laid_over(layers, stored)
    expected = np.array([[[2, 1], [2, 0]]]) if order == (0, 1) else np.array([[[2, 2], [1, 0]]])
    np.testing.assert_array_equal(labels, expected)
    assert [one.value for one in segments] == [1, 2]
    assert lost == 1


def test_a_segment_of_a_layer_that_is_not_there_is_empty():
    pairs = segment_pairs([Segment(1, "a")], {}) | {"Segment0_Layer": "3"}
    labels, _, lost = laid_over(np.ones((1, 1, 2, 2), "uint8"), read_segments(pairs))
    assert not labels.any()
    assert lost == 0
