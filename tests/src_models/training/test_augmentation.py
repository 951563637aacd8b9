"""What training does to a patch: image and labels together, and no more than the recipe says."""

import numpy as np
import pytest
import torch
from monai.data.meta_obj import get_track_meta
from monai.transforms.compose import Compose

from src_models.training.augmentation import RandGrey, RandInvert, augmentation

RNG = np.random.default_rng(0)


def runs(name, data, count=60, dimensions=2):
    """The same patch, varied by as many seeds."""
    transform = augmentation(name, dimensions)
    for seed in range(count):
        transform.set_random_state(seed=seed)
        yield transform({key: value.clone() for key, value in data.items()})


def spots(*shape):
    """Labels of a few boxes, with an image in which the labels can be read again: label k is as bright as k / 4."""
    labels = torch.zeros(1, *shape)
    for number in (1, 2, 3):
        corner = [RNG.integers(2, n // 2) for n in shape]
        labels[(0, *(slice(c, c + max(3, n // 3)) for c, n in zip(corner, shape, strict=True)))] = number
    return {"image": labels / 4, "labels": labels}


def geometry_only(name, dimensions):
    """The recipe less what changes brightness: what acts on the labels acts on the image too."""
    transform = augmentation(name, dimensions)
    transform.transforms = [t for t in transform.transforms if set(getattr(t, "keys", ())) == {"image", "labels"}]
    return transform


@pytest.mark.parametrize("name", ["microscopy", "ct", "mr", "varied"])
@pytest.mark.parametrize(("dimensions", "shape"), [(2, (48, 48)), (3, (16, 32, 32))])
def test_image_and_labels_stay_together(name, dimensions, shape):
    data = spots(*shape)
    transform = geometry_only(name, dimensions)
    moved = 0
    for seed in range(20):
        transform.set_random_state(seed=seed)
        found = transform(dict(data))
        seen, labels = np.asarray(found["image"]), np.asarray(found["labels"])
        assert set(np.unique(labels)) <= {0, 1, 2, 3}
        # Where linear interpolation does not mix two labels, the brightness is that of the label.
        assert (np.abs(seen - labels / 4) < 0.02).mean() > (0.85 if dimensions == 2 else 0.75)
        assert (np.abs(seen - labels / 4) > 0.2).mean() < 0.06
        moved += not np.array_equal(labels, data["labels"].numpy())
    assert moved > 5


def test_none_changes_nothing():
    data = spots(20, 20)
    (found,) = runs("none", data, 1)
    assert torch.equal(found["image"], data["image"])
    assert torch.equal(found["labels"], data["labels"])


@pytest.mark.parametrize("shape", [(5, 6), (3, 5, 6)])
def test_flip_exchanges_left_and_right_of_image_and_labels_in_about_half_of_all_cases(shape):
    number = torch.arange(float(np.prod(shape))).reshape(1, *shape)  # a number of its own in every pixel
    flipped = 0
    for found in runs("flip", {"image": torch.cat([number, -number]), "labels": number}, 100, len(shape)):
        image, labels = np.asarray(found["image"]), np.asarray(found["labels"])
        np.testing.assert_array_equal(image, np.concatenate([labels, -labels]))
        mirrored = bool(labels.flat[0])
        np.testing.assert_array_equal(labels, number.numpy()[..., ::-1] if mirrored else number.numpy())
        flipped += mirrored
    assert 35 <= flipped <= 65, "outside, a fair coin falls once in 900 times"


@pytest.mark.parametrize("name", ["microscopy", "ct", "ct-sided", "light", "flip"])
def test_a_seed_decides_everything(name):
    data = spots(32, 32)
    first, again = list(runs(name, data, 12)), list(runs(name, data, 12))
    for one, other in zip(first, again, strict=True):
        assert torch.equal(torch.as_tensor(one["image"]), torch.as_tensor(other["image"]))
        assert torch.equal(torch.as_tensor(one["labels"]), torch.as_tensor(other["labels"]))
    assert len({np.asarray(one["image"]).tobytes() for one in first}) > (1 if name == "flip" else 6)


def orientation(found):
    """The direction in which the labels rise: along the rows and along the columns."""
    labels = np.asarray(found["labels"])[0]
    middle = labels[labels.shape[0] // 4 : -labels.shape[0] // 4, labels.shape[1] // 4 : -labels.shape[1] // 4]
    return np.gradient(middle)[0].mean(), np.gradient(middle)[1].mean()


def test_a_body_keeps_its_up_and_down():
    """Rows rise downwards before and after: never flipped, never turned; sides only where they have no name."""
    rows = torch.arange(64.0)[None, :, None].expand(1, 64, 64).contiguous()
    for found in runs("ct", {"image": rows, "labels": rows}):
        down, right = orientation(found)
        assert down > 0.6
        assert abs(right) < 0.5
    columns = rows.transpose(1, 2).contiguous()
    for name, ways in (("ct", {-1, 1}), ("ct-sided", {1})):
        found = runs(name, {"image": columns, "labels": columns}, 30)
        assert {np.sign(orientation(one)[1]) for one in found} == ways


def test_cells_have_no_up_and_down():
    rows = torch.arange(64.0)[None, :, None].expand(1, 64, 64).contiguous()
    ways = set()
    for found in runs("microscopy", {"image": rows, "labels": rows}, 40):
        down, right = orientation(found)
        ways.add((np.sign(down), 0) if abs(down) > abs(right) else (0, np.sign(right)))
    assert ways == {(-1, 0), (1, 0), (0, -1), (0, 1)}


@pytest.mark.parametrize("name", ["microscopy", "ct"])
def test_depth_is_not_mixed_with_the_plane(name):
    """A stack that is uniform in each slice stays so: slices may change places or thickness, but are not tilted."""
    slices = torch.arange(16.0)[None, :, None, None].expand(1, 16, 24, 24).contiguous()
    transform = geometry_only(name, 3)
    for seed in range(15):
        transform.set_random_state(seed=seed)
        labels = np.asarray(transform({"image": slices, "labels": slices})["labels"])[0]
        np.testing.assert_array_equal(labels, np.broadcast_to(labels[:, :1, :1], labels.shape))


def test_bright_on_dark_becomes_dark_on_bright():
    invert = RandInvert(prob=1)
    image = torch.rand(3, 5, 5)
    found = invert({"image": image, "labels": image})
    torch.testing.assert_close(found["image"], 1 - image)
    assert torch.equal(found["labels"], image)
    never = RandInvert(prob=0)
    assert torch.equal(never({"image": image})["image"], image)


def test_colours_become_their_mean():
    image = torch.rand(3, 5, 5)
    found = RandGrey(prob=1)({"image": image, "labels": image})
    torch.testing.assert_close(found["image"], image.mean(0).expand(3, 5, 5))
    assert torch.equal(found["labels"], image)
    assert torch.equal(RandGrey(prob=0)({"image": image})["image"], image)


def test_about_as_many_are_inverted_as_the_recipe_says():
    flat = {"image": torch.full((1, 8, 8), 0.1), "labels": torch.zeros(1, 8, 8)}
    inverted = sum(float(np.asarray(found["image"]).mean()) > 0.5 for found in runs("microscopy", flat, 80))
    assert 4 <= inverted <= 22, "15 % of 80"


@pytest.mark.parametrize("name", ["microscopy", "ct", "ct-sided", "light", "flip"])
@pytest.mark.parametrize("shape", [(24, 20), (6, 12, 10)], ids=str)
def test_every_value_is_that_of_monai_s_own_compose(name, shape):
    data = {"image": torch.rand(3, *shape), "labels": torch.randint(0, 4, (1, *shape)).float()}
    ours, theirs = augmentation(name, len(shape)), Compose(augmentation(name, len(shape)).transforms)
    for seed in range(25):
        ours.set_random_state(seed=seed)
        theirs.set_random_state(seed=seed)
        found, expected = ours(dict(data)), theirs(dict(data))
        for key, value in expected.items():
            np.testing.assert_array_equal(np.asarray(found[key]), np.asarray(value))


def test_monai_tracks_again_afterwards_whatever_happens():
    """That is a switch of the whole process, and others in it may use MONAI."""
    tracked = []

    def look(data):
        tracked.append(get_track_meta())
        if len(tracked) == 1:
            inner(data)
            tracked.append(get_track_meta())
        return data

    outer, inner = augmentation("none", 2), augmentation("none", 2)
    outer.transforms, inner.transforms = [look], [look]
    assert get_track_meta()
    outer({})
    assert tracked == [False, False, False]
    assert get_track_meta()
    with pytest.raises(RuntimeError, match="applying transform"):
        augmentation("flip", 2)({"image": "no image"})
    assert get_track_meta()


@pytest.mark.parametrize("name", ["ct-sided", "mr"])
def test_of_sided_classes_left_stays_left(name):
    columns = torch.arange(48.0).expand(1, 8, 48, 48).contiguous()
    for found in runs(name, {"image": columns, "labels": columns}, 25, 3):
        rows = np.asarray(found["labels"])[0, 4, 12:36, 12:36]
        assert np.gradient(rows)[1].mean() > 0.6


def test_a_coil_makes_one_side_brighter_and_moves_nothing():
    """Over a uniform image the bias field is smooth, and what is left of "mr" is uniform."""
    flat = {"image": torch.full((1, 24, 24), 0.5), "labels": torch.zeros(1, 24, 24)}
    spans = []
    for found in runs("mr", flat, 60):
        image = np.asarray(found["image"])[0]
        spans.append(image.max() - image.min() if np.abs(np.diff(image)).max() < 0.03 else np.nan)
    assert np.nanmax(spans) > 0.05
    assert np.nanmin(spans) < 1e-6
