"""A slice: what it is called, and which way it faces."""

import numpy as np
from dicom_files import packaged, slice_in

from src_models.files.volumes.dicom.reading import read_slices


def test_a_slice_is_called_by_its_file_and_a_frame_by_its_number_too():
    assert slice_in(packaged("CT_small.dcm")).name == "CT_small.dcm"
    assert [one.name for one in read_slices(packaged("rtdose.dcm"))[:2]] == [
        "rtdose.dcm (frame 1)",
        "rtdose.dcm (frame 2)",
    ]


def test_the_normal_is_at_a_right_angle_to_rows_and_columns_by_the_right_hand():
    one = slice_in(packaged("MR_small.dcm"))
    np.testing.assert_allclose([one.normal @ one.across, one.normal @ one.down], 0, atol=1e-9)
    assert np.linalg.det([one.across, one.down, one.normal]) > 0.999
