"""A few of the images that a shipped model was trained on, so that a network does not forget them while it learns.

They ship beside the models, as far as their licence lets them: ``shipped/replay/NAME.npz`` holds images and masks of
the data set that a model's header names, with the licence in the folder's README.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.images.channels import as_channels
from src_models.images.grey.counted import measure_counted
from src_models.models.header import ModelHeader
from src_models.training.patches import TrainingImage

__all__ = ["NUCLEI", "Replay", "replay_images", "stored_images"]

NUCLEI = "nuclei_data"
WATCHED = 6  # every sixth is watched

_FOLDER = Path(str(resources.files("src_models"))) / "shipped" / "replay"


@dataclass(frozen=True, slots=True)
class Replay:
    """Images of a model's first training: some to learn from again, others to watch what it forgets."""

    training: tuple[TrainingImage, ...] = ()
    watched: tuple[TrainingImage, ...] = ()


def replay_images(header: ModelHeader) -> Replay:
    """Return images that a model, or the one that it came from, was trained on; none if none of them ship."""
    return stored_images(_data_of(header.training), header)


def stored_images(data: str, header: ModelHeader) -> Replay:
    """Return the images that ship of a data set, for a model; none if none do."""
    path = _FOLDER / f"{data}.npz"
    if not path.is_file():
        return Replay()
    with np.load(path, allow_pickle=False) as stored:
        names = sorted(name.removeprefix("image_") for name in stored.files if name.startswith("image_"))
        images = [_image(name, stored[f"image_{name}"], stored[f"mask_{name}"], header) for name in names]
    return Replay(
        tuple(image for number, image in enumerate(images) if number % WATCHED),
        tuple(images[::WATCHED]),
    )


def _data_of(training: Mapping[str, Any]) -> str:
    """Return the name of the data set at the beginning of a chain of fine-tunings."""
    while "parent_training" in training:
        if training.get("new_head"):  # since then it finds something else, which those masks do not show
            return ""
        training = training["parent_training"]
    return str(training.get("data", ""))


def _image(name: str, image: Any, mask: Any, header: ModelHeader) -> TrainingImage:
    planes = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    channels: NDArray[Any] = as_channels(planes, header, name)
    if header.intensity.kind == "percentile":  # they are stored so, by the percentiles of the whole images
        normalised = channels.astype(np.float32) / np.float32(255)
    else:
        normalised = measure_counted(channels, header.intensity, name=name)(channels)
    return TrainingImage(name, normalised.astype(np.float16), mask.astype(np.int32), None)
