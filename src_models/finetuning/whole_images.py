"""A data set of any tool as what a network learns from: its images are right as a whole.

Its manifest is honoured: ``train`` teaches, ``val`` judges, and whatever else it names is left alone. Without one, or
where it names no ``val``, the images that training would choose by their names judge (a few of them, where they are
many); of fewer than four images, a part of each does, as of corrections. Nothing is written into the folder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np

from src_models.corrections.correction import Correction, Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.corrections.volumes import whole_volume
from src_models.errors import DataSetError
from src_models.files.dataset import DataSet
from src_models.files.images import image_stem
from src_models.files.samples import Sample, open_sample, read_marks
from src_models.labels.instances import connected_parts

__all__ = ["WholeImages", "open_corrections", "parts_as_objects"]

LEAST_SPLIT = 4  # images; of fewer, each teaches and judges
MOST_JUDGING = 8  # images; more would take the time that is there to learn


class WholeImages:
    """The images of a data set, each of which counts as a correction of all of a plane, or of a volume.

    Parameters
    ----------
    data
        The data set.

    Raises
    ------
    DataSetError
        If its manifest leaves nothing to learn from.
    """

    def __init__(self, data: DataSet) -> None:
        self.root = data.root
        named = {sample.split for sample in data.samples} - {None}
        taught = [sample for sample in data.samples if not named or sample.split == "train"]
        judging = [sample for sample in data.samples if sample.split == "val"]
        if not taught:
            raise DataSetError(
                f"{data.root}: manifest.csv gives no image to the split train (there are: {', '.join(data.splits)}), "
                "and a network learns from no other"
            )
        if not judging and len(taught) >= LEAST_SPLIT:
            free = DataSet(data.root, tuple(dataclasses.replace(sample, split=None) for sample in taught))
            judging = list(free.split("val"))
        held_out = {sample.name for sample in judging}
        teaching = [sample for sample in taught if sample.name not in held_out]
        judging = judging[:: math.ceil(len(judging) / MOST_JUDGING) or 1]
        self._samples = sorted(((sample.name, sample) for sample in (*teaching, *judging)), key=itemgetter(0))
        self.judging = frozenset(sample.name for sample in judging)

    def __len__(self) -> int:
        """Return the number of images that teach or judge."""
        return len(self._samples)

    @property
    def sha256(self) -> str:
        """SHA-256 of names and files of the images that teach or judge."""
        digest = hashlib.sha256()
        for name, sample in self._samples:
            digest.update(f"{name}{' judges' if name in self.judging else ''}".encode())
            for path in (sample.image, sample.mask, sample.marked):
                for file in _files(path):
                    digest.update(file.read_bytes())
        return digest.hexdigest()

    def corrections(self) -> Iterator[tuple[str, Correction]]:
        """Read one image after the other, with its name.

        Raises
        ------
        DataSetError
            If an image and its mask do not fit each other.
        ImageError
            If a file cannot be read.
        """
        for name, sample in self._samples:
            yield name, _correction(sample)


def open_corrections(given: CorrectionSet | DataSet | str | Path) -> CorrectionSet | WholeImages:
    """Return what a person gives to learn from: a set of corrections, or a data set, or the folder of either.

    Raises
    ------
    DataSetError
        If the folder is neither, or its images and masks do not belong together.
    """
    if isinstance(given, DataSet):
        return WholeImages(given)
    if isinstance(given, CorrectionSet):
        return given
    folder = Path(given)
    made_here = (folder / "records").is_dir()
    if not made_here and any((folder / name).is_dir() for name in ("images", "masks")):
        return WholeImages(DataSet.open(folder))
    return CorrectionSet.open(folder)


def parts_as_objects(found: Sequence[tuple[str, Correction]]) -> list[tuple[str, Correction]]:
    """Give objects numbers where no mask tells them apart: then each holds one number at most, such as 255."""
    if any(len(np.unique(correction.labels[correction.labels > 0])) > 1 for _, correction in found):
        return list(found)
    return [
        (name, dataclasses.replace(correction, labels=connected_parts(correction.labels))) for name, correction in found
    ]


def _correction(sample: Sample) -> Correction:
    image, labels, reading = open_sample(sample)
    counts = read_marks(sample, labels.shape)
    source = Source(
        layer=image_stem(sample.name),
        file=str(sample.image.absolute()),
        spacing=(reading.spacing["Y"], reading.spacing["X"]),
        unit=reading.unit,
        slice_spacing=reading.spacing.get("Z") if reading.unit != "pixel" else None,
        modality=reading.modality,
        padding=reading.padding,
    )
    if labels.ndim == 3:
        return whole_volume(image, labels, dataclasses.replace(source, axes="ZYX"), counts)
    whole = mark(image, labels, source=source)
    if counts is None or counts.all():
        return whole
    # Nobody said where an object ends that reaches beyond what counts.
    record = dataclasses.replace(whole.record, mode="painted")
    return dataclasses.replace(whole, makers=np.where(counts, whole.makers, 0).astype(np.uint8), record=record)


def _files(path: Path | None) -> list[Path]:
    if path is None:
        return []
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
