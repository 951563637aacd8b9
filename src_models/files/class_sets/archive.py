"""Archives of arrays (``.npz``) in the form of MedMNIST: pictures and labels of each split, in one file.

The keys are ``train_images``, ``train_labels``, and the same of ``val`` and ``test`` as far as they are there: pictures
(N, H, W) or (N, H, W, 3), labels (N,) or (N, 1). A key ``class_names`` may name the classes; else they are called
"class 0" and so on. Nothing in such a file is ever unpickled.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import DataSetError
from src_models.files.class_sets.class_set import ClassSample, ClassSet

__all__ = ["open_class_archive"]

FORM = "it needs train_images (N, H, W or N, H, W, 3) and train_labels (N), and the same of val and test if there are"


def open_class_archive(path: str | Path) -> ClassSet:
    """Read an archive of pictures and classes.

    Raises
    ------
    DataSetError
        If it is missing, damaged, holds Python objects, or arrays of another form.
    """
    path = Path(path)
    arrays = _arrays(path)
    splits = [split for split in ("train", "val", "test") if f"{split}_images" in arrays]
    if "train" not in splits:
        raise DataSetError(f"{path}: there is no train_images (there are {', '.join(sorted(arrays))}); {FORM}")
    pictures = {split: _pictures(path, arrays, split) for split in splits}
    labels = {split: _labels(path, arrays, split, len(pictures[split])) for split in splits}
    classes = _class_names(path, arrays, 1 + max(int(of_split.max(initial=0)) for of_split in labels.values()))
    samples = tuple(
        ClassSample(f"{split} {number:06d}", int(label), _Picture(pictures[split], number), split)
        for split in splits
        for number, label in enumerate(labels[split])
    )
    return ClassSet(path, classes, samples, max(max(of_split.shape[1:3]) for of_split in pictures.values()))


class _Picture:
    """One picture of an array."""

    __slots__ = ("_number", "_pictures")

    def __init__(self, pictures: NDArray[Any], number: int) -> None:
        self._pictures, self._number = pictures, number

    def __call__(self, _size: int) -> NDArray[Any]:
        return np.asarray(self._pictures[self._number])


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise DataSetError(f"{path}: there is no such file; check the name")
    try:
        with np.load(path, allow_pickle=False) as content:
            return {key: content[key] for key in content.files}
    except ValueError as error:
        raise DataSetError(
            f"{path}: it holds Python objects, which are not read since they could run anything; save plain arrays "
            f"({error})"
        ) from error
    except (OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise DataSetError(f"{path}: this is no whole archive of arrays ({error}); get it again") from error


def _pictures(path: Path, arrays: dict[str, NDArray[Any]], split: str) -> NDArray[Any]:
    pictures = arrays[f"{split}_images"]
    flat = pictures.ndim == 3 or (pictures.ndim == 4 and pictures.shape[-1] in (1, 3, 4))
    if not flat or pictures.dtype.kind not in "buif" or not pictures.size:
        shape = " x ".join(map(str, pictures.shape))
        raise DataSetError(f"{path}: {split}_images is {shape} of {pictures.dtype}, no flat pictures; {FORM}")
    return pictures[..., 0] if pictures.ndim == 4 and pictures.shape[-1] == 1 else pictures


def _labels(path: Path, arrays: dict[str, NDArray[Any]], split: str, count: int) -> NDArray[Any]:
    key = f"{split}_labels"
    if key not in arrays:
        raise DataSetError(f"{path}: there is no {key}; {FORM}")
    labels = arrays[key]
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise DataSetError(
            f"{path}: {key} has {labels.shape[1]} labels for each picture, and a picture has one class here: keep "
            "one column"
        )
    labels = labels.reshape(-1)
    if labels.dtype.kind not in "bui" or len(labels) != count or (labels.size and labels.min() < 0):
        raise DataSetError(f"{path}: {key} must hold {count} whole numbers from 0, one for each picture; {FORM}")
    return labels.astype(np.int64)


def _class_names(path: Path, arrays: dict[str, NDArray[Any]], count: int) -> tuple[str, ...]:
    names = tuple(map(str, arrays["class_names"].reshape(-1))) if "class_names" in arrays else ()
    if names and len(names) < count:
        raise DataSetError(f"{path}: class_names has {len(names)} names and there are {count} classes; name them all")
    if not names and count < 2:
        raise DataSetError(f"{path}: all pictures are of one class, and it takes two to tell apart")
    return names or tuple(f"class {index}" for index in range(count))
