"""What of a set of corrections teaches, and what judges."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.corrections.volumes import slices_around
from src_models.errors import DataSetError, UserError
from src_models.finetuning.held_out import learning_images
from src_models.images.axes import AxesReading
from src_models.images.model_image import ModelImage
from src_models.labels.instances import targets_from_labels
from src_models.models.header import Intensity, ModelHeader, slice_channels

SHAPE = (24, 28)


def header(result="semantic", classes=("background", "a", "b"), **fields):
    classes = ("background", "interior", "boundary") if result == "instances" else classes
    return ModelHeader(
        name="m",
        purpose="",
        architecture="unet",
        config={},
        classes=classes,
        result=result,
        intensity=Intensity(kind="window", low=0, high=100),
        **{"channels": ("grey",), **fields},
    )


def scene(seed, objects=6):
    rng = np.random.default_rng(seed)
    labels = np.zeros(SHAPE, np.int32)
    for _ in range(objects):
        y, x = rng.integers(0, 18, 2)
        labels[y : y + 6, x : x + 6] = rng.integers(1, 3)
    return rng.integers(0, 100, SHAPE).astype(np.uint8), labels


def filled(folder, count, *, change=np.zeros_like, first=0, **options):
    kept = CorrectionSet.open(folder)
    for seed in range(first, first + count):
        image, labels = scene(seed)
        kept.add(mark(image, labels, change(labels), source=Source(layer=f"p{seed}"), **options))
    return kept


def counting(images):
    return {image.name: image.labels >= 0 for image in images}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_of_few_planes_a_quarter_of_each_is_held_out(tmp_path, count):
    found = learning_images(filled(tmp_path, count), header())
    training, validation = counting(found.training), counting(found.validation)
    assert len(training) == len(validation) == count
    for name, held in validation.items():
        assert not (held & training[name]).any()
        assert (held | training[name]).all()
        rows, columns = np.flatnonzero(held.any(1)), np.flatnonzero(held.any(0))
        assert (len(rows), len(columns)) == (12, 14)
        assert held.sum() == 12 * 14, "a quadrant"


@pytest.mark.parametrize(("count", "out"), [(4, "p3"), (6, "p3"), (8, "p3 p7"), (12, "p3 p7 p11")])
def test_every_fourth_plane_is_held_out_whole_besides_a_quarter_of_the_first_three(tmp_path, count, out):
    found = learning_images(filled(tmp_path, count), header())
    training, validation = counting(found.training), counting(found.validation)
    first = {"p0.tif", "p1.tif", "p2.tif"}
    assert {name.split(".")[0] for name, held in validation.items() if held.all()} == set(out.split())
    assert training.keys() & validation.keys() == first
    assert all(validation[name].mean() == 0.25 for name in first)
    assert all(training[name].all() for name in training.keys() - first)
    assert len(training.keys() | validation.keys()) == count


@given(st.integers(1, 12), st.integers(0, 6), st.sets(st.integers(0, 17)))
@settings(max_examples=15, deadline=None)
def test_what_judges_never_taught_before(tmp_path_factory, count, more, empty):
    """Else the network as it was would look better than it is, and nothing would seem to be gained."""
    kept = CorrectionSet.open(tmp_path_factory.mktemp("set"))
    sides = []
    for size in (count, more):
        for _ in range(size):
            number = len(kept)
            image, labels = scene(number, objects=0 if number in empty - {0} else 6)
            found = np.zeros_like(labels) if labels.any() else np.ones_like(labels)
            kept.add(mark(image, labels, found, source=Source(layer=f"p{number}")))
        found = learning_images(kept, header())
        sides.append((counting(found.training), counting(found.validation)))
    (taught, _), (_, judging) = sides
    for name in taught.keys() & judging.keys():
        assert not (taught[name] & judging[name]).any()


def test_a_plane_without_objects_teaches_and_the_next_one_judges(tmp_path):
    kept = filled(tmp_path, 3)
    image, labels = scene(3)
    kept.add(mark(image, np.zeros_like(labels), labels, source=Source(layer="p3")))
    assert all(not held.all() for held in counting(learning_images(kept, header()).validation).values())
    found = learning_images(filled(tmp_path, 2, first=4), header())
    assert {"p3.tif", "p5.tif"} <= counting(found.training).keys()
    assert counting(found.validation)["p4.tif"].all()


def test_the_quadrant_that_is_held_out_has_its_share_of_changes(tmp_path):
    """Only the upper left was changed: neither side should be without any change, if a quadrant could do that."""
    image, _ = scene(0)
    labels = np.zeros(SHAPE, np.int32)
    labels[2:12, 2:14] = 1
    labels[13:15, 2:20] = 2
    kept = CorrectionSet.open(tmp_path)
    kept.add(mark(image, labels, source=Source(layer="a")))
    changed = labels > 0
    (held,) = counting(learning_images(kept, header()).validation).values()
    shares = [changed[quadrant].mean() for quadrant in _quadrants()]
    best = _quadrants()[int(np.argmin(np.abs(np.array(shares) - changed.mean())))]
    expected = np.zeros(SHAPE, bool)
    expected[best] = True
    np.testing.assert_array_equal(held, expected)


def _quadrants():
    return [np.s_[:12, :14], np.s_[:12, 14:], np.s_[12:, :14], np.s_[12:, 14:]]


@settings(max_examples=20, deadline=None)
@given(
    count=st.integers(1, 6),
    regions=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 18), st.integers(2, 9), st.integers(0, 20), st.integers(2, 9)),
        max_size=4,
    ),
)
def test_each_pixel_that_counts_is_on_one_side_with_its_newest_label(tmp_path_factory, count, regions):
    folder = tmp_path_factory.mktemp("set")
    kept = filled(folder, count)
    expected = {f"p{seed}": scene(seed)[1].copy() for seed in range(count)}
    for plane, top, height, left, width in regions:
        seed = plane % count
        image, labels = scene(seed)
        region = ((top, top + height), (left, left + width))
        new = 3 - np.maximum(labels, 1)
        kept.add(mark(image, new, labels, source=Source(layer=f"p{seed}"), mode="region", region=region))
        cut = np.s_[top : top + height, left : left + width]
        expected[f"p{seed}"][cut] = new[cut]
    found = learning_images(kept, header())
    told, sides = defaultdict(lambda: np.full(SHAPE, -9)), defaultdict(lambda: np.zeros(SHAPE, int))
    for images in (found.training, found.validation):
        for image in images:
            plane, counts = image.name.split(".")[0].split("-")[0], image.labels >= 0
            told[plane][counts] = image.labels[counts]
            sides[plane] += counts
    for plane, labels in expected.items():
        np.testing.assert_array_equal(told[plane], labels)
        assert (sides[plane] == 1).all()


def test_the_focus_is_what_was_changed(tmp_path):
    def change(labels):
        found = labels.copy()
        found[4:9, 5:11] = 0
        return found

    found = learning_images(filled(tmp_path, 4, change=change), header())
    for image in (*found.training, *found.validation):
        _, labels = scene(int(image.name[1]))
        counts = image.labels >= 0
        expected = np.argwhere(counts & (labels != change(labels)))
        np.testing.assert_array_equal(image.focus, expected if len(expected) else np.argwhere(counts))


def test_images_are_normalised_as_the_model_expects(tmp_path):
    found = learning_images(filled(tmp_path, 4), header())
    for image in found.training:
        raw, _ = scene(int(image.name[1]))
        np.testing.assert_allclose(image.image[0], raw / 100, atol=1e-3)


def test_of_paint_the_outline_does_not_count_for_objects(tmp_path):
    image, _ = scene(0)
    labels = np.zeros(SHAPE, np.int32)
    labels[4:20, 4:24] = 70_000_000
    background = np.zeros(SHAPE, bool)
    background[21:] = True
    kept = CorrectionSet.open(tmp_path)
    kept.add(mark(image, labels, source=Source(layer="a"), mode="painted", background=background))
    found = learning_images(kept, header("instances"))
    counts = sum(image.labels >= 0 for image in (*found.training, *found.validation))
    expected = ((labels > 0) | background) & (targets_from_labels(np.minimum(labels, 1)) != 2)
    np.testing.assert_array_equal(counts, expected)
    assert max(image.labels.max() for image in found.training) == 1, "numbers close up"


def test_the_size_of_objects_is_known(tmp_path):
    kept = CorrectionSet.open(tmp_path)
    labels = np.zeros(SHAPE, np.int32)
    labels[2:8, 2:8], labels[12:18, 12:18] = 1, 2
    kept.add(mark(scene(0)[0], labels, source=Source(layer="a")))
    assert learning_images(kept, header("instances")).diameter == pytest.approx(2 * np.sqrt(36 / np.pi))


def test_two_classes_are_learnt_from_any_numbers(tmp_path):
    kept = filled(tmp_path, 1)
    image, labels = scene(5)
    kept.add(mark(image, labels * 100, source=Source(layer="a")))
    found = learning_images(kept, header(classes=("background", "cell")))
    highest = {image.labels.max() for image in found.training}
    assert highest == {1}


def test_a_class_beyond_the_models_counts_only_where_it_is_marked(tmp_path):
    image, labels = scene(1)
    labels[0, 0], labels[20:22, 20:22] = 9, 2
    kept = CorrectionSet.open(tmp_path)
    kept.add(mark(image, labels, source=Source(layer="a"), mode="region", region=((1, 24), (1, 28))))
    learning_images(kept, header())
    kept.add(mark(image, labels, source=Source(layer="a")))
    with pytest.raises(DataSetError, match=r"a-2\.tif has the class 9 and the model 'm' has 3 \(background, a, b\)"):
        learning_images(kept, header())


def test_nothing_to_learn_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="nothing is marked as corrected yet"):
        learning_images(CorrectionSet.open(tmp_path / "empty"), header())
    with pytest.raises(UserError, match="as the network found it"):
        learning_images(filled(tmp_path / "same", 2, change=lambda labels: labels), header())


def test_another_image_of_the_same_name_teaches_too(tmp_path):
    kept = CorrectionSet.open(tmp_path)
    for seed in (0, 1):
        image, labels = scene(seed)
        kept.add(mark(image, labels, np.zeros_like(labels), source=Source(layer="Image")))
    found = learning_images(kept, header())
    counted = sum((image.labels >= 0).sum() for images in (found.training, found.validation) for image in images)
    assert counted == 2 * np.prod(SHAPE)


@pytest.mark.parametrize("modality", ["CT", "MR", None])
def test_what_a_correction_s_source_says_of_its_values_counts_when_it_is_normalised(tmp_path, modality):
    values = np.random.default_rng(0).normal(40, 30, (40, 50)).astype(np.float32)
    values[:10], values[:, :12] = -1000, -3024
    kept = CorrectionSet.open(tmp_path)
    source = Source(layer="scan", modality=modality, padding=((-3024.0, -3024.0),) if modality == "CT" else ())
    kept.add(mark(values, (values > 60).astype(np.int32), np.zeros(values.shape, np.int32), source=source))
    described = replace(header(classes=("background", "a")), intensity=Intensity())
    (seen,) = learning_images(CorrectionSet.open(tmp_path), described).training[:1]
    expected = ModelImage(values, described, axes=AxesReading("YX", values.shape, {}, modality=modality))
    np.testing.assert_array_equal(seen.image, expected.plane(()).read(np.s_[0:40, 0:50]).astype(np.float16))


SPACED = {"spacing": (1.5, 1.5), "unit": "mm"}


@pytest.mark.parametrize("size", [0.75, 3.0])
def test_a_network_that_was_made_for_a_spacing_learns_what_it_would_see(tmp_path, size):
    """Grey values as prediction brings them to the network, labels by the pixel they come from."""
    kept = CorrectionSet.open(tmp_path)
    sources = [Source(layer=f"p{seed}", spacing=(size, size), unit="mm") for seed in range(5)]
    for seed, source in enumerate(sources):
        kept.add(mark(*scene(seed), np.zeros(SHAPE, np.int32), source=source))
    found = learning_images(kept, header(**SPACED))
    shape = tuple(round(n * size / 1.5) for n in SHAPE)
    for each in (*found.training, *found.validation):
        assert each.labels.shape == shape
    (last,) = (each for each in found.training if each.name.startswith("p4"))
    image, labels = scene(4)
    seen = ModelImage(image, header(**SPACED), axes=kept.read(kept.items[4].name).reading)
    expected = seen.plane((), size / 1.5).read([slice(0, n) for n in shape])
    np.testing.assert_allclose(last.image, expected, atol=1e-3)
    places = [((np.arange(n) + 0.5) * 1.5 / size).astype(int) for n in shape]
    np.testing.assert_array_equal(last.labels, np.minimum(labels[np.ix_(*places)], 2))


def test_objects_are_measured_at_the_network_s_scale(tmp_path):
    kept = CorrectionSet.open(tmp_path)
    labels = np.zeros(SHAPE, np.int32)
    labels[4:16, 5:17] = 1
    source = Source(layer="a", spacing=(3.0, 3.0), unit="mm")
    kept.add(mark(scene(0)[0], labels, np.zeros(SHAPE, np.int32), source=source))
    own, spaced = (learning_images(kept, header("instances", **more)).diameter for more in ({}, SPACED))
    assert spaced == pytest.approx(2 * own)


@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_network_of_slices_learns_from_a_slice_between_its_neighbours(tmp_path, place):
    """As it sees them, also at the ends of the stack; of a plane whose neighbours nobody kept, it is its own."""
    stack = np.random.default_rng(0).integers(0, 100, (6, *SHAPE)).astype(np.uint8)
    described = header(channels=slice_channels(3))
    kept = CorrectionSet.open(tmp_path)
    nothing = np.zeros(SHAPE, np.int32)
    source = Source(layer="stack", axes="ZYX", plane=(place,))
    around = slices_around(stack, place, described.slices_kept)
    kept.add(mark(stack[place], scene(0)[1], nothing, source=source, around=around))
    kept.add(mark(stack[place], scene(0)[1], nothing, source=Source(layer="alone")))
    images = {each.name: each.image for each in learning_images(kept, described).training}
    seen = ModelImage(stack, described, axes="ZYX").plane((place,)).read([slice(0, n) for n in SHAPE])
    (between,) = (image for name, image in images.items() if "stack" in name)
    np.testing.assert_allclose(between, seen, atol=1e-3)
    (alone,) = (image for name, image in images.items() if "alone" in name)
    np.testing.assert_allclose(alone, np.stack([seen[1]] * 3), atol=1e-3)
