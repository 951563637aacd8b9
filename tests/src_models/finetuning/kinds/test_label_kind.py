"""What labels mean, said."""

import pytest

from src_models.errors import UserError
from src_models.finetuning.kinds.label_kind import MOST_CLASSES, LabelKind


def test_a_model_s_kind_is_what_it_finds(make_model):
    assert LabelKind.of(make_model(classes=("background", "axon", "myelin")).header).names == ("axon", "myelin")
    objects = make_model(classes=("background", "interior", "boundary"), result="instances")
    assert LabelKind.of(objects.header) == LabelKind("objects")


def test_classes_without_a_name_are_called_by_their_number():
    assert LabelKind.classes(3, ["axon"]).names == ("axon", "class 2", "class 3")


def test_a_network_gives_the_background_too():
    assert LabelKind.classes(2).outputs == ("background", "class 1", "class 2")


def test_it_says_what_it_is():
    assert LabelKind("objects").words == "objects, each with a number of its own"
    assert LabelKind("classes", ("vessel",)).words == "1 class (vessel)"
    assert LabelKind("classes", ("axon", "myelin")).words == "2 classes (1 axon, 2 myelin)"


@pytest.mark.parametrize(
    ("meaning", "names", "sentence"),
    [
        ("objects", ("cell",), "objects have numbers and no names"),
        ("classes", (), "there are 0 classes"),
        (
            "classes",
            tuple(map(str, range(MOST_CLASSES + 1))),
            "there are 33 classes, and a network learns from 1 to 32",
        ),
        ("classes", ("axon", "axon"), "give each class a name of its own"),
        ("classes", ("axon", "background"), "give each class a name of its own"),
        ("stripes", (), "objects or classes, not 'stripes'"),
    ],
)
def test_what_contradicts_itself_is_a_sentence(meaning, names, sentence):
    with pytest.raises(UserError, match=sentence):
        LabelKind(meaning, names)
