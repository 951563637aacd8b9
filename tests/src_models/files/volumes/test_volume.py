"""An opened scan says no more than its file does, and cannot be changed by accident."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.volume import Volume
from src_models.images.axes import read_axes


def test_what_a_file_does_not_say_is_not_made_up(tmp_path):
    data = np.zeros((4, 3, 5), np.int16)
    geometry = VolumeGeometry.of_grid(np.diag([2.0, 1.0, 1.0, 1.0]), data.shape, path=tmp_path)
    volume = Volume(data, read_axes(data.shape, axes="ZYX"), geometry, Path("scan.nii"))
    assert (volume.modality, volume.description, volume.labels, volume.frame_seconds) == (None, "", False, 1.0)
    with pytest.raises(FrozenInstanceError):
        volume.description = "CT"
