"""A model comes to learn another kind of labels than it was made for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import UserError
from src_models.finetuning.kinds.guess import Guess
from src_models.finetuning.kinds.label_kind import OBJECT_CLASSES, LabelKind
from src_models.finetuning.kinds.new_head import ALONE, HEAD_RATE, begin_with, learning_groups, rate_of
from src_models.finetuning.learning import Learning
from src_models.finetuning.replay import Replay, replay_images
from src_models.finetuning.settings import FinetuneSettings
from src_models.models.checkpoint import Model, load, save
from src_models.nets.network import Network
from src_models.prediction.segment import segment
from src_models.teaching.learner import finetune

QUICK = FinetuneSettings(steps=40, seconds=1e6, batch=2, patch=48, learning_rate=1e-2, validate_every=20, device="cpu")
OBJECTS, VESSELS = LabelKind("objects"), LabelKind("classes", ("vessel",))


def of_objects(make_model, architecture="attention-unet", **header):
    return make_model(
        architecture,
        classes=OBJECT_CLASSES,
        result="instances",
        config={} if architecture == "medt" else {"norm": "group"},
        object_diameter=18.0,
        diameter_range=(8.0, 60.0),
        training={"data": "nuclei", "known_dice": 0.8},
        **header,
    )


def vessels(seed, size=96):
    """Branching lines of 1 to 3 px: walks that turn a little at each step and send off others, in noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    drawn = np.zeros((size, size), bool)
    walks = [(rng.uniform(0, size, 2), rng.uniform(0, 2 * np.pi), 1.5) for _ in range(3)]
    while walks:
        place, heading, radius = walks.pop()
        for _ in range(70):
            heading += rng.normal(0, 0.1)
            place = place + np.array([np.sin(heading), np.cos(heading)])
            drawn |= np.hypot(y - place[0], x - place[1]) <= radius
            if radius > 1 and rng.random() < 0.04:
                walks.append((place, heading + rng.choice([-0.8, 0.8]), radius * 0.6))
    image = rng.normal(90, 12, drawn.shape) + 70 * drawn
    return image.clip(0, 255).astype(np.uint8), drawn.astype(np.int32)


def discs(seed, size=96):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.int32)
    for number, centre in enumerate(np.stack(np.mgrid[16:size:32, 16:size:32], -1).reshape(-1, 2), 1):
        row, column = centre + rng.uniform(-3, 3, 2)
        labels[np.hypot(y - row, x - column) < rng.uniform(7, 11)] = number
    image = rng.normal(90, 8, labels.shape) + 90 * (labels > 0)
    return image.clip(0, 255).astype(np.uint8), labels


def kept(folder, draw, count=4):
    corrections = CorrectionSet.open(folder)
    for seed in range(count):
        image, labels = draw(seed)
        corrections.add(mark(image, labels, source=Source(layer=f"plane {seed}")))
    return corrections


def dice(found, truth):
    return 2 * (found & truth).sum() / max(1, found.sum() + truth.sum())


def overlap(model, draw=vessels):
    scores = []
    for seed in (98, 99):
        image, labels = draw(seed)
        scores.append(dice(segment(image, model, device="cpu", diameter=None).labels > 0, labels > 0))
    return float(np.mean(scores))


# It learns


def test_a_model_of_objects_learns_thin_lines_as_a_class(make_model, tmp_path):
    parent = of_objects(make_model)
    corrections = kept(tmp_path / "set", vessels)
    learning = Learning(parent, corrections, QUICK)
    updates = list(learning.steps())
    result = learning.result()
    assert "long thin lines" in learning.guess.why
    assert result.sentence.startswith("It has learnt 1 class (class 1): agreement")
    assert updates[0].best_dice < 0.4, "what saying vessel everywhere gives"
    assert overlap(result.model) > 0.6
    assert overlap(result.model) > overlap(parent) + 0.3
    again = load(save(result.model, tmp_path / "vessels.safetensors"))
    assert again.header.result == "semantic"
    assert again.header.classes == ("background", "class 1")
    assert again.header.object_diameter is None
    assert again.header.training["new_head"]
    assert "known_dice" not in again.header.training
    assert replay_images(dataclasses.replace(again.header)) == Replay()


def test_thin_lines_are_learnt_as_objects_too_where_a_person_says_so(make_model, tmp_path):
    """What is thinner than a boundary of two layers is inside, so that it has seeds."""
    learning = Learning(of_objects(make_model), kept(tmp_path, vessels), QUICK, kind="objects")
    list(learning.steps())
    found = learning.best() or learning.preview()
    assert found.header.classes == OBJECT_CLASSES
    assert overlap(found) > 0.3


def test_several_classes_are_learnt_by_name(make_model, tmp_path):
    def both(seed):
        image, labels = discs(seed)
        dark = labels % 2 == 1
        image[dark & (labels > 0)] = 20
        return image, np.where(labels > 0, 1 + dark, 0).astype(np.int32)

    tuned = finetune(
        of_objects(make_model), kept(tmp_path, both), QUICK, kind="classes", class_names=["living", "dead"]
    )
    assert tuned.header.classes == ("background", "living", "dead")
    assert tuned.header.purpose == "2 classes (1 living, 2 dead), learnt from corrections by random"
    image, labels = both(99)
    found = segment(image, tuned, device="cpu")
    assert dice(found.labels == 2, labels == 2) > 0.5
    assert dice(found.labels == 1, labels == 1) > 0.5
    assert found.classes[1:] == ("living", "dead")


