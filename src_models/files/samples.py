"""One sample of a data set: an image, its mask, and which of its pixels count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src_models.errors import DataSetError, ImageError
from src_models.files.images import ImageFile, read_image, read_label_file
from src_models.files.pairs import pair, say
from src_models.images.axes import AxesReading
from src_models.images.channels import looks_like_alpha

__all__ = ["OpenedSample", "Sample", "open_sample", "read_marks", "read_sample"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with its mask.

    Parameters
    ----------
    name
        File name, the same in ``images/`` and in ``masks/``; of a folder of DICOM slices its own, and the mask's has an
        ending more.
    image, mask
        Paths of both files.
    split
        The manifest's word for it ("train", "val", "test"), or None where there is none.
    marked
        Path of the file that tells which pixels count (those above 0); None where all do.
    domain
        The manifest's word for the kind of image ("fluorescence", "stained"), or None where there is none.
    channels
        The channels of the image that count, counted from 0, in the order in which they are wanted; None for all.
    drawn
        Classes that were drawn in it; any other is unknown where the mask says background. None if all were drawn.
    """

    name: str
    image: Path
    mask: Path
    split: str | None = None
    marked: Path | None = None
    domain: str | None = None
    channels: tuple[int, ...] | None = None
    drawn: tuple[int, ...] | None = None


class OpenedSample(NamedTuple):
    """An image with its mask, and what its file says of it.

    Parameters
    ----------
    image
        (H, W), (H, W, C), (D, H, W) or (D, H, W, C), as stored, in the file's type; channels last, and only those that
        were chosen: of one, there is no axis.
    mask
        int32, (H, W) or (D, H, W): class ids or object ids; 0 is background. Ids above 65,535 and above the number of
        pixels are numbered anew in their order. It is on the image's voxels, whatever its own were: what differs is
        said in the log (:func:`src_models.files.pairs.pair`).
    reading
        How `image` is read: its axes, the size of its pixels, and what made it (CT, say) and what in it is padding by
        the file's own word.
    """

    image: NDArray[Any]
    mask: NDArray[np.int32]
    reading: AxesReading


def read_sample(sample: Sample) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Read one image and its mask; see :func:`open_sample`, which tells as well what the file says of the image."""
    image, mask, _ = open_sample(sample)
    return image, mask


def open_sample(sample: Sample) -> OpenedSample:
    """Read one image and its mask, and how the image is read.

    Raises
    ------
    DataSetError
        If image and mask differ in height, width or depth, and no place tells how they lie to each other.
    ImageError
        If a file cannot be read, lacks a channel that was chosen, the mask does not hold integers from 0, or the two
        lie apart; if one of the two says that it is to be turned (EXIF) and it cannot be told how the other lies to it.
    """
    file = read_image(sample.image)
    paired = pair(file, read_label_file(sample.mask, like=file.reading, scan=file.geometry))
    say(paired.note)
    mask = _as_int32(paired.labels)
    image = _channels_last(np.asarray(file.data), file.reading, mask.shape, sample)
    if image.shape[: mask.ndim] != mask.shape or image.ndim > mask.ndim + 1:
        raise DataSetError(
            f"{sample.image} has the shape {_size(image.shape)} and {sample.mask} has {_size(mask.shape)}: an image "
            "and its mask must be of equal size; replace one of them"
        )
    image = image if sample.channels is None else _picked(image, mask.ndim, sample)
    return OpenedSample(image, mask, _reading_of(image, mask.ndim, file.reading, sample))


def _reading_of(image: NDArray[Any], dimensions: int, of_file: AxesReading, sample: Sample) -> AxesReading:
    """Return the file's reading, of the image as its channels are now; those that a person chose are no colours."""
    spatial = "ZYX"[-dimensions:]
    axes = spatial + ("C" if image.ndim > dimensions else "")
    chosen = None if sample.channels is None or image.ndim == dimensions else tuple(range(image.shape[-1]))
    spacing = {letter: of_file.spacing.get(letter, 1.0) for letter in spatial}
    return replace(of_file, axes=axes, shape=image.shape, spacing=spacing, chosen=chosen, origin={}, frame_seconds=None)


def _picked(image: NDArray[Any], dimensions: int, sample: Sample) -> NDArray[Any]:
    """Return the channels that were chosen; of one alone, without an axis of channels."""
    chosen = list(sample.channels or ())
    count = image.shape[-1] if image.ndim > dimensions else 1
    if max(chosen) >= count:
        raise ImageError(
            f"{sample.image}: there is no channel {max(chosen)}; it has {count}, counted from 0. Choose others, or "
            "leave this image out"
        )
    if image.ndim == dimensions:
        return image if len(chosen) == 1 else np.stack([image] * len(chosen), axis=-1)
    return image[..., chosen[0]] if len(chosen) == 1 else image[..., chosen]


def _channels_last(
    image: NDArray[Any], reading: AxesReading, mask_shape: tuple[int, ...], sample: Sample
) -> NDArray[Any]:
    """Move the channels to the end. The mask tells whether there are any, which metadata may not."""
    channels = reading.axes.find("C")
    if image.ndim == len(mask_shape):
        # Three or four planes of 8 bits that were saved without a word on their axes are taken for colours.
        return image if channels < 0 or image.shape == mask_shape else np.moveaxis(image, channels, 0)
    if channels >= 0:
        image = np.moveaxis(image, channels, -1)
    elif image.shape[1:] == mask_shape:
        image = np.moveaxis(image, 0, -1)
    if not reading.rgb or image.shape[-1] < 4 or sample.channels is not None:
        return image
    if not looks_like_alpha(np.moveaxis(image, -1, 0)):
        raise ImageError(
            f"{sample.image} has four channels, and the fourth is no transparency: name those that count with "
            "--channels, such as 0 for the first, or 0,1,2"
        )
    return image[..., :3]


def _as_int32(labels: NDArray[Any]) -> NDArray[np.int32]:
    # What counts pixels per id takes memory for the largest one, so ids that cannot be meant as classes are closed up.
    if labels.size and labels.max() > max(labels.size, np.iinfo(np.uint16).max):
        ids, inverse = np.unique(labels, return_inverse=True)
        labels = inverse.reshape(labels.shape) + int(ids[0] != 0)
    return labels.astype(np.int32)


def read_marks(sample: Sample, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """Read which pixels of a sample count.

    Parameters
    ----------
    sample
        The sample.
    shape
        Of its mask.

    Returns
    -------
    ndarray or None
        True where a pixel counts; None where all do.

    Raises
    ------
    DataSetError
        If the file has another shape.
    ImageError
        If it cannot be read.
    """
    if sample.marked is None:
        return None
    file = read_label_file(sample.marked)
    marked = file.data if file.geometry is None else _on_image(file, sample)
    if marked.shape != shape:
        raise DataSetError(f"{sample.marked} has the shape {marked.shape} and its mask {shape}; replace one of them")
    return np.asarray(marked > 0)


def _on_image(marks: ImageFile, sample: Sample) -> NDArray[Any]:
    paired = pair(read_image(sample.image), marks)
    say(paired.note)
    return paired.labels


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in shape)
