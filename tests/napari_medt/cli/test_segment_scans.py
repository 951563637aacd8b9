"""``napari-medt segment`` on scans: labels go back as NIfTI, voxel on voxel."""

import json
import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.data import get_testdata_file
from typer.testing import CliRunner

import src_models as sm
from napari_medt.cli import app
from src_models.files.images import image_stem, read_image, read_labels
from src_models.prediction import to_file as segment_results

# The scan is stored sagittally: i to the back, j down to the feet, k to the right.
AFFINE = np.array([[0, 0, 2, -30], [-1.5, 0, 0, 20], [0, -1, 0, 50], [0, 0, 0, 1.0]])


@pytest.fixture
def scan(tmp_path, discs):
    """A scan (70, 90 pixels, 2 planes to the head) of the two discs, as NIfTI."""
    volume = np.stack([discs, discs[::-1]]).astype("int16")  # to the head, the back, the left
    stored = volume.transpose(1, 0, 2)[:, ::-1, ::-1]
    image = nib.Nifti1Image(stored, AFFINE)
    image.set_sform(AFFINE, code=2)
    nib.save(image, tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


@pytest.fixture
def segment(tmp_path, tiny_model_path):
    """Segment into ``tmp_path / "out"``."""

    def run(*arguments):
        command = ["segment", *arguments, "--model", tiny_model_path, "--output", tmp_path / "out", "--diameter", 20]
        return CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(word) for word in command])

    return run


