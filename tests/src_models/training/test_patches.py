"""The patches a training sees."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from numpy.testing import assert_array_equal
from scipy import ndimage
from torch.utils.data import DataLoader

from src_models.errors import DataSetError, ImageError
from src_models.files.images import read_image
from src_models.files.samples import Sample
from src_models.images.model_image import ModelImage
from src_models.labels.instances import targets_from_labels
from src_models.models.header import InstanceSettings, Intensity, ModelHeader
from src_models.training.masked_loss import IGNORED
from src_models.training.patches import (
    SMALLEST_DIAMETER,
    Patches,
    TrainingImage,
    load_images,
    pixels_of_classes,
    targets_of,
    window_of_most,
)

INSTANCES = ("background", "interior", "boundary")


def header(result="semantic", dimensions=2, **fields):
    classes = fields.pop("classes", INSTANCES if result == "instances" else ("background", "a", "b", "c"))
    sizes = {"tile": (64,) * dimensions, "overlap": (8,) * dimensions, "dimensions": dimensions}
    window = Intensity(kind="window", low=0, high=1)
    fields = {"channels": ("grey",), "intensity": window, **sizes, **fields}
    return ModelHeader(name="m", purpose="", architecture="unet", config={}, classes=classes, result=result, **fields)


def scene(shape, seed=0, diameter=None, channels=1):
    """Boxes of the classes 1 to 3, each as bright as a quarter of its class."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    for _ in range(12):
        corner = [rng.integers(0, n - 8) for n in shape]
        labels[tuple(slice(c, c + rng.integers(6, 20)) for c in corner)] = rng.integers(1, 4)
    image = np.repeat(labels[None] / 4, channels, 0).astype(np.float16)
    return TrainingImage(f"scene {seed}", image, labels, diameter)


def patches(images, described=None, **options):
    size = (32,) * images[0].labels.ndim
    settings = {"size": size, "recipe": "microscopy", "seed": 3, "start": 0, "stop": 24, **options}
    return Patches(images, described or header(dimensions=len(size)), **settings)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


IMAGES = [scene((60, 70), 0), scene((90, 50), 1), scene((64, 64), 2)]


def test_flip_leaves_the_scale_alone():
    """A patch as large as its image is that image or its mirror image, however large the objects."""
    image = scene((32, 32), 4, diameter=9.0)
    seen = {True: 0, False: 0}
    for patch, classes in map(patches([image], recipe="flip").__getitem__, range(24)):
        mirrored = not np.array_equal(classes.numpy(), image.labels)
        seen[mirrored] += 1
        np.testing.assert_array_equal(classes, image.labels[:, ::-1] if mirrored else image.labels)
        np.testing.assert_array_equal(patch[0], image.image[0][:, ::-1] if mirrored else image.image[0])
    assert min(seen.values()) > 4


def test_a_patch_is_the_same_whatever_was_drawn_before():
    all_in_order = list(map(patches(IMAGES).__getitem__, range(12)))
    for start in (3, 7):
        later = patches(IMAGES, start=start)
        assert same(later[2], all_in_order[start + 2])
        assert same(later[0], all_in_order[start])
    assert not same(all_in_order[0], all_in_order[1])
    assert not same(patches(IMAGES, seed=4)[0], all_in_order[0])


def test_workers_do_not_change_the_patches():
    def drawn(workers):
        return list(DataLoader(patches(IMAGES, stop=8), batch_size=2, num_workers=workers))

    for one, other in zip(drawn(0), drawn(2), strict=True):
        assert same(one, other)


def test_there_are_as_many_as_asked_for():
    assert len(patches(IMAGES, start=5, stop=24)) == 19


@pytest.mark.parametrize("recipe", ["none", "microscopy", "ct"])
@pytest.mark.parametrize(("result", "dimensions"), [("semantic", 2), ("instances", 2), ("semantic", 3)])
def test_patches_have_the_size_and_type_that_a_network_takes(recipe, result, dimensions):
    images = [scene((40,) * dimensions, 0), scene((20, 50, 30)[:dimensions], 1)]
    drawn = patches(images, header(result, dimensions), recipe=recipe)
    for index in range(4):
        image, targets = drawn[index]
        assert type(image) is type(targets) is torch.Tensor, "no subclass that slows the network down"
        assert (image.shape, image.dtype) == ((1, *(32,) * dimensions), torch.float32)
        assert (targets.shape, targets.dtype) == ((32,) * dimensions, torch.int64)
        assert targets.min() >= 0
        assert targets.max() < len(drawn.header.classes)
        assert torch.isfinite(image).all()


