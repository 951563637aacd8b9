"""A data set on disk: images, their masks, and which of them train and which of them test.

The layout is ``images/NAME`` and ``masks/NAME`` with equal names (or masks as other programs call them, such as
``NAME_seg.npy`` of Cellpose or ``NAME_rois.zip`` of ImageJ), and an optional ``manifest.csv`` with the columns
``file`` (a NAME), ``split``, ``domain`` (the kind of image: a training draws from each kind equally often) and
``drawn`` (the classes that somebody drew in this image, as numbers with spaces between: a class that is not listed is
unknown there, and not absent); further columns are ignored. Where there is a manifest, it says what belongs to the data
set: files that it does not list are left out. Opening reads names only; pixels are read sample by sample.

A data set may have a folder ``marked/`` as well, as a set of corrections has, with equal names: pixels that are 0 there
do not count. Of a sample without a file there, all pixels do. How the data are cited is in ``CITATION.json``.

Examples
--------
>>> data = DataSet.open("cells")  # doctest: +SKIP
>>> image, mask = read_sample(data.split("train")[0])  # doctest: +SKIP
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from src_models.errors import DataSetError
from src_models.files.exchange.formats import labels_stem, program_of
from src_models.files.images import image_stem
from src_models.files.samples import Sample
from src_models.files.split_by_name import VALIDATION_SHARE, fraction_of
from src_models.files.volumes.dicom.folders import has_dicom
from src_models.models.citations import Citation, read_citations

__all__ = ["DataSet"]

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".zarr", ".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_OF_SLICES = (
    ".dcm",
    ".nii.gz",
    ".nii",
    ".seg.nrrd",
    ".nrrd",
    ".mha",
)  # masks of folders of slices, which have no ending
LAYOUT = "a data set has the folders images/ and masks/ with equal file names"


class _Listed(NamedTuple):
    """What a manifest says of a file."""

    split: str | None = None
    domain: str | None = None
    drawn: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class DataSet:
    """The samples of one folder, sorted by name. Made by :meth:`open`."""

    root: Path
    samples: tuple[Sample, ...]

    @classmethod
    def open(cls, folder: str | Path, *, masks: bool = True, drawn: str | None = None) -> DataSet:
        """List a folder's samples and check that images and masks belong together.

        Parameters
        ----------
        folder
            The folder that holds ``images/`` and ``masks/``.
        masks
            False asks for no masks: they need not exist.
        drawn
            The manifest's column that lists the classes drawn in each image; by default ``drawn``, where there is one.

        Raises
        ------
        DataSetError
            If a folder is missing, there is no image, names are unmatched, or the manifest is unusable.
        """
        root = Path(folder)
        scans = _folders_of_slices(root)
        images = _list(root, "images") | scans.keys()
        truths = _list(root, "masks") - set(scans.values()) if masks else images
        scans |= _foreign_masks(root, images - truths - scans.keys())
        truths |= {name for name, mask in scans.items() if mask}
        listed = _read_manifest(root / "manifest.csv", drawn)
        names = set(listed) if listed is not None else images | truths
        if not names:
            raise DataSetError(
                f"{root}: there is no image in images/; put TIFF, PNG, JPEG, NIfTI, NRRD or zarr files there"
            )
        _check_pairs(root, names - images, names - truths, listed=listed is not None)
        samples = (
            _sample(root, name, (listed or {}).get(name, _Listed()), scans.get(name) or name) for name in sorted(names)
        )
        return cls(root, tuple(samples))

    def with_channels(self, channels: tuple[int, ...] | None) -> DataSet:
        """Return the same data set of which only these channels are read, counted from 0; None reads all."""
        return replace(self, samples=tuple(replace(sample, channels=channels) for sample in self.samples))

    @property
    def splits(self) -> tuple[str, ...]:
        """Names that :meth:`split` takes, sorted."""
        named = {sample.split for sample in self.samples if sample.split}
        return tuple(sorted(named | {"train", "val"} if self._divides_itself else named))

    def split(self, name: str) -> tuple[Sample, ...]:
        """Return the samples of one split, sorted by name.

        Parameters
        ----------
        name
            A word of the manifest's column ``split``. Where no sample has one, and in a set of corrections, there are
            "train" and "val" all the same.

        Raises
        ------
        DataSetError
            If there is no such split; the message lists the ones there are.

        Notes
        -----
        Without splits in a manifest, about 15 % of the samples are "val": those whose name's SHA-256, as a number from
        0 to 1, is below 0.15. So a sample never changes sides when others are added. A set in which one side would be
        empty moves the sample with the lowest (or highest) number there. A set of corrections, whose manifest knows
        "train" and "replaced" alone, divides its "train" so.
        """
        if self._divides_itself and name in ("train", "val"):
            found = self._by_hash()[name]
        else:
            found = tuple(sample for sample in self.samples if sample.split == name)
        if not found:
            raise DataSetError(f"{self.root}: there is no split {name!r}; there are: {', '.join(self.splits)}")
        return found

    def class_names(self, sample: Sample) -> dict[int, str]:
        """Return what the classes of a sample's mask are called, by number, as far as ``labels.json`` says it.

        Notes
        -----
        ``labels.json`` lies beside ``images/`` and holds ``{"1": "liver", ...}`` for all samples, or such a table for
        each, by its name without the suffix.

        Raises
        ------
        DataSetError
            If the file holds anything else.
        """
        path = self.root / "labels.json"
        if not path.is_file():
            return {}
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            if any(isinstance(names, dict) for names in table.values()):
                table = table.get(image_stem(sample.name), {})
            return {int(number): str(name) for number, name in table.items()}
        except (OSError, ValueError, AttributeError) as error:
            raise DataSetError(
                f'{path}: it does not tell the names of classes ({error}); write them as {{"1": "liver", ...}}'
            ) from error

    def citations(self) -> list[Citation]:
        """Return how the data are cited, as far as ``CITATION.json`` says it, or is known of a set of its name.

        Raises
        ------
        DataSetError
            If the file holds anything else.
        """
        return read_citations(self.root)

    @property
    def _divides_itself(self) -> bool:
        """Whether no one said which samples validate."""
        named = {sample.split for sample in self.samples} - {None}
        return not named or (named <= {"train", "replaced"} and any(sample.marked for sample in self.samples))

    def _by_hash(self) -> dict[str, tuple[Sample, ...]]:
        present = [sample for sample in self.samples if sample.split in (None, "train")]
        if len(present) < 2:
            raise DataSetError(
                f"{self.root}: one image cannot be divided into train and val; add images, or a manifest.csv with the "
                "columns file and split"
            )
        ranked = sorted(present, key=lambda sample: fraction_of(sample.name))
        count = sum(fraction_of(sample.name) < VALIDATION_SHARE for sample in ranked)
        validation = set(ranked[: min(max(count, 1), len(ranked) - 1)])
        return {
            "train": tuple(sample for sample in present if sample not in validation),
            "val": tuple(sample for sample in present if sample in validation),
        }


def _list(root: Path, folder: str) -> set[str]:
    if not (root / folder).is_dir():
        raise DataSetError(f"{root}: there is no folder {folder}/; {LAYOUT}")
    names = {entry.name for entry in (root / folder).iterdir() if not entry.name.startswith(".")}
    return {name for name in names if name.lower().endswith(SUFFIXES)}


def _folders_of_slices(root: Path) -> dict[str, str]:
    """Return the folders of DICOM slices in ``images/``, and what the mask of each is called; empty if it has none."""
    if not (root / "images").is_dir():
        return {}
    folders = [one for one in (root / "images").iterdir() if one.is_dir() and not one.name.startswith(".")]
    slices = [one.name for one in folders if not one.name.lower().endswith(SUFFIXES) and has_dicom(one)]
    return {
        name: next((name + end for end in _OF_SLICES if (root / "masks" / (name + end)).is_file()), "")
        for name in slices
    }


def _foreign_masks(root: Path, images: set[str]) -> dict[str, str]:
    """Return the masks of other programs, for images without a mask of their own name."""
    if not images or not (root / "masks").is_dir():
        return {}
    there: dict[str, str] = {}
    for one in sorted((root / "masks").iterdir()):
        if not one.name.startswith(".") and program_of(one) is not None:
            there.setdefault(labels_stem(one), one.name)
    return {name: there[image_stem(name)] for name in images if image_stem(name) in there}


def _read_manifest(path: Path, drawn: str | None) -> dict[str, _Listed] | None:
    """Read what is listed, by file, in the manifest's order; None where there is no manifest."""
    if not path.is_file():
        if drawn is not None:
            raise DataSetError(f"{path}: there is no manifest, and its column {drawn!r} is asked for; leave it out")
        return None
    try:
        # Spreadsheet programs put a byte order mark in front, which would become part of the first column's name.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns, rows = reader.fieldnames or [], list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataSetError(f"{path}: this manifest cannot be read as comma-separated text ({error})") from error
    if "file" not in columns:
        raise DataSetError(
            f"{path}: there is no column 'file' (columns: {', '.join(columns)}); a manifest is comma-separated "
            "with the columns file and split"
        )
    if drawn is not None and drawn not in columns:
        raise DataSetError(f"{path}: there is no column {drawn!r} (columns: {', '.join(columns)}); name another")
    files = [(row["file"] or "").strip() for row in rows]
    twice = {name for name, count in Counter(files).items() if name and count > 1}
    if twice:
        raise DataSetError(f"{path}: listed more than once: {_few(twice)}; leave one row of each")
    return {name: _listed(row, drawn or "drawn", path) for name, row in zip(files, rows, strict=True) if name}


