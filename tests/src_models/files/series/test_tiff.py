"""The images in a TIFF: OME's, pages of several sizes, positions along an axis, slides, pyramids."""

import numpy as np
import pytest
import tifffile

from src_models.errors import ImageError
from src_models.files.images import list_series, read_image, read_labels
from src_models.files.series.image_series import SeveralImagesError

RANDOM = np.random.default_rng(0)


def numbers(*shape, dtype="uint8"):
    return RANDOM.integers(1, 255, shape).astype(dtype)


def listed(path):
    return [(image.name, image.shape, image.beside) for image in list_series(path)]


@pytest.fixture
def positions(tmp_path):
    """An OME-TIFF of three positions, as path and pixels; each has its own pixel size."""
    data = [numbers(2, 20, 30 + 2 * number) for number in range(3)]
    with tifffile.TiffWriter(tmp_path / "plate.ome.tif", ome=True) as tiff:
        for number, one in enumerate(data):
            size = {"PhysicalSizeX": 0.1 * (number + 1), "PhysicalSizeY": 0.2}
            tiff.write(one, metadata={"axes": "ZYX", "Name": f"Pos{number}", **size}, photometric="minisblack")
    return tmp_path / "plate.ome.tif", data


def test_positions_of_an_ome_tiff_are_named_and_none_is_taken_unasked(positions):
    path, data = positions
    assert listed(path) == [(f"Pos{number}", one.shape, False) for number, one in enumerate(data)]
    with pytest.raises(SeveralImagesError, match=r"plate\.ome\.tif: it holds 3 images: 0 'Pos0' \(Z=2, Y=20, X=30\)"):
        read_image(path)


def test_each_position_comes_with_its_own_pixels_size_and_name(positions):
    path, data = positions
    for number, one in enumerate(data):
        for wanted in (number, f"Pos{number}"):
            image = read_image(path, series=wanted)
            np.testing.assert_array_equal(image.data, one)
            assert image.reading.spacing == pytest.approx({"Z": 1.0, "Y": 0.2, "X": 0.1 * (number + 1)})
            assert (image.name, image.apart) == (f"plate_Pos{number}", f"Pos{number}")
            assert image.title == f"{path}, image {number} 'Pos{number}' of 3"


def test_masks_of_several_images_are_asked_for_too(positions):
    path, data = positions
    with pytest.raises(SeveralImagesError):
        read_labels(path)
    np.testing.assert_array_equal(read_labels(path, series=2), data[2])


def test_pages_of_several_sizes_are_images_by_their_pages(tmp_path):
    first, other, third = numbers(20, 30), numbers(40, 30), numbers(20, 30)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for page in (first, other, third):
            tiff.write(page, metadata=None)
    assert listed(tmp_path / "a.tif") == [("pages 0, 2", (2, 20, 30), False), ("page 1", (40, 30), False)]
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", series="page 1").data, other)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", series=0).data, np.stack([first, third]))


def test_pages_of_one_size_are_one_image(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers(5, 20, 30), metadata=None, photometric="minisblack")
    (image,) = list_series(tmp_path / "a.tif")
    assert image.shape == (5, 20, 30)
    opened = read_image(tmp_path / "a.tif")
    assert (opened.series, opened.name, opened.title) == (None, "a", str(tmp_path / "a.tif"))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", series=0).data, opened.data)
    with pytest.raises(ImageError, match=r"a\.tif: it holds no image '1'"):
        read_image(tmp_path / "a.tif", series=1)


def test_a_thumbnail_is_no_image_that_one_is_asked_about(tmp_path):
    data = numbers(200, 300)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(data, metadata=None)
        tiff.write(data[::7, ::7], subfiletype=1, metadata=None)
    assert [beside for *_, beside in listed(tmp_path / "a.tif")] == [False, True]
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.data, data)
    assert image.name == "a"  # as if there was one image
    assert image.title.endswith("a.tif, image 0 'page 0' of 2")  # but there are more
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", series=1).data, data[::7, ::7])


def test_levels_of_a_pyramid_are_one_image(tmp_path):
    data = numbers(256, 256)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for step in (1, 2, 4):
            tiff.write(data[::step, ::step], subfiletype=int(step > 1), tile=(64, 64), metadata=None)
    assert [shape for _, shape, _ in listed(tmp_path / "a.tif")] == [(256, 256)]


@pytest.mark.parametrize("axes", ["RZYX", "ZRYX"])
def test_positions_along_an_axis_are_images_and_not_slices(tmp_path, axes):
    data = numbers(3, 2, 20, 30) if axes[0] == "R" else numbers(2, 3, 20, 30)
    tifffile.imwrite(tmp_path / "a.tif", data, metadata={"axes": axes})
    assert [(name, shape) for name, shape, _ in listed(tmp_path / "a.tif")] == [
        (f"position {number}", (2, 20, 30)) for number in range(3)
    ]
    image = read_image(tmp_path / "a.tif", series="position 2")
    assert (image.reading.axes, image.name) == ("ZYX", "a_position_2")
    np.testing.assert_array_equal(image.data, data.take(2, axes.index("R")))