@pytest.mark.parametrize("recipe", ["none", "microscopy", "ct"])
def test_image_and_classes_stay_aligned(recipe):
    """Brightness tells the class, as far as contrast, blur and noise let it: it rises (or, inverted, falls) with it."""
    drawn = patches(IMAGES, recipe=recipe)
    for index in range(24):
        image, targets = drawn[index]
        if len(targets.unique()) < 2:
            continue
        if recipe == "none":
            torch.testing.assert_close(image[0], targets / 4, atol=1e-3, rtol=0)
        else:
            relation = np.corrcoef(image.numpy().ravel(), targets.numpy().ravel())[0, 1]
            assert abs(relation) > 0.5, index


def test_without_a_recipe_a_patch_is_a_window_of_the_image():
    image = np.random.default_rng(0).random((1, 60, 70)).astype(np.float16)
    source = TrainingImage("a", image, np.arange(4200).reshape(60, 70).astype(np.int32) % 4, None)
    windows = np.lib.stride_tricks.sliding_window_view(image[0], (32, 32)).reshape(-1, 32, 32)
    for index in range(4):
        found, targets = patches([source], recipe="none")[index]
        (place,) = np.flatnonzero((windows == found[0].numpy().astype(np.float16)).all((1, 2)))
        y, x = divmod(place, 70 - 31)
        np.testing.assert_array_equal(targets, source.labels[y : y + 32, x : x + 32])


def test_all_of_an_image_is_drawn_from():
    image = np.zeros((1, 40, 40), np.float16)
    labels = np.zeros((40, 40), np.int32)
    labels[0, 0] = labels[-1, -1] = 1
    seen = patches([TrainingImage("a", image, labels, None)], recipe="none", stop=400)
    corners = {(int(t[0, 0]), int(t[-1, -1])) for _, t in (seen[i] for i in range(400))}
    assert {(1, 0), (0, 1)} <= corners


def test_small_images_are_mirrored_until_they_fill_a_patch():
    texture = np.random.default_rng(0).random((1, 10, 40)).astype(np.float16)
    source = TrainingImage("a", texture, np.ones((10, 40), np.int32), None)
    image, targets = patches([source], recipe="none")[0]
    np.testing.assert_array_equal(image[0, 10:20], image[0, :10].flip(0))
    np.testing.assert_array_equal(image[0, 20:30], image[0, :10])
    assert (targets == 1).all()


def test_objects_are_targets_after_the_patch_was_warped():
    """Boundaries are as wide as ever at the patch's own scale, not scaled ones."""
    labels = np.zeros((96, 96), np.int32)
    for number, corner in enumerate(itertools.product(range(4, 90, 24), repeat=2), start=1):
        labels[tuple(slice(start, start + 14) for start in corner)] = number  # 7 px at half their size
    apart = TrainingImage("squares", (labels[None] > 0).astype(np.float16), labels, None)
    drawn = patches([apart], header("instances"), stop=8)
    for index in range(8):
        _, targets = drawn[index]
        pieces, _ = ndimage.label(targets.numpy() > 0)
        cut = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])  # what is left of them may be thin
        inside = (pieces > 0) & ~np.isin(pieces, cut)
        thin = inside & ~ndimage.binary_erosion(inside, border_value=1)
        assert (targets.numpy()[thin] == 2).all(), "the outline of every object is boundary"


def test_objects_are_not_made_too_small_to_see():
    """A square of 10 px, whose area tells the zoom: down to 7 px, not to the 5 px of other objects."""
    labels = np.zeros((300, 300), np.int32)
    labels[100:110, 100:110] = 1
    image = labels[None].astype(np.float16)
    smallest = {}
    for diameter in (None, 10.0):
        drawn = patches([TrainingImage("a", image, labels, diameter)], size=(200, 200))
        whole = [drawn._cut(drawn.images[0], np.random.default_rng(seed))["labels"] for seed in range(60)]
        smallest[diameter] = min(np.sqrt(float(cut.sum())) for cut in whole if cut.sum() > 0)
    assert smallest[None] == pytest.approx(5, abs=0.6)
    assert smallest[10.0] == pytest.approx(SMALLEST_DIAMETER, abs=0.6)


