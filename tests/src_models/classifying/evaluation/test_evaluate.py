"""What is measured of a set is what scikit-learn measures of the same answers; JSON holds all of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics
from toy_classes import CLASSES, middle_pixel_model, square, toy_header

from src_models.classifying.evaluation.evaluate import evaluate_classes, write_class_json
from src_models.errors import DataSetError, OutputError, UserError
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader


def by_formula(size=16, count=20, every=4):
    """Return true classes and probabilities of the validation pictures, in the set's order (by name)."""
    true, logits = [], []
    for kind in CLASSES:
        for number in sorted(map(str, range(0, count, every)), key=lambda each: f"{each}.png"):
            picture = square(kind, int(number), size) / 200
            middle = picture[8, 8]
            true.append(CLASSES.index(kind))
            logits.append([4 * middle, -4 * middle, 8 * (picture[0, 0] - middle)])
    raised = np.exp(logits)
    return np.array(true), raised / raised.sum(1, keepdims=True)


def test_scores_are_those_of_the_answers(squares):
    evaluation = evaluate_classes(squares, middle_pixel_model(), device="cpu")
    true, probabilities = by_formula()
    found = probabilities.argmax(1)
    assert (evaluation.split, len(evaluation.samples)) == ("val", 15)
    assert (evaluation.true == true).all()
    assert np.abs(evaluation.found.probabilities - probabilities).max() < 1e-5
    assert evaluation.accuracy == pytest.approx(metrics.accuracy_score(true, found))
    assert evaluation.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(true, found))
    assert evaluation.auc == pytest.approx(metrics.roc_auc_score(true, probabilities, multi_class="ovr"), abs=1e-6)
    assert (evaluation.confusion == metrics.confusion_matrix(true, found)).all()


def test_json_holds_all_that_was_measured(squares, tmp_path):
    progress = []
    evaluation = evaluate_classes(
        squares, middle_pixel_model(), split="train", device="cpu", on_progress=lambda *step: progress.append(step)
    )
    path = write_class_json(evaluation, tmp_path / "scores.json")
    content = json.loads(path.read_text())
    assert progress[-1][:2] == (45, 45)
    assert content["split"] == "train"
    matrix = np.array(content["confusion"]["matrix"])
    assert content["accuracy"] == pytest.approx(np.trace(matrix) / matrix.sum())
    assert content["confusion"]["classes"] == list(CLASSES)
    for row, name in enumerate(CLASSES):
        assert content["per_class"][name]["count"] == 15 == matrix[row].sum()
        assert content["per_class"][name]["recall"] == pytest.approx(matrix[row, row] / 15)
    assert sum(image["right"] for image in content["images"]) == np.trace(matrix)
    assert [image["file"] for image in content["images"]] == [sample.name for sample in evaluation.samples]
    with pytest.raises(OutputError):
        write_class_json(evaluation, path)


def test_a_class_without_pictures_has_no_recall(squares, tmp_path):
    import shutil

    shutil.rmtree(squares / "images" / "striped")
    (squares / "manifest.csv").unlink()
    evaluation = evaluate_classes(squares, middle_pixel_model(), device="cpu")
    assert evaluation.split is None
    content = evaluation.to_dict()
    assert content["per_class"]["striped"]["recall"] is None
    assert content["auc"] is None
    assert json.dumps(content, allow_nan=False)


def test_other_classes_and_other_models_are_refused(squares):
    model = middle_pixel_model(classes=("a", "b", "c"))
    with pytest.raises(DataSetError, match="has the class 'bright' and 'toy' tells a, b, c"):
        evaluate_classes(squares, model, device="cpu")
    header = ModelHeader(name="cells", purpose="", architecture="unet", config={}, classes=("background", "cell"),
                         channels=("grey",))  # fmt: skip
    with pytest.raises(UserError, match="'cells' segments"):
        evaluate_classes(squares, Model(model.network, header), device="cpu")
    assert toy_header().use == "classify"
