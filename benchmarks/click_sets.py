"""What the model of clicks learns from, and what it is judged on.

Learnt from: the training images of the sets that may train a model that ships, and made-up images. Judged on: their
validation images; where a set has none, its last fifth. Of the two CT scans one is learnt from and the other is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src_models.clicking.training.examples import ObjectImage
from src_models.files.dataset import DataSet, Sample, read_sample
from src_models.images.ct_windows import ct_windows
from src_models.models.header import Intensity, ModelHeader

__all__ = ["CT", "LEARNT", "UNSEEN", "ClickSet", "judged", "object_images", "parts"]

CT_TRAINED, CT_JUDGED = "torso_3mm.nii.gz", "abdomen_512.nii.gz"
EVERY = 2  # slices of a scan that are left out between two that are learnt from, plus one
WHOLE = Intensity(kind="percentile", low=0.5, high=99.5)  # a reader who chose no window


@dataclass(frozen=True, slots=True)
class ClickSet:
    """A data set: its folder, whether its masks hold classes, whether its values are HU, and what it shows.

    Of classes, `only` says which one's objects are judged on, 0 that all are.
    """

    folder: str
    classes: bool
    ct: bool
    shows: str
    only: int = 0


CT = ClickSet("ct_totalseg", True, True, "CT, organs of slices")
LEARNT = (
    ClickSet("dsb2018_fluo", False, False, "fluorescence, nuclei"),
    ClickSet("dsb2018_histo", False, False, "stained tissue, nuclei"),
    ClickSet("usiigaci_phase", False, False, "phase contrast, cells"),
    ClickSet("sem_axon_myelin", True, False, "electron microscopy, axons and myelin"),
    CT,
)
UNSEEN = (
    *(
        ClickSet("btcv_ct", True, False, f"CT, {organ}", number)
        for number, organ in (
            (7, "spleen"),
            (5, "liver"),
            (3, "left kidney"),
            (4, "right kidney"),
            (8, "stomach"),
            (1, "aorta"),
        )
    ),
    ClickSet("glas_half", False, False, "stained tissue, glands"),
    ClickSet("bccd_wbc", False, False, "blood smears, white cells"),
    ClickSet("tem_axon_srf", False, False, "transmission electron microscopy, axons"),
    ClickSet("isbi2012_em", True, False, "electron microscopy, neurites"),
    ClickSet("monuseg_half", False, False, "stained tissue, nuclei"),
)


def parts(data: Path, of: ClickSet) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """Return the samples that are learnt from, and those that are judged."""
    folder = DataSet.open(data / of.folder)
    if of.ct:
        named = {sample.name: sample for sample in folder.samples}
        return [named[CT_TRAINED]], [named[CT_JUDGED]]
    if "val" in folder.splits:
        return folder.split("train"), folder.split("val")
    samples = folder.split("train")
    aside = max(1, len(samples) // 5)
    return samples[:-aside], samples[-aside:]


def judged(data: Path, of: ClickSet) -> Sequence[Sample]:
    """Return the samples that were not learnt from."""
    if of in LEARNT:
        return parts(data, of)[1]
    folder = DataSet.open(data / of.folder)
    aside = [sample for sample in folder.samples if (sample.split or "train") != "train"]
    samples = aside or folder.samples
    return [sample for sample in samples if of.only in read_sample(sample)[1]] if of.only else samples


def object_images(samples: Sequence[Sample], of: ClickSet, header: ModelHeader) -> list[ObjectImage]:
    """Read samples; a scan's slices along all three axes, each in one of the windows that readers use."""
    if not of.ct:
        return [
            ObjectImage.of(*read_sample(sample), header, classes=of.classes, name=sample.name) for sample in samples
        ]
    windows = [window.intensity for window in ct_windows() if window.name != "brain"]
    looks = [windows[0], windows[0], windows[1], windows[0], windows[2], WHOLE]  # organs show in soft tissue
    found = []
    for sample in samples:
        image, mask = read_sample(sample)
        for axis in range(3):
            for number, at in enumerate(range(0, image.shape[axis], EVERY)):
                plane, truth = (np.take(volume, at, axis=axis) for volume in (image, mask))
                if truth.any():
                    look = _with(header, looks[number % len(looks)])
                    found.append(ObjectImage.of(plane, truth, look, classes=True, name=f"{sample.name}, slice {at}"))
    return found


def _with(header: ModelHeader, intensity: Intensity) -> ModelHeader:
    from dataclasses import replace

    return replace(header, intensity=intensity)
