"""Clicking through data sets: which objects are clicked on, and what is written of it."""

import json

import numpy as np
import pytest
import tifffile

from src_models.clicking.training.evaluator import by_label, click_data_set, write_scores
from src_models.errors import DataSetError, OutputError
from src_models.files.dataset import DataSet


def squares(shape=(80, 90)):
    """Three bright squares that the network finds, a speck, and a dark comb that it cannot find."""
    labels = np.zeros(shape, np.uint8)
    for number, (y, x, side) in enumerate([(5, 5, 12), (30, 40, 20), (60, 10, 14), (2, 80, 3), (60, 60, 16)], start=1):
        labels[y : y + side, x : x + side] = number
    labels[60:76:2, 61:76] = 0  # too fine to be clicked together
    image = np.where((labels > 0) & (labels < 5), 1.0, 0.0).astype(np.float32)
    return image, labels


@pytest.fixture
def data(tmp_path):
    def make(*pairs):
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir()
        for number, (image, mask) in enumerate(pairs):
            tifffile.imwrite(tmp_path / "images" / f"{number}.tif", image)
            tifffile.imwrite(tmp_path / "masks" / f"{number}.tif", mask)
        return DataSet.open(tmp_path).samples

    return make


def test_every_object_but_specks_is_clicked_on(data, bright):
    scores = click_data_set(data(squares()), bright)
    assert [score.number for score in scores] == [1, 2, 3, 5]
    assert all(score.iou_after(1) > 0.9 for score in scores[:3])
    assert scores[3].fails(0.8)
    found = by_label(scores)["all"]
    assert found.objects == 4
    assert found.failures[0.85] == 0.25
    assert found.clicks[0.85] == pytest.approx((1 + 1 + 1 + 20) / 4, abs=0.6)


def test_no_more_objects_than_wanted_are_clicked_on_evenly_spread(data, bright):
    assert [score.number for score in click_data_set(data(squares()), bright, most=2)] == [1, 5]


def test_parts_of_classes_are_objects_with_the_class_as_their_label(data, bright):
    image, labels = squares()
    classes = np.where(labels == 5, 2, labels > 0).astype(np.uint8)
    scores = click_data_set(data((image, classes)), bright, classes=True)
    assert sorted(score.label for score in scores) == ["1", "1", "1", "2"]
    found = by_label(scores)
    assert found.keys() == {"1", "2", "all"}
    assert found["1"].failures[0.8] == 0
    assert found["2"].failures[0.8] == 1


def test_of_volumes_slices_are_clicked(data, bright):
    image, labels = squares()
    volume = np.stack([image] * 12), np.stack([labels] * 12)
    scores = click_data_set(data(volume), bright, most=1)
    assert len({score.image for score in scores}) == 8
    assert all("slice" in score.image for score in scores)


def test_a_seed_decides_hurried_clicks(data, bright):
    samples = data(squares())
    one, again = (click_data_set(samples, bright, hurried=True, seed=1) for _ in range(2))
    assert [score.ious for score in one] == [score.ious for score in again]


def test_what_is_written_is_what_was_found_and_overwrites_nothing(data, bright, tmp_path):
    scores = click_data_set(data(squares()), bright)
    path = write_scores(tmp_path / "clicks.json", scores, {"model": "bright"}, overwrite=False)
    stored = json.loads(path.read_text())
    assert stored["model"] == "bright"
    assert stored["summary"]["all"]["objects"] == 4
    assert [tuple(each["ious"]) for each in stored["objects"]] == [score.ious for score in scores]
    with pytest.raises(OutputError):
        write_scores(path, scores, {}, overwrite=False)


def test_masks_without_objects_are_refused(data, bright):
    with pytest.raises(DataSetError, match="no object of at least 16 px"):
        click_data_set(data((np.zeros((40, 40), np.float32), np.zeros((40, 40), np.uint8))), bright)


def test_masks_without_numbers_have_their_parts_clicked_on(data, bright, caplog):
    image, labels = squares()
    scores = click_data_set(data((image, ((labels > 0) * 255).astype(np.uint8))), bright)
    assert [score.number for score in scores] == [2, 3, 4, 5]  # the first one is a speck
    assert {score.label for score in scores} == {""}
    assert "no mask tells objects apart" in caplog.text
