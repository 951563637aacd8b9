"""The sheet shows the surest mistakes of each class."""

from __future__ import annotations

import numpy as np
from PIL import Image
from toy_classes import middle_pixel_model

from src_models.classifying.evaluation.class_sheet import (
    PANEL,
    TITLE,
    draw_class_sheet,
    surest_mistakes,
    write_class_sheet,
)
from src_models.classifying.evaluation.evaluate import evaluate_classes


def test_the_surest_mistakes_come_first(squares):
    evaluation = evaluate_classes(squares, middle_pixel_model(), split="train", device="cpu")
    for label in range(3):
        shown = surest_mistakes(evaluation, label)
        wrong = [n for n in range(45) if evaluation.true[n] == label != evaluation.found.best[n]]
        certainties = evaluation.found.certainty[shown]
        assert set(shown) <= set(wrong)
        assert len(shown) == min(8, len(wrong))
        assert (np.diff(certainties) <= 0).all()
        if wrong:
            assert certainties[0] == evaluation.found.certainty[wrong].max()


def test_pictures_are_drawn_where_there_are_mistakes(squares, tmp_path):
    evaluation = evaluate_classes(squares, middle_pixel_model(), split="train", device="cpu")
    sheet = draw_class_sheet(evaluation)
    top = 3 * 18
    for label in range(3):
        row = sheet[top + label * (PANEL + 28) :][:PANEL, TITLE : TITLE + PANEL]
        assert (row.std() > 20) == bool(surest_mistakes(evaluation, label))
    path = write_class_sheet(evaluation, tmp_path / "sheet.png")
    assert (np.asarray(Image.open(path)) == sheet).all()
