"""A model that was made for a spacing finds the same things in space, however large the voxels of an image are."""

import dataclasses

import nibabel
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from src_models.files.volumes.nifti import read_nifti
from src_models.files.volumes.nifti_labels import write_nifti_labels
from src_models.images.axes import read_axes
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader
from src_models.nets.tap import AttentionTap
from src_models.prediction.segment import segment

EXTENT = 48.0  # mm
CENTRE = np.array([22.3, 25.1, 23.7])  # mm from the outer corner
RADIUS = 12.0
SPACING = 1.5


class Eroding(torch.nn.Module):
    """A network that sees scale: what it finds is what is bright, less one of its voxels all around.

    Its map is the brightness, in cells of two of its voxels.
    """

    def __init__(self):
        super().__init__()
        self.tap = AttentionTap(name="gate 2", kind="attention gate", level=1, stride=2, description="")

    def forward(self, image):
        pool = F.max_pool2d if image.ndim == 4 else F.max_pool3d
        cells = F.avg_pool2d if image.ndim == 4 else F.avg_pool3d
        self.tap(cells(image, 2, ceil_mode=True))
        darkest = -pool(-image, 3, 1, 1)
        return 20 * torch.cat([0.5 - darkest, darkest - 0.5], 1)


def model(dimensions=3, spacing=SPACING, tile=24, **fields):
    at = {} if spacing is None else {"spacing": (spacing,) * dimensions, "unit": "mm"}
    header = ModelHeader(
        name="eroding",
        purpose="",
        architecture="attention-unet",
        config={"widths": [4, 8, 8]},
        classes=("background", "ball"),
        channels=("grey",),
        dimensions=dimensions,
        intensity=Intensity(kind="window", low=0, high=100),
        tile=(tile,) * dimensions,
        overlap=(8,) * dimensions,
        **{**at, **fields},
    )
    return Model(Eroding().eval(), header)


def places(shape, spacing):
    """Where the centres of voxels lie (mm from the outer corner): one array for each axis."""
    return np.meshgrid(*[(np.arange(n) + 0.5) * s for n, s in zip(shape, spacing, strict=True)], indexing="ij")


def ball(spacing, centre=CENTRE, radius=RADIUS):
    """A ball whose brightness falls from 100 to 0 over 6 mm around its radius: the same in space at any spacing."""
    shape = [round(EXTENT / step) for step in spacing]
    away = np.sqrt(sum((at - c) ** 2 for at, c in zip(places(shape, spacing), centre, strict=True)))
    return (100 * np.clip(0.5 + (radius - away) / 6, 0, 1)).astype(np.float32)


def read(image, spacing, unit="mm"):
    return read_axes(image.shape, axes="ZYX"[-image.ndim :], spacing=spacing, unit=unit)


def run(image, found_by, spacing, unit="mm", **options):
    return segment(image, found_by, axes=read(image, spacing, unit), device="cpu", **options)


def middle(mask, spacing):
    """The middle of a mask (mm from the outer corner)."""
    return (np.argwhere(mask).mean(axis=0) + 0.5) * spacing


def eroded_volume(dimensions):
    """Volume (mm³) of the ball less 1.5 mm along the axes that the network sees, counted on a fine grid."""
    axis = np.arange(-RADIUS, RADIUS, 0.25) + 0.125
    grid = np.meshgrid(axis, axis, axis, indexing="ij")
    less = (0.0,) * (3 - dimensions) + (SPACING,) * dimensions
    away = sum((np.abs(at) + by) ** 2 for at, by in zip(grid, less, strict=True))
    return float((away < RADIUS**2).sum() * 0.25**3)


def radius(volume):
    """Radius (mm) of a ball of so many mm³."""
    return np.cbrt(3 * volume / (4 * np.pi))


SPACINGS = [(0.75,) * 3, (1.5,) * 3, (3.0,) * 3, (4.0, 0.75, 1.5), (1.5, 0.6, 2.4), (0.7, 1.1, 0.9)]


