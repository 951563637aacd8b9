"""Tables of all objects of label images, against regionprops_table and brute force."""

import dask.array as da
import numpy as np
import pytest
from skimage.measure import regionprops_table

from src_models.errors import ImageError
from src_models.labels.measurements import measuring
from src_models.labels.measurements.measuring import measure
from src_models.labels.measurements.space import PixelSpace


@pytest.fixture
def cells():
    """Forty objects in a plane, some of which touch, and three channels."""
    random = np.random.default_rng(3)
    labels = np.zeros((90, 120), np.uint16)
    for own in range(1, 41):
        y, x, r = random.integers(0, 90), random.integers(0, 120), random.integers(3, 9)
        grid = np.indices(labels.shape)
        labels[(grid[0] - y) ** 2 + 2 * (grid[1] - x) ** 2 < r**2] = own
    return labels, random.normal(100, 30, (90, 120, 3)).astype(np.float32)


def test_a_plane_of_several_channels_is_measured_as_by_regionprops(cells):
    labels, image = cells
    names = ("label", "num_pixels", "area", "centroid", "bbox", "solidity", "feret_diameter_max", "intensity_mean",
             "intensity_std", "intensity_min", "intensity_max", "axis_major_length", "eccentricity")  # fmt: skip
    theirs = regionprops_table(labels, image, properties=names, spacing=(0.5, 0.3))
    ours = measure(labels, image, space=PixelSpace.of_spacing((0.5, 0.3), "µm"), channels=("a", "b", "c")).columns
    pairs = {
        "id": "label", "area (px)": "num_pixels", "area (µm²)": "area", "solidity": "solidity",
        "longest diameter (µm)": "feret_diameter_max", "major axis (µm)": "axis_major_length",
        "eccentricity": "eccentricity", "world y (µm)": "centroid-0", "world x (µm)": "centroid-1",
        "box y from (px)": "bbox-0", "box x from (px)": "bbox-1", "box y to (px)": "bbox-2", "box x to (px)": "bbox-3",
        "mean b": "intensity_mean-1", "SD c": "intensity_std-2", "min a": "intensity_min-0", "max c": "intensity_max-2",
    }  # fmt: skip
    for own, other in pairs.items():
        np.testing.assert_allclose(ours[own], theirs[other], rtol=1e-6, err_msg=own)
    np.testing.assert_allclose(ours["centre y (px)"], theirs["centroid-0"] / 0.5, rtol=1e-6)
    np.testing.assert_allclose(ours["sum b"], [image[labels == own, 1].sum(dtype=float) for own in ours["id"]])


def test_ct_on_uneven_voxels_is_measured_as_by_brute_force(shared):
    from src_models.files.images import read_image, read_label_file

    folder = shared / "data" / "ct_totalseg"
    image = read_image(folder / "images" / "abdomen_512.nii.gz")
    labels = read_label_file(folder / "masks" / "abdomen_512.nii.gz").data[:, 180:300, 200:330]
    values = np.asarray(image.data)[:, 180:300, 200:330]
    steps = image.geometry.affine[:3, :3]
    assert len(set(np.round(image.geometry.spacing, 3))) > 1
    table = measure(labels, values, space=PixelSpace.of(steps, unit="mm"), unit="HU")
    assert len(table) > 5
    for row, own in enumerate(table.ids):
        mask = labels == own
        column = {title: each[row] for title, each in table.columns.items()}
        assert column["volume (mL)"] == pytest.approx(mask.sum() * np.prod(image.geometry.spacing) / 1000, rel=1e-6)
        assert column["mean (HU)"] == pytest.approx(values[mask].astype(float).mean(), rel=1e-6)
        assert column["SD (HU)"] == pytest.approx(values[mask].astype(float).std(), rel=1e-6)
        assert (column["min (HU)"], column["max (HU)"]) == (values[mask].min(), values[mask].max())
        np.testing.assert_allclose(table.positions[row], np.argwhere(mask).mean(axis=0))
        best = {}
        for z in np.unique(np.nonzero(mask)[0]).tolist():
            world = np.argwhere(mask[z]) @ steps[:, 1:].T
            world = world[np.argsort(world @ [0, 1, 0])]
            ends = world[:: max(1, len(world) // 400)]  # a lower bound on what the slice holds
            best[z] = np.sqrt(((ends[:, None] - ends[None]) ** 2).sum(axis=-1)).max()
        assert column["longest in a slice (mm)"] >= max(best.values()) - 1e-9
        assert mask[column["slice of the longest"]].any()
    small = [own for own in table.ids if 20 < (labels == own).sum() < 3000]
    assert small
    for own in small:
        world = np.argwhere(labels == own) @ steps.T
        longest = np.sqrt(max(((world - point) ** 2).sum(axis=1).max() for point in world))
        assert table.columns["longest diameter (mm)"][table.row_of(own)] == pytest.approx(longest, rel=1e-6)


def test_what_is_read_lazily_block_by_block_is_measured_as_what_is_in_memory(cells, monkeypatch):
    labels, image = cells
    whole = measure(labels, image[..., 0])
    monkeypatch.setattr(measuring, "_BLOCK", {2: 16, 3: 16})
    lazy = measure(da.from_array(labels, chunks=20), da.from_array(image[..., 0], chunks=25))
    assert lazy.columns == whole.columns


def test_no_object_reads_the_image_outside_of_its_own_block(cells, monkeypatch):
    labels, image = cells
    monkeypatch.setattr(measuring, "_BLOCK", {2: 16, 3: 16})
    read = []

    class Watched:
        shape, dtype = labels.shape, image.dtype

        def __getitem__(self, box):
            read.append(np.prod([cut.stop - cut.start for cut in box]))
            return image[..., 0][box]

    measure(labels, Watched())
    assert max(read) <= 32 * 32
    assert len(read) < len(np.unique(labels))  # objects that lie near each other are read together


def test_frames_are_measured_each_by_itself(cells):
    labels = np.stack([cells[0], np.roll(cells[0], 5, axis=0)])
    table = measure(labels, axes="TYX")
    first = measure(labels[0])
    assert table.columns["time"] == [0] * len(first) + [1] * (len(table) - len(first))
    assert table.columns["area (px)"][: len(first)] == first.columns["area (px)"]
    np.testing.assert_array_equal(table.positions[len(first) :, 0], 1)


def test_names_go_with_the_numbers():
    table = measure(np.array([[1, 0, 5]]), names={5: "liver"})
    assert table.columns["name"] == [None, "liver"]
    assert "name" not in measure(np.array([[1, 0, 5]])).columns


def test_only_ct_is_called_ct_and_comes_with_a_warning():
    labels = np.ones((3, 3), int)
    assert "mean (HU)" in measure(labels, labels, unit="HU").columns
    assert "Not a medical device" in measure(labels, labels, unit="HU").notes[0]
    assert measure(labels, labels).notes == ()


def test_an_image_without_objects_gives_an_empty_table():
    table = measure(np.zeros((4, 4), int))
    assert (len(table), table.ids) == (0, [])


@pytest.mark.parametrize(
    ("labels", "image", "words"),
    [
        (np.ones((3, 4), int), np.ones((4, 3)), "do not lie on each other"),
        (np.ones((3, 4)), None, "labels are integers"),
    ],
)
def test_what_does_not_fit_is_refused(labels, image, words):
    with pytest.raises(ImageError, match=words):
        measure(labels, image)