def test_the_rarer_of_grey_and_colour_is_drawn_more_often_than_its_share():
    grey = [scene((40, 40), k, channels=3) for k in range(9)]
    rng = np.random.default_rng(0)
    colour = TrainingImage("c", rng.random((3, 40, 40)).astype(np.float16), np.zeros((40, 40), np.int32), None)
    assert colour.colour
    assert not grey[0].colour
    drawn = patches([*grey, colour], header(channels=("red", "green", "blue")))
    # Square roots of 9 and 1: a quarter of the patches rather than a tenth.
    assert drawn._weights[-1] == pytest.approx(0.25)
    assert drawn._weights.sum() == pytest.approx(1)


def test_each_domain_is_drawn_equally_often():
    many = [replace(scene((40, 40), k), domain="many") for k in range(9)]
    few = [replace(scene((40, 40), 20 + k), domain="few") for k in range(2)]
    nameless = scene((40, 40), 30)
    drawn = patches([*many, few[0], nameless, few[1]], stop=1)
    np.testing.assert_allclose(drawn._weights, [1 / 27] * 9 + [1 / 6, 1 / 3, 1 / 6])
    alone = [replace(image, domain="one") for image in IMAGES]
    assert (patches(alone)._weights == patches(IMAGES)._weights).all(), "one domain is as none"


def test_within_a_domain_grey_and_colour_are_evened_out_as_ever():
    grey = [replace(scene((40, 40), k, channels=3), domain="a") for k in range(9)]
    rng = np.random.default_rng(0)
    colour = TrainingImage("c", rng.random((3, 40, 40)).astype(np.float16), np.zeros((40, 40), np.int32), None)
    described = header(channels=("red", "green", "blue"))
    drawn = patches([*grey, replace(colour, domain="a"), replace(colour, domain="b")], described)
    np.testing.assert_allclose(drawn._weights[-2:], [0.25 / 2, 0.5])


# Reading


def sample(folder, image, mask, name="a.tif"):
    for kind, data in (("images", image), ("masks", mask)):
        (folder / kind).mkdir(exist_ok=True)
        tifffile.imwrite(folder / kind / name, data)
    return Sample(name, folder / "images" / name, folder / "masks" / name)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "f4", "f8"])
def test_images_of_every_type_are_read_and_normalised(tmp_path, dtype):
    raw = np.random.default_rng(0).integers(0, 100, (30, 40))
    (image,) = load_images(
        [sample(tmp_path, raw.astype(dtype), (raw > 50).astype(np.uint8))],
        header(intensity=Intensity(kind="percentile", low=1, high=99)),
    )
    low, high = np.percentile(raw, (1, 99))
    np.testing.assert_allclose(image.image[0], (raw - low) / (high - low), atol=2e-3)
    assert image.image.dtype == np.float16
    np.testing.assert_array_equal(image.labels, raw > 50)


def test_huge_ids_stay_apart(tmp_path):
    """Ids beyond 2**24 are not whole numbers of float32, in which masks are warped."""
    mask = np.zeros((40, 40), np.int32)
    mask[4:20, 4:20], mask[4:20, 20:36] = 2**30, 2**30 + 1
    described = header("instances")
    (image,) = load_images([sample(tmp_path, np.zeros((40, 40), np.uint8), mask)], described)
    _, targets = Patches([image], described, size=(40, 40), recipe="none", seed=0, start=0, stop=1)[0]
    np.testing.assert_array_equal(targets, targets_from_labels(mask))
    assert image.diameter == pytest.approx(2 * np.sqrt(256 / np.pi))


def test_a_mask_of_0_and_255_is_one_class(tmp_path):
    mask = np.zeros((30, 30), np.uint8)
    mask[5:20] = 255
    (image,) = load_images(
        [sample(tmp_path, np.zeros((30, 30), np.uint8), mask)], header(classes=("background", "cell"))
    )
    assert set(np.unique(image.labels)) == {0, 1}


