"""What is said of a run: what was found, in how many planes, and what may be wrong with it."""

import dataclasses

import numpy as np
import pytest

from src_models.files.images import read_image
from src_models.images.model_image import ModelImage
from src_models.models.checkpoint import load
from src_models.models.header import Intensity, ModelHeader
from src_models.prediction.findings import Findings, sizes_of
from src_models.prediction.object_size import ObjectSize
from src_models.prediction.segment import segment

AS_IT_IS = ObjectSize(None, 1.0)
NUCLEI = ModelHeader(
    name="blobs",
    purpose="",
    architecture="unet",
    config={},
    classes=("background", "interior", "boundary"),
    channels=("grey",),
    result="instances",
    object_diameter=20.0,
    diameter_range=(10.0, 40.0),
)
CELLS = dataclasses.replace(NUCLEI, classes=("background", "cell", "nucleus"), result="semantic")
ANY_SIZE = dataclasses.replace(NUCLEI, object_diameter=None, diameter_range=None)
PICTURE = np.arange(400.0).reshape(20, 20)


def findings(image=PICTURE, header=NUCLEI, result="instances", axes=None):
    return Findings(ModelImage(image, header, axes=axes), result)


def discs(*diameters):
    """Numbers of pixels of discs."""
    return np.array([round(np.pi * d**2 / 4) for d in diameters], np.int64)


def sure(found, certainty=0.95):
    """Have the network seen objects so surely."""
    block = np.zeros((3, 10, 10))
    block[0], block[1] = 1 - certainty, certainty
    found.certainty.add(block)
    return found


@pytest.mark.parametrize(
    ("shape", "axes", "linked", "words"),
    [
        ((20, 20), "YX", "", "5 objects"),
        ((1, 20, 20), "ZYX", "", "5 objects"),
        ((4, 20, 20), "ZYX", "", "5 outlines in 4 planes, not linked"),
        ((4, 20, 20), "ZYX", "Z", "2 objects in 4 planes (5 outlines, linked through z)"),
        ((4, 20, 20), "TYX", "", "5 outlines in 4 time points, not linked"),
        ((2, 4, 20, 20), "TZYX", "Z", "2 objects in 2 time points (5 outlines, linked through z, not through t)"),
        ((2, 4, 20, 20), "TZYX", "TZ", "2 objects in 8 planes (5 outlines, linked through t and z)"),
    ],
)
def test_objects_are_counted_in_the_planes_they_lie_in(shape, axes, linked, words):
    found = findings(np.zeros(shape), axes=axes)
    found.add_sizes(discs(20, 21))
    found.add_sizes(discs(19, 20, 22))
    if linked:
        found.set_linked(linked, 2)
    assert found.summary() == words
    assert found.outlines == 5


def test_what_is_left_out_is_said():
    found = findings()
    found.add_sizes(discs(20, 20, 3))
    found.set_kept(2, 2)
    assert found.summary() == "2 objects, 1 left out"
    found.set_kept(0, 0)
    assert found.advice(AS_IT_IS) == (
        "All that was found was left out: try a smaller least size, or keep what touches the edge.",
    )


def test_classes_are_said_as_their_share_of_all_pixels():
    found = findings(header=CELLS, result="semantic")
    found.add_classes(np.array([[0, 0, 0, 1], [0, 0, 2, 2]], np.uint8))
    found.add_classes(np.zeros((2, 4), np.uint8))
    assert found.summary() == "nucleus 12.5%, cell 6.2%"
    assert findings(header=CELLS, result="semantic").summary() == "background only"


def test_classes_that_are_not_there_are_told_apart_from_those_that_hardly_are():
    found = findings(header=CELLS, result="semantic")
    found.add_classes(np.eye(2, 4000, dtype=np.uint8)[:1])
    assert found.summary() == "cell under 0.1%; no nucleus"


def test_objects_of_the_usual_size_surely_seen_need_no_advice():
    found = sure(findings())
    found.add_sizes(discs(*range(12, 40)))
    assert found.advice(ObjectSize(20.0, 1.0)) == ()


@pytest.mark.parametrize(("small", "told"), [(8, False), (9, True)])
def test_nearly_half_of_the_outlines_must_be_smaller_than_the_model_handles_to_be_called_specks(small, told):
    """Of 20 outlines; the least share is 45 percent."""
    found = sure(findings())
    found.add_sizes(discs(*[5] * small, *[20] * (20 - small)))
    advice = found.advice(AS_IT_IS)
    assert bool(advice) is told
    for sentence in advice:
        assert "45% of the outlines are specks under 10 px: give the object size" in sentence
        assert "leave out what is smaller" in sentence
        assert "another channel or another model" in sentence


