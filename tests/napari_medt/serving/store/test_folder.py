from __future__ import annotations

import shutil
import time

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from served import affine, ball, write_dicom, write_nifti

from napari_medt.serving.store.folder import ImageFolder
from napari_medt.serving.store.ids import key_of
from napari_medt.serving.store.served_image import open_image


@pytest.fixture
def folder(tmp_path):
    """A folder as people have them."""
    top = tmp_path / "images"
    (top / "day 2" / "deeper").mkdir(parents=True)
    write_nifti(top / "scan.nii.gz", ball(), affine())
    write_nifti(top / "day 2" / "scan.nii", ball(), affine())
    iio.imwrite(top / "cells.png", np.zeros((8, 9), np.uint8))
    tifffile.imwrite(
        top / "day 2" / "deeper" / "stack.tif", np.zeros((3, 8, 9), np.uint8), imagej=True, metadata={"axes": "ZYX"}
    )
    write_dicom(top / "dicom" / "SE1", 3)
    write_dicom(top / "dicom" / "mixed", 3, prefix="A")
    write_dicom(top / "dicom" / "mixed", 4, prefix="B")
    return top


FOUND = {
    "scan.nii.gz", "cells.png", "day 2/scan.nii", "day 2/deeper/stack.tif", "dicom/SE1", "dicom/mixed/A0000.dcm",
    "dicom/mixed/B0000.dcm",
}  # fmt: skip


def test_images_of_all_kinds_are_found_once_and_can_be_opened(folder):
    found = ImageFolder(folder).images()
    assert set(found) == FOUND
    depths = {name: open_image(path, name, of_client=False).grid_shape[0] for name, path in found.items()}
    assert depths == {
        "scan.nii.gz": 20, "day 2/scan.nii": 20, "cells.png": 1, "day 2/deeper/stack.tif": 3, "dicom/SE1": 3,
        "dicom/mixed/A0000.dcm": 3, "dicom/mixed/B0000.dcm": 4,
    }  # fmt: skip


def test_hidden_files_labels_and_others_are_passed_over(folder):
    (folder / "._scan.nii.gz").write_bytes(b"what macOS leaves on foreign disks")
    (folder / ".hidden").mkdir()
    shutil.copy(folder / "cells.png", folder / ".hidden" / "cells.png")
    shutil.copy(folder / "cells.png", folder / "cells_labels.png")
    shutil.copy(folder / "scan.nii.gz", folder / "scan.seg.nii.gz")
    (folder / "notes.txt").write_text("hello")
    (folder / "empty").mkdir()
    assert set(ImageFolder(folder).images()) == FOUND


def test_slices_at_the_top_are_a_scan(tmp_path):
    write_dicom(tmp_path / "top", 3)
    assert list(ImageFolder(tmp_path / "top").images()) == ["IM0000.dcm"]


def test_only_what_was_found_is_opened(folder, tmp_path):
    (tmp_path / "secret.png").write_bytes((folder / "cells.png").read_bytes())
    images = ImageFolder(folder)
    for name in ("../secret.png", str(tmp_path / "secret.png"), "./cells.png", "day 2/../cells.png", "", "dicom"):
        assert images.find(name) is None
    assert images.find("cells.png") == (folder / "cells.png").resolve()


def test_new_images_are_found_in_a_moment_and_not_looked_for_each_time(folder, monkeypatch):
    images = ImageFolder(folder)
    assert images.known == {}
    images.images()
    shutil.copy(folder / "cells.png", folder / "more.png")
    assert "more.png" not in images.images()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 10)
    assert "more.png" in images.images()
    assert "more.png" in images.known
    assert images.keys == set(map(key_of, images.known))


def test_without_a_folder_there_are_none():
    assert ImageFolder(None).images() == {}
    assert ImageFolder(None).find("a") is None