@pytest.mark.parametrize("spacing", SPACINGS, ids=str)
def test_a_ball_is_found_where_it_is_and_as_large_as_it_is_whatever_the_voxels(spacing):
    image = ball(spacing)
    found = run(image, model(), spacing)
    mask = found.labels == 1
    assert mask.shape == image.shape
    assert np.abs((middle(mask, spacing) - CENTRE) / spacing).max() < 0.1
    assert radius(mask.sum() * np.prod(spacing)) == pytest.approx(radius(eroded_volume(3)), abs=0.15 * max(spacing))


@pytest.mark.parametrize("spacing", [(3.0, 0.75, 0.75), (3.0, 3.0, 3.0), (2.0, 0.75, 2.4)], ids=str)
def test_the_slices_of_a_volume_are_resampled_within_themselves_alone(spacing):
    image = ball(spacing)
    found = run(image, model(2, tile=40), spacing)
    mask = found.labels == 1
    assert np.abs((middle(mask, spacing) - CENTRE) / spacing).max() < 0.1
    assert radius(mask.sum() * np.prod(spacing)) == pytest.approx(radius(eroded_volume(2)), abs=0.15 * max(spacing))


def test_without_the_size_of_its_voxels_the_network_would_see_another_ball():
    coarse = run(ball((3.0,) * 3), model(spacing=None), (3.0,) * 3).labels
    assert coarse.sum() * 27 < 0.7 * eroded_volume(3)


@pytest.mark.parametrize("size", [60, 61, 67])
def test_nothing_drifts_over_an_image_whose_size_is_no_multiple(size):
    """Two balls at opposite ends of a long image of voxels of 0.7 mm."""
    spacing, shape = (0.7,) * 3, (size, 40, 40)
    ends = np.array([[12.0, 14, 14], [size * 0.7 - 12.0, 14, 14]])
    image = np.zeros(shape, np.float32)
    for end in ends:
        away = np.sqrt(sum((at - c) ** 2 for at, c in zip(places(shape, spacing), end, strict=True)))
        image = np.maximum(image, 100 * np.clip(0.5 + (8 - away) / 4, 0, 1)).astype(np.float32)
    mask = run(image, model(), spacing).labels == 1
    half = size // 2
    first, last = mask[:half], mask[size - half :]
    assert np.abs((middle(first, 0.7) - ends[0]) / 0.7).max() < 0.1
    assert np.abs((middle(last, 0.7) - ends[1]) / 0.7 + np.array([size - half, 0, 0])).max() < 0.1
    np.testing.assert_array_equal(first, last[::-1])


@pytest.mark.parametrize("dimensions", [2, 3])
def test_an_image_at_the_model_s_spacing_gives_bit_for_bit_what_a_model_without_one_gives(dimensions):
    image = ball((SPACING,) * 3) + np.random.default_rng(0).normal(0, 5, (32, 32, 32)).astype(np.float32)
    there, free = (run(image, model(dimensions, each), (SPACING,) * 3, attention=True) for each in (SPACING, None))
    np.testing.assert_array_equal(there.labels, free.labels)
    np.testing.assert_array_equal(there.probabilities, free.probabilities)
    for one, other in zip(there.attention, free.attention, strict=True):
        np.testing.assert_array_equal(one.data, other.data)
        assert (one.scale, one.translate) == (other.scale, other.translate)
    assert (there.zoom, there.size, there.notes) == (1.0, "", ())


@pytest.mark.parametrize("spacing", SPACINGS, ids=str)
def test_what_a_cell_of_a_map_sees_is_drawn_where_it_is(spacing):
    found = run(ball(spacing), model(tile=48), spacing, attention=True)
    (placed,) = found.attention
    weights = np.asarray(placed.data, np.float64)
    for axis, (scale, start) in enumerate(zip(placed.scale, placed.translate, strict=True)):
        along = weights.sum(axis=tuple(other for other in range(3) if other != axis))
        pixel = start + scale * (along @ np.arange(len(along))) / along.sum()
        assert (pixel + 0.5) * spacing[axis] == pytest.approx(CENTRE[axis], abs=0.1 * max(spacing[axis], SPACING))
        assert scale * spacing[axis] == pytest.approx(2 * SPACING, rel=0.03)  # two voxels of the network's


