"""What makes an image another one for whoever answers, and what is kept of the object in work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from src_models.clicking.in_work import ClickedImage, InWork
from src_models.clicking.prompts import Click
from src_models.clicking.writing import Again
from src_models.errors import UserError
from src_models.images.axes import read_axes
from src_models.images.labels_axes import LabelsAxes
from src_models.models.header import Intensity

ROWS, COLUMNS = np.mgrid[:60, :70]
DISC = ((ROWS - 30) ** 2 + (COLUMNS - 35) ** 2 <= 100).astype(np.float32)


@pytest.fixture
def image(bright_model_path):
    return ClickedImage(
        key="image",
        data=DISC,
        reading=read_axes(DISC.shape, axes="YX"),
        covering=LabelsAxes("YX", DISC.shape),
        name="layer 'discs'",
        model=bright_model_path,
        device="cpu",
        threads=1,
    )


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"name": "layer 'another name'"}, True),
        ({"threads": 2}, True),
        ({"data": DISC.copy()}, False),
        ({"reading": read_axes(DISC.shape, axes="XY")}, False),
        ({"intensity": Intensity(kind="window", low=0.0, high=2.0)}, False),
        ({"device": "auto"}, False),
    ],
)
def test_what_answers_depend_on_makes_an_image_another_one(image, changes, same):
    assert image.like(replace(image, **changes)) == same


def test_as_many_threads_compute_as_a_person_prefers(image):
    with replace(image, threads=2).computing():
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 1
    with replace(image, threads=0).computing():
        assert torch.get_num_threads() >= 1


def test_a_session_asks_the_chosen_model_with_the_chosen_window(image):
    session = image.session()
    session.click(30, 35)
    assert (session.mask & (DISC > 0)).sum() / (session.mask | (DISC > 0)).sum() > 0.9
    high = replace(image, intensity=Intensity(kind="window", low=0.0, high=4.0)).session()
    high.click(30, 35)  # a quarter of the way: dark
    assert high.mask.sum() < session.mask.sum() / 2
    assert image.session().image.network is session.image.network  # loaded once


def test_a_model_that_is_no_file_is_named(image, tmp_path):
    with pytest.raises(UserError, match=r"none\.safetensors"):
        replace(image, model=tmp_path / "none.safetensors").session()


def test_an_object_is_kept_with_what_it_was_before_until_another_is_begun(image):
    work = InWork(image, image.session())
    work.session.click(30, 35)
    assert "again" not in work.seen().stored
    work.again = Again(4, False, "2024-01-01", {}, "labels")
    seen = work.seen()
    assert seen.stored["again"] == {"value": 4, "time": "2024-01-01"}
    assert (seen.key, seen.can_undo, seen.again) == ("image", True, work.again)
    assert seen.state.planes[()].prompts == (Click(30, 35),)
    work.begin()
    assert work.again is None
    assert not work.seen().state.planes