@pytest.mark.parametrize(
    ("image", "mask", "described", "error", "words"),
    [
        (np.zeros((9, 9)), np.full((9, 9), 7, np.uint8), header(), DataSetError, r"masks/a\.tif has the class 7"),
        (np.zeros((9, 9)), np.zeros((9, 9), np.uint8), header(dimensions=3), DataSetError, r"a\.tif is 2D and the"),
        (np.full((9, 9), np.nan), np.zeros((9, 9), np.uint8), header(), ImageError, r"a\.tif has no value that is"),
        (np.zeros((9, 9)), np.zeros((9, 8), np.uint8), header(), DataSetError, "equal size"),
    ],
    ids=["unknown class", "dimensions", "NaN", "shapes"],
)
def test_samples_that_do_not_fit_are_refused_by_file(tmp_path, image, mask, described, error, words):
    with pytest.raises(error, match=words):
        load_images([sample(tmp_path, image.astype(np.float32), mask)], described)


# Labels that do not count


@pytest.mark.parametrize("recipe", ["none", "light", "microscopy"])
@pytest.mark.parametrize("result", ["semantic", "instances"])
def test_what_does_not_count_is_ignored_and_still_shapes_what_does(recipe, result):
    """With ``~label`` stored, targets are those of the whole labels, less what does not count."""
    whole = scene((64, 64), 5)
    counts = np.zeros((64, 64), bool)
    counts[10:50, 8:40] = True
    partly = replace(whole, labels=np.where(counts, whole.labels, ~whole.labels).astype(np.int32))
    described = header(result)
    ignored = 0
    for index in range(8):
        image, targets = patches([whole], described, recipe=recipe)[index]
        same_image, held = patches([partly], described, recipe=recipe)[index]
        torch.testing.assert_close(same_image, image, rtol=0, atol=0)
        assert (held[held != IGNORED] == targets[held != IGNORED]).all()
        ignored += int((held == IGNORED).sum())
    assert 0 < ignored < 8 * 32 * 32


@pytest.mark.parametrize("recipe", ["none", "microscopy"])
def test_fields_follow_the_objects_as_they_were_warped(recipe):
    """Flows lead inwards in the patch, whichever way it was turned: they are those of its own labels."""
    settings = InstanceSettings(separation="flows")
    described = header("instances", classes=("background", "object"), instances=settings)
    whole = header("instances")
    for index in range(4):
        image, targets = patches([IMAGES[0]], described, recipe=recipe)[index]
        same_image, classes = patches([IMAGES[0]], whole, recipe=recipe)[index]
        torch.testing.assert_close(same_image, image, rtol=0, atol=0)
        np.testing.assert_array_equal(targets[0].numpy() > 0, classes.numpy() > 0)
        assert targets.dtype == torch.float32
        flows, inside = targets[1:].numpy(), targets[0].numpy() > 0
        assert not flows[:, ~inside].any()
        # From beside an edge, a flow does not lead out of the object.
        above = inside[1:] & ~inside[:-1]
        assert (flows[0, 1:][above] > -0.2).all()


def test_of_a_window_what_counts_is_exactly_what_counts_there():
    whole = scene((64, 64), 5)
    counts = np.random.default_rng(0).random((64, 64)) < 0.4
    image = np.arange(4096).reshape(1, 64, 64).astype(np.float16) / 2
    source = replace(whole, image=image, labels=np.where(counts, whole.labels, ~whole.labels).astype(np.int32))
    for index in range(6):
        found, targets = patches([source], recipe="none")[index]
        y, x = divmod(int(found[0, 0, 0] * 2), 64)
        np.testing.assert_array_equal(targets.numpy() == IGNORED, ~counts[y : y + 32, x : x + 32])


def test_targets_of_labels_without_holes_are_those_labels():
    labels = scene((30, 30), 1).labels
    np.testing.assert_array_equal(targets_of(labels, header()), labels)
    np.testing.assert_array_equal(targets_of(labels, header("instances")), targets_from_labels(labels))
    assert targets_of(labels, header()).dtype == np.int64


@pytest.mark.parametrize("recipe", ["none", "light", "microscopy"])
def test_most_patches_hold_a_pixel_of_the_focus(recipe):
    """A marked pixel in a corner of a large image, which a window anywhere would hardly ever hold."""
    image = np.zeros((1, 300, 300), np.float16)
    labels = np.zeros((300, 300), np.int32)
    labels[290:293, 5:8] = 1
    focus = np.argwhere(labels)
    held = {}
    for name, where in (("focus", focus), ("none", None), ("empty", focus[:0])):
        drawn = patches([TrainingImage("a", image, labels, None, where)], recipe=recipe, stop=60)
        cuts = [drawn._cut(drawn.images[0], np.random.default_rng(seed)) for seed in range(60)]
        held[name] = np.mean([float(cut["labels"].max()) for cut in cuts])
    assert held["focus"] > 0.6
    assert held["none"] == held["empty"] < 0.1


