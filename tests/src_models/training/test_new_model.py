"""The header of a new model: what its data set says."""

import nibabel as nib
import numpy as np
import pytest
import tifffile

from src_models.errors import DataSetError, UserError
from src_models.files.dataset import DataSet
from src_models.models.architectures import create
from src_models.models.header import Intensity
from src_models.training.new_model import new_header, tiles_for


def data_of(root, samples):
    """Write images and masks; the last sample is for validation."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    rows = ["file,split"]
    for index, (image, mask) in enumerate([*samples, samples[-1]]):
        tifffile.imwrite(
            root / "images" / f"{index}.tif", image, photometric="rgb" if image.shape[-1] == 3 else "minisblack"
        )
        tifffile.imwrite(root / "masks" / f"{index}.tif", mask, photometric="minisblack")
        rows.append(f"{index}.tif,{'val' if index == len(samples) else 'train'}")
    (root / "manifest.csv").write_text("\n".join(rows))
    return DataSet.open(root)


def grey(*shape):
    return np.zeros(shape, np.uint8)


def objects(*sizes):
    """A mask of squares of these sizes."""
    mask = np.zeros((60, 60 * len(sizes)), np.uint16)
    for number, size in enumerate(sizes):
        mask[5 : 5 + size, 60 * number + 5 : 60 * number + 5 + size] = 3 * number + 1
    return mask


def described(data, **options):
    return new_header(data, architecture="attention-unet", name="cells", config={"widths": [4, 8]}, **options)


def test_objects_give_the_sizes_the_model_handles(tmp_path):
    """The median diameters of the images are those of squares of 10, 20 and 30 px: times 2 / sqrt(pi)."""
    data = data_of(tmp_path, [(grey(60, 180), objects(s, s, s)) for s in (10, 20, 30)])
    header = described(data)
    assert header.result == "instances"
    assert header.classes == ("background", "interior", "boundary")
    unit = 2 / np.sqrt(np.pi)
    low, middle, high = np.percentile([10 * unit, 20 * unit, 30 * unit], (5, 50, 95))
    assert header.object_diameter == pytest.approx(middle, abs=0.1)
    assert header.diameter_range == pytest.approx((0.8 * low, 1.25 * high), abs=0.1)


def test_of_masks_without_numbers_connected_parts_are_the_objects(tmp_path):
    """Squares of 20 px are that large, whether they have numbers of their own or all are 255."""
    numbered = objects(20, 20, 20)
    binary = ((numbered > 0) * 255).astype(np.uint8)
    sizes = [
        described(data_of(tmp_path / name, [(grey(60, 180), mask)] * 2)).object_diameter
        for name, mask in (("numbered", numbered), ("binary", binary))
    ]
    assert sizes == pytest.approx([20 * 2 / np.sqrt(np.pi)] * 2, abs=0.1)


def test_images_without_objects_do_not_count_for_the_sizes(tmp_path):
    data = data_of(tmp_path, [(grey(60, 60), objects(20)), (grey(60, 60), 0 * objects(20))])
    assert described(data).object_diameter == pytest.approx(20 * 2 / np.sqrt(np.pi), abs=0.1)
    empty = data_of(tmp_path / "empty", [(grey(60, 60), 0 * objects(20))] * 2)
    assert described(empty).object_diameter is None


@pytest.mark.parametrize(
    ("values", "names", "expected"),
    [
        ([1], [], ("background", "class 1")),
        ([255], [], ("background", "class 1")),
        ([1, 2, 3], [], ("background", "class 1", "class 2", "class 3")),
        ([1, 3], ["a", "b", "c"], ("background", "a", "b", "c")),
        ([1], ["a", "b"], ("background", "a", "b")),
        ([], ["nothing yet"], ("background", "nothing yet")),
    ],
)
def test_classes_are_those_of_the_masks(tmp_path, values, names, expected):
    mask = np.zeros((20, 20), np.uint8)
    for index, value in enumerate(values):
        mask[index] = value
    header = described(data_of(tmp_path, [(grey(20, 20), mask)]), result="semantic", class_names=names)
    assert header.classes == expected
    assert header.config["classes"] == len(expected)
    assert header.diameter_range is None


def test_the_network_is_the_one_described(tmp_path):
    mask = np.ones((4, 20, 20), np.uint8)
    options = {"intensity": Intensity(kind="window", low=-160, high=240), "licence": "CC0-1.0", "result": "semantic"}
    header = described(data_of(tmp_path / "ct", [(grey(4, 20, 20), mask)]), **options)
    assert header.dimensions == len(header.tile) == len(header.overlap) == 3
    assert header.config == {"widths": [4, 8], "in_channels": 1, "classes": 2, "dimensions": 3}
    assert (header.licence, header.intensity.low) == ("CC0-1.0", -160)
    assert header.purpose == "attention-unet trained on ct"
    create(header.architecture, **header.config)


@pytest.mark.parametrize(
    ("architecture", "config", "dimensions", "tile", "overlap"),
    [
        ("medt", {"image_size": 128, "compatible": True}, 2, (128, 128), (32, 32)),
        ("axial-unet", {"image_size": 64}, 2, (64, 64), (16, 16)),
        ("attention-unet", {"widths": [4, 8]}, 2, (512, 512), (96, 96)),
        ("unet", {}, 3, (96, 96, 96), (24, 24, 24)),
    ],
)
def test_tiles_are_the_networks_window_where_it_has_one_and_overlap_by_a_quarter(
    architecture, config, dimensions, tile, overlap
):
    assert tiles_for(architecture, config, dimensions) == (tile, overlap)


def test_an_axial_network_gets_the_tiles_of_its_window(tmp_path):
    data = data_of(tmp_path, [(grey(20, 20, 3), np.ones((20, 20), np.uint8))])
    header = new_header(data, architecture="medt", name="m", result="semantic", config={"image_size": 64})
    assert (header.tile, header.overlap) == ((64, 64), (16, 16))
    assert create(header.architecture, **header.config).image_size == 64


@pytest.mark.parametrize(
    ("shapes", "channels"),
    [
        ([(20, 20)], ("grey",)),
        ([(20, 20), (20, 20, 3)], ("red", "green", "blue")),
        ([(20, 20, 3)], ("red", "green", "blue")),
        ([(20, 20, 2)], ("channel 1", "channel 2")),
    ],
)
def test_channels_are_those_of_the_images(tmp_path, shapes, channels):
    mask = np.ones((20, 20), np.uint8)
    header = described(data_of(tmp_path, [(grey(*shape), mask) for shape in shapes]), result="semantic")
    assert header.channels == channels
    assert header.config["in_channels"] == len(channels)


@pytest.mark.parametrize(
    ("samples", "options", "words"),
    [
        ([(grey(20, 20), grey(20, 20)), (grey(4, 20, 20), grey(4, 20, 20))], {}, r"differ in dimensions \(\[2, 3\]\)"),
        ([(grey(20, 20, 2), grey(20, 20)), (grey(20, 20), grey(20, 20))], {}, r"differ in channels \(\[1, 2\]\)"),
        (
            [(grey(20, 20), np.arange(400).reshape(20, 20).astype(np.uint8) % 4)],
            {"result": "semantic", "class_names": ["one"]},
            "classes up to 3 and there are 1 names",
        ),
        (
            [(grey(20, 20), (np.arange(400).reshape(20, 20) % 5 * 40).astype(np.uint8))],
            {"result": "semantic"},
            "number the classes 1, 2, 3",
        ),
    ],
    ids=["dimensions", "channels", "names", "values with gaps"],
)
def test_data_that_do_not_go_together_are_refused(tmp_path, samples, options, words):
    with pytest.raises(DataSetError, match=words) as caught:
        described(data_of(tmp_path, samples), **options)
    assert str(tmp_path) in str(caught.value)


def volumes(root, spacing=(4.0, 0.5, 0.5), channels=1):
    """Two volumes with a ball of class 2 of 10 px, of voxels of that size (mm)."""
    z, y, x = np.mgrid[:12, :30, :30]
    mask = np.where((z - 6) ** 2 + (y - 15) ** 2 + (x - 15) ** 2 < 25, 2, 0).astype(np.uint8)
    for folder, values in (("images", mask.astype(np.float32)), ("masks", mask)):
        (root / folder).mkdir(parents=True)
        for number in range(2):
            image = nib.Nifti1Image(values.transpose(2, 1, 0), np.diag([*spacing[::-1], 1.0]))
            nib.save(image, root / folder / f"{number}.nii.gz")
    (root / "manifest.csv").write_text("file,split\n0.nii.gz,train\n1.nii.gz,val\n")
    return DataSet.open(root)


@pytest.mark.parametrize(("count", "channels"), [(1, ("slice",)), (3, ("slice -1", "slice", "slice +1"))])
def test_a_network_of_slices_is_a_2d_one_with_their_neighbours_as_channels(tmp_path, count, channels):
    header = described(volumes(tmp_path), result="semantic", slices=count)
    assert (header.dimensions, header.channels, header.config["in_channels"]) == (2, channels, count)
    whole = described(volumes(tmp_path / "whole"), result="semantic")
    assert (whole.dimensions, whole.channels) == (3, ("grey",))


def test_slices_of_several_channels_are_refused(tmp_path):
    data = data_of(tmp_path, [(grey(20, 20, 5), grey(20, 20))])
    with pytest.raises(DataSetError, match="sees one channel of a volume, and these have 5"):
        described(data, slices=3)


def test_the_spacing_that_was_chosen_is_in_the_header(tmp_path):
    header = described(volumes(tmp_path), result="semantic", slices=1, spacing=(1.5, 1.5), unit="millimeter")
    assert (header.spacing, header.unit) == ((1.5, 1.5), "mm")
    with pytest.raises(UserError, match=r"the spacing 1\.5 needs 3 numbers, z,y,x"):
        described(volumes(tmp_path / "whole"), result="semantic", spacing=(1.5, 1.5))


def test_objects_are_as_large_as_the_network_will_see_them(tmp_path):
    data = volumes(tmp_path, (0.5, 0.5, 0.5))
    own, coarse = (described(data, **at).object_diameter for at in ({}, {"spacing": (1.0, 1.0, 1.0)}))
    assert own == pytest.approx(10, rel=0.05)
    assert coarse == pytest.approx(own / 2, abs=0.1)
