"""The pictures that are audited: which they are, and where their objects lie in them."""

import csv

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from imageio.v3 import imwrite
from patch_classes import SIZE, patch_model

from src_models.auditing.classes.audited_pictures import pictures_of_run, pictures_of_set, spread_over_classes
from src_models.classifying.classify import classify
from src_models.files.class_sets.opening import open_class_set
from src_models.images.model_image import ModelImage


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 50))
def test_of_each_class_as_many_as_of_others_as_far_as_there_are(labels, limit):
    chosen = spread_over_classes(labels, limit)
    assert len(set(chosen)) == len(chosen) == min(limit, len(labels))
    there, taken = (np.bincount(each, minlength=4) for each in (labels, [labels[place] for place in chosen]))
    short = [taken[k] for k in range(4) if taken[k] < there[k]]  # of which more could have been taken
    assert not short or max(taken) - min(short) <= 1


def test_objects_lie_in_their_pictures_where_the_labels_say_and_not_where_the_image_is_mirrored():
    """The mask must be that of the labels, cut and mirrored as the picture itself is."""
    rng = np.random.default_rng(0)
    image = rng.random((50, 70), np.float32)
    labels = np.zeros((50, 70), np.int32)
    labels[2:9, 3:12], labels[30:41, 40:60] = 5, 9
    image[labels == 5] = 0.111  # by which the object is known in its picture
    image[labels == 9] = 0.222
    model = patch_model()
    found = classify(image, model, labels=labels, device="cpu")
    first, second = pictures_of_run(ModelImage(image, model.header), found, labels)
    for one, grey, area in ((first, 0.111, 7 * 9), (second, 0.222, 11 * 20)):
        same = np.isclose(one.values[0], grey)
        assert one.inside.sum() == area
        assert (same >= one.inside).all()
    assert (np.isclose(first.values[0], 0.111)).sum() > 7 * 9  # once more in the mirror, which is not it
    assert [one.inside for one in pictures_of_run(ModelImage(image, model.header), found)] == [None, None]


def test_of_a_resized_object_the_mask_is_resized():
    image, labels = np.zeros((80, 80), np.float32), np.zeros((80, 80), np.int32)
    labels[20:60, 20:60] = 1
    model = patch_model()
    found = classify(image, model, labels=labels, zoom=0.5, device="cpu")  # 72 px are seen as 36
    (one,) = pictures_of_run(ModelImage(image, model.header), found, labels)
    rows, columns = np.nonzero(one.inside)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 27, 8, 27)


def test_boxes_tell_where_objects_lie_and_folders_do_not(tmp_path):
    (tmp_path / "images").mkdir()
    image = np.zeros((100, 120), np.float32)
    boxes = [("patch", 30, 20, 40, 26), ("empty", 60, 40, 75, 60), ("patch", 30, 70, 34, 90)]
    for _, x0, y0, x1, y1 in boxes:
        image[y0:y1, x0:x1] = 1
    rows = []
    for name, split in (("a.tif", "val"), ("b.tif", "train")):
        imwrite(tmp_path / "images" / name, image)
        rows += [[name, split, *box] for box in boxes]
    with (tmp_path / "boxes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "split", "class", "x0", "y0", "x1", "y1"], *rows])
    found = pictures_of_set(open_class_set(tmp_path), patch_model().header)
    assert len(found) == 3
    for one in found:
        rows, columns = np.nonzero(one.inside)
        assert one.values[0, SIZE // 2, SIZE // 2] == 1
        inside = one.values[0][one.inside]
        assert inside.mean() > 0.85  # the middle of an odd box lies half a pixel off
        assert one.values[0, rows.max() + 2, SIZE // 2] == one.values[0, SIZE // 2, columns.max() + 2] == 0
