"""Make docs/images/guided_sheet.png: what a network of self-guided attention attends to in a sample image.

    python -m docs.make_guided_sheet MODEL [--image FILE] [--corner ROW,COLUMN] [--at ROW,COLUMN] [--output FILE.png]

A part of the image, as large as one tile, with a pixel of it marked, where the network looks from that pixel at the
finest and at the coarsest scale, the attention before and after the last guidance, and what these two scales find.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import map_coordinates

from napari_medt.viewer.map_looks import attention_colors, contrast_limits
from src_models.attention.placed_map import PlacedMap
from src_models.attention.words import map_words, view_words
from src_models.models.checkpoint import Model, load
from src_models.prediction.segment import segment
from src_models.probing.pointer import AttentionPointer

DOCS = Path(__file__).parent
SHEET = DOCS / "images" / "guided_sheet.png"
SAMPLE = DOCS.parent / "sample_data" / "fluorescence.png"
ENLARGED, GAP, LINE, COLUMNS = 3, 8, 22, 4
BACKGROUND, TEXT, CROSS = (24, 24, 28), (235, 235, 235), (255, 90, 170)
OPACITY = 0.8


def main() -> None:
    """Run the network on the image and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--image", type=Path, default=SAMPLE)
    parser.add_argument("--corner", default="20,60", metavar="ROW,COLUMN")
    parser.add_argument("--at", default="40,48", metavar="ROW,COLUMN")
    parser.add_argument("--output", type=Path, default=SHEET)
    arguments = parser.parse_args()
    model = load(arguments.model)
    (top, left), (row, column) = (map(int, pair.split(",")) for pair in (arguments.corner, arguments.at))
    height, width = model.header.tile
    image = np.asarray(Image.open(arguments.image).convert("L"))[top : top + height, left : left + width]
    sheet(image, model, (row, column)).save(arguments.output)
    print(f"wrote {arguments.output}")


def sheet(image: NDArray[np.uint8], model: Model, pixel: tuple[int, int]) -> Image.Image:
    """Return the sheet."""
    found = segment(image, model, attention=True, device="cpu")
    pointer = AttentionPointer(image, model, found, device="cpu")
    steps = max(int(view.name.split()[-1]) for view in pointer.views())
    maps = {placed.name: placed for placed in found.attention}
    low, high = np.percentile(image, (0.5, 99.8))
    grey = np.clip((image - low) / (high - low), 0, 1)[..., None].repeat(3, -1)
    panels = [("the image, and the pixel asked about", grey)]
    for scale in (1, 4):
        view = f"scale {scale} step {steps}"
        panels.append((view_words(view, "block"), over(grey, pointer.point(pixel, view).map)))
    panels += [
        (map_words(name).name, over(grey, maps[name]))
        for name in (
            f"scale 1 step {steps} attended",
            f"scale 1 step {steps} guided",
            f"scale 1 step {steps} received",
            "scale 1 prediction",
            "scale 4 prediction",
        )
    ]
    return drawn(panels, pixel)


def over(grey: NDArray[np.float64], placed: PlacedMap) -> NDArray[np.float64]:
    """Lay a map over the image, in the plugin's own colours."""
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]]
    places = [(g - t) / s for g, t, s in zip((rows, columns), placed.translate, placed.scale, strict=True)]
    values = map_coordinates(np.asarray(placed.data, float), places, order=0, mode="nearest")
    least, most = contrast_limits(placed)
    colors = attention_colors(placed.kind).map(np.clip((values - least) / (most - least), 0, 1).ravel())
    colors = colors.reshape(*values.shape, 4)
    opacity = OPACITY * colors[..., 3:]
    return np.asarray(grey * (1 - opacity) + colors[..., :3] * opacity)


def drawn(panels: list[tuple[str, NDArray[np.float64]]], pixel: tuple[int, int]) -> Image.Image:
    """Put panels side by side, each with its title, the pixel marked."""
    height, width = (ENLARGED * n for n in panels[0][1].shape[:2])
    rows = -(-len(panels) // COLUMNS)
    size = (COLUMNS * (width + GAP) + GAP, rows * (height + LINE + GAP) + GAP)
    canvas = Image.new("RGB", size, BACKGROUND)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(13)
    for number, (title, panel) in enumerate(panels):
        left = GAP + number % COLUMNS * (width + GAP)
        top = GAP + number // COLUMNS * (height + LINE + GAP)
        pen.text((left, top), title, TEXT, font)
        pixels = Image.fromarray((255 * panel).round().astype(np.uint8))
        picture = pixels.resize((width, height), Image.Resampling.NEAREST)
        canvas.paste(picture, (left, top + LINE))
        y, x = (top + LINE + ENLARGED * pixel[0] + 1, left + ENLARGED * pixel[1] + 1)
        if number < 3:
            pen.line((x - 7, y, x + 7, y), CROSS, 2)
            pen.line((x, y - 7, x, y + 7), CROSS, 2)
    return canvas


if __name__ == "__main__":
    main()
