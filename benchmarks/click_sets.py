"""What the model of clicks learns from, and what it is judged on.

Learnt from: the training images of the sets that may train a model that ships, and made-up images; every domain as
often as its emphasis says, however many sets and images it has. Judged on: their validation images; where a set has
none, its last fifth. Of the two CT scans one is learnt from and the other is not.

>>> round(sum(learnt_shares()), 12), max(of.aim for of in LEARNT if of.aim)
(1.0, 8.0)
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.training.examples import ObjectImage
from src_models.files.dataset import DataSet
from src_models.files.images import read_labels
from src_models.files.samples import Sample, read_sample
from src_models.images.grey.ct_windows import ct_windows
from src_models.models.header import Intensity, ModelHeader

__all__ = ["CT", "LEARNT", "UNSEEN", "ClickSet", "judged", "learnt_shares", "object_images", "parts"]

CT_TRAINED, CT_JUDGED = "torso_3mm.nii.gz", "abdomen_512.nii.gz"
EVERY = 2  # slices of a scan of which one is learnt from
NARROW = 40  # px, rows or columns up to which a plane across few slices shows no organ as a reader sees it
WHOLE = Intensity(kind="percentile", low=0.5, high=99.5)  # a reader who chose no window
# How often a domain is learnt from beside the others, whose emphasis is 1: by how far it was from its aim.
EMPHASIS = {"stained nuclei": 2.0, "phase cells": 1.5, "CT organs": 1.5, "blood": 0.5}
GUESSED = 0.5  # share of an object whose border was guessed from which on it is no target


@dataclass(frozen=True, slots=True)
class ClickSet:
    """A data set and what of it counts.

    Parameters
    ----------
    folder
        Its folder.
    classes
        Whether its masks hold classes: then every connected part of one is an object.
    ct
        Whether its images are scans in HU.
    shows
        What is on its images.
    domain
        The kind of images that it is one of, which is learnt from by its emphasis.
    credit
        Whose it is and under which licence, as a model that learnt from it must say.
    weight
        How often it is learnt from beside the other sets of its domain.
    aim
        Clicks to an IoU of 0.85 that are aimed at; 0 where nothing is said.
    only
        Of classes, those whose objects count; all where there are none.
    rows
        Column of the manifest and the value of it that counts; all rows where it is empty.
    """

    folder: str
    classes: bool
    ct: bool
    shows: str
    domain: str = ""
    credit: str = ""
    weight: float = 1.0
    aim: float = 0.0
    only: tuple[int, ...] = ()
    rows: tuple[str, str] | None = None

    @property
    def told(self) -> str:
        """What a model's header says of it."""
        return f"{self.folder}: {self.shows}; {self.credit}"


BOWL = "Data Science Bowl 2018 (BBBC038, Broad Institute), CC0"
CT = ClickSet(
    "ct_totalseg", True, True, "CT, organs of slices", "CT organs",
    "TotalSegmentator (J. Wasserthal and others), Apache-2.0, masks made by its model", 0.5,
)  # fmt: skip
LEARNT = (
    ClickSet("dsb2018_fluo", False, False, "fluorescence, nuclei", "fluorescence nuclei", BOWL, 3, 2.0),
    ClickSet(
        "dsb2018_stage1_test", False, False, "fluorescence, nuclei", "fluorescence nuclei", BOWL,
        rows=("modality", "fluo"),
    ),
    ClickSet(
        "aitslab_nuclei", False, False, "fluorescence, nuclei of U2OS cells", "fluorescence nuclei",
        "M. Arvidsson, S. Kazemi Rashed, S. Aits (Aitslab-bioimaging1), CC BY 4.0",
    ),
    ClickSet("dsb2018_histo", False, False, "stained tissue, nuclei", "stained nuclei", BOWL, 2, 3.5),
    ClickSet(
        "dsb2018_stage1_test", False, False, "stained tissue, nuclei", "stained nuclei", BOWL, 0.5,
        rows=("modality", "histo"),
    ),
    ClickSet(
        "nuinsseg_he", False, False, "stained tissue of 31 organs, nuclei", "stained nuclei",
        "A. Mahbod and others (NuInsSeg), CC BY 4.0, instances derived from binary masks", 2,
    ),
    ClickSet(
        "usiigaci_phase", False, False, "phase contrast, cells", "phase cells",
        "H.-F. Tsai and others (Usiigaci), OIST 2018, MIT", 1, 8.0,
    ),
    ClickSet(
        "phase_microbes", False, False, "phase contrast, bacteria and yeast", "microbes",
        "K. Cutler (Omnipose), MIT, and yeastvision (NC State University), BSD-3-Clause, masks made by models",
    ),
    ClickSet(
        "bccd_wbc", False, False, "blood smears, white cells", "blood",
        "BCCD (Shenggan and others), masks of P. P. Banik, MIT", 1, 2.5,
    ),
    ClickSet(
        "sem_axon_myelin", True, False, "scanning electron microscopy, axons", "EM axons",
        "AxonDeepSeg (NeuroPoly), MIT", 1, 6.0, (2,),
    ),
    ClickSet(
        "tem_axon_srf", False, False, "transmission electron microscopy, axons", "EM axons",
        "AxonDeepSeg (A. Collin and others), MIT", 1, 6.0,
    ),
    ClickSet(
        "btcv_ct", True, False, "CT, abdominal organs", "CT organs",
        "BTCV (B. Landman and others), CC BY 4.0", 2, 5.0, tuple(range(1, 9)),
    ),
    ClickSet(
        "openkbp_ct", True, True, "CT, organs of head and neck", "CT organs",
        "OpenKBP (A. Babier and others), MIT, clinical contours", 0.5,
    ),
    CT,
    ClickSet(
        "ct_sammed2d_demo", True, False, "CT, organs of four slices", "CT organs",
        "SAM-Med2D (OpenGVLab), Apache-2.0, of AMOS 2022 and TotalSegmentator, CC BY 4.0", 0.25,
    ),
    ClickSet(
        "sts_tumour", True, False, "CT and MR, soft-tissue tumours", "tumours",
        "M. Vallieres and others (TCIA Soft-tissue-Sarcoma, IBSI), CC BY 3.0", 1, 6.0,
    ),
)  # fmt: skip
UNSEEN = (
    ClickSet("glas_half", False, False, "stained tissue, glands"),
    ClickSet("aitslab_cells", False, False, "fluorescence, whole cells"),
    ClickSet("isbi2012_em", True, False, "electron microscopy, neurites"),
    ClickSet("monuseg_half", False, False, "stained tissue, nuclei"),
)


