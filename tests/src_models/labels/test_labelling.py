"""From probabilities to labels, block by block, as if it were done at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from skimage.measure import label

from src_models.labels import labelling
from src_models.labels.instances import labels_from_probabilities, targets_from_labels
from src_models.labels.labelling import blocks, classes_of, resize_labels, write_components, write_instances
from src_models.models.header import InstanceSettings


def scattered(shape, radii, spacing, seed=0):
    """Labels of round objects in a jittered grid, so that many lie on any seam; some of them touch."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.mgrid[tuple(slice(0, n) for n in shape)], -1)
    labels = np.zeros(shape, np.int32)
    for number, centre in enumerate(np.ndindex(*[n // spacing for n in shape]), start=1):
        place = (np.array(centre) + 0.5) * spacing + rng.uniform(-2, 2, len(shape))
        labels[np.linalg.norm(grid - place, axis=-1) < rng.uniform(*radii)] = number
    return labels


def blurred_probabilities(labels):
    """What a good but not certain network gives."""
    targets = targets_from_labels(labels)
    sure = np.stack([targets == k for k in range(3)]).astype(np.float32)
    soft = ndimage.gaussian_filter(sure, (0, *[0.7] * labels.ndim))
    return (soft / soft.sum(0)).astype(np.float16)


def partition(labels):
    """The objects as a set of sets of pixels, whatever their numbers."""
    return {np.flatnonzero(labels == k).tobytes() for k in np.unique(labels[labels > 0])}


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(labelling, "BLOCK", {2: 48, 3: 20})
    monkeypatch.setattr(labelling, "HALO", {2: 24, 3: 12})


def test_blocks_cover_each_pixel_once(small_blocks):
    for shape in ((100, 47), (48, 96), (1, 1), (33, 20, 41)):
        seen = np.zeros(shape, int)
        for region in blocks(shape):
            seen[region] += 1
        assert (seen == 1).all()
    assert len(blocks((48, 96))) == 2


@pytest.mark.parametrize(
    ("shape", "radii", "spacing"),
    [((150, 170), (5, 8.5), 15), ((50, 44, 42), (3.5, 5), 10)],
    ids=["2D", "3D"],
)
def test_objects_on_seams_are_those_of_one_whole_watershed(small_blocks, shape, radii, spacing):
    probabilities = blurred_probabilities(scattered(shape, radii, spacing))
    settings = InstanceSettings(min_size=10)
    whole = labels_from_probabilities(probabilities, settings)
    assert whole.max() > 60
    out = np.zeros(shape, np.int32)
    assert len(blocks(shape)) > 8
    *_, next_id = write_instances(probabilities, settings, out, 1)
    assert partition(out) == partition(whole)
    assert sorted(np.unique(out)) == list(range(whole.max() + 1)), "numbered without gaps, no number twice"
    assert next_id == whole.max() + 1


def test_numbers_go_on_from_plane_to_plane(small_blocks):
    probabilities = blurred_probabilities(scattered((60, 60), (6, 8), 20))
    first, second = np.zeros((60, 60), np.int32), np.zeros((60, 60), np.int32)
    *_, next_id = write_instances(probabilities, InstanceSettings(), first, 1)
    *_, last = write_instances(probabilities, InstanceSettings(), second, next_id)
    assert (first.max(), next_id, last) == (9, 10, 19)
    np.testing.assert_array_equal(second, np.where(first > 0, first + 9, 0))


def test_what_was_written_before_is_not_overwritten(small_blocks):
    probabilities = blurred_probabilities(scattered((60, 60), (6, 8), 20))
    out = np.zeros((60, 60), np.int32)
    out[:, :30] = 99
    *_, _ = write_instances(probabilities, InstanceSettings(), out, 1)
    assert (out[:, :30] == 99).all()


def test_a_zarr_of_labels_is_written_like_an_array(small_blocks, tmp_path):
    import zarr

    probabilities = blurred_probabilities(scattered((100, 90), (6, 8), 18))
    expected = np.zeros((100, 90), np.int32)
    out = zarr.create_array(tmp_path / "labels.zarr", shape=(100, 90), dtype="int32", chunks=(32, 32))
    assert list(write_instances(probabilities, InstanceSettings(), expected, 1)) == list(
        write_instances(probabilities, InstanceSettings(), out, 1)
    )
    np.testing.assert_array_equal(out[...], expected)


def test_the_likeliest_class_wins():
    probabilities = np.random.default_rng(0).dirichlet([1, 1, 1, 1], (20, 30)).transpose(2, 0, 1)
    found = classes_of(probabilities)
    assert found.dtype == np.uint8
    for y, x in np.ndindex(20, 30):
        assert probabilities[found[y, x], y, x] == probabilities[:, y, x].max()


def test_objects_as_classes_are_interior_and_boundary_together():
    probabilities = np.array([[0.45, 0.55], [0.3, 0.2], [0.25, 0.25]]).reshape(3, 1, 2)
    np.testing.assert_array_equal(classes_of(probabilities, foreground=0.5), [[1, 0]])
    np.testing.assert_array_equal(classes_of(probabilities, foreground=0.4), [[1, 1]])
    np.testing.assert_array_equal(classes_of(probabilities.astype(np.float16), foreground=0.6), [[0, 0]])


def test_components_are_connected_regions_of_one_class():
    classes = np.array([[1, 1, 0, 2], [0, 1, 2, 2], [1, 0, 0, 0], [0, 0, 1, 1]], np.int32)
    labels = classes.copy()
    next_id = write_components(labels, 5)
    # Diagonal neighbours are connected; the 2s touch the 1s and are their own.
    np.testing.assert_array_equal(labels > 0, classes > 0)
    assert labels[0, 0] == labels[1, 1] == labels[2, 0]
    assert labels[0, 3] == labels[1, 2]
    assert labels[3, 2] == labels[3, 3]
    assert set(np.unique(labels)) == {0, 5, 6, 7}
    assert next_id == 8
    empty = np.zeros((3, 3), np.int32)
    assert write_components(empty, 4) == 4
    assert not empty.any()


@given(
    classes=arrays.arrays(
        np.int32,
        st.one_of(st.tuples(*[st.integers(1, 23)] * 2), st.tuples(*[st.integers(1, 9)] * 3)),
        elements=st.integers(0, 2),
    ),
    block=st.integers(1, 10),
)
@settings(max_examples=60, deadline=None)
def test_components_are_the_same_whatever_the_blocks(classes, block):
    """Winding regions that cross many seams, several times, and at corners, against one labelling of the whole."""
    labels = classes.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labelling, "BLOCK", {2: block, 3: block})
        next_id = write_components(labels, 3)
    whole = label(classes, background=0, connectivity=classes.ndim)
    assert partition(labels) == partition(whole)
    assert sorted(np.unique(labels[labels > 0])) == list(range(3, 3 + whole.max()))
    assert next_id == 3 + whole.max()


def zoomed_case(factor):
    """Objects as found on a grid `factor` times as coarse, the probabilities there, and the true labels."""
    true = scattered((160, 144), (9, 11.5), 24)
    size = [round(n / factor) for n in true.shape]
    centres = [((np.arange(m) + 0.5) * n / m).astype(int) for n, m in zip(true.shape, size, strict=True)]
    small = true[np.ix_(*centres)]
    if factor > 1:
        inside = ndimage.uniform_filter((true > 0).astype(np.float32), factor)[np.ix_(*centres)]
    else:
        inside = (small > 0).astype(np.float32)
    return true, small, np.stack([1 - inside, inside, 0 * inside]).astype(np.float32)


@pytest.mark.parametrize("factor", [2, 3, 0.5])
def test_resized_labels_keep_their_numbers_and_outlines(factor):
    true, small, probabilities = zoomed_case(factor)
    out = np.zeros(true.shape, np.int32)
    list(resize_labels(small, probabilities, InstanceSettings(foreground=0.5), out))
    assert set(np.unique(out)) == set(np.unique(true))
    for number in np.unique(true[true > 0]):
        here, there = out == number, true == number
        assert (here & there).sum() / (here | there).sum() > 0.9
    shifts = np.array(ndimage.center_of_mass(out > 0, out, range(1, true.max() + 1))) - np.array(
        ndimage.center_of_mass(true > 0, true, range(1, true.max() + 1))
    )
    assert np.abs(shifts.mean(0)).max() < 0.15, "nothing moves as a whole"


@pytest.mark.parametrize("factor", [2, 3, 4, 0.5])
def test_resizing_in_blocks_is_resizing_at_once(monkeypatch, factor):
    true, small, probabilities = zoomed_case(factor)
    whole, parts = np.zeros(true.shape, np.int32), np.zeros(true.shape, np.int32)
    list(resize_labels(small, probabilities, InstanceSettings(foreground=0.3), whole))
    monkeypatch.setattr(labelling, "BLOCK", {2: 31})
    assert len(list(resize_labels(small, probabilities, InstanceSettings(foreground=0.3), parts))) == 30
    np.testing.assert_array_equal(parts, whole)