def test_a_focused_window_may_lie_anywhere_around_its_pixel():
    image = np.arange(40000).reshape(1, 200, 200) % 200
    source = TrainingImage("a", image.astype(np.float16), np.zeros((200, 200), np.int32), None, np.array([[100, 100]]))
    columns = [int(patches([source], recipe="none", stop=200)[i][0][0, 0, 0]) for i in range(200)]
    around = [column for column in columns if 69 <= column <= 100]
    assert len(around) > 140
    assert set(range(69, 101, 8)) <= {69 + (column - 69) // 8 * 8 for column in around}


def test_balanced_patches_hold_each_class_alike_however_small_it_is_and_however_few_images_have_it():
    """In one of four volumes lies a single voxel of class 2, and in all of them a large box of class 1."""
    images = []
    for number in range(4):
        labels = np.zeros((40, 50, 60), np.int32)
        labels[5:30, 5:30, 5:30] = 1
        if number == 2:
            labels[38, 2, 57] = 2
        images.append(TrainingImage(f"{number}", (labels[None] / 4).astype(np.float16), labels, None))
    seen = {}
    for balanced in (True, False):
        drawn = patches(images, size=(8, 8, 8), recipe="none", stop=400, balanced=balanced)
        held = [set(drawn[number][1].unique().tolist()) for number in range(400)]
        seen[balanced] = [np.mean([number in classes for classes in held]) for number in (1, 2)]
    assert 0.3 < seen[True][1] < 0.45, "half of three quarters, but for chance"
    assert seen[True][0] > 0.4
    assert seen[False][1] < 0.01


def test_a_class_with_very_many_voxels_is_thinned_and_none_is_lost():
    labels = np.ones((70, 50, 40), np.int32)
    labels[3, 4, 5] = 7
    labels[0, 0, :9] = ~2  # does not count
    labels[1] = 0
    found = pixels_of_classes(labels)
    assert found.keys() == {1, 7}
    np.testing.assert_array_equal(np.unravel_index(found[7], labels.shape), [[3], [4], [5]])
    assert len(found[1]) <= 65536
    assert (labels.ravel()[found[1]] == 1).all()
    assert np.unravel_index(found[1], labels.shape)[0].max() == 69


def test_weights_decide_how_often_an_image_is_drawn():
    images = [scene((40, 40), k) for k in range(3)]
    drawn = patches(images, weights=[2, 0, 6])
    np.testing.assert_allclose(drawn._weights, [0.25, 0, 0.75])


def test_of_an_image_the_background_may_be_what_was_not_drawn_there(tmp_path):
    rng = np.random.default_rng(0)
    mask = rng.choice(np.array([0, 1, 3], np.uint8), (20, 30))
    one = replace(sample(tmp_path, (mask * 60).astype(np.uint8), mask), drawn=(1, 3))
    (loaded,) = load_images([one], header())
    targets = targets_of(loaded.labels, header(), loaded.undrawn)
    np.testing.assert_array_equal(targets, np.where(mask == 0, ~(1 << 2), mask.astype(int)))
    _, classes = patches([loaded], size=(8, 8), recipe="none")[0]
    assert classes.min() == ~(1 << 2)
    with pytest.raises(DataSetError, match="holds the class 3, and the manifest says"):
        load_images([replace(one, drawn=(1, 2))], header())


def marked_sample(folder, image, mask, counts):
    one = sample(folder, image, mask)
    (folder / "marked").mkdir(exist_ok=True)
    tifffile.imwrite(folder / "marked" / one.name, counts.astype(np.uint8))
    return replace(one, marked=folder / "marked" / one.name)


@pytest.mark.parametrize("result", ["semantic", "instances"])
def test_of_a_corrected_image_only_what_is_marked_counts(tmp_path, result):
    whole = scene((60, 70), 3)
    counts = np.zeros((60, 70), bool)
    counts[10:40, 20:60] = True
    described = header(result)
    raw = (whole.image[0] * 200).astype(np.uint8)
    (image,) = load_images([marked_sample(tmp_path, raw, whole.labels.astype(np.uint8), counts)], described)
    targets = targets_of(image.labels, described)
    known = targets_of(whole.labels, described)
    held = targets != IGNORED
    assert not (held & ~counts).any()
    np.testing.assert_array_equal(targets[held], known[held])
    left_out = counts & ~held
    if result == "semantic":
        assert not left_out.any()
    else:  # outlines that end where nothing is known
        rim = counts & ~ndimage.binary_erosion(counts, iterations=2)
        np.testing.assert_array_equal(left_out, rim & (known == 2))
    np.testing.assert_array_equal(image.focus, np.argwhere(held))


def test_paint_teaches_no_outline(tmp_path):
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, 10:30] = 1
    described = header("instances")
    (image,) = load_images([marked_sample(tmp_path, mask, mask, mask > 0)], described)
    targets = targets_of(image.labels, described)
    assert set(np.unique(targets)) == {IGNORED, 1}
    assert (targets == 1).sum() == 16 * 16