@pytest.mark.parametrize(("wanted", "suffix"), [("nrrd", ".nrrd"), ("seg.nrrd", ".seg.nrrd"), ("mha", ".mha")])
def test_labels_are_written_as_nrrd_or_metaimage_where_that_is_asked_for(scan, segment, tmp_path, wanted, suffix):
    sitk.WriteImage(sitk.ReadImage(str(scan)), str(tmp_path / "scan.nrrd"))
    assert segment(scan, "--classes").exit_code == 0
    (tmp_path / "out" / "scan_labels.json").unlink()
    done = segment(tmp_path / "scan.nrrd", "--format", wanted, "--classes")
    assert done.exit_code == 0, done.output
    found = sitk.ReadImage(str(tmp_path / "out" / f"scan_labels{suffix}"))
    same = sitk.ReadImage(str(tmp_path / "out" / "scan_labels.nii.gz"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(same))
    for told in ("GetOrigin", "GetSpacing", "GetDirection"):
        np.testing.assert_allclose(getattr(found, told)(), getattr(same, told)(), atol=1e-5)
    if "nrrd" in suffix:
        assert found.GetMetaData("Segment0_Name") == "objects"
    assert "passed over" in segment(tmp_path / "scan.nrrd", "--format", wanted, "--classes", "--skip-existing").stdout


def test_maps_of_a_scan_are_nifti_on_its_place(scan, segment, tmp_path, tiny_model_path):
    done = segment(scan, "--attention", "--classes")
    assert done.exit_code == 0, done.output
    files = {"scan_attention_gate_2.nii.gz", "scan_labels.json", "scan_labels.nii.gz"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == files
    source, written = nib.load(scan), nib.load(tmp_path / "out" / "scan_attention_gate_2.nii.gz")
    volume = np.asarray(source.dataobj)[:, ::-1, ::-1].transpose(1, 0, 2)
    (wanted,) = sm.segment(volume, sm.load(tiny_model_path), axes="ZYX", diameter=20, attention=True).attention
    values = written.get_fdata()
    for at in ((3, 0, 5), (0, 1, 0), (20, 1, 31)):
        i, j, k = nib.affines.apply_affine(np.linalg.inv(source.affine) @ written.affine, at)
        place = np.array([source.shape[1] - 1 - j, i, source.shape[2] - 1 - k])  # in the data: z, y, x
        cell = (place - wanted.translate) / wanted.scale
        np.testing.assert_allclose(cell, cell.round(), atol=1e-4)
        assert values[at] == pytest.approx(wanted.data[tuple(cell.round().astype(int))], abs=1e-5)
    assert values.size == wanted.data.size
    again = segment(scan, "--attention", "--classes", "--skip-existing")
    assert "passed over" in again.stdout


def test_a_scan_goes_to_tiff_where_that_is_asked_for(scan, segment, tmp_path):
    done = segment(scan, "--attention", "--classes", "--format", "tiff")
    assert done.exit_code == 0, done.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"scan_attention_gate_2.ome.tif", "scan_labels.json", "scan_labels.tif"}
    assert read_image(tmp_path / "out" / "scan_labels.tif").reading.spacing == {"Z": 1.0, "Y": 1.5, "X": 2.0}
    again = segment(scan, "--attention", "--classes", "--format", "tiff", "--skip-existing")
    assert "passed over" in again.stdout


@pytest.fixture
def oblique_slices(tmp_path, discs, write_slices):
    """A folder of oblique DICOM slices of the two discs, their files in no order."""
    return write_slices(tmp_path / "ct", np.stack([discs, discs[::-1], discs]).astype(np.uint16))


@pytest.mark.parametrize(("wanted", "kind"), [("dicom-seg", "BINARY"), ("dicom-labelmap", "LABELMAP")])
def test_labels_of_dicom_slices_are_written_as_a_segmentation_of_their_study(
    oblique_slices, segment, tmp_path, wanted, kind
):
    assert segment(oblique_slices, "--classes").exit_code == 0
    wanted_labels = read_labels(tmp_path / "out" / "ct_labels.nii.gz")
    (tmp_path / "out" / "ct_labels.json").unlink()
    done = segment(oblique_slices, "--format", wanted, "--classes")
    assert done.exit_code == 0, done.output
    content = pydicom.dcmread(tmp_path / "out" / "ct_labels.dcm")
    (item,) = [one for one in content.SegmentSequence if one.SegmentNumber]  # a label map names its background, too
    assert (content.SegmentationType, item.SegmentLabel, item.SegmentAlgorithmType) == (kind, "objects", "AUTOMATIC")
    assert item.SegmentAlgorithmName == "tiny"
    assert content.PatientID == "PAT-4711"
    np.testing.assert_array_equal(read_labels(tmp_path / "out" / "ct_labels.dcm"), wanted_labels)
    assert wanted_labels.any()
    record = (tmp_path / "out" / "ct_labels.json").read_text(encoding="utf-8")
    first = pydicom.dcmread(next(oblique_slices.iterdir()))
    identifiers = ("4711", "Jörg", "J\\u00f6rg", first.StudyInstanceUID, first.SeriesInstanceUID, "Moabit")
    assert not [word for word in identifiers if word in record + done.output]


def test_a_scan_that_is_not_dicom_has_no_segmentation_of_dicom(scan, segment, tmp_path):
    done = segment(scan, "--format", "dicom-seg")
    assert done.exit_code == 1
    assert "no scan that was read from one" in " ".join(done.output.split())
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", ["scan.nii.gz", "scan.nii"])
def test_labels_of_a_nifti_are_a_nifti_on_its_voxels(
    scan, segment, tmp_path, tiny_model_path, monkeypatch, name, large
):
    if large:
        monkeypatch.setattr(segment_results, "LARGE", 1)
    nib.save(nib.load(scan), tmp_path / name)
    done = segment(tmp_path / name)
    assert done.exit_code == 0, done.output
    assert "Z=2, Y=70, X=90, 1 channel, 1 x 1.5 x 2 mm" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["scan_labels.json", "scan_labels.nii.gz"]
    source, written = nib.load(scan), nib.load(tmp_path / "out" / "scan_labels.nii.gz")
    np.testing.assert_array_equal(written.affine, source.affine)
    assert int(written.header["sform_code"]) == 2
    volume = np.asarray(source.dataobj)[:, ::-1, ::-1].transpose(1, 0, 2)
    expected = sm.segment(volume, sm.load(tiny_model_path), axes="ZYX", diameter=20).labels
    found = np.asarray(written.dataobj)[:, ::-1, ::-1].transpose(1, 0, 2)
    np.testing.assert_array_equal(found, expected)
    assert found.max() >= 4  # two discs in each of two planes


def test_a_folder_of_dicom_slices_is_segmented(segment, tmp_path):
    path = get_testdata_file("CT_small.dcm", download=False)
    (tmp_path / "1.2.840.113").mkdir()
    shutil.copy(path, tmp_path / "1.2.840.113" / "slice")
    done = segment(tmp_path / "1.2.840.113")
    assert done.exit_code == 0, done.output
    labels = read_image(tmp_path / "out" / "1.2.840.113_labels.nii.gz")
    assert labels.data.shape == (1, 128, 128)
    source = read_image(tmp_path / "1.2.840.113")
    np.testing.assert_allclose(labels.geometry.affine, source.geometry.affine, atol=1e-4)


@pytest.fixture
def slices(tmp_path):
    """Six slices of one series, each in its file, 5 mm apart, deep in folders."""
    source = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
    folder = tmp_path / "cd" / "DICOM" / "PAT0" / "SE0"
    folder.mkdir(parents=True)
    for number in range(6):
        source.ImagePositionPatient = [*source.ImagePositionPatient[:2], 5 * number]
        source.save_as(folder / f"I{number}")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("named", ["cd", "cd/DICOM"])
def test_the_root_of_a_cd_is_segmented(segment, slices, tmp_path, named):
    done = segment(tmp_path / named)
    assert done.exit_code == 0, done.output
    assert "Z=6, Y=128, X=128" in done.stdout
    assert "the slices are in" in done.stdout
    record = json.loads((tmp_path / "out" / f"{named.rpartition('/')[2]}_labels.json").read_text())
    assert record["read_notes"] == [line.strip() for line in done.stdout.splitlines() if "the slices are in" in line]


def test_what_was_left_out_of_a_scan_is_said(segment, slices):
    slices[5].write_bytes(slices[5].read_bytes()[:600])
    done = segment(slices[0].parent)
    assert done.exit_code == 0, done.output
    assert "Z=5, Y=128, X=128" in done.stdout
    assert "left out: I5, which cannot be read" in done.stdout


def test_uneven_slices_are_refused_or_resampled_as_asked(segment, slices, tmp_path):
    slices[3].unlink()
    done = segment(tmp_path / "cd")
    assert done.exit_code == 1
    assert "1 slice is missing between I2 (10.00 mm) and I4 (20.00 mm)" in done.stderr
    assert "--uneven resample" in done.stderr
    done = segment(tmp_path / "cd", "--uneven", "resample")
    assert done.exit_code == 0, done.output
    assert "resampled from 5 slices, 5 to 10 mm apart, to 6 slices 5 mm apart" in done.stdout
    assert nib.load(tmp_path / "out" / "cd_labels.nii.gz").shape == (128, 128, 6)


def test_labels_that_are_there_are_kept_unless_told(scan, segment, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "scan_labels.nii.gz").write_text("mine")
    done = segment(scan)
    assert done.exit_code == 1
    assert "scan_labels.nii.gz exists already" in done.stderr
    assert (tmp_path / "out" / "scan_labels.nii.gz").read_text() == "mine"
    assert segment(scan, "--overwrite").exit_code == 0
    assert nib.load(tmp_path / "out" / "scan_labels.nii.gz").shape == (70, 2, 90)


def test_a_scan_that_is_none_is_one_line(segment, tmp_path):
    (tmp_path / "scan.nii.gz").write_text("no scan")
    done = segment(tmp_path / "scan.nii.gz")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {tmp_path / 'scan.nii.gz'}: its content is no NIfTI")
    assert list((tmp_path / "out").iterdir()) == []


def test_masks_of_scans_are_read(scan, segment, tmp_path):
    assert segment(scan).exit_code == 0
    path = tmp_path / "out" / "scan_labels.nii.gz"
    np.testing.assert_array_equal(read_labels(path), read_image(path).data)
    assert read_labels(path).dtype == np.uint8


def test_scans_are_called_by_their_names_without_suffix(tmp_path):
    (tmp_path / "1.2.3").mkdir()
    assert image_stem(tmp_path / "1.2.3") == "1.2.3"
    assert image_stem("a/scan.nii.gz") == "scan"
    assert image_stem("a/scan.NII") == "scan"
    assert image_stem("a/scan.seg.nrrd") == image_stem("a/scan.nrrd") == "scan"
    assert image_stem("a/1.2.3.dcm") == "1.2.3"


def test_the_readers_of_scans_are_loaded_when_a_scan_is_opened():
    code = (
        "import sys, napari_medt.cli, napari_medt.files.readers, napari_medt.files.writers, src_models.files.images\n"
        "early = {'nibabel', 'pydicom', 'torch', 'dask', 'napari'} & set(sys.modules)\n"
        "sys.exit(f'loaded {early}' if early else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
