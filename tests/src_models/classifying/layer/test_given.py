"""Classes that a person gave in a run on a part of a layer: what is kept, and how objects are found again."""

from __future__ import annotations

import numpy as np
import pytest
from grey_classifiers import grey_classifier, grey_header

from src_models.classifying.class_corrections import ClassCorrectionSet
from src_models.classifying.layer.given import given_again, given_class, place_of
from src_models.classifying.layer.layer_run import ClassRun, class_steps
from src_models.corrections.correction import Source
from src_models.images.region import Region
from src_models.models.checkpoint import save
from src_models.models.header import Intensity
from src_models.progress import finish

SOURCE = Source(layer="stack", file="stack.tif", axes="ZYX", plane=())


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    header = grey_header("any", ("a", "b"), 16, intensity=Intensity())
    return save(grey_classifier(header, seed=1), tmp_path_factory.mktemp("m") / "any.safetensors")


@pytest.fixture
def stack():
    return np.random.default_rng(0).integers(0, 255, (3, 60, 70), np.uint8)


@pytest.fixture
def labels(stack):
    labels = np.zeros(stack.shape, np.int32)
    labels[1, 30:36, 40:46], labels[2, 20:25, 30:35] = 4, 9
    return labels


def run(path, data, index, **how):
    region = Region("ZYX", index, data.shape, rgb=False)
    return finish(class_steps(ClassRun(model=path, data=data, region=region, layer_id=1, layer_name="stack", **how)))


WHOLE = (slice(0, 3), slice(0, 60), slice(0, 70))
PLANE = (1, slice(0, 60), slice(0, 70))
PART = (1, slice(20, 60), slice(30, 70))


@pytest.mark.parametrize("index", [WHOLE, PLANE, PART], ids=["all planes", "one plane", "a part"])
def test_a_picture_around_the_object_is_kept_with_its_place_in_the_whole_layer(path, stack, labels, index):
    result = run(path, stack, index, looked_at="objects", labels=labels)
    assert place_of(result, 4) == ((1,), 32.5, 42.5)
    kept = given_class(result, 4, "new", SOURCE, by="ana")
    np.testing.assert_array_equal(kept.picture, stack[1, 25:41, 35:51])
    record = kept.record
    assert (record.class_name, record.object_id, record.by) == ("new", 4, "ana")
    assert (record.source.plane, record.position) == ((1,), (32.5, 42.5))
    assert record.found == result.table.found(4)
    assert record.model_name == "any"


def test_objects_are_found_again_whatever_part_is_looked_at(path, stack, labels, tmp_path):
    first = run(path, stack, WHOLE, looked_at="objects", labels=labels)
    kept = ClassCorrectionSet.open(tmp_path)
    kept.add([given_class(first, 4, "b", SOURCE), given_class(first, 9, "new", SOURCE)])
    again = ClassCorrectionSet.open(tmp_path).items
    assert given_again(run(path, stack, PART, looked_at="objects", labels=labels), again, SOURCE) == {4: "b"}
    other = labels * 3  # the same objects with other numbers
    other[2, 24, 34] = 0  # one of them drawn anew
    found = given_again(run(path, stack, WHOLE, looked_at="objects", labels=other), again, SOURCE)
    assert found == {12: "b", 27: "new"}
    elsewhere = Source(layer="other", file="other.tif", axes="ZYX", plane=())
    assert given_again(first, again, elsewhere) == {}


def test_tiles_and_whole_planes_are_kept_as_they_were_looked_at(path, stack, tmp_path):
    tiles = run(path, stack, PLANE, looked_at="tiles", tile=20)
    kept = given_class(tiles, 6, "b", SOURCE)  # second row, second column
    np.testing.assert_array_equal(kept.picture, stack[1, 20:40, 20:40])
    whole = run(path, stack, PLANE, looked_at="image")
    picture = given_class(whole, 1, "a", SOURCE).picture
    assert picture.shape == (70, 70)
    np.testing.assert_array_equal(picture[5:65], stack[1])
    folder = ClassCorrectionSet.open(tmp_path)
    folder.add([kept])
    assert given_again(tiles, folder.items, SOURCE) == {6: "b"}