def test_the_domain_of_a_sample_goes_with_its_image(tmp_path):
    whole = scene((60, 70), 3)
    counts = np.ones((60, 70), bool)
    counts[:20] = False
    one = marked_sample(tmp_path, whole.image[0].astype(np.float32), whole.labels.astype(np.uint16), counts)
    samples = [replace(one, domain="stained"), replace(one, domain="blood", marked=None), one]
    assert [image.domain for image in load_images(samples, header())] == ["stained", "blood", None]


def test_where_all_is_marked_nothing_differs(tmp_path):
    mask = scene((40, 40), 1).labels.astype(np.uint8)
    one = marked_sample(tmp_path, mask, mask, np.ones((40, 40)))
    (marked,), (plain,) = (load_images([each], header()) for each in (one, replace(one, marked=None)))
    np.testing.assert_array_equal(marked.labels, plain.labels)
    assert marked.focus is None


def test_a_class_that_does_not_count_need_not_be_known(tmp_path):
    mask = np.zeros((30, 30), np.uint8)
    mask[3:9], mask[20:25] = 9, 2
    counts = np.ones((30, 30))
    counts[:10] = 0
    (image,) = load_images([marked_sample(tmp_path, mask, mask, counts)], header())
    assert image.labels.max() == 2
    with pytest.raises(DataSetError, match="has the class 9"):
        load_images([marked_sample(tmp_path, mask, mask, np.ones((30, 30)))], header())


def test_marks_of_another_shape_are_named(tmp_path):
    mask = np.zeros((30, 30), np.uint8)
    with pytest.raises(DataSetError, match=r"marked.a\.tif has the shape \(30, 29\)"):
        load_images([marked_sample(tmp_path, mask, mask, np.ones((30, 29)))], header())


def test_the_window_in_which_the_most_counts_is_found():
    counts = np.zeros((50, 60), bool)
    counts[30:36, 41:50] = counts[2, 3] = True
    cut = window_of_most(counts, 12)
    assert counts[cut].sum() == 54
    assert counts[cut].shape == (12, 12)
    assert counts[window_of_most(counts, 99)].shape == (50, 60)
    volume = np.zeros((9, 20, 20), bool)
    volume[5:8, 3:6, 11:17] = True
    assert volume[window_of_most(volume, 6)].sum() == 54


def test_a_training_image_is_normalised_as_the_file_is_read_for_prediction(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(40, 30, (40, 50)).astype(np.float32)
    values[:10], values[:, :12] = -1000, -3024  # as of a padded CT; its pixels are those of a microscope
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    of = {"imagej": True, "metadata": {"axes": "YX", "unit": "um"}}
    tifffile.imwrite(tmp_path / "images/a.tif", values, resolution=(2, 2), **of)
    tifffile.imwrite(tmp_path / "masks/a.tif", (values > 0).astype(np.uint8), resolution=(2, 2), **of)
    sample = Sample("a.tif", tmp_path / "images/a.tif", tmp_path / "masks/a.tif")
    described = header(classes=("background", "cell"), intensity=Intensity())
    (loaded,) = load_images([sample], described)
    predicted = ModelImage(values, described, axes=read_image(sample.image).reading).plane(()).read(np.s_[0:40, 0:50])
    assert_array_equal(loaded.image, predicted.astype(np.float16))
    by_values = ModelImage(values, described, axes="YX").plane(()).read(np.s_[0:40, 0:50])
    assert np.abs(by_values - predicted).max() > 0.1
