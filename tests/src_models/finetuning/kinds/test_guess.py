"""What labels mean, guessed: on drawings, and on real sets of which it is known."""

from __future__ import annotations

import re

import numpy as np
import pytest
from skimage.io import imread

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import UserError
from src_models.finetuning.correction_folder import kind_of
from src_models.finetuning.kinds.guess import guess_of_facts, kind_to_learn
from src_models.finetuning.kinds.label_facts import facts_of
from src_models.finetuning.kinds.label_kind import LabelKind
from src_models.models.checkpoint import save

OBJECTS = ("background", "interior", "boundary")


class Drawn:
    """Labels as corrections of an image that is all grey."""

    def __init__(self, *labels):
        self._labels = labels

    def corrections(self):
        for number, labels in enumerate(self._labels):
            image = np.zeros(labels.shape, np.uint8)
            yield str(number), mark(image, labels, source=Source(layer=str(number)))


def squares(*numbers, size=90):
    """A square of 8 px for each number, side by side."""
    labels = np.zeros((size, size), np.int32)
    for place, number in enumerate(numbers):
        row, column = divmod(place, 8)
        labels[10 * row + 1 : 10 * row + 9, 10 * column + 1 : 10 * column + 9] = number
    return labels


def branching(number=1):
    labels = np.zeros((90, 90), np.int32)
    labels[40:43, :] = labels[:, 60:62] = labels[10:40, 20:22] = number
    return labels


def guessed(*labels):
    return guess_of_facts(facts_of(Drawn(*labels).corrections()))


@pytest.mark.parametrize(
    ("labels", "kind", "why"),
    [
        ([squares(*range(1, 40))], LabelKind("objects"), "There are 39 numbers"),
        ([squares(1, 2, 3), squares(1, 2), squares(1, 2, 3, 4)], LabelKind("objects"), "count up from 1"),
        ([squares(5, 9), squares(11, 12)], LabelKind("objects"), "one connected part each"),
        ([squares(255, 255, 255)], LabelKind("objects"), "One number marks 3 compact parts"),
        ([squares(1, 2, 1, 2, 2, 1)], LabelKind.classes(2), "many separate parts"),
        ([squares(1, 3, 3), squares(3), squares(1, 3)], LabelKind.classes(3), "return, some of them in several parts"),
        ([branching(255)], LabelKind.classes(1), "long thin lines, about [234] px wide"),
        ([(squares() == 0).astype(np.int32)], LabelKind.classes(1), "reaches across the image"),
    ],
)
def test_drawings_are_told_apart(labels, kind, why):
    found, sentence = guessed(*labels)
    assert found == kind
    assert re.search(why, sentence), sentence


@pytest.mark.parametrize(
    ("name", "meaning", "most"),
    [
        ("usiigaci_phase", "objects", 0),
        ("phase_microbes", "objects", 0),
        ("bccd_wbc", "objects", 0),
        ("dsb2018_fluo", "objects", 0),
        ("glas_half", "objects", 0),  # masks number the glands, one connected part each
        ("btcv_ct", "classes", 8),
        ("sem_axon_myelin", "classes", 2),
        ("isbi2012_em", "classes", 1),
    ],
)
def test_five_tiles_of_real_sets_are_told_apart(shared, name, meaning, most):
    folder, rng = shared / "data" / name, np.random.default_rng(5)
    paths = sorted((folder / "masks").glob("*.png"))
    tiles = []
    for index in rng.choice(len(paths), 5, replace=False):
        mask = imread(paths[index]).astype(np.int32)
        mask = (mask == 0).astype(np.int32) if name == "isbi2012_em" else mask
        image = imread(folder / "images" / paths[index].name)
        row, column = np.argwhere(mask)[rng.integers((mask > 0).sum())]
        cut = np.s_[max(0, row - 128) :, max(0, column - 128) :]
        part = mark(image[cut][:256, :256], mask[cut][:256, :256], source=Source(layer=paths[index].name))
        tiles.append((paths[index].name, part))
    found, why = guess_of_facts(facts_of(tiles))
    assert found.meaning == meaning, why
    assert len(found.names) <= most, why


# Beside what a model finds


def header(make_model, kind):
    result = "instances" if kind.meaning == "objects" else "semantic"
    return make_model(classes=kind.outputs, result=result).header


@pytest.mark.parametrize(
    ("known", "labels", "learns"),
    [
        (LabelKind("objects"), [squares(1, 2, 3)], LabelKind("objects")),
        (LabelKind("objects"), [branching()], LabelKind.classes(1)),
        (LabelKind("objects"), [squares(1, 2, 1, 2, 2, 1)], LabelKind.classes(2)),
        (LabelKind("classes", ("gland",)), [squares(1, 2, 3)], LabelKind("classes", ("gland",))),
        (LabelKind("classes", ("gland",)), [branching()], LabelKind("classes", ("gland",))),
        (LabelKind("classes", ("gland",)), [squares(1, 2, 1, 2, 2, 1)], LabelKind.classes(2)),
        (LabelKind("classes", ("a", "b", "c")), [squares(1, 2, 1, 2, 2)], LabelKind("classes", ("a", "b", "c"))),
        (LabelKind("classes", ("a", "b")), [squares(*range(1, 40))], LabelKind("objects")),
    ],
)
def test_a_model_goes_on_with_what_it_finds_where_labels_fit_that(make_model, known, labels, learns):
    found = kind_to_learn(Drawn(*labels), header(make_model, known))
    assert found.kind == learns
    assert ("gets a new last layer" in found.why) == (learns != known)


def test_nothing_marked_changes_nothing(make_model, tmp_path):
    known = LabelKind("classes", ("gland",))
    assert kind_to_learn(CorrectionSet.open(tmp_path), header(make_model, known)).kind == known


def test_what_a_person_says_goes_before_what_is_guessed(make_model):
    objects = header(make_model, LabelKind("objects"))
    said = kind_to_learn(Drawn(squares(1, 2, 3)), objects, "classes")
    assert said.kind == LabelKind.classes(3)
    assert kind_to_learn(Drawn(branching()), objects, "objects").kind == LabelKind("objects")
    named = kind_to_learn(Drawn(squares(1, 2)), objects, class_names=["liver", "spleen", "aorta"])
    assert named.kind == LabelKind("classes", ("liver", "spleen", "aorta"))
    assert named.numbers == (1, 2)
    one = kind_to_learn(Drawn(squares(255, 255)), objects, LabelKind("classes", ("gland",)))
    assert one.kind == LabelKind("classes", ("gland",))


def test_what_does_not_fit_the_labels_is_a_sentence(make_model):
    objects = header(make_model, LabelKind("objects"))
    with pytest.raises(UserError, match=r"classes up to 3 and there are 2 names \(a, b\): name every class"):
        kind_to_learn(Drawn(squares(1, 3)), objects, "classes", ["a", "b"])
    with pytest.raises(UserError, match=r"numbers up to 40, and a network learns 32 classes at most"):
        kind_to_learn(Drawn(squares(1, 40)), objects, "classes")
    with pytest.raises(UserError, match="objects have numbers and no names"):
        kind_to_learn(Drawn(squares(1, 2)), objects, "objects", ["cell"])


def test_a_folder_is_guessed_for_a_file(make_model, tmp_path):
    model = make_model(classes=OBJECTS, result="instances")
    path = save(model, tmp_path / "objects.safetensors")
    kept = CorrectionSet.open(tmp_path / "set")
    for name, correction in Drawn(squares(1, 2, 3), branching()).corrections():
        if name == "1":
            kept.add(correction)
    assert kind_of(tmp_path / "set", path).kind == LabelKind.classes(1)
