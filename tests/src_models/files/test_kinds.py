"""Of what kind an image file is, whatever it is called."""

import io

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from src_models.errors import ImageError
from src_models.files.kinds import kind_of


def picture(kind):
    file = io.BytesIO()
    Image.fromarray(np.zeros((3, 4), np.uint8)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.nii", "a"])
def test_the_content_counts_and_not_the_name(tmp_path, kind, name):
    path = tmp_path / name
    if kind == "TIFF":
        tifffile.imwrite(path, np.zeros((3, 4), np.uint8))
    else:
        path.write_bytes(picture(kind))
    assert kind_of(path) == kind


def test_a_folder_is_a_zarr_or_nothing(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(3, 4), dtype="u1")
    assert kind_of(tmp_path / "a.zarr") == "zarr"
    (tmp_path / "other").mkdir()
    with pytest.raises(ImageError, match="other: it is a folder and no zarr"):
        kind_of(tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.tif", b"", "the file is empty"),
        ("a.mgz", b"something", r"FreeSurfer's.*convert it to NIfTI"),
        ("a.png", b"something", "its content is no image of a kind that is read"),
    ],
)
def test_what_is_not_read_is_told_with_what_to_do(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=words):
        kind_of(tmp_path / name)
