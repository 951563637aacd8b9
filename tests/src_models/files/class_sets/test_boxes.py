"""Objects are squares around the middle of their boxes; boxes of larger images are divided; odd rows are told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from src_models.errors import DataSetError
from src_models.files.class_sets.boxes import cut_square, open_class_boxes


def make(root, rows, sizes=(("a.png", 40, 60), ("b.png", 40, 60))):
    (root / "images").mkdir()
    random = np.random.default_rng(1)
    pixels = {}
    for name, height, width in sizes:
        pixels[name] = random.integers(0, 255, (height, width, 3), np.uint8)
        Image.fromarray(pixels[name]).save(root / "images" / name)
    (root / "boxes.csv").write_text("file,split,class,x0,y0,x1,y1\n" + "\n".join(rows) + "\n")
    return pixels


def test_a_square_lies_around_the_middle_of_its_box_and_sides_follow_the_image(tmp_path):
    pixels = make(tmp_path, ["a.png,train,WBC,20,10,30,22", "a.png,train,RBC,1,2,5,6", "b.png,val,RBC,40,20,50,30"])
    data = open_class_boxes(tmp_path)
    assert (data.classes, data.size) == (("RBC", "WBC"), 16)
    by_name = {sample.name: sample for sample in data.samples}
    white = by_name["a.png 0001"]
    assert (white.read(8) == pixels["a.png"][12:20, 21:29]).all()
    assert (white.label, white.split, white.source, white.extent) == (1, "train", "a.png", (12, 10))
    assert {sample.source for sample in data.split("val")} == {"b.png"}


def test_boxes_in_pixels_of_larger_images_are_divided_by_the_number_that_brings_them_inside(tmp_path, caplog):
    pixels = make(tmp_path, ["a.png,,WBC,40,20,60,44", "b.png,,RBC,100,60,120,80"])
    data = open_class_boxes(tmp_path)
    assert "divided by 2" in caplog.text
    assert data.samples[0].extent == (12, 10)
    assert (data.samples[0].read(8) == pixels["a.png"][12:20, 21:29]).all()


def test_boxes_that_say_nothing_are_passed_over_and_counted(tmp_path, caplog):
    rows = [
        "a.png,,WBC,1,1,9,9",
        "a.png,,RBC,5,5,5,9",
        "b.png,,,1,1,9,9",
        "b.png,,RBC,3,3,9,9",
        "gone.png,,RBC,1,1,9,9",
    ]
    make(tmp_path, rows)
    assert [sample.name for sample in open_class_boxes(tmp_path).samples] == ["a.png 0001", "b.png 0001"]
    assert "2 boxes that are empty or have no class" in caplog.text
    assert "the images of 1 boxes are not there: gone.png" in caplog.text


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a.png,,WBC,1,1,nine,9"], "a box of a.png has no four numbers"),
        (["a.png,,WBC,1,1,9,9"], "one class, WBC"),
        (["gone.png,,WBC,1,1,9,9"], "none of its images"),
        (["a.png,,WBC,1,1,9000,9", "a.png,,RBC,1,1,5,9"], "150 times as far"),
    ],
    ids=["words", "one class", "no image", "far beyond"],
)
def test_what_is_wrong_with_boxes_is_said(tmp_path, rows, message):
    make(tmp_path, rows)
    with pytest.raises(DataSetError, match=message):
        open_class_boxes(tmp_path)


@given(
    y=st.floats(0, 10), x=st.floats(0, 7), size=st.integers(1, 14), channels=st.sampled_from([(), (3,)])
)  # fmt: skip
def test_a_square_beyond_the_edge_shows_the_image_mirrored(y, x, size, channels):
    picture = np.arange(10 * 7 * 3).reshape(10, 7, 3)[..., : 3 if channels else 1].reshape(10, 7, *channels)
    cut = cut_square(picture, y, x, size)
    # A picture that is mirrored at each end again and again, as numpy indices.
    rows, columns = (
        np.array([(p % (2 * n)) if p % (2 * n) < n else 2 * n - 1 - p % (2 * n) for p in range(a, a + size)])
        for a, n in ((round(y - size / 2), 10), (round(x - size / 2), 7))
    )
    assert (cut == picture[np.ix_(rows, columns)]).all()
