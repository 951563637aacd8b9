"""Undo and redo of steps of which some follow from others, held against a list of groups."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.clicking.clicked_object import ObjectState
from src_models.clicking.history import History, Step, stored_steps
from src_models.errors import UserError

actions = st.lists(st.sampled_from(["do", "follow", "undo", "redo"]), max_size=14)


@given(actions)
def test_what_follows_by_itself_is_undone_and_done_again_with_what_it_follows_from(taken):
    history, groups, at, number = History(), [], 0, 0
    for action in taken:
        if action == "undo":
            assert history.undo() == (at > 0)
            at = max(0, at - 1)
        elif action == "redo":
            assert history.redo() == (at < len(groups))
            at = min(len(groups), at + 1)
        elif action == "do" or at:
            number += 1
            state = ObjectState(origin=(number,))
            history.add(Step({"kind": f"{number}"}, state, mends=action == "follow"))
            groups = groups[:at]
            if action == "do":
                groups.append([number])
                at += 1
            else:
                groups[-1] = [*groups[-1], number]
        last = groups[at - 1][-1] if at else None
        assert history.state.origin == (None if last is None else (last,))
        assert history.last_kind == (None if last is None else str(last))
        assert (history.can_undo, history.can_redo) == (at > 0, at < len(groups))
    stored = json.loads(json.dumps(history.to_dict()))
    done, counting = stored_steps(stored)
    assert [int(step["kind"]) for step in done] == [n for group in groups for n in group]
    assert counting == sum(len(group) for group in groups[:at])
    assert [bool(step.get("mends")) for step in done] == [n != group[0] for group in groups for n in group]


@pytest.mark.parametrize(
    "stored",
    [{}, {"version": "x", "done": [], "at": 0}, {"version": 1, "done": None, "at": 0}, {"version": 1, "at": 0}],
)
def test_what_is_no_stored_session_is_said(stored):
    with pytest.raises(UserError, match="this is not a stored session of clicks"):
        stored_steps(stored)


def test_a_session_of_a_newer_version_asks_for_an_update():
    with pytest.raises(UserError, match=r"newer napari-medt \(version 99\): update it"):
        stored_steps({"version": 99, "done": [], "at": 0})
