"""Files of labels are measured in the units and with the names that they, or their images, tell."""

import nibabel as nib
import numpy as np
import pytest
import tifffile

from src_models.errors import DataSetError, ImageError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.nrrd_labels import write_nrrd_labels
from src_models.files.volumes.volume import Segment
from src_models.measuring.measured_file import label_names, measure_file_steps, with_classes
from src_models.progress import finish

# Columns: steps along i, j and k in mm; k leans on j, as with a tilted gantry.
LEANING = np.array([[-0.7, 0, 0, 10], [0, -0.8, 1.5, -20], [0, 0, 4.0, 30], [0, 0, 0, 1]])


def measured(*arguments, **keywords):
    return finish(measure_file_steps(*arguments, **keywords))


@pytest.fixture
def scan(tmp_path):
    """A sheared scan in HU and labels of it, with two objects."""
    random = np.random.default_rng(0)
    values = random.integers(-1000, 400, (30, 24, 6)).astype(np.int16)  # i, j, k
    labels = np.zeros(values.shape, np.uint8)
    labels[2:9, 3:20, 1:4], labels[15:28, 5:9, 2:6] = 3, 7
    nib.save(nib.Nifti1Image(values, LEANING), tmp_path / "scan.nii.gz")
    nib.save(nib.Nifti1Image(labels, LEANING), tmp_path / "labels.nii.gz")
    return tmp_path, values, labels


def test_a_sheared_scan_has_the_volumes_of_its_affine_and_its_own_grey_values(scan):
    folder, values, labels = scan
    found = measured(folder / "labels.nii.gz", folder / "scan.nii.gz")
    columns = found.table.columns
    voxel = abs(np.linalg.det(LEANING[:3, :3])) / 1000
    assert columns["id"] == [3, 7]
    for row, own in enumerate((3, 7)):
        mask = labels == own
        assert columns["volume (mL)"][row] == pytest.approx(mask.sum() * voxel, rel=1e-6)
        title = "mean (HU)" if "mean (HU)" in columns else "mean"
        assert columns[title][row] == pytest.approx(values[mask].mean(), rel=1e-6)
        right, anterior, superior = (LEANING @ [*np.argwhere(mask).mean(axis=0), 1])[:3]
        world = [columns[f"world {letter} (mm)"][row] for letter in "zyx"]
        np.testing.assert_allclose(world, [superior, -anterior, -right], rtol=1e-5)
        points = np.argwhere(mask) @ LEANING[:3, :3].T
        longest = np.sqrt(max(((points - point) ** 2).sum(axis=1).max() for point in points))
        assert columns["longest diameter (mm)"][row] == pytest.approx(longest, rel=1e-6)


def test_shapes_that_do_not_match_are_refused_naming_both_files(scan):
    folder, values, _ = scan
    nib.save(nib.Nifti1Image(values[:, :, :5], LEANING), folder / "other.nii.gz")
    with pytest.raises(ImageError) as told:
        measured(folder / "labels.nii.gz", folder / "other.nii.gz")
    assert "labels.nii.gz" in str(told.value)
    assert "other.nii.gz" in str(told.value)


def test_ome_tiff_gives_micrometres_and_a_row_of_columns_for_each_channel(tmp_path):
    labels = np.zeros((40, 50), np.uint16)
    labels[5:15, 5:25] = 4
    image = np.random.default_rng(1).integers(0, 999, (2, 40, 50)).astype(np.uint16)
    sizes = {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(tmp_path / "cells.ome.tif", image, metadata={"axes": "CYX", **sizes})
    tifffile.imwrite(tmp_path / "cells_labels.tif", labels)
    columns = measured(tmp_path / "cells_labels.tif", tmp_path / "cells.ome.tif").table.columns
    assert columns["area (µm²)"] == [pytest.approx(200 * 0.125)]
    assert columns["mean channel 1"] == [pytest.approx(image[1, 5:15, 5:25].mean())]
    assert "mean (HU)" not in columns


def test_a_segmentation_of_3d_slicer_gives_its_names(tmp_path):
    labels = np.zeros((4, 8, 9), np.uint8)
    labels[1:3, 2:6, 2:6], labels[0, 7, 7] = 1, 2
    geometry = VolumeGeometry.of_grid(np.diag([2.0, 1, 1, 1]), labels.shape)
    segments = [Segment(1, "liver"), Segment(2, "lesion")]
    path = write_nrrd_labels(tmp_path / "a.seg.nrrd", geometry.to_data(labels), geometry, segments=segments)
    found = measured(path)
    assert dict(zip(found.table.ids, found.table.columns["name"], strict=True)) == {1: "liver", 2: "lesion"}
    assert found.table.columns["volume (mL)"][0] == pytest.approx(32 * 2 / 1000)


def test_files_that_tell_no_size_are_measured_in_pixels_and_that_is_said(tmp_path):
    labels = np.zeros((20, 20), np.uint8)
    labels[3:6, 3:8] = 1
    tifffile.imwrite(tmp_path / "a.tif", labels)
    found = measured(tmp_path / "a.tif")
    assert found.table.columns["area (px)"] == [15]
    assert not any("µm" in title or "mm" in title for title in found.table.columns)
    assert "does not tell the size of a pixel" in found.notes[-1]


def test_names_are_read_from_json_of_numbers_and_names_alone(tmp_path):
    path = tmp_path / "names.json"
    path.write_text('{"1": "spleen", "12": "aorta"}')
    assert label_names(path) == {1: "spleen", 12: "aorta"}
    for wrong in ('{"a": "b"}', '{"set": {"1": "b"}}', "[1]", "{"):
        path.write_text(wrong)
        with pytest.raises(DataSetError, match=r"names\.json"):
            label_names(path)


def test_classes_of_a_table_go_to_the_objects_of_their_own_image(tmp_path):
    labels = np.zeros((20, 20), np.uint8)
    labels[3:6, 3:8], labels[10:12, 10:12] = 1, 2
    tifffile.imwrite(tmp_path / "a_labels.tif", labels)
    table = measured(tmp_path / "a_labels.tif").table
    path = tmp_path / "t.csv"
    path.write_text("file,id,class,probability\nx/a.tif,2,round,0.75\nx/b.tif,1,long,0.5\n")
    told = with_classes(table, path, "a")
    assert (told.columns["class"], told.columns["probability"]) == ([None, "round"], [None, 0.75])
    path.write_text("file,number\na.tif,2\n")
    with pytest.raises(DataSetError, match="no table of classes"):
        with_classes(table, path, "a")
