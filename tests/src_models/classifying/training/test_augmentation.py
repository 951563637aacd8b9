"""Pictures are varied as their recipe says, always alike for one seed, and keep their class."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from src_models.classifying.training.augmentation import class_augmentation

PICTURE = torch.from_numpy(np.random.default_rng(0).uniform(0.2, 0.8, (3, 24, 24)).astype(np.float32))


def varied(name, seed):
    recipe = class_augmentation(name, 24)
    recipe.set_random_state(seed=seed)
    return torch.as_tensor(recipe(PICTURE))


def symmetries(picture):
    turned = [torch.rot90(picture, quarter, (1, 2)) for quarter in range(4)]
    return [*turned, *(each.flip(1) for each in turned)]


@pytest.mark.parametrize("name", ["microscopy", "ct", "light", "flip", "none"])
def test_a_seed_gives_the_same_picture_again(name):
    assert all(torch.equal(varied(name, seed), varied(name, seed)) for seed in range(4))
    assert varied(name, 0).shape == PICTURE.shape


def test_flip_mirrors_left_and_right_alone_and_none_does_nothing():
    seen = [varied("flip", seed) for seed in range(12)]
    assert all(torch.equal(each, PICTURE) or torch.equal(each, PICTURE.flip(2)) for each in seen)
    assert not all(torch.equal(each, seen[0]) for each in seen)
    assert torch.equal(varied("none", 3), PICTURE)


def test_light_orients_and_changes_grey_values_a_little():
    which = set()
    for seed in range(40):
        found = varied("light", seed)
        distances = [float((found - each).abs().mean()) for each in symmetries(PICTURE)]
        which.add(int(np.argmin(distances)))
        assert min(distances) < 0.12
    assert which == set(range(8))


def test_microscopy_keeps_sizes_nearly():
    """An object's area tells its class: it changes by a fifth at most to either side."""
    disc = torch.from_numpy((np.hypot(*(np.mgrid[:48, :48] - 23.5)) < 9).astype(np.float32))[None]
    recipe = class_augmentation("microscopy", 48)
    geometry = recipe.transforms[:3]
    areas = []
    for seed in range(60):
        recipe.set_random_state(seed=seed)
        picture = disc
        for transform in geometry:
            picture = torch.as_tensor(transform(picture))
        areas.append(float(picture.sum() / disc.sum()))
    assert 0.78 < min(areas) < 0.9
    assert 1.1 < max(areas) < 1.27