def _listed(row: dict[str, str], drawn: str, path: Path) -> _Listed:
    split, domain, classes = ((row.get(column) or "").strip() or None for column in ("split", "domain", drawn))
    try:
        numbers = None if classes is None else tuple(int(part) for part in re.split(r"[\s,;]+", classes))
    except ValueError:
        raise DataSetError(
            f"{path}: the column {drawn!r} says {classes!r} of {row['file']}; it lists the numbers of the classes that "
            "were drawn, such as 1 2 5 (nothing, if all were)"
        ) from None
    return _Listed(split, domain, numbers)


def _check_pairs(root: Path, no_image: set[str], no_mask: set[str], *, listed: bool) -> None:
    problems = []
    for missing, folder, other in ((no_mask, "masks/", "images/"), (no_image, "images/", "masks/")):
        if missing:
            place = "manifest.csv" if listed else other
            problems.append(f"{len(missing)} in {place} without a file of the same name in {folder}: {_few(missing)}")
    if problems:
        raise DataSetError(f"{root}: {'; '.join(problems)}; {LAYOUT}, endings included")


def _sample(root: Path, name: str, listed: _Listed, mask: str) -> Sample:
    marked = root / "marked" / name
    return Sample(
        name,
        root / "images" / name,
        root / "masks" / mask,
        listed.split,
        marked if marked.is_file() else None,
        listed.domain,
        drawn=listed.drawn,
    )


def _few(names: Iterable[str], count: int = 3) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:count]) + (f" and {len(ordered) - count} more" if len(ordered) > count else "")
