"""``napari-medt click``: an object of a file by clicks from the shell, with a model that finds what is bright."""

import json

import nibabel as nib
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.files.images import read_image, read_labels
from src_models.models.checkpoint import load

# The scan is stored sagittally: i to the back, j down to the feet, k to the right.
AFFINE = np.array([[0, 0, 2, -30], [-1.5, 0, 0, 20], [0, -1, 0, 50], [0, 0, 0, 1.0]])
SHAPE = (80, 110)


def disk(y, x, radius):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


ONE, OTHER = disk(40, 30, 10), disk(40, 80, 12)
IMAGE = (ONE | OTHER).astype(np.float32)
# A tube from slice 2 to slice 6 of 9.
TUBE = np.stack([ONE & (2 <= z <= 6) for z in range(9)])


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.fixture
def click(bright_model_path, tmp_path):
    """Click in an image; the labels go to ``tmp_path / output``."""

    def run(image, *options, output="found.tif"):
        command = ["click", image, *options, "--model", bright_model_path, "--device", "cpu", "--output"]
        words = [str(word) for word in (*command, tmp_path / output)]
        return CliRunner(env={"COLUMNS": "300"}).invoke(app, words)

    return run


@pytest.fixture
def cell(tmp_path):
    """Two disks in a TIFF."""
    tifffile.imwrite(tmp_path / "cell.tif", IMAGE)
    return tmp_path / "cell.tif"


@pytest.fixture
def stack(tmp_path):
    """The tube in a TIFF with voxels of 0.5 x 0.2 x 0.2 micrometres."""
    options = {"imagej": True, "metadata": {"axes": "ZYX", "spacing": 0.5, "unit": "um"}, "resolution": (5, 5)}
    tifffile.imwrite(tmp_path / "stack.tif", TUBE.astype(np.float32), **options)
    return tmp_path / "stack.tif"


def test_the_object_that_was_clicked_on_is_written_and_what_it_was_made_by(cell, click, tmp_path, bright_model_path):
    done = click(cell, "--at", "40,33.5", "--at", "44,30", "--not", "10,60")
    assert done.exit_code == 0, done.output
    assert "px -> " in done.stdout
    labels = read_labels(tmp_path / "found.tif")
    assert set(np.unique(labels)) == {0, 1}
    assert overlap(labels == 1, ONE) > 0.93
    stored = json.loads((tmp_path / "found.clicks.json").read_text())
    assert stored["labels"] == "found.tif"
    (made,) = stored["objects"]
    assert made["value"] == 1
    assert made["model_sha256"] == load(bright_model_path).sha256
    assert [(each["y"], each["x"], each["positive"]) for each in made["prompts"]] == [
        (40, 33.5, True),
        (44, 30, True),
        (10, 60, False),
    ]


def test_a_box_finds_what_lies_in_it(cell, click, tmp_path):
    assert click(cell, "--box", "27,67,53,93").exit_code == 0
    assert overlap(read_labels(tmp_path / "found.tif") == 1, OTHER) > 0.93


def test_a_slice_of_a_stack_is_clicked_in_with_its_voxel_size(stack, click, tmp_path):
    assert click(stack, "--at", "40,30", "--plane", "4").exit_code == 0
    labels = read_image(tmp_path / "found.tif")
    found = np.asarray(labels.data) == 1
    assert overlap(found[4], ONE) > 0.93
    assert not found[[z for z in range(9) if z != 4]].any()
    assert labels.reading.spacing == {"Z": 0.5, "Y": 0.2, "X": 0.2}


def test_carried_on_it_is_found_in_every_slice_and_told_where_it_ends(stack, click, tmp_path):
    done = click(stack, "--at", "40,30", "--plane", "4", "--carry")
    assert done.exit_code == 0, done.output
    assert "backward to plane 2: the object vanishes after it" in done.stdout
    assert "forward to plane 6: the object vanishes after it" in done.stdout
    assert "in 5 planes" in done.stdout
    assert overlap(read_labels(tmp_path / "found.tif") == 1, TUBE) > 0.93
    (made,) = json.loads((tmp_path / "found.clicks.json").read_text())["objects"]
    assert made["planes"] == [[z] for z in range(2, 7)]
    assert [prompt["plane"] for prompt in made["prompts"]] == [[4]]


def test_a_plane_of_a_series_of_stacks_has_two_numbers(click, tmp_path):
    series = np.zeros((3, 2, *SHAPE), np.float32)
    series[1, 1] = OTHER
    tifffile.imwrite(tmp_path / "series.tif", series, imagej=True, metadata={"axes": "TZYX"})
    assert click(tmp_path / "series.tif", "--at", "40,80", "--plane", "1,1").exit_code == 0
    found = read_labels(tmp_path / "found.tif") == 1
    assert overlap(found[1, 1], OTHER) > 0.93
    assert found.sum() == found[1, 1].sum()


