"""Images that are read for training at a spacing, or slice by slice: a network learns from what it will see."""

import logging

import nibabel as nib
import numpy as np
import pytest
import tifffile

from src_models.errors import DataSetError
from src_models.files.images import read_image
from src_models.files.samples import Sample
from src_models.images.model_image import ModelImage
from src_models.models.header import Intensity, ModelHeader, slice_channels
from src_models.training.patches import load_images

SPACED = {"spacing": (1.5, 1.5), "unit": "mm"}
RNG = np.random.default_rng(0)


def header(dimensions=2, channels=("grey",), **fields):
    return ModelHeader(
        name="m",
        purpose="",
        architecture="unet",
        config={},
        classes=("background", "a", "b"),
        channels=channels,
        dimensions=dimensions,
        tile=(64,) * dimensions,
        overlap=(8,) * dimensions,
        intensity=Intensity(kind="window", low=-100, high=100),
        **fields,
    )


@pytest.fixture
def scan(tmp_path):
    """A scan of 4 slices of 20 x 26 voxels of 5 x 0.75 x 3 mm, stored along x, y, z as NIfTI is."""
    return volume(tmp_path / "scan", (5.0, 0.75, 3.0))


def volume(folder, spacing, shape=(4, 20, 26)):
    folder.mkdir()
    for name, values in (("image", RNG.normal(0, 60, shape)), ("mask", RNG.integers(0, 3, shape))):
        stored = values.astype(np.float32 if name == "image" else np.uint8).transpose(2, 1, 0)
        nib.save(nib.Nifti1Image(stored, np.diag([*spacing[::-1], 1.0])), folder / f"{name}.nii.gz")
    return Sample(folder.name, folder / "image.nii.gz", folder / "mask.nii.gz")


def as_predicted(sample, described):
    """What prediction shows the network: all planes, one after the other."""
    image = read_image(sample.image)
    seen = ModelImage(image.data, described, axes=image.reading)
    planes = [seen.plane(plane, seen.seen_at.zoom) for plane in seen.planes]
    return [plane.read([slice(0, n) for n in plane.shape]) for plane in planes]


def truth(sample):
    """The mask (z, y, x), as it is read."""
    return np.asarray(read_image(sample.mask).data).astype(int)


def nearest(labels, shape):
    places = [((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(shape, labels.shape, strict=True)]
    return labels[np.ix_(*places)]


def test_a_volume_is_resampled_to_the_spacing_as_prediction_does_it(scan):
    described = header(3, spacing=(2.5, 1.5, 1.5), unit="mm")
    (image,) = load_images([scan], described)
    assert image.labels.shape == (8, 10, 52)
    np.testing.assert_allclose(image.image, as_predicted(scan, described)[0], atol=1e-3)
    np.testing.assert_array_equal(image.labels, nearest(truth(scan), (8, 10, 52)))


@pytest.mark.parametrize("count", [1, 3, 5])
@pytest.mark.parametrize("more", [{}, SPACED], ids=["as it is", "at a spacing"])
def test_the_slices_of_a_volume_are_what_prediction_shows_the_network(scan, count, more):
    described = header(channels=slice_channels(count), **more)
    images = load_images([scan], described)
    shape = (10, 52) if more else (20, 26)
    assert [image.image.shape for image in images] == [(count, *shape)] * 4
    for z, (image, seen) in enumerate(zip(images, as_predicted(scan, described), strict=True)):
        np.testing.assert_allclose(image.image, seen, atol=1e-3)
        np.testing.assert_array_equal(image.labels, nearest(truth(scan)[z], shape))


def test_a_picture_among_volumes_is_a_volume_of_one_slice(tmp_path):
    values, labels = RNG.integers(0, 255, (16, 18), np.uint8), RNG.integers(0, 3, (16, 18), np.uint8)
    tifffile.imwrite(tmp_path / "image.tif", values)
    tifffile.imwrite(tmp_path / "mask.tif", labels)
    sample = Sample("picture", tmp_path / "image.tif", tmp_path / "mask.tif")
    (image,) = load_images([sample], header(channels=slice_channels(3)))
    assert (image.image == image.image[0]).all()
    np.testing.assert_array_equal(image.labels, labels)


def test_of_each_volume_no_more_slices_are_read_than_are_asked_for(tmp_path):
    samples = [volume(tmp_path / name, (5.0, 1.5, 1.5), (depth, 8, 8)) for name, depth in (("a", 3), ("b", 9))]
    images = load_images(samples, header(channels=slice_channels(1)), most_slices=3)
    assert [image.name.split(" ")[::2] for image in images] == [
        ["a", "0"], ["a", "1"], ["a", "2"], ["b", "0"], ["b", "3"], ["b", "6"],
    ]  # fmt: skip


def test_images_of_unknown_size_are_taken_to_have_the_spacing_and_that_is_said(tmp_path, scan, caplog):
    tifffile.imwrite(tmp_path / "image.tif", np.zeros((16, 18), np.uint8))
    tifffile.imwrite(tmp_path / "mask.tif", np.zeros((16, 18), np.uint8))
    picture = Sample("picture", tmp_path / "image.tif", tmp_path / "mask.tif")
    with caplog.at_level(logging.WARNING):
        first, second = load_images([picture, picture], header(**SPACED))
    assert first.labels.shape == second.labels.shape == (16, 18)
    said = "Of 2 of 2 images (such as picture) it is not known how large their pixels are: they are taken to have"
    assert [record.message for record in caplog.records] == [f"{said} the model's spacing, 1.5 mm."]
    caplog.clear()
    load_images([scan], header(channels=("slice",), **SPACED))
    assert not caplog.records


def test_a_size_that_is_far_off_is_refused_by_the_file(tmp_path):
    with pytest.raises(DataSetError, match=r"metres/image\.nii\.gz: .* too far off"):
        load_images([volume(tmp_path / "metres", (5.0, 750.0, 750.0))], header(channels=("slice",), **SPACED))


def test_without_slices_a_volume_is_none_of_a_2d_network_s(scan):
    with pytest.raises(DataSetError, match="is 3D and the network is 2D"):
        load_images([scan], header())