def test_back_from_a_class_to_objects(make_model, tmp_path):
    parent = make_model(classes=("background", "vessel"), config={"norm": "group"})
    tuned = finetune(parent, kept(tmp_path, discs), QUICK, kind="objects")
    assert tuned.header.result == "instances"
    assert tuned.header.classes == OBJECT_CLASSES
    assert tuned.header.object_diameter == pytest.approx(18, abs=3)
    assert not tuned.header.estimates_diameter
    image, labels = discs(99)
    found = segment(image, tuned, device="cpu", diameter=None).labels
    assert dice(found > 0, labels > 0) > 0.6
    assert abs(int(found.max()) - int(labels.max())) <= 3


def test_what_was_as_the_old_model_had_found_it_is_learnt_too(make_model, tmp_path):
    image, labels = discs(0)
    corrections = CorrectionSet.open(tmp_path)
    corrections.add(mark(image, labels, labels, source=Source(layer="a")))
    with pytest.raises(UserError, match="as the network found it"):
        Learning(of_objects(make_model), corrections, QUICK)
    learning = Learning(of_objects(make_model), corrections, QUICK, kind=LabelKind("classes", ("cell",)))
    assert {int(value) for image in learning._images.training for value in np.unique(image.labels)} >= {0, 1}


# What it begins with


def test_where_the_kind_is_the_same_the_model_is_the_same(make_model):
    parent = of_objects(make_model)
    beginning = begin_with(parent, Guess(OBJECTS, ""), 0)
    assert beginning.model is parent
    assert not beginning.new_head
    assert not beginning.notes()


def test_classes_without_names_get_names_and_keep_their_head(make_model):
    parent = make_model(classes=("background", "class 1"))
    beginning = begin_with(parent, Guess(VESSELS, ""), 0)
    assert beginning.model.header.classes == ("background", "vessel")
    assert beginning.model.network is parent.network
    assert not beginning.new_head
    named = make_model(classes=("background", "gland"))
    assert begin_with(named, Guess(VESSELS, ""), 0).new_head, "another class is another thing to learn"


@pytest.mark.parametrize("architecture", ["attention-unet", "medt", "fcn"])
def test_all_but_the_head_is_kept(make_model, architecture):
    parent = of_objects(make_model, architecture)
    before = {name: value.clone() for name, value in parent.network.state_dict().items()}
    beginning = begin_with(parent, Guess(LabelKind.classes(4), ""), 0)
    after = beginning.model.network.state_dict()
    assert all(torch.equal(before[name], parent.network.state_dict()[name]) for name in before)
    for name, value in after.items():
        assert name in beginning.new_head or torch.equal(before[name], value)
    assert beginning.model.header.config == {**parent.header.config, "classes": 5}
    again = begin_with(parent, Guess(LabelKind.classes(4), ""), 0).model.network.state_dict()
    assert all(torch.equal(after[name], again[name]) for name in after)
    other = begin_with(parent, Guess(LabelKind.classes(4), ""), 1).model.network.state_dict()
    assert not all(torch.equal(after[name], other[name]) for name in after)


class Stubborn(Network):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))


@pytest.mark.parametrize("network", [Stubborn(), torch.nn.Conv2d(1, 3, 1)])
def test_a_network_that_cannot_have_another_head_is_a_sentence(make_model, network):
    model = Model(network, of_objects(make_model).header)
    with pytest.raises(UserError, match="the network of 'random' cannot get another last layer"):
        begin_with(model, Guess(VESSELS, ""), 0)


# How it learns


@pytest.mark.parametrize("part", ["full", "decoder", "gates"])
def test_a_new_head_learns_with_any_part_and_alone_at_first(make_model, part):
    beginning = begin_with(of_objects(make_model), Guess(VESSELS, ""), 0)
    network = beginning.model.network
    head, rest = learning_groups(network, part, beginning.new_head)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    assert {names[id(parameter)] for parameter in head["params"]} == set(beginning.new_head)
    assert not {id(parameter) for parameter in head["params"]} & {id(parameter) for parameter in rest["params"]}
    learns = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert learns == {names[id(parameter)] for group in (head, rest) for parameter in group["params"]}
    assert (part == "full") == (learns == set(names.values()))
    assert (rate_of(head, 0.01, 0.0), rate_of(rest, 0.01, 0.0)) == (pytest.approx(0.01 * HEAD_RATE), 0.0)
    assert rate_of(rest, 0.01, ALONE) == 0.01


def test_a_model_that_goes_on_learns_at_one_rate(make_model):
    (group,) = learning_groups(of_objects(make_model).network, "decoder", frozenset())
    assert rate_of(group, 0.01, 0.0) == 0.01
