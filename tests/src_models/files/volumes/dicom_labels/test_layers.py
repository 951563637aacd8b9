"""Segments laid over each other, against the largest number at each voxel."""

import numpy as np

from src_models.files.volumes.dicom_labels.layers import LaidSegments
from src_models.files.volumes.volume import Segment


def test_the_higher_number_is_on_top_in_any_order():
    random = np.random.default_rng(0)
    frames = [np.where(random.random((4, 5)) < 0.4, number, 0).astype(np.uint16) for number in (1, 300, 7, 2)]
    for order in (frames, frames[::-1]):
        laid = LaidSegments((2, 4, 5), [1, 2, 7, 300])
        for frame in order:
            laid.lay(1, frame)
        np.testing.assert_array_equal(laid.labels[1], np.max(frames, axis=0))
        assert not laid.labels[0].any()


def test_a_frame_is_laid_into_its_part():
    laid = LaidSegments((1, 4, 5), [3])
    laid.lay(0, np.full((2, 2), 3, np.uint8), slice(1, 3), slice(3, 5))
    assert np.argwhere(laid.labels[0]).tolist() == [[1, 3], [1, 4], [2, 3], [2, 4]]
    assert laid.note([Segment(3, "a")]) == ""


def test_the_same_segment_twice_is_no_overlap():
    laid = LaidSegments((1, 1, 2), [1])
    laid.lay(0, np.array([[1, 0]]))
    laid.lay(0, np.array([[1, 1]]))
    assert laid.labels.tolist() == [[[1, 1]]]
    assert laid.note([]) == ""
