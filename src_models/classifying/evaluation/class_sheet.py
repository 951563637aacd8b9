"""A picture of how well classes are told: of each class, those mistakes that the model was surest of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from src_models.classifying.pictures.picture import fitted, model_size
from src_models.disk.atomic import atomic_path
from src_models.images.grey.intensity import filled

if TYPE_CHECKING:
    from src_models.classifying.evaluation.evaluate import ClassEvaluation

__all__ = ["draw_class_sheet", "surest_mistakes", "write_class_sheet"]

SHOWN = 8  # mistakes of each class
PANEL, GAP, LINE, TITLE = 96, 10, 18, 230  # px
BACKGROUND, TEXT, WRONG = (24, 24, 28), (235, 235, 235), (255, 176, 0)


def write_class_sheet(evaluation: ClassEvaluation, path: str | Path, *, overwrite: bool = False) -> Path:
    """Draw the sheet of an evaluation and write it as PNG.

    Raises
    ------
    OutputError
        If `path` exists and `overwrite` is False, or cannot be written.
    """
    picture = draw_class_sheet(evaluation)
    with atomic_path(path, overwrite) as beside:
        Image.fromarray(picture).save(beside, format="png")
    return Path(path)


def draw_class_sheet(evaluation: ClassEvaluation) -> NDArray[np.uint8]:
    """Draw a row for each class: its name, how many were found, and mistakes with what was found instead.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    classes = evaluation.header.classes
    row = PANEL + LINE + GAP
    width, top = TITLE + SHOWN * (PANEL + GAP) + GAP, 3 * LINE
    sheet = Image.new("RGB", (width, top + row * len(classes)), BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    heading = (
        f"{evaluation.header.name} on {evaluation.data.root.name}, {evaluation.split or 'all pictures'}: "
        f"accuracy {evaluation.accuracy:.3f}; the surest mistakes of each class"
    )
    draw.text((GAP, GAP), heading, TEXT, ImageFont.load_default(16))
    for label, (name, scores) in enumerate(evaluation.per_class.items()):
        y = top + row * label
        right = int(evaluation.confusion[label, label])
        draw.text((GAP, y), f"{name}\n{right} of {scores.count} found", TEXT, font)
        for column, number in enumerate(surest_mistakes(evaluation, label)):
            x = TITLE + column * (PANEL + GAP)
            sheet.paste(Image.fromarray(_panel(evaluation, number)), (x, y))
            draw.text((x, y + PANEL + 2), evaluation.found.names[number], WRONG, font)
    return np.asarray(sheet)


def surest_mistakes(evaluation: ClassEvaluation, label: int) -> list[int]:
    """Return the numbers of the pictures of a class that were taken for another, the surest first, up to a row's."""
    wrong = np.flatnonzero((evaluation.true == label) & (evaluation.found.best != label))
    order = np.argsort(-evaluation.found.certainty[wrong], kind="stable")
    return [int(number) for number in wrong[order][:SHOWN]]


def _panel(evaluation: ClassEvaluation, number: int) -> NDArray[np.uint8]:
    size = model_size(evaluation.header)
    picture: NDArray[Any] = fitted(evaluation.data.picture(evaluation.samples[number], size), size)
    values = filled(picture[:3] if len(picture) >= 3 else np.repeat(picture[:1], 3, axis=0)).astype(np.float32)
    low, high = np.percentile(values, (0.5, 99.8))
    rgb = (np.clip((values - low) / max(float(high - low), 1e-6), 0, 1) * 255).astype(np.uint8)
    shown = Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 2, 0)))
    return np.asarray(shown.resize((PANEL, PANEL), Image.Resampling.BICUBIC))
