"""Images of plates whose grey values tell their numbers, for networks of clicks."""

import numpy as np

from src_models.clicking.prompts import PROMPT_CHANNELS
from src_models.models.header import Intensity, ModelHeader

HEADER = ModelHeader(
    name="click",
    purpose="Tests",
    architecture="attention-unet",
    config={"in_channels": 6, "classes": 2},
    classes=("background", "object"),
    channels=("red", "green", "blue"),
    prompts=PROMPT_CHANNELS,
    intensity=Intensity(kind="window", low=0.0, high=1.0),
)


def plates(seed=0, shape=(120, 150)):
    """An image whose objects have grey values that tell their numbers, on black."""
    random = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    for number in range(1, 7):
        y, x = random.integers(0, shape[0] - 10), random.integers(0, shape[1] - 10)
        plate = np.s_[y : y + random.integers(8, 60), x : x + random.integers(8, 60)]
        if not labels[plate].any():
            labels[plate] = number
    return (labels > 0).astype(np.float32), labels
