"""What a client tells of labels: values are places of segments, whatever else it says."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medt.serving.answers import Refusal
from napari_medt.serving.monai_label.learning.submission import author_in, check_values, segments_in


def test_a_value_is_the_place_of_its_segment_and_idx_is_not_looked_at():
    told = {"label_info": [{"name": "liver", "idx": 2}, {"name": "background", "idx": 0}, {"name": "cyst", "idx": 1}]}
    assert segments_in(told) == {1: "liver", 2: "background", 3: "cyst"}
    assert segments_in({"label_info": ["liver", "cyst"]}) == {1: "liver", 2: "cyst"}
    assert segments_in({}) == {}


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