def test_units_are_converted():
    in_mm, in_um = (run(ball((3.0,) * 3), model(), (size,) * 3, unit) for size, unit in ((3, "mm"), (3000, "µm")))
    np.testing.assert_array_equal(in_mm.labels, in_um.labels)
    assert in_um.size == "image resampled from 3 to 1.5 mm"


def test_objects_are_numbered_at_the_model_s_spacing_and_drawn_at_the_image_s():
    spacing = (3.0, 0.75, 1.5)
    found = run(ball(spacing), model(), spacing, result="instances")
    assert found.found["objects"] == 1
    assert np.abs((middle(found.labels == 1, spacing) - CENTRE) / spacing).max() < 0.1


def test_a_run_says_at_which_zoom_it_saw_the_image_or_why_at_none():
    image = ball((3.0, 0.75, 1.5))
    found = run(image, model(), (3.0, 0.75, 1.5))
    assert found.size == "image resampled from 3 x 0.75 x 1.5 to 1.5 mm"
    assert found.zoom == (2.0, 0.5, 1.0)
    assert found.provenance["settings"]["zoom"] == [2.0, 0.5, 1.0]
    unknown = segment(image, model(), axes="ZYX", device="cpu")
    assert (unknown.zoom, unknown.size) == (1.0, "")
    assert "how large those of the image are is not known" in unknown.notes[-1]


def test_a_size_of_objects_that_a_person_gives_wins_over_the_spacing():
    sized = model(object_diameter=16.0, diameter_range=(8.0, 32.0))
    image = ball((3.0,) * 3)
    assert run(image, sized, (3.0,) * 3, diameter=8.0).zoom == 2.0
    assert run(image, sized, (3.0,) * 3, diameter=16.0).zoom == 1.0
    assert run(image, sized, (0.75,) * 3).zoom == 0.5, "else the spacing does"
    plain = dataclasses.replace(sized.header, object_diameter=None, diameter_range=None)
    assert run(image, Model(sized.network, plain), (3.0,) * 3, diameter=16.0).zoom == 2.0


def test_in_an_oblique_volume_labels_lie_where_the_ball_is_in_the_world(tmp_path):
    spacing = np.array([2.5, 0.8, 1.1])
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    shape = [round(EXTENT / step) for step in spacing]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * spacing, (-30, 12, 95)
    stored = np.indices(shape).reshape(3, -1)
    world = affine[:3, :3] @ stored + affine[:3, 3:]
    centre = affine[:3, :3] @ (CENTRE / spacing - 0.5) + affine[:3, 3]
    away = np.linalg.norm(world - centre[:, None], axis=0).reshape(shape)
    brightness = (100 * np.clip(0.5 + (RADIUS - away) / 6, 0, 1)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(brightness, affine), tmp_path / "ball.nii.gz")

    volume = read_nifti(tmp_path / "ball.nii.gz")
    found = segment(volume.data, model(), axes=volume.reading, device="cpu")
    path = write_nifti_labels(tmp_path / "ball_labels.nii.gz", found.labels, volume.geometry)
    written = nibabel.load(path)
    np.testing.assert_allclose(written.affine, affine, atol=1e-4)
    inside = np.argwhere(np.asarray(written.dataobj) == 1)
    middle_in_world = written.affine[:3, :3] @ inside.mean(axis=0) + written.affine[:3, 3]
    assert np.abs(turn.T @ (middle_in_world - centre) / spacing).max() < 0.1
    assert radius(len(inside) * np.prod(spacing)) == pytest.approx(radius(eroded_volume(3)), abs=0.15)
