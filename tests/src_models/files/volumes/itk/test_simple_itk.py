"""Without SimpleITK a sentence says what to install."""

import numpy as np
import pytest

from src_models.errors import ImageError, OutputError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.itk import simple_itk as module
from src_models.files.volumes.itk.metaimage import read_metaimage
from src_models.files.volumes.itk.metaimage_labels import write_metaimage_labels


def test_what_is_missing_is_said_with_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    words = r'a\.mha: .* with SimpleITK, which is not installed; run pip install "napari-medt\[itk\]"'
    (tmp_path / "a.mha").touch()
    with pytest.raises(ImageError, match=words):
        read_metaimage(tmp_path / "a.mha")
    geometry = VolumeGeometry.of_grid(np.eye(4), (2, 2, 2))
    with pytest.raises(OutputError, match=words):
        write_metaimage_labels(tmp_path / "a.mha", np.zeros((2, 2, 2), int), geometry)


def test_where_it_is_installed_it_is_had(tmp_path):
    assert module.simple_itk(tmp_path, ImageError).__name__ == "SimpleITK"
