"""The sheet of best, median and worst image: outlines lie where the labels are, and the right images are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose
from PIL import Image

from src_models.errors import OutputError
from src_models.evaluating import evaluate as evaluating
from src_models.evaluating.scores import Evaluation, ImageScore
from src_models.evaluating.sheet import CLASSES, PANEL, PREDICTION, TRUTH, Case, draw_sheet, write_sheet
from src_models.files.samples import Sample
from src_models.labels.metrics import match_objects, pixel_counts
from src_models.models.checkpoint import load


def pixels_of(sheet: np.ndarray, colour: tuple[int, int, int], column: int) -> np.ndarray:
    """Where a colour is in one of the three columns, as (y, x) within the column."""
    width = sheet.shape[1] // 3
    below_the_heading = sheet[48:, column * width : (column + 1) * width]
    return np.argwhere((below_the_heading == colour).all(axis=-1))


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 3), (5, 64, 64), (5, 64, 64, 2), (30, 64)], ids=str)
def test_the_sheet_outlines_truth_and_prediction_where_they_are(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 4000, shape).astype(np.uint16)
    spatial = shape[:3] if shape[0] == 5 else shape[:2]
    truth, prediction = np.zeros(spatial, np.int32), np.zeros(spatial, np.int32)
    (truth if len(spatial) == 2 else truth[3])[8:16, 8:16] = 5
    prediction[..., 8:16, 24:32] = 9
    sheet = draw_sheet([Case("best", image, truth, prediction)], heading="toy")
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] > 3 * PANEL
    scale = PANEL / 64
    for column, colour, left in ((1, TRUTH, 8), (2, PREDICTION, 24)):
        found = pixels_of(sheet, colour, column)
        assert_allclose(np.ptp(found, axis=0), 8 * scale - 1, atol=1)
        offset = found[:, 1].min() - left * scale
        assert 0 <= offset < 40
    assert not len(pixels_of(sheet, TRUTH, 2))
    assert not len(pixels_of(sheet, PREDICTION, 1))


def test_classes_are_outlined_in_colours_of_their_own() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[5:15, 5:15], labels[20:30, 20:30] = 1, 2
    sheet = draw_sheet([Case("best", labels, labels, labels)], heading="toy", classes=("cell", "vessel"))
    for colour in CLASSES[:2]:
        assert len(pixels_of(sheet, colour, 1)) == len(pixels_of(sheet, colour, 2)) > 300


def test_rows_stand_below_each_other() -> None:
    wide, tall = np.zeros((20, 40), np.uint8), np.zeros((40, 20), np.uint8)
    one = draw_sheet([Case("best", wide, wide, wide)], heading="toy")
    two = draw_sheet([Case("best", wide, wide, wide), Case("worst", tall, tall, tall)], heading="toy")
    assert two.shape[0] - one.shape[0] > PANEL
    assert two.shape[1] == one.shape[1]


def measured(folder: Path, sides: tuple[int, ...]) -> Evaluation:
    """Score squares of given sides against one of 16 px, in images that say which they are by their height."""
    images = []
    for number, side in enumerate(sides):
        truth, found = np.zeros((40 + number, 48), np.uint8), np.zeros((40 + number, 48), np.uint8)
        truth[4:20, 4:20], found[4 : 4 + side, 4:20] = 1, 1
        for kind, array in (("images", 200 * truth), ("masks", truth)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(folder / kind / f"{number}.tif", array)
        sample = Sample(f"{number}.tif", folder / "images" / f"{number}.tif", folder / "masks" / f"{number}.tif")
        images.append(ImageScore(sample, pixel_counts(found, truth, classes=2), match_objects(truth, found)))
    return Evaluation(folder, None, load("nuclei").header, None, None, ("background", "object"), tuple(images))


def test_the_best_the_median_and_the_worst_image_are_segmented_again_and_drawn(tmp_path, monkeypatch) -> None:
    evaluation, asked = measured(tmp_path / "data", (9, 16, 1, 13, 11)), []

    def predicted(sample, model, **options):
        asked.append((sample.name, options["device"], options["diameter"]))
        mask = tifffile.imread(sample.mask)
        return tifffile.imread(sample.image), mask, mask

    monkeypatch.setattr(evaluating, "predict_sample", predicted)
    path = write_sheet(evaluation, None, tmp_path / "sheet.png", device="cpu")  # the model only hands itself on
    ranked = [image.sample.name for image in evaluation.ranked()]
    assert ranked[0] == "1.tif"
    assert ranked[-1] == "2.tif"
    assert asked == [(name, "cpu", None) for name in ("1.tif", ranked[2], "2.tif")]
    sheet = np.asarray(Image.open(path))
    assert sheet.shape[1] > 3 * PANEL
    assert sheet.shape[0] > 3 * PANEL * 40 / 48
    before = path.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        write_sheet(evaluation, None, path, device="cpu")
    assert path.read_bytes() == before
    write_sheet(evaluation, None, path, device="cpu", overwrite=True)


def test_a_title_that_is_too_long_is_cut_and_an_image_without_contrast_is_drawn() -> None:
    flat = np.full((30, 40), 7, np.uint8)
    nothing = np.zeros_like(flat)
    sheet = draw_sheet([Case("a very long name " * 40, flat, nothing, nothing)], heading="toy")
    assert sheet.shape[1] < 4 * PANEL
    assert not len(pixels_of(sheet, TRUTH, 1))


def test_holes_in_an_image_are_as_dark_as_its_ground() -> None:
    image, none = np.full((64, 64), 10, np.float32), np.zeros((64, 64), np.int32)
    image[32:] = 90
    holed = image.copy()
    holed[:8] = np.nan
    drawn = [draw_sheet([Case("best", one, none, none)], heading="toy") for one in (image, holed)]
    np.testing.assert_array_equal(*drawn)
