"""Which DICOM files hold labels."""

from src_models.files.volumes.dicom_labels.kinds import CONTOURS, SEGMENTATIONS, is_dicom_labels
from src_models.files.volumes.dicom_labels.seg_writing import write_dicom_seg


def test_files_with_labels_are_told_from_slices(tmp_path, study, some_labels, write_structures):
    assert is_dicom_labels(write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry)) == SEGMENTATIONS[0]
    labelmap = write_dicom_seg(tmp_path / "b.dcm", some_labels, study.geometry, labelmap=True)
    assert is_dicom_labels(labelmap) == SEGMENTATIONS[1]
    assert is_dicom_labels(write_structures({"a": []})) == CONTOURS
    assert is_dicom_labels(study.geometry.files[0]) == ""
    assert is_dicom_labels(tmp_path) == ""
    (tmp_path / "c.dcm").write_text("no DICOM")
    assert is_dicom_labels(tmp_path / "c.dcm") == ""
