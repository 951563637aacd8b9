"""What is said while a person clicks: which words stay, and which go when what they say is over."""

from __future__ import annotations

import pytest

from napari_medt.clicking.panels.status import BEGIN, ClickStatus

_NO_IMAGE = "Open an image to begin (File > Open File(s)...)."


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ("", BEGIN),
        ("on image", BEGIN),
        ("off", "A brush."),
        ("off on", BEGIN),
        ("off image", "A brush."),
        ("say off on", BEGIN),
        ("off say on", "12 px."),
        ("say on image", "12 px."),
        ("none", _NO_IMAGE),
        ("none on", _NO_IMAGE),
        ("none image", BEGIN),
        ("none off image", "A brush."),
        ("off none on", _NO_IMAGE),
        ("none say image", "12 px."),
        ("off on say on image", "12 px."),
    ],
)
def test_why_clicks_do_not_count_is_said_until_they_do_and_no_other_words_are_lost(events, words):
    status = ClickStatus()
    happens = {
        "say": lambda: status.say("12 px."),
        "off": lambda: status.switched(False, "A brush."),
        "on": lambda: status.switched(True),
        "none": lambda: status.ready(False),
        "image": lambda: status.ready(True),
    }
    for event in events.split():
        happens[event]()
    assert status.words == words
