"""Boxes and arrows: what would not be legible is refused."""

import pytest

from benchmarks.schematics import Box, Schematic


@pytest.fixture
def drawing():
    made = Schematic("A & B", 300, 100)
    made.box("image", 60, 50, "image", width=80)
    return made


def test_a_line_leaves_a_box_at_its_border():
    box = Box(10, 20, 40, 20)
    assert box.towards((110, 20)) == (30, 20)
    assert box.towards((10, -50)) == (10, 10)
    assert box.towards((50, 60)) == (20, 30), "slanting, through the nearer border"


@pytest.mark.parametrize(
    ("x", "words", "sentence"),
    [
        (110, "near", "'near' lies over another box"),
        (280, "far", "'far' lies beyond the edge"),
        (200, "many more words", "does not fit into 60 x 40 px"),
        (200, "a\nb\nc", "does not fit into 60 x 40 px"),
    ],
)
def test_what_cannot_be_read_is_refused(drawing, x, words, sentence):
    with pytest.raises(ValueError, match=sentence):
        drawing.box("attention", x, 50, words, width=60)


def test_words_are_written_as_they_are(drawing):
    end = drawing.box("merge", 200, 50, "a < b", width=60)
    drawing.arrow(drawing.boxes[0], end, (100, 50), words="x & y")
    text = drawing.svg()
    assert "<title>A &amp; B</title>" in text
    assert ">a &lt; b</text>" in text
    assert ">x &amp; y</text>" in text
    assert 'd="M100.0 50.0 L100.0 50.0 L170.0 50.0"' in text
