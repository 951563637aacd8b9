"""What an object says of its planes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from src_models.clicking.clicked_object import AcceptedObject, End, ObjectInPlane, ObjectSlice, ObjectState
from src_models.clicking.prompts import Box, Click, prompt_from_dict
from src_models.errors import UserError

PART = ObjectInPlane(answer=None)  # what was found there is of no matter here


def test_something_can_be_given_where_an_object_lies_and_where_it_was_carried_along_its_stack():
    ObjectState().check_reaches((7,))  # no object yet
    begun = ObjectState({(3,): PART}, (3,))
    begun.check_reaches((3,))
    with pytest.raises(UserError, match=r"begun in plane \(3,\): accept it, drop it, or carry it here"):
        begun.check_reaches((4,))
    for carried in (
        ObjectState({(3,): PART, (4,): PART}, (3,)),
        ObjectState({(3,): PART}, (3,), {1: End((3,), "it vanishes")}),
    ):
        assert carried.carried
        carried.check_reaches((9,))
    stacks = ObjectState({(0, 3): PART, (0, 4): PART}, (0, 3))
    stacks.check_reaches((0, 9))
    with pytest.raises(UserError, match=r"in the stack of plane \(0, 3\)"):
        stacks.check_reaches((1, 3))


def test_an_accepted_object_tells_its_pixels_and_all_that_json_can_hold():
    mask = np.array([[True, False], [True, True]])
    prompts = (Click(11.0, 20.0), Box(9.0, 19.0, 13.0, 22.0), Click(0.0, 0.0, positive=False))
    part = ObjectSlice((2,), (slice(10, 12), slice(20, 22)), mask, prompts)
    assert part.pixels.tolist() == [[10, 20], [11, 20], [11, 21]]
    other = ObjectSlice((3,), (slice(0, 2), slice(0, 2)), ~mask, ())
    found = AcceptedObject((part, other), "ab", datetime(2024, 5, 6, 7, 8, tzinfo=UTC))
    assert found.area == 4
    stored = json.loads(json.dumps(found.to_dict()))
    assert (stored["planes"], stored["time"]) == ([[2], [3]], "2024-05-06T07:08:00+00:00")
    assert {tuple(prompt.pop("plane")) for prompt in stored["prompts"]} == {(2,)}
    assert tuple(prompt_from_dict(prompt) for prompt in stored["prompts"]) == prompts
