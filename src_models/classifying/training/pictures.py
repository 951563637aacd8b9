"""The pictures that a training of classes sees: picture number ``i`` of a seed is always the same one.

All are seen once before any is seen again, in an order drawn anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from src_models.classifying.class_order import class_order
from src_models.classifying.pictures.picture import model_size, prepared
from src_models.classifying.training.augmentation import class_augmentation
from src_models.files.class_sets.class_set import ClassSample, ClassSet
from src_models.models.header import ModelHeader
from src_models.training.augmentation import AugmentationName

__all__ = ["DrawnPictures", "Pictures", "load_pictures"]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Pictures in memory, as a model sees them.

    Parameters
    ----------
    images
        (N, C, size, size), normalised, in half precision.
    labels
        (N,) Their classes.
    """

    images: NDArray[np.float16]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.labels)


def load_pictures(data: ClassSet, samples: Sequence[ClassSample], header: ModelHeader) -> Pictures:
    """Read pictures, bring them to a model's size, and normalise them.

    Raises
    ------
    DataSetError
        If the model has other classes than the set.
    ImageError
        If a picture cannot be read, or its channels are not the model's.
    """
    order = class_order(data, header)
    size = model_size(header)
    images = np.zeros((len(samples), len(header.channels), size, size), np.float16)
    for number, sample in enumerate(samples):
        images[number] = prepared(data.picture(sample, size), header, f"{data.root}, {sample.name}")
    return Pictures(images, np.array([order[sample.label] for sample in samples], np.int64))


class DrawnPictures(Dataset[tuple[Tensor, Tensor]]):
    """Pictures by number, varied as a recipe says.

    Parameters
    ----------
    pictures
        What to draw from.
    recipe
        Augmentation.
    seed
        Of all that is random here.
    start, stop
        Numbers of the first picture and of the one after the last.
    """

    def __init__(self, pictures: Pictures, *, recipe: AugmentationName, seed: int, start: int, stop: int) -> None:
        self.pictures, self.seed, self.start, self.stop = pictures, seed, start, stop
        self._transform = class_augmentation(recipe, pictures.images.shape[-1])
        self._round: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, np.int64))

    def __len__(self) -> int:
        """Return the number of pictures to come."""
        return self.stop - self.start

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return picture ``start + index`` (C, size, size) float32, and its class."""
        number = self.start + index
        chosen = self._chosen(number)
        random = np.random.default_rng((self.seed, number))
        self._transform.set_random_state(seed=int(random.integers(2**31)))
        picture = self._transform(torch.from_numpy(self.pictures.images[chosen].astype(np.float32)))
        # MONAI's tensors carry metadata through every operation of the network; a plain one does not.
        plain = torch.as_tensor(picture).as_subclass(Tensor)
        return plain.float().contiguous(), torch.tensor(self.pictures.labels[chosen])

    def _chosen(self, number: int) -> int:
        turn, place = divmod(number, len(self.pictures))
        if self._round[0] != turn:
            self._round = turn, np.random.default_rng((self.seed, turn, 1)).permutation(len(self.pictures))
        return int(self._round[1][place])
