"""How a network is trained unless a person says otherwise, and which settings are refused."""

import dataclasses

import pytest

from src_models.errors import UserError
from src_models.models.architectures import ARCHITECTURES
from src_models.training.settings import TrainSettings

AXIAL = {"medt", "logo", "gated-axial-unet", "axial-unet"}


@pytest.mark.parametrize("architecture", sorted(AXIAL))
@pytest.mark.parametrize(("images", "epoch"), [(1, 1), (4, 1), (5, 2), (85, 22)])
def test_axial_networks_are_trained_as_their_authors_trained_them(architecture, images, epoch):
    """Their ``train.py``: 400 epochs, batches of 4, the last one smaller; gates from the epoch after number 10 on."""
    theirs = {
        "steps": 400 * epoch,
        "batch": 4,
        "patch": 128,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "weight_decay": 1e-5,
        "schedule": "constant",
        "loss": "ce",
        "gates_from": 11 * epoch,
        "augment": "flip",
        "seed": 0,
    }
    assert theirs.items() <= dataclasses.asdict(TrainSettings.recipe(architecture, images)).items()


def test_all_other_networks_are_trained_by_the_defaults_however_many_images_there_are():
    defaults = {
        "steps": 1200,
        "batch": 8,
        "patch": 160,
        "optimizer": "adamw",
        "learning_rate": 3e-3,
        "weight_decay": 1e-4,
        "schedule": "cosine",
        "loss": "dice-ce",
        "gates_from": 0,
        "augment": "microscopy",
    }
    others = {record.name for record in ARCHITECTURES if record.task == "segmentation"} - AXIAL - {"guided-attention"}
    assert others >= {"attention-unet", "unet", "fcn"}
    for architecture in others:
        for images in (1, 500):
            assert defaults.items() <= dataclasses.asdict(TrainSettings.recipe(architecture, images)).items()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"gates_from": -1}, "gates from is -1; it must be a number of at least 0"),
        ({"weight_decay": -1e-9}, "weight decay is -1e-09; it must be a number of at least 0"),
        ({"weight_decay": float("nan")}, "weight decay is nan"),
        ({"weight_decay": float("inf")}, "weight decay is inf"),
        ({"learning_rate": float("inf")}, "learning rate is inf; it must be a number above 0"),
        ({"validate_every": 0}, "validate every is 0; it must be at least 1"),
        ({"optimizer": "sgd"}, "optimizer 'sgd' is not one of adamw, adam"),
        ({"schedule": "linear"}, "schedule 'linear' is not one of cosine, constant"),
        ({"loss": "dice"}, "loss 'dice' is not one of dice-ce, ce"),
        ({"augment": "wild"}, "augment 'wild' is not one of microscopy, ct, ct-sided, mr, light, flip, none"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_before_anything_is_computed(changed, words):
    with pytest.raises(UserError, match=f"^{words}"):
        TrainSettings(**changed)
    with pytest.raises(UserError, match=f"^{words}"):
        dataclasses.replace(TrainSettings.recipe("medt", 10), **changed)


def test_a_run_may_go_on_elsewhere_but_not_with_what_would_change_its_weights():
    settings = TrainSettings.recipe("medt", 10)
    elsewhere = dataclasses.replace(settings, device="cuda", workers=7, validate_every=3)
    assert elsewhere.repeatable() == settings.repeatable()
    for changed in (
        {"gates_from": 0},
        {"optimizer": "adamw"},
        {"weight_decay": 0.0},
        {"schedule": "cosine"},
        {"loss": "dice-ce"},
        {"augment": "none"},
    ):
        assert dataclasses.replace(settings, **changed).repeatable() != settings.repeatable()


def test_volumes_have_smaller_patches_and_runs_begun_before_there_was_a_balance_go_on():
    volumes, planes = (TrainSettings.recipe("attention-unet", 10, dimensions) for dimensions in (3, 2))
    assert (volumes.patch, volumes.batch) == (64, 4)
    assert (planes.patch, planes.batch) == (TrainSettings().patch, TrainSettings().batch)
    assert "balance" not in planes.repeatable()
    assert dataclasses.replace(planes, balance="classes").repeatable()["balance"] == "classes"
