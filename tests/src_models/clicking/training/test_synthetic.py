"""Images of things that do not exist."""

import numpy as np
import pytest

from src_models.clicking.training.synthetic import synthetic_image


@pytest.mark.parametrize("seed", range(6))
def test_made_up_objects_differ_from_what_surrounds_them(seed):
    image, labels = synthetic_image(np.random.default_rng(seed), 128)
    assert np.isfinite(image).all()
    inside, outside = labels > 0, labels == 0
    assert inside.any()
    assert outside.any()
    difference = abs(image[inside].mean() - image[outside].mean())
    assert difference > 0.02
    again, _ = synthetic_image(np.random.default_rng(seed), 128)
    np.testing.assert_array_equal(image, again)


def test_many_images_show_many_kinds_of_things():
    """Grey and in colour, objects apart and touching everywhere, bright on dark and dark on bright, few and many."""
    made = [synthetic_image(np.random.default_rng(seed), 64) for seed in range(80)]
    for image, labels in made:
        assert image.dtype == np.float32
        assert labels.dtype == np.int32
        assert (image.shape, labels.shape) == ((64, 64, 3), (64, 64))
        assert labels.min() >= 0
        assert -1.5 < np.median(image) < 2.5
    grey = [bool((image[..., 0] == image[..., 2]).all()) for image, _ in made]
    assert 0.5 < np.mean(grey) < 0.85, "two of three are grey"
    filled = np.array([(labels > 0).mean() for _, labels in made])
    assert (filled > 0.6).any()
    assert (filled < 0.2).any()
    both = [(image, labels) for image, labels in made if 0 < (labels > 0).mean() < 1]
    brighter = [image[labels > 0].mean() > image[labels == 0].mean() for image, labels in both]
    assert 0.25 < np.mean(brighter) < 0.75
    counts = [len(np.unique(labels)) - 1 for _, labels in made]
    assert min(counts) <= 2
    assert max(counts) >= 15
