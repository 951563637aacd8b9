"""What a client tells of labels: values are places of segments, whatever else it says."""

from __future__ import annotations

import io

import numpy as np
import pytest

from napari_medt.serving.answers import Refusal
from napari_medt.serving.monai_label.learning.submission import author_in, check_values, named_in, segments_in
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.nrrd_labels import write_nrrd_to
from src_models.files.volumes.volume import Segment


def test_a_value_is_the_place_of_its_segment_and_idx_is_not_looked_at():
    told = {"label_info": [{"name": "liver", "idx": 2}, {"name": "background", "idx": 0}, {"name": "cyst", "idx": 1}]}
    assert segments_in(told) == {1: "liver", 2: "background", 3: "cyst"}
    assert segments_in({"label_info": ["liver", "cyst"]}) == {1: "liver", 2: "cyst"}
    assert segments_in({}) == {}


def test_a_segmentation_of_slicer_names_its_own_values_whatever_their_order():
    file = io.BytesIO()
    geometry = VolumeGeometry.of_grid(np.eye(4), (2, 3, 4))
    segments = [Segment(4, "spleen"), Segment(1, "Gefäß"), Segment(2, "liver")]
    write_nrrd_to(file, np.zeros((2, 3, 4), np.uint8), geometry, segments=segments)
    assert segments_in(named_in(file)) == {1: "Gefäß", 2: "liver", 3: "background", 4: "spleen"}
    assert file.tell() == 0
    plain = io.BytesIO()
    write_nrrd_to(plain, np.zeros((2, 3, 4), np.uint8), geometry)
    for other in (plain, io.BytesIO(b"no NRRD"), io.BytesIO()):
        assert named_in(other) == {}
    wild = io.BytesIO()
    write_nrrd_to(wild, np.zeros((2, 3, 4), np.uint8), geometry, segments=[Segment(2**31, "liver")])
    assert named_in(wild) == {}


@pytest.mark.parametrize("told", ["liver", [{"idx": 1}], [{"name": 5}], [None]])
def test_segments_without_names_are_refused(told):
    with pytest.raises(Refusal, match="label_info"):
        segments_in({"label_info": told})


def test_the_author_is_the_person_else_the_client_and_never_nothing():
    assert author_in({"user": " ada ", "client_id": "slicer"}) == "ada"
    assert author_in({"client_id": "slicer"}) == "slicer"
    assert author_in({"client_id": 5}, "at 10.0.0.7") == "at 10.0.0.7"
    assert author_in({})


def test_values_that_no_segment_stands_for_are_refused():
    labels = np.array([[0, 1, 3]])
    check_values(labels, {})
    check_values(labels, {1: "a", 2: "b", 3: "c"})
    with pytest.raises(Refusal, match="value 3"):
        check_values(labels, {1: "a", 2: "b"})
