"""Labels written as MetaImage, as SimpleITK reads them; that they lie on the scan is test_geometry_programs.py's."""

import dask.array as da
import numpy as np
import pytest
import SimpleITK as sitk

from src_models.errors import OutputError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.itk.metaimage import read_metaimage
from src_models.files.volumes.itk.metaimage_labels import write_metaimage_labels

GEOMETRY = VolumeGeometry.of_grid(np.diag([2.5, -1.0, 1.0, 1.0]), (3, 4, 5))
LABELS = np.random.default_rng(0).integers(0, 3, GEOMETRY.shape)


@pytest.mark.parametrize(("largest", "kind"), [(255, "uint8"), (256, "uint16"), (70_000, "uint32")])
def test_numbers_are_as_small_as_they_can_be(tmp_path, largest, kind):
    labels = LABELS.copy()
    labels[2, 3, 4] = largest
    path = write_metaimage_labels(tmp_path / "a.mha", da.from_array(labels), GEOMETRY)
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert array.dtype == kind
    np.testing.assert_array_equal(GEOMETRY.to_data(array), labels)
    back = read_metaimage(path)
    assert back.labels
    np.testing.assert_array_equal(np.asarray(back.data), labels)


def test_labels_over_time_keep_their_step(tmp_path):
    labels = np.stack([LABELS, LABELS[::-1]])
    back = read_metaimage(write_metaimage_labels(tmp_path / "a.mha", labels, GEOMETRY, frame_seconds=0.25))
    assert (back.frame_seconds, back.reading.axes) == (0.25, "TZYX")
    np.testing.assert_array_equal(np.asarray(back.data), labels)
    np.testing.assert_allclose(back.geometry.affine, GEOMETRY.affine)


def test_nothing_is_lost_and_other_names_are_refused(tmp_path):
    path = write_metaimage_labels(tmp_path / "a.mha", LABELS, GEOMETRY)
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"a\.mha"):
        write_metaimage_labels(path, LABELS, GEOMETRY)
    own = read_metaimage(path).geometry
    with pytest.raises(OutputError, match="is the scan itself"):
        write_metaimage_labels(path, LABELS, own, overwrite=True)
    assert path.read_bytes() == before
    with pytest.raises(OutputError, match=r"end the name with \.mha"):
        write_metaimage_labels(tmp_path / "a.mhd", LABELS, GEOMETRY)
    with pytest.raises(ValueError, match="negative"):
        write_metaimage_labels(tmp_path / "b.mha", LABELS - 1, GEOMETRY)
    assert [one.name for one in tmp_path.iterdir()] == ["a.mha"]