@pytest.fixture
def scan(tmp_path):
    """The tube as an organ of 150 HU in air, as NIfTI."""
    volume = np.where(TUBE, 150, -1000).astype(np.int16)  # to the head, the back, the left
    image = nib.Nifti1Image(volume.transpose(1, 0, 2)[:, ::-1, ::-1], AFFINE)
    image.set_sform(AFFINE, code=2)
    nib.save(image, tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


def test_labels_of_a_scan_lie_on_its_voxels(scan, click, tmp_path):
    done = click(scan, "--at", "40,30", "--plane", "4", "--carry", output="organ.nii.gz")
    assert done.exit_code == 0, done.output
    source, written = nib.load(scan), nib.load(tmp_path / "organ.nii.gz")
    np.testing.assert_array_equal(written.affine, source.affine)
    assert int(written.header["sform_code"]) == 2
    assert written.shape == source.shape
    assert overlap(np.asarray(written.dataobj) == 1, np.asarray(source.dataobj) > 0) > 0.93
    assert (tmp_path / "organ.clicks.json").exists()


def test_ct_is_shown_in_the_window_of_soft_tissue_unless_told(scan, click, tmp_path):
    """150 HU are bright in soft tissue (-150 to 250 HU), and not in bone (-500 to 1300 HU)."""
    place = ("--at", "40,30", "--plane", "4", "--overwrite")
    assert click(scan, *place).exit_code == 0
    assert click(scan, *place, "--window", "soft tissue").exit_code == 0
    done = click(scan, *place, "--window", "bone")
    assert done.exit_code == 1
    assert "nothing was found there; click on the object elsewhere" in done.stderr
    own = click(scan, *place, "--window", "400:1800")
    assert own.stderr == done.stderr
    assert click(scan, *place, "--window", "50:400").exit_code == 0
    wrong = click("no such scan.nii", *place, "--window", "50:")
    assert "'50:' is not of the form LEVEL:WIDTH" in wrong.stderr


def test_colours_and_zarr(click, tmp_path):
    import imageio.v3 as iio

    colour = np.stack([IMAGE, 0 * IMAGE, 0 * IMAGE], -1).astype(np.uint8)
    iio.imwrite(tmp_path / "cell.png", colour)
    assert click(tmp_path / "cell.png", "--at", "40,80", output="found.zarr").exit_code == 0
    labels = read_labels(tmp_path / "found.zarr")
    assert labels.shape == SHAPE
    assert overlap(labels == 1, OTHER) > 0.93
    assert (tmp_path / "found.clicks.json").exists()


REFUSED = [
    pytest.param([], "say where the object is: --at Y,X", id="no place"),
    pytest.param(["--not", "3,4"], "say where the object is: --at Y,X", id="only beside"),
    pytest.param(["--at", "40"], "--at '40' is not of the form Y,X", id="one number"),
    pytest.param(["--at", "40,a"], "--at '40,a' is not of the form Y,X", id="no number"),
    pytest.param(["--box", "1,2,3"], "--box '1,2,3' is not of the form TOP,LEFT,BOTTOM,RIGHT", id="three edges"),
    pytest.param(["--at", "40,300"], "lies outside of", id="outside"),
    pytest.param(["--at", "40,30", "--plane", "0"], "is none of its planes", id="plane of a flat image"),
    pytest.param(["--at", "40,30", "--carry"], "has one plane alone", id="carried in a flat image"),
    pytest.param(["--at", "40,30", "--ends-at", "3"], "give --carry as well", id="an end without a carry"),
    pytest.param(["--at", "40,30", "--larger", "1", "--smaller", "1"], "not both", id="larger and smaller"),
    pytest.param(["--at", "40,30", "--larger", "9"], "no larger object to be seen", id="nothing is larger"),
    pytest.param(["--at", "5,5"], "nothing was found there", id="background"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(cell, click, tmp_path, options, message):
    done = click(cell, *options)
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["cell.tif"]


def test_planes_are_named_where_there_are_several(stack, click):
    done = click(stack, "--at", "40,30")
    assert "has 9 planes (Z=9, Y=80, X=110, 1 channel" in done.stderr
    assert "--plane Z, counted from 0" in done.stderr
    for wrong in ("9", "-1", "1,1", "a"):
        done = click(stack, "--at", "40,30", "--plane", wrong)
        assert f"--plane '{wrong}' is none of its planes" in done.stderr


def test_files_that_are_there_and_other_formats_are_refused(cell, click, tmp_path):
    (tmp_path / "found.clicks.json").write_text("mine")
    done = click(cell, "--at", "40,30")
    assert "found.clicks.json exists already" in done.stderr
    assert (tmp_path / "found.clicks.json").read_text() == "mine"
    assert not (tmp_path / "found.tif").exists()
    assert click(cell, "--at", "40,30", "--overwrite").exit_code == 0
    assert "labels are written as .tif" in click(cell, "--at", "40,30", output="other.png").stderr
    assert "NIfTI, NRRD or DICOM for scans alone" in click(cell, "--at", "40,30", output="other.nii.gz").stderr


def test_it_is_carried_no_further_than_it_ends(stack, click, tmp_path):
    done = click(stack, "--at", "40,30", "--plane", "4", "--carry", "--ends-at", "5", "--ends-at", "3")
    assert done.exit_code == 0, done.output
    labels = read_labels(tmp_path / "found.tif")
    assert [bool(plane.any()) for plane in labels] == [3 <= z <= 5 for z in range(9)]


@pytest.mark.parametrize(
    ("ends", "message"),
    [(["9"], "slices 0 to 8"), (["5", "6"], "one before and one after 4"), (["4"], "after 4")],
)
def test_ends_that_cannot_be_are_refused(stack, click, ends, message):
    done = click(
        stack, "--at", "40,30", "--plane", "4", "--carry", *(word for end in ends for word in ("--ends-at", end))
    )
    assert done.exit_code == 1
    assert message in done.stderr


@pytest.mark.parametrize("ending", ["tif", "zarr"])
def test_in_an_image_whose_slices_come_before_its_times_the_object_is_where_it_was_clicked(click, tmp_path, ending):
    image = np.zeros((2, 3, *SHAPE), np.uint8)
    image[1, 2] = 200 * OTHER
    metadata = {"axes": "ZTYX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.2, "PhysicalSizeZ": 0.5}
    tifffile.imwrite(tmp_path / "zt.ome.tif", image, metadata=metadata)
    done = click(tmp_path / "zt.ome.tif", "--at", "40,80", "--plane", "1,2", output=f"found.{ending}")
    assert done.exit_code == 0, done.output
    found = read_image(tmp_path / f"found.{ending}")
    assert (found.reading.axes, found.reading.spacing) == ("ZTYX", {"Z": 0.5, "Y": 0.2, "X": 0.1})
    labels = np.asarray(found.data) > 0
    assert overlap(labels[1, 2], OTHER) > 0.93
    assert labels.sum() == labels[1, 2].sum()


def test_one_of_several_images_is_clicked_in_and_none_unasked(click, tmp_path):
    with tifffile.TiffWriter(tmp_path / "two.ome.tif", ome=True) as tiff:
        for name, data in (("left", ONE), ("right", OTHER)):
            tiff.write((200 * data).astype("uint8"), metadata={"axes": "YX", "Name": name})
    refused = click(tmp_path / "two.ome.tif", "--at", "40,80")
    assert refused.exit_code == 1
    assert "it holds 2 images: 0 'left' (Y=80, X=110), 1 'right' (Y=80, X=110)" in refused.stderr
    assert click(tmp_path / "two.ome.tif", "--at", "40,80", "--series", "right").exit_code == 0
    assert overlap(read_labels(tmp_path / "found.tif") == 1, OTHER) > 0.93
    (made,) = json.loads((tmp_path / "found.clicks.json").read_text())["objects"]
    assert made["image"] == "two_right"


# Objects that are begun with, and mends through the slices


ARM = (abs(np.arange(SHAPE[0])[:, None] - 40) <= 5) & (np.arange(SHAPE[1]) >= 30) & (np.arange(SHAPE[1]) < 60)


@pytest.fixture
def armed(tmp_path):
    """A scan of a tube with an arm in slices 3 to 5, and labels in which a model missed the arm."""
    truth = TUBE | np.stack([ARM & (3 <= z <= 5) for z in range(9)])
    labels = np.where(TUBE, 3, 0).astype(np.uint8)
    labels[4, 60:70, 50:60] = 5
    for name, values in (("scan", truth.astype(np.int16) * 100), ("labels", labels)):
        nib.save(
            nib.Nifti1Image(np.ascontiguousarray(values.T), np.diag([-1, -1, 3, 1.0])), tmp_path / f"{name}.nii.gz"
        )
    return tmp_path / "scan.nii.gz", tmp_path / "labels.nii.gz", truth, labels


def test_an_object_of_labels_is_mended_in_its_place_through_the_slices(armed, click, tmp_path):
    scan, given, truth, labels = armed
    options = ["--begin-with", given, "--object", "3", "--grey-range", "0:100"]
    done = click(scan, *options, "--at", "4,40,50", output="found.nii.gz")
    assert done.exit_code == 0, done.output
    found = read_labels(tmp_path / "found.nii.gz")
    assert overlap(found == 3, truth) > 0.9
    np.testing.assert_array_equal(found[labels > 0], labels[labels > 0])
    stored = json.loads((tmp_path / "found.clicks.json").read_text())["objects"]
    assert [(entry["value"], len(entry["prompts"])) for entry in stored] == [(3, 1)]
    same = click(scan, *options, "--at", "40,50", "--plane", "4", output="same.nii.gz")
    assert same.exit_code == 0, same.output
    np.testing.assert_array_equal(read_labels(tmp_path / "same.nii.gz"), found)


def test_what_was_begun_with_is_carried_beyond_its_ends(armed, click, tmp_path):
    scan, given, _, labels = armed
    short = nib.load(given)
    values = np.asarray(short.dataobj).copy()
    values[..., [2, 6]] = 0
    nib.save(nib.Nifti1Image(values, short.affine), given)
    done = click(scan, "--begin-with", given, "--object", "3", "--carry", output="found.nii.gz")
    assert done.exit_code == 0, done.output
    found = read_labels(tmp_path / "found.nii.gz")
    np.testing.assert_array_equal(found[3:6], labels[3:6])
    assert (found[[2, 6]] == 3).any((1, 2)).all()


def test_a_click_in_another_slice_mends_what_was_carried_there(armed, click, tmp_path):
    scan = armed[0]
    places = ["--plane", "2", "--at", "40,30", "--carry", "--at", "4,40,55"]
    done = click(scan, *places, "--grey-range", "0:100", output="found.nii.gz")
    assert done.exit_code == 0, done.output
    assert read_labels(tmp_path / "found.nii.gz")[4, 40, 55] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--begin-with", "LABELS", "--at", "4,40,50"], "holds the objects 3, 5: choose one with --object"),
        (["--begin-with", "LABELS", "--object", "4", "--at", "4,40,50"], "and no 4"),
        (["--begin-with", "LABELS", "--object", "3"], "say what is to be mended"),
        (["--object", "3", "--at", "40,50", "--plane", "4"], "give --begin-with LABELS as well"),
        (["--at", "40,50", "--plane", "4", "--at", "5,40,50"], "give --carry, or --begin-with"),
        (["--begin-with", "LABELS", "--object", "3", "--at", "12,40,50"], "none of its planes"),
        (["--begin-with", "LABELS", "--object", "3", "--at", "1.5,40,50"], "a slice is a whole number"),
    ],
)
def test_mends_that_cannot_be_meant_are_refused(armed, click, tmp_path, options, message):
    scan, given, _, _ = armed
    done = click(scan, *[given if word == "LABELS" else word for word in options], output="found.nii.gz")
    assert done.exit_code == 1
    assert message in done.stderr
    assert not (tmp_path / "found.nii.gz").exists()


@pytest.fixture
def slices(tmp_path, write_slices):
    """A folder of oblique DICOM slices of the tube."""
    return write_slices(tmp_path / "ct", (TUBE[:5] * 100).astype(np.uint16)[1:4])


def test_an_object_of_dicom_slices_goes_to_a_segmentation_that_a_person_helped_with(slices, click, tmp_path):
    import pydicom

    options = [slices, "--plane", "1", "--at", "40,30", "--carry", "--grey-range", "0:100"]
    for name in ("found.nii.gz", "found.seg.nrrd", "found.dcm"):
        done = click(*options, "--overwrite", output=name)
        assert done.exit_code == 0, done.output
    wanted = read_labels(tmp_path / "found.nii.gz")
    assert wanted.any()
    for name in ("found.seg.nrrd", "found.dcm"):
        np.testing.assert_array_equal(read_labels(tmp_path / name), wanted)
    content = pydicom.dcmread(tmp_path / "found.dcm")
    assert content.SegmentSequence[0].SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert "4711" not in (tmp_path / "found.clicks.json").read_text() + done.output


def test_a_scan_that_is_not_dicom_has_no_segmentation_of_dicom(scan, click, tmp_path):
    done = click(scan, "--at", "40,30", "--plane", "4", output="organ.dcm")
    assert done.exit_code == 1
    assert "DICOM" in done.stderr
    assert not (tmp_path / "organ.dcm").exists()
