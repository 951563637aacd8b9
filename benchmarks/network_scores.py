"""What was measured of networks' accuracy, as the files in ``benchmarks/results`` have it, by the names used here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

__all__ = ["MEASURES", "Measure", "scores_of"]


@dataclass(frozen=True)
class Measure:
    """A table of results with a row for each network.

    Parameters
    ----------
    file
        Its name, without the suffix.
    title
        What was measured; names of the file's notes in braces are filled in.
    columns
        Those of the table that are shown.
    command
        What makes it.
    only
        What some columns must hold for a row to count.
    names
        What networks are called in the first column, if not by their names.
    """

    file: str
    title: str
    columns: tuple[str, ...]
    command: str
    only: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


ORGANS = ("aorta", "gallbladder", "left kidney", "right kidney", "liver", "pancreas", "spleen", "stomach")
_HISTOLOGY = "python -m benchmarks.histology_accuracy FOLDER_WITH_THE_SETS OUT"
_ORGANS = "python -m benchmarks.organ_accuracy FOLDER_WITH_THE_SETS"
_BEGUN = {
    "U-Net's encoder, random weights": "attention-unet",
    "EfficientNet-Lite0, random weights": "attention-unet-lite0",
}
# Networks on red blood cells whose words in that table are not their names; the row of the mean comes last, and counts.
_RED_CELLS = {
    "ResNet-18": "resnet18",
    "Vision Transformer": "vit",
    "Swin": "swin",
    "Swin, stages joined": "med-former-swin-concat",
    "Swin, SAF": "med-former-swin-saf",
    "LGT": "med-former-lgt",
    "LGT, stages joined": "med-former-lgt-concat",
    "LGT, SAF: Med-Former": "med-former",
    "Swin, on ImageNet's weights": "swin-lite0",
    "Swin, stages joined, on ImageNet's weights": "med-former-swin-concat-lite0",
    "Swin, SAF, on ImageNet's weights": "med-former-swin-saf-lite0",
    "LGT, on ImageNet's weights": "med-former-lgt-lite0",
    "LGT, stages joined, on ImageNet's weights": "med-former-lgt-concat-lite0",
    "LGT, SAF: Med-Former, on ImageNet's weights": "med-former-lite0",
    "EfficientNet-Lite0, on ImageNet's weights": "efficientnet-lite0",
}
_MEAN = ("seeds", "mean: Dice, %, and HD95", "slices of one alone")

MEASURES = (
    Measure(
        "organ_accuracy",
        "Eight organs in CT, {tested} patients tested, {steps} steps of {batch} x {patch} px: Dice, %, and HD95",
        (*_MEAN, *ORGANS),
        _ORGANS,
    ),
    Measure(
        "organ_accuracy_300x2x128",
        "The same at the small budget that guided attention could be given, {steps} steps of {batch} x {patch} px: "
        "Dice, %, and HD95",
        (*_MEAN, *ORGANS),
        f"{_ORGANS} --steps 300 --batch 2 --patch 128",
    ),
    Measure(
        "organ_accuracy_glands",
        "Glands, {tested} images tested, {steps} steps of {batch} x {patch} px: Dice, %, and HD95",
        ("seeds", "gland"),
        _ORGANS,
    ),
    Measure(
        "organ_accuracy_glands_300x2x128",
        "Glands at the small budget that guided attention could be given, {steps} steps of {batch} x {patch} px: "
        "Dice, %, and HD95",
        ("seeds", "gland"),
        f"{_ORGANS} --steps 300 --batch 2 --patch 128",
    ),
    Measure(
        "glas_accuracy",
        "Glands at {size} px, {steps} steps of {batch} images: F1 and IoU, %",
        ("F1", "IoU", "seeds"),
        _HISTOLOGY,
    ),
    Measure(
        "glas_accuracy_3400",
        "Glands at {size} px, {steps} steps of {batch} images: F1 and IoU, %",
        ("F1", "IoU", "seeds"),
        f"{_HISTOLOGY} --steps 3400",
    ),
    Measure(
        "glas_accuracy_6800",
        "Glands at {size} px, {steps} steps of {batch} images: F1 and IoU, %",
        ("F1", "IoU", "seeds"),
        f"{_HISTOLOGY} --steps 6800",
    ),
    Measure(
        "monuseg_accuracy",
        "Nuclei in stained tissue at {size} px, {steps} steps of {batch} images: F1 and IoU, %",
        ("F1", "IoU", "seeds"),
        _HISTOLOGY,
    ),
    Measure(
        "monuseg_accuracy_3400",
        "Nuclei in stained tissue at {size} px, {steps} steps of {batch} images: F1 and IoU, %",
        ("F1", "IoU", "seeds"),
        f"{_HISTOLOGY} --steps 3400",
    ),
    Measure(
        "monuseg_accuracy_own",
        "Nuclei in stained tissue, windows of {size} px of images as they are, {steps} steps of {batch}: F1 and IoU, %",
        ("F1", "IoU", "seeds"),
        f"{_HISTOLOGY} --steps 3400 --own-scale",
    ),
    Measure(
        "equal_budget",
        "Nuclei in fluorescence, {steps} steps: average precision of objects",
        ("AP at 0.5", "AP 0.5 to 0.95", "images"),
        "python -m benchmarks.equal_budget FOLDER_WITH_THE_SETS OUT --encoder-weights FILE.pth",
        only={"set (val)": "dsb2018_fluo", "told apart by": "boundary"},
        names=_BEGUN,
    ),
    Measure(
        "red_cells",
        "Twelve shapes of red blood cells, {steps} steps of 32 pictures of 72 px: accuracy, 339 pictures",
        ("seed", "accuracy, best", "accuracy, last"),
        "python -m benchmarks.red_cells FOLDER OUT --encoder-weights FILE.pth",
        names=_RED_CELLS,
    ),
)


def scores_of(results: Path) -> list[tuple[Measure, dict[str, list[str]]]]:
    """Return each measure that was taken, its title filled in, with its cells by the network's name."""
    found = []
    for measure in MEASURES:
        path = results / f"{measure.file}.json"
        if not path.is_file():
            continue
        content = json.loads(path.read_text())
        scores = {}
        for cells in content["rows"]:
            row = dict(zip(content["columns"], cells, strict=True))
            if measure.only.items() <= row.items():
                name = measure.names.get(cells[0], cells[0])
                scores[name] = [str(row[column]) for column in measure.columns]
        found.append((replace(measure, title=measure.title.format(**content["notes"])), scores))
    return found
