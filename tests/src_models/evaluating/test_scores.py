"""What scores of images add up to, and how they are written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from src_models.errors import OutputError
from src_models.evaluating.scores import Evaluation, ImageScore, write_json
from src_models.files.samples import Sample
from src_models.labels.metrics import match_objects, pixel_counts
from src_models.models.header import ModelHeader


def header(result: str) -> ModelHeader:
    classes = ("background", "interior", "boundary") if result == "instances" else ("background", "cell", "vessel")
    return ModelHeader(
        name="toy", purpose="", architecture="unet", config={}, classes=classes, channels=("grey",), result=result
    )


def sample(name: str) -> Sample:
    return Sample(name, Path("images") / name, Path("masks") / name)


def objects(name: str, truth: list[int], prediction: list[int]) -> ImageScore:
    true, predicted = np.array(truth), np.array(prediction)
    return ImageScore(sample(name), pixel_counts(predicted > 0, true > 0, classes=2), match_objects(true, predicted))


def classes(name: str, truth: list[int], prediction: list[int]) -> ImageScore:
    return ImageScore(sample(name), pixel_counts(np.array(prediction), np.array(truth), classes=3), None)


def evaluation(*images: ImageScore, result: str = "instances") -> Evaluation:
    names = ("background", "object") if result == "instances" else ("background", "cell", "vessel")
    return Evaluation(Path("cells"), "test", header(result), "abc", None, names, images)


ALL_FOUND = objects("a.png", [1, 1, 2, 2, 0, 0], [1, 1, 2, 2, 0, 0])
HALF_FOUND = objects("b.png", [1, 1, 2, 2, 0, 0], [1, 1, 0, 0, 0, 0])
NONE_FOUND = objects("c.png", [1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 2])
BLANK = objects("d.png", [0] * 6, [0] * 6)


def test_the_mean_weighs_images_and_pooling_weighs_objects() -> None:
    both = evaluation(ALL_FOUND, HALF_FOUND, NONE_FOUND)
    assert both.mean.ap50 == pytest.approx((1 + 1 / 2 + 0 / 2) / 3)
    assert both.pooled.ap50 == pytest.approx(3 / (3 + 1 + 2))
    assert both.mean.mean_ap == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert both.mean.dice[1] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert both.pooled.dice[1] == pytest.approx(2 * 6 / (2 * 6 + 1 + 6))


def test_an_absent_class_is_left_out_of_the_mean() -> None:
    scores = evaluation(
        classes("a", [0, 1, 1, 0], [0, 1, 1, 0]), classes("b", [0, 2, 2, 0], [0, 2, 0, 0]), result="semantic"
    )
    assert_allclose(scores.mean.dice, [(1 + 2 * 2 / 5) / 2, 1, 2 / 3])
    assert_allclose(scores.images[1].scores.dice, [4 / 5, np.nan, 2 / 3])
    assert scores.images[1].scores.foreground == pytest.approx({"dice": 2 / 3, "iou": 1 / 2, "f1": 2 / 3})
    assert scores.mean.ap50 is None


def test_cases_are_the_best_the_median_and_the_worst() -> None:
    cases = evaluation(HALF_FOUND, NONE_FOUND, ALL_FOUND, BLANK).cases()
    assert {name: image.sample.name for name, image in cases.items()} == {
        "best": "a.png",
        "median": "b.png",
        "worst": "c.png",
    }


@pytest.mark.parametrize(
    ("images", "names"),
    [
        ((ALL_FOUND,), ["best"]),
        ((NONE_FOUND, ALL_FOUND), ["best", "worst"]),
        ((BLANK,), ["best"]),
    ],
)
def test_few_images_give_fewer_cases(images: tuple[ImageScore, ...], names: list[str]) -> None:
    assert list(evaluation(*images).cases()) == names


def test_equal_ap_is_ordered_by_the_mean_over_thresholds() -> None:
    loose = objects("loose", [1] * 5 + [0] * 5, [1] * 3 + [0] * 7)
    tight = objects("tight", [1] * 5 + [0] * 5, [1] * 4 + [0] * 6)
    assert loose.scores.ap50 == tight.scores.ap50 == 1
    assert [image.sample.name for image in evaluation(loose, tight).ranked()] == ["tight", "loose"]


def test_json_holds_every_score_and_null_for_absent_classes(tmp_path: Path) -> None:
    path = write_json(evaluation(HALF_FOUND, BLANK), tmp_path / "scores.json")
    content = json.loads(path.read_text())
    assert content["overall"]["mean_over_images"]["ap50"] == pytest.approx(0.75)
    assert content["overall"]["pooled"]["ap50"] == pytest.approx(0.5)
    assert content["iou_thresholds"] == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    first, blank = content["images"]
    assert (first["file"], first["true_objects"], first["predicted_objects"]) == ("b.png", 2, 1)
    assert first["ap"] == [0.5] * 10
    assert first["dice"] == {"background": pytest.approx(2 * 2 / 6), "object": pytest.approx(2 / 3)}
    assert blank["dice"]["object"] is None
    assert blank["ap_mean"] == 1.0
    assert content["model"] == {"name": "toy", "architecture": "unet", "sha256": "abc"}


def test_json_of_a_semantic_model_has_no_objects(tmp_path: Path) -> None:
    path = write_json(evaluation(classes("a", [0, 1], [0, 1]), result="semantic"), tmp_path / "scores.json")
    content = json.loads(path.read_text())
    assert content["images"] == [
        {
            "file": "a",
            **{key: {"background": 1.0, "cell": 1.0, "vessel": None} for key in ("dice", "iou", "f1")},
            "foreground": {"dice": 1.0, "iou": 1.0, "f1": 1.0},
        }
    ]


def test_json_does_not_replace_a_file_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        write_json(evaluation(ALL_FOUND), path)
    assert path.read_text() == "mine"
    write_json(evaluation(ALL_FOUND), path, overwrite=True)
    assert json.loads(path.read_text())["split"] == "test"