def test_what_counts_as_a_speck_follows_the_zoom():
    found = sure(findings())
    found.add_sizes(discs(*[12] * 30))
    assert found.advice(ObjectSize(None, 1.0)) == ()
    (advice,) = found.advice(ObjectSize(None, 0.5))  # the network saw discs of 6 px
    assert "100% of the outlines are specks under 20 px" in advice


@pytest.mark.parametrize(("count", "diameter", "told"), [(2000, 3, True), (900, 3, False), (2000, 8, False)])
def test_thousands_of_specks_are_told_of_any_model(count, diameter, told):
    found = sure(findings(header=ANY_SIZE))
    found.add_sizes(discs(*[diameter] * count))
    advice = found.advice(AS_IT_IS)
    assert bool(advice) is told
    for sentence in advice:
        assert sentence.startswith("100% of the outlines are specks under 5 px: leave out what is smaller")


SCAN = np.concatenate([np.full((10, 20), -1000.0), np.full((10, 20), 40.0)])


@pytest.mark.parametrize("result", ["instances", "semantic"])
def test_a_scan_in_which_a_model_of_pictures_finds_nothing_is_called_a_scan(result):
    (advice,) = findings(SCAN, result=result).advice(AS_IT_IS)
    assert advice.startswith("Nothing was found. The image looks like a CT scan, and the model 'blobs'")
    assert "napari-medt click" in advice


def test_a_scan_is_called_a_scan_however_sure_the_network_is_of_what_it_finds():
    unsure, specks, good = sure(findings(SCAN), 0.7), sure(findings(SCAN)), sure(findings(SCAN))
    unsure.add_sizes(discs(20, 20))
    specks.add_sizes(discs(*[3] * 50))
    good.add_sizes(discs(20, 20))
    for found in (unsure, specks, good):
        (advice,) = found.advice(AS_IT_IS)
        assert advice.startswith("The image looks like a CT scan")


@pytest.mark.parametrize(
    "changed", [{"intensity": Intensity(kind="window", low=-150, high=250)}, {"parent_sha256": "ab" * 32}]
)
def test_a_model_that_may_have_learnt_from_scans_is_not_said_to_be_a_stranger_to_them(changed):
    (advice,) = findings(SCAN, dataclasses.replace(NUCLEI, **changed)).advice(AS_IT_IS)
    assert advice.startswith("Nothing was found. Try a higher sensitivity")


def test_an_empty_image_is_called_so_beside_what_can_be_tried():
    (advice,) = findings(np.full((20, 20), 7.0)).advice(AS_IT_IS)
    assert advice.startswith("Nothing was found. Try")
    assert advice.endswith("this image, or this channel of it, may be empty.")
    assert "may be empty" not in findings().advice(AS_IT_IS)[0]


def test_a_size_that_cannot_be_told_is_not_asked_for_twice():
    unknown = ObjectSize(None, 1.0, "How large the objects are could not be told.")
    found = sure(findings())
    found.add_sizes(discs(20, 20))
    assert found.advice(unknown) == (unknown.note,)
    found.add_sizes(discs(*[3] * 50))
    assert len(found.advice(unknown)) == 1


def test_sizes_are_counted_over_blocks_and_gaps_in_the_numbers():
    """Against counting with NumPy over the whole plane."""
    labels = np.random.default_rng(0).choice([0, 5, 6, 9], (40, 40)).astype(np.int32)
    cut = [labels[:17], labels[17:]]
    numbers, counts = np.unique(labels[labels > 0], return_counts=True)
    assert numbers.tolist() == [5, 6, 9]
    np.testing.assert_array_equal(sizes_of(cut, 5, 10), counts)
    np.testing.assert_array_equal(sizes_of(cut, 6, 10), counts[1:])


def test_nuclei_in_real_nuclei_need_no_advice(repository):
    image = read_image(repository / "sample_data" / "fluorescence.png")
    assert segment(image.data[:256, :256], load("nuclei"), device="cpu").advice == ()


def test_nuclei_on_a_real_scan_is_told_what_it_is(shared):
    scan = read_image(shared / "data" / "ct_totalseg" / "images" / "abdomen_512.nii.gz")
    found = segment(np.asarray(scan.data[10]), load("nuclei"), device="cpu")
    assert found.labels.max() > 20
    (advice,) = found.advice
    assert advice.startswith("The image looks like a CT scan, and the model 'nuclei' seems not to have learnt from any")
    assert "the widget Click" in advice