def learnt_shares() -> list[float]:
    """Return how often each of :data:`LEARNT` is learnt from: every domain by its emphasis."""
    weights: Counter[str] = Counter()
    for of in LEARNT:
        weights[of.domain] += of.weight
    whole = sum(EMPHASIS.get(domain, 1.0) for domain in weights)
    return [of.weight / weights[of.domain] * EMPHASIS.get(of.domain, 1.0) / whole for of in LEARNT]


def parts(data: Path, of: ClickSet) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """Return the samples that are learnt from, and those that are judged."""
    folder = DataSet.open(data / of.folder)
    if of is CT:
        named = {sample.name: sample for sample in folder.samples}
        return [named[CT_TRAINED]], [named[CT_JUDGED]]
    if "val" in folder.splits:
        learnt, aside = (_counting(data, of, folder.split(name)) for name in ("train", "val"))
        return learnt, aside
    samples = _counting(data, of, folder.split("train"))
    last = max(1, len(samples) // 5)
    return samples[:-last], samples[-last:]


def judged(data: Path, of: ClickSet) -> Sequence[Sample]:
    """Return the samples that were not learnt from."""
    if of in LEARNT:
        return parts(data, of)[1]
    folder = DataSet.open(data / of.folder)
    aside = [sample for sample in folder.samples if (sample.split or "train") != "train"]
    return aside or folder.samples


def object_images(samples: Sequence[Sample], of: ClickSet, header: ModelHeader) -> list[ObjectImage]:
    """Read samples; a scan's slices along all three axes, each in one of the windows that readers use."""
    return list(_scanned(samples, header) if of.ct else _pictures(samples, of, header))


def _pictures(samples: Sequence[Sample], of: ClickSet, header: ModelHeader) -> Iterator[ObjectImage]:
    for sample in samples:
        image, mask = read_sample(sample)
        mask = mask * np.isin(mask, of.only) if of.only else mask
        found = ObjectImage.of(image, mask, header, classes=of.classes, name=sample.name)
        uncertain = sample.mask.parents[1] / "uncertain" / sample.name
        yield _certain(found, read_labels(uncertain) > 0) if uncertain.is_file() else found


def _scanned(samples: Sequence[Sample], header: ModelHeader) -> Iterator[ObjectImage]:
    windows = [window.intensity for window in ct_windows() if window.name != "brain"]
    looks = [windows[0], windows[0], windows[1], windows[0], windows[2], WHOLE]  # organs show in soft tissue
    number = 0
    for sample in samples:
        image, mask = read_sample(sample)
        for axis in range(3):
            for at in range(0, image.shape[axis], EVERY):
                plane, truth = (np.take(volume, at, axis=axis) for volume in (image, mask))
                if truth.any() and min(plane.shape) > NARROW:
                    look = replace(header, intensity=looks[number % len(looks)])
                    number += 1
                    yield ObjectImage.of(plane, truth, look, classes=True, name=f"{sample.name}, slice {at}")


def _certain(image: ObjectImage, guessed: NDArray[np.bool_]) -> ObjectImage:
    """Return an image without the objects, as targets, whose borders were guessed."""
    areas = np.bincount(image.labels.ravel())
    doubtful = np.bincount(image.labels[guessed], minlength=len(areas))
    image.boxes = {number: box for number, box in image.boxes.items() if doubtful[number] < GUESSED * areas[number]}
    return image


def _counting(data: Path, of: ClickSet, samples: Sequence[Sample]) -> Sequence[Sample]:
    """Return the samples whose row of the manifest counts."""
    if of.rows is None:
        return samples
    column, value = of.rows
    with (data / of.folder / "manifest.csv").open(newline="", encoding="utf-8-sig") as file:
        names = {row["file"] for row in csv.DictReader(file) if row[column] == value}
    return [sample for sample in samples if sample.name in names]
