"""Make docs/images/click_sheet.png: what clicks find, in images that the model did not learn from.

    python -m docs.make_click_sheet FOLDER_WITH_THE_SETS [--model NAME] [--output FILE.png]

For each set that may be shown, the objects that were found best, median and worst after three clicks of a simulated
person: the image with the first click, what was found after one, three and five clicks, and the truth.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage.segmentation import find_boundaries

from benchmarks.click_sets import LEARNT, ClickSet, parts
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.prompts import Click
from src_models.clicking.session import ClickSession
from src_models.clicking.training.examples import SMALLEST_AREA
from src_models.clicking.training.simulation import next_click
from src_models.files.samples import read_sample
from src_models.images.grey.ct_windows import ct_window
from src_models.labels.instances import connected_parts
from src_models.models.checkpoint import load

SHEET = Path(__file__).parent / "images" / "click_sheet.png"
SHOWN = ("dsb2018_fluo", "dsb2018_histo", "usiigaci_phase", "bccd_wbc", "sem_axon_myelin", "ct_totalseg")
COUNTS = (1, 3, 5)
RANKED = 3  # clicks after which best and worst are told apart
PANEL, GAP, LINE = 176, 8, 20  # px
BACKGROUND, TEXT = (24, 24, 28), (235, 235, 235)
# Told apart with every kind of colour vision, on dark fluorescence as on pink tissue.
FOUND, TRUTH = (255, 176, 0), (0, 214, 132)
ON_IT, BESIDE_IT = (90, 170, 255), (255, 90, 170)


@dataclass(frozen=True, slots=True)
class Plane:
    """A picture (H, W, 3) of 8 bits, and a session and the objects in it."""

    name: str
    picture: NDArray[np.uint8]
    session: ClickSession
    labels: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Case:
    """One object: its surroundings, the clicks in them, and what was found after so many of :data:`COUNTS`."""

    name: str
    picture: NDArray[np.uint8]
    clicks: tuple[Click, ...]
    found: tuple[NDArray[np.bool_], ...]
    truth: NDArray[np.bool_]

    def iou(self, number: int) -> float:
        """Return the IoU of what was found after ``COUNTS[number]`` clicks."""
        found = self.found[number]
        return float((found & self.truth).sum() / (found | self.truth).sum())


def main() -> None:
    """Click, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="click", help="name or path")
    parser.add_argument("--images", type=int, default=6, help="images of each set")
    parser.add_argument("--most", type=int, default=6, help="objects of each image")
    parser.add_argument("--output", type=Path, default=SHEET)
    options = parser.parse_args()
    network = ClickNetwork(load(options.model))
    rows = []
    for of in (each for each in LEARNT if each.folder in SHOWN):
        cases = [
            case for plane in planes(options.data, of, network, options.images) for case in clicked(plane, options.most)
        ]
        cases.sort(key=lambda case: -case.iou(COUNTS.index(RANKED)))
        chosen = ("best", 0), ("median", len(cases) // 2), ("worst", -1)
        rows += [(f"{of.shows}: {word} of {len(cases)} objects", cases[at]) for word, at in chosen]
        print(rows[-2][0], f"{rows[-2][1].iou(1):.2f}", flush=True)
    Image.fromarray(sheet(rows)).save(options.output)
    print(options.output)


def planes(data: Path, of: ClickSet, network: ClickNetwork, most: int) -> Iterator[Plane]:
    """Yield images of a set that were not learnt from; of scans, slices in the window of soft tissue."""
    window = ct_window("soft tissue") if of.ct else None
    intensity = window.intensity if window else None
    samples = parts(data, of)[1]
    for sample in samples if of.ct else _spread(samples, most):
        image, mask = read_sample(sample)
        for at in _spread(range(len(mask)), most) if of.ct else (...,):
            plane, truth = image[at], mask[at]
            labels = connected_parts(truth) if of.classes else truth.astype(np.int32)
            picture = _picture(plane, window.limits if window else np.percentile(plane, (0.5, 99.8)))
            axes = "YX" if plane.ndim == 2 else "YXC"
            session = ClickSession(plane, network, axes=axes, intensity=intensity, name=sample.name)
            yield Plane(sample.name if at is ... else f"{sample.name}, slice {at}", picture, session, labels)


def clicked(plane: Plane, most: int) -> Iterator[Case]:
    """Click on objects of a plane as a careful person would."""
    areas = np.bincount(plane.labels.ravel())
    numbers = [number for number in range(1, len(areas)) if areas[number] >= SMALLEST_AREA]
    for number in _spread(numbers, most):
        truth = plane.labels == number
        plane.session.reset()
        clicks: list[Click] = []
        found: list[NDArray[np.bool_]] = []
        while len(clicks) < max(COUNTS):
            places = np.zeros_like(truth)
            for each in clicks:
                places[int(each.y), int(each.x)] = True
            click = next_click(truth, plane.session.mask, places)
            if click is None:
                break
            plane.session.give(click)
            clicks.append(click)
            found.append(plane.session.mask)
        yield _case(plane, truth, clicks, [found[min(count, len(found)) - 1] for count in COUNTS])


def _case(plane: Plane, truth: NDArray[np.bool_], clicks: Sequence[Click], found: Sequence[NDArray[np.bool_]]) -> Case:
    """Cut a square around an object and what was found at last."""
    rows, columns = np.nonzero(truth | found[-1])
    middle = (rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2
    half = int(0.8 * max(np.ptp(rows), np.ptp(columns))) + 8
    top, left = middle[0] - half, middle[1] - half
    return Case(
        plane.name,
        _square(plane.picture, top, left, 2 * half),
        tuple(Click(click.y - top, click.x - left, click.positive) for click in clicks),
        tuple(_square(mask, top, left, 2 * half) for mask in found),
        _square(truth, top, left, 2 * half),
    )


def _square(array: NDArray, top: int, left: int, side: int) -> NDArray:
    """Cut a square, with zeros beyond the image."""
    square = np.zeros((side, side, *array.shape[2:]), array.dtype)
    rows, columns = (
        slice(max(0, start), min(size, start + side)) for start, size in zip((top, left), array.shape, strict=False)
    )
    square[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = array[rows, columns]
    return square


def sheet(rows: Sequence[tuple[str, Case]]) -> NDArray[np.uint8]:
    """Draw the rows."""
    columns = len(COUNTS) + 2
    height = PANEL + 2 * LINE + GAP
    picture = Image.new("RGB", (GAP + columns * (PANEL + GAP), GAP + len(rows) * height), BACKGROUND)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    for number, (title, case) in enumerate(rows):
        top = GAP + number * height
        draw.text((GAP, top), title, TEXT, font)
        for column, (caption, panel) in enumerate(panels(case)):
            left = GAP + column * (PANEL + GAP)
            picture.paste(panel, (left, top + LINE))
            draw.text((left, top + LINE + PANEL + 1), caption, TEXT, font)
    return np.asarray(picture)


def panels(case: Case) -> list[tuple[str, Image.Image]]:
    """Return captions and pictures of a row."""
    drawn = [("image and first click", _panel(case, None, FOUND, case.clicks[:1]))]
    for number, count in enumerate(COUNTS):
        caption = f"{count} click{'s' if count > 1 else ''}, IoU {case.iou(number):.2f}"
        drawn.append((caption, _panel(case, case.found[number], FOUND, case.clicks[:count])))
    return [*drawn, ("truth", _panel(case, case.truth, TRUTH, ()))]


def _panel(
    case: Case, mask: NDArray[np.bool_] | None, colour: tuple[int, int, int], clicks: Sequence[Click]
) -> Image.Image:
    panel = np.array(Image.fromarray(case.picture).resize((PANEL, PANEL), Image.Resampling.BILINEAR))
    if mask is not None:
        enlarged = np.asarray(Image.fromarray(mask).resize((PANEL, PANEL), Image.Resampling.NEAREST))
        panel[find_boundaries(enlarged, mode="thick")] = colour
    picture = Image.fromarray(panel)
    draw = ImageDraw.Draw(picture)
    for click in clicks:
        x, y = ((at + 0.5) * PANEL / len(case.truth) for at in (click.x, click.y))
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), ON_IT if click.positive else BESIDE_IT, (0, 0, 0))
        draw.line((x - 2, y, x + 2, y), (0, 0, 0))
        if click.positive:
            draw.line((x, y - 2, x, y + 2), (0, 0, 0))
    return picture


def _picture(plane: NDArray, limits: Sequence[float]) -> NDArray[np.uint8]:
    """Return a plane as it is shown, grey or in colour, between black and white."""
    low, high = limits
    shown = (np.clip((plane.astype(np.float32) - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    return np.repeat(shown[..., None], 3, axis=-1) if shown.ndim == 2 else shown[..., :3]


def _spread(values: Sequence, most: int) -> list:
    """Return so many of them at the most, evenly spread."""
    if len(values) <= most:
        return list(values)
    return [values[int(at)] for at in np.linspace(0, len(values) - 1, most).round()]


if __name__ == "__main__":
    main()
