"""Choosing one of several images by number or name, and what tells them apart in names of files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.errors import ImageError
from src_models.files.series.image_series import Found, SeveralImagesError, choose, numbered, wanted_images

FILE = Path("cells.tif")


def images(*names, beside=()):
    return numbered([Found(name, (20, 30), "YX", beside=name in beside) for name in names])


def test_an_image_is_chosen_by_number_and_by_name_whatever_its_case():
    found = images("left", "Right")
    assert [choose(found, wanted, FILE).name for wanted in (0, "0", "left", 1, " 1 ", "right")] == [
        "left", "left", "left", "Right", "Right", "Right",
    ]  # fmt: skip


def test_digits_are_a_number_even_where_an_image_is_called_so():
    assert choose(images("1", "0"), "1", FILE).name == "0"


def test_several_images_are_listed_and_none_is_taken():
    with pytest.raises(SeveralImagesError) as caught:
        choose(images(*(f"Pos{number}" for number in range(11))), None, FILE)
    assert str(caught.value).startswith("cells.tif: it holds 11 images: 0 'Pos0' (Y=20, X=30), 1 'Pos1'")
    assert "and 3 more" in str(caught.value)
    assert len(caught.value.images) == 11


@pytest.mark.parametrize("wanted", [2, -1, "middle", "2", "all"])
def test_what_is_not_there_is_refused_with_what_is(wanted):
    with pytest.raises(ImageError, match=rf"it holds no image '{wanted}'.*0 'left'.*1 'right'"):
        choose(images("left", "right"), wanted, FILE)


def test_a_name_of_two_images_is_refused_and_their_numbers_are_told():
    with pytest.raises(ImageError, match=r"2 of its images are called 'a'; choose by number: 0 'a'.*1 'a'"):
        choose(images("a", "a", "b"), "a", FILE)


def test_a_slide_is_its_one_image_proper_and_what_is_beside_it_can_be_chosen():
    found = images("Baseline", "Label", "Macro", beside=("Label", "Macro"))
    assert choose(found, None, FILE).name == "Baseline"
    assert [image.label for image in found] == ["", "Label", "Macro"]
    assert choose(found, "macro", FILE).number == 2
    assert [image.name for image in wanted_images(found)] == ["Baseline"]


def test_images_that_are_all_thumbnails_are_images():
    assert len(wanted_images(images("Thumbnail", "Label", beside=("Thumbnail", "Label")))) == 2


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("Pos 1", "A/1/0"), ["Pos_1", "A_1_0"]),
        (("", "x"), ["image_0", "x"]),
        (("a b", "a/b"), ["0", "1"]),
        (("A", "a"), ["0", "1"]),
        (("..", "x"), ["0", "1"]),
        (("x" * 61, "y"), ["0", "1"]),
    ],
)
def test_names_of_files_have_the_name_where_it_tells_the_images_apart(names, labels):
    assert [image.label for image in images(*names)] == labels


@given(st.lists(st.text(max_size=80), min_size=2, max_size=6))
def test_labels_differ_on_every_disk_and_need_no_folder(names):
    labels = [image.label.casefold() for image in images(*names)]
    assert len(set(labels)) == len(labels)
    assert all(label and not set(label) & set('/\\:*?"<>|\0 ') for label in labels)
