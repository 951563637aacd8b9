"""Judging a network that learns another kind of labels."""

import numpy as np
import pytest
import torch

from src_models.finetuning.judging import judge
from src_models.finetuning.kinds.unblended import Unblended, blind_dice
from src_models.models.header import InstanceSettings
from src_models.training.patches import TrainingImage


def image(labels, seed=0):
    planes = np.random.default_rng(seed).normal(size=(1, *labels.shape)).astype(np.float16)
    return TrainingImage("a", planes, labels.astype(np.int32), None)


def test_the_blind_answer_is_the_class_of_which_there_is_most(make_model):
    header = make_model(classes=("background", "a", "b")).header
    labels = np.zeros((16, 16), np.int32)
    labels[:4], labels[4:6] = 1, 2  # 64 and 32 of 256 pixels
    assert blind_dice([image(labels)], header) == pytest.approx(2 * 64 / (256 + 64) / 2)  # the mean over two classes
    assert blind_dice([image(labels * 0)], header) == 0.0


def test_pixels_that_do_not_count_do_not(make_model):
    header = make_model(classes=("background", "a")).header
    labels = np.zeros((16, 16), np.int32)
    labels[:4] = 1
    labels[8:] = ~labels[8:]
    assert blind_dice([image(labels)], header) == pytest.approx(2 * 64 / (128 + 64))


def test_where_flows_separate_objects_what_is_object_counts_alone(make_model):
    way = InstanceSettings(separation="flows")
    header = make_model(result="instances", classes=("background", "object"), instances=way).header
    labels = np.zeros((16, 16), np.int32)
    labels[:2], labels[2:4] = 1, 2
    assert blind_dice([image(labels)], header) == pytest.approx(2 * 64 / (256 + 64))


def test_it_is_judged_as_it_learnt_and_forgets_nothing(make_model):
    model, other = make_model(), make_model(seed=5)
    labels = (np.random.default_rng(1).random((32, 32)) < 0.3).astype(np.int32)
    held_out = [image(labels)]
    unblended = Unblended(model.network, model.header, held_out, (), torch.device("cpu"), 0.9)
    assert unblended.first.dice == blind_dice(held_out, model.header)
    assert unblended.knew is None
    blend = unblended.best(other.network.state_dict())
    assert blend.validation == judge(other.network, held_out, model.header)
    assert blend.forgot == 0
    assert all(torch.equal(value, other.network.state_dict()[name]) for name, value in blend.weights.items())
