"""A picture of how well a model does: its best, its median and its worst image, with outlines of truth and prediction.

One row per image: as it is, with the truth's outlines, with the prediction's. Volumes are shown in the plane where the
truth has most pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from src_models.disk.atomic import atomic_path
from src_models.images.grey.intensity import filled

if TYPE_CHECKING:
    from src_models.evaluating.scores import Evaluation, ImageScore
    from src_models.models.checkpoint import Model

__all__ = ["Case", "draw_sheet", "write_sheet"]

PANEL = 512  # px, the longer side of an image
GAP = 12
LINE = 24
BACKGROUND = (24, 24, 28)
TEXT = (235, 235, 235)
# Told apart with every kind of colour vision, on dark fluorescence as on pink tissue.
TRUTH = (0, 214, 132)
PREDICTION = (255, 176, 0)
CLASSES = ((0, 214, 132), (255, 176, 0), (90, 170, 255), (255, 105, 180), (250, 250, 90), (170, 120, 255))


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the sheet.

    Parameters
    ----------
    title
        The line above the row.
    image
        Shape (H, W), (H, W, C), (D, H, W) or (D, H, W, C).
    truth, prediction
        Ids of objects or classes, shape (H, W) or (D, H, W).
    """

    title: str
    image: NDArray[Any]
    truth: NDArray[Any]
    prediction: NDArray[Any]


def write_sheet(
    evaluation: Evaluation,
    model: Model,
    path: str | Path,
    *,
    device: str = "auto",
    overwrite: bool = False,
) -> Path:
    """Segment the best, the median and the worst image once more and write the sheet as PNG.

    Raises
    ------
    OutputError
        If `path` exists and `overwrite` is False, or cannot be written.
    """
    from src_models.evaluating.evaluate import predict_sample

    cases = []
    for name, score in evaluation.cases().items():
        arrays = predict_sample(
            score.sample, model, device=device, diameter=evaluation.diameter, parts=evaluation.parts
        )
        cases.append(Case(f"{name}: {score.sample.name}   {_describe(score)}", *arrays))
    classes = () if evaluation.header.result == "instances" else evaluation.classes[1:]
    heading = f"{evaluation.header.name} on {evaluation.data_set.name}, {evaluation.split or 'all images'}"
    picture = draw_sheet(cases, heading=heading, classes=classes)
    with atomic_path(path, overwrite) as beside:
        Image.fromarray(picture).save(beside, format="png")
    return Path(path)


def draw_sheet(cases: Sequence[Case], *, heading: str, classes: Sequence[str] = ()) -> NDArray[np.uint8]:
    """Draw rows of image, truth and prediction.

    Parameters
    ----------
    cases
        The rows.
    heading
        The first line.
    classes
        Names of classes 1, 2, ...: outlines get a colour each and a legend. Empty: ids are objects.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    rows = [(case.title, _panels(case, coloured=bool(classes))) for case in cases]
    width = 3 * PANEL + 4 * GAP
    height = 2 * LINE + GAP + sum(LINE + panels[0][1].shape[0] + LINE + GAP for _, panels in rows)
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    draw.text((GAP, GAP), heading, TEXT, ImageFont.load_default(18))
    _draw_legend(draw, width, classes, font)
    top = 2 * LINE + GAP
    for title, panels in rows:
        draw.text((GAP, top), _fitting(title, draw, font, width - 2 * GAP), TEXT, font)
        for column, (caption, panel) in enumerate(panels):
            left = GAP + column * (PANEL + GAP)
            sheet.paste(Image.fromarray(panel), (left, top + LINE))
            draw.text((left, top + LINE + panel.shape[0] + 3), caption, TEXT, font)
        top += 2 * LINE + panels[0][1].shape[0] + GAP
    return np.asarray(sheet)


def _panels(case: Case, *, coloured: bool) -> list[tuple[str, NDArray[np.uint8]]]:
    plane = _telling_plane(case.truth)
    image, truth, prediction = (array[plane] for array in (case.image, case.truth, case.prediction))
    shape = _panel_shape(truth.shape)
    picture = _resize_picture(_as_rgb(image), shape)
    where = f", plane {plane + 1} of {len(case.truth)}" if isinstance(plane, int) else ""
    panels = [(f"image, {truth.shape[1]} x {truth.shape[0]} px{where}", picture)]
    for name, labels, colour in (("truth", truth, TRUTH), ("prediction", prediction, PREDICTION)):
        count = np.unique(labels[labels > 0]).size
        caption = name if coloured else f"{name}, {count} object{'' if count == 1 else 's'}"
        panels.append((caption, _with_outlines(picture, _resize_labels(labels, shape), None if coloured else colour)))
    return panels


def _with_outlines(
    picture: NDArray[np.uint8], labels: NDArray[Any], colour: tuple[int, int, int] | None
) -> NDArray[np.uint8]:
    outlined = picture.copy()
    edge = _edge(labels) | _edge(np.where(_edge(labels), 0, labels))  # two pixels wide, inside of the object
    outlined[edge] = colour if colour else np.array(CLASSES, np.uint8)[(labels[edge] - 1) % len(CLASSES)]
    return outlined


def _edge(labels: NDArray[Any]) -> NDArray[np.bool_]:
    from skimage.segmentation import find_boundaries

    edge: NDArray[np.bool_] = find_boundaries(labels, mode="inner")
    return edge


def _telling_plane(truth: NDArray[Any]) -> int | slice:
    if truth.ndim == 2:
        return slice(None)
    return int((truth > 0).sum(axis=(1, 2)).argmax())


def _panel_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    scale = PANEL / max(shape)
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _as_rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Stretch the contrast and make three channels of one, or of the first of any other number."""
    if image.ndim == 2 or image.shape[-1] != 3:
        grey = image if image.ndim == 2 else image[..., 0]
        image = np.repeat(grey[..., None], 3, axis=-1)
    values = filled(image).astype(np.float32)
    low, high = np.percentile(values, (0.5, 99.8))
    stretched: NDArray[np.uint8] = (np.clip((values - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    return stretched


def _resize_picture(picture: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(picture).resize(shape[::-1], Image.Resampling.BILINEAR))


def _resize_labels(labels: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """Take the label under the centre of each new pixel."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(shape, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


def _draw_legend(draw: ImageDraw.ImageDraw, width: int, classes: Sequence[str], font: Any) -> None:
    entries = list(zip(classes, CLASSES * (len(classes) // len(CLASSES) + 1), strict=False)) or [
        ("truth", TRUTH),
        ("prediction", PREDICTION),
    ]
    right = width - GAP
    for name, colour in reversed(entries):
        right -= int(draw.textlength(name, font)) + GAP
        draw.text((right + GAP, GAP), name, colour, font)


def _fitting(text: str, draw: ImageDraw.ImageDraw, font: Any, width: int) -> str:
    while draw.textlength(text, font) > width and len(text) > 4:
        text = text[: max(len(text) - 8, 1)] + "..."
    return text


def _describe(score: ImageScore) -> str:
    scores = score.scores
    if scores.ap50 is not None:
        return f"AP at IoU 0.5: {scores.ap50:.2f}   mean AP: {scores.mean_ap:.2f}   Dice: {scores.dice[1]:.2f}"
    return f"mean Dice: {score.rank[0]:.2f}"
