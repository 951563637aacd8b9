from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import zipfile

import imageio.v3 as iio
import nibabel as nib
import numpy as np
import pytest
import tifffile

from napari_medt.serving.answers import Refusal
from napari_medt.serving.store import incoming
from napari_medt.serving.store.incoming import check_content, keep, suffix_of
from src_models.errors import OutputError

NRRD = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 4 3 2\nencoding: raw\nendian: little\n\n" + bytes(48)


def nifti(shape=(4, 3, 2), kind=nib.Nifti1Image) -> bytes:
    return kind(np.zeros(shape, np.int16), np.eye(4)).to_bytes()


def picture(suffix) -> bytes:
    return iio.imwrite("<bytes>", np.zeros((4, 5), np.uint8), extension=suffix)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("image.nrrd", NRRD)
    return file.getvalue()


def tiff() -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((4, 5), np.uint8))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (NRRD, ".nrrd"),
        (nifti(), ".nii"),
        (nifti(kind=nib.Nifti2Image), ".nii"),
        (gzip.compress(nifti()), ".nii.gz"),
        (picture(".png"), ".png"),
        (picture(".jpg"), ".jpg"),
    ],
    ids=["NRRD", "NIfTI-1", "NIfTI-2", "NIfTI in gzip", "PNG", "JPEG"],
)
def test_files_are_known_by_their_content(content, suffix):
    assert suffix_of(io.BytesIO(content)) == suffix


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1f\x8b",
        gzip.compress(b"tar, say"),
        gzip.compress(nifti())[:12],
        pickle.dumps({"a": 1}),
        zipped(),
        tiff(),
        b"\x93NUMPY",
        b"<html>",
    ],
    ids=["empty", "start of gzip", "gzip", "cut gzip", "pickle", "zip", "TIFF", "NumPy", "HTML"],
)
def test_nothing_else_is_taken(content):
    """Above all, nothing that is unpickled, unpacked into several files, or refers to other files."""
    with pytest.raises(Refusal, match="send NRRD, NIfTI, PNG or JPEG"):
        suffix_of(io.BytesIO(content))


def test_a_file_is_kept_byte_for_byte(tmp_path):
    content = np.random.default_rng(0).bytes(3_000_000)
    path = tmp_path / "new" / "image.nrrd"
    assert keep(io.BytesIO(content), path) == hashlib.sha256(content).hexdigest()
    assert path.read_bytes() == content
    with pytest.raises(OutputError, match="exists"):
        keep(io.BytesIO(b"other"), path)
    assert path.read_bytes() == content


def test_a_disk_that_is_full_leaves_nothing(tmp_path):
    class Full(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise OSError(28, "No space left on device")
            return super().read(5)

    with pytest.raises(OutputError, match="full"):
        keep(Full(b"0123456789"), tmp_path / "image.nrrd")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["data file", "datafile", "DATA FILE", "Data file"])
def test_a_header_that_names_another_file_is_refused(tmp_path, name):
    """Else the server would read, and hand out, what a client names."""
    path = tmp_path / "image.nrrd"
    path.write_bytes(NRRD.replace(b"encoding", f"{name}: /etc/passwd\nencoding".encode()))
    with pytest.raises(Refusal, match="values in another file"):
        check_content(path)
    path.write_bytes(NRRD.replace(b"\n", b"\r\n").replace(b"encoding", f"{name}: x\r\nencoding".encode()))
    with pytest.raises(Refusal, match="another file"):
        check_content(path)


def test_what_would_fill_the_memory_is_refused_by_its_header(tmp_path):
    path = tmp_path / "image.nrrd"
    path.write_bytes(NRRD.replace(b"4 3 2", b"40000 40000 40000"))
    with pytest.raises(Refusal, match="crop the volume"):
        check_content(path)
    header = nib.Nifti1Header()
    header.set_data_shape((30000, 30000, 30000))
    header.set_data_dtype(np.float32)
    for name, pack in (("image.nii", bytes), ("image.nii.gz", gzip.compress)):
        header["magic"], header["vox_offset"] = b"n+1", 352
        (tmp_path / name).write_bytes(pack(header.binaryblock + bytes(4)))
        with pytest.raises(Refusal, match="crop the volume"):
            check_content(tmp_path / name)


def test_pictures_are_counted_too(tmp_path, monkeypatch):
    path = tmp_path / "image.png"
    path.write_bytes(picture(".png"))
    check_content(path)
    monkeypatch.setattr(incoming, "MOST_BYTES", 79)
    with pytest.raises(Refusal, match="crop"):
        check_content(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("image.nrrd", NRRD[:40]),
        ("image.nrrd", NRRD.replace(b"4 3 2", b"4 3 x")),
        ("image.nii", nifti()[:100]),
        ("image.nii.gz", gzip.compress(nifti()[:100])),
        ("image.nii.gz", gzip.compress(nifti())[:60]),
        ("image.png", picture(".png")[:20]),
        ("image.jpg", b"\xff\xd8\xff"),
    ],
    ids=["cut NRRD", "NRRD of no sizes", "cut NIfTI", "cut NIfTI in gzip", "cut gzip", "cut PNG", "cut JPEG"],
)
def test_damaged_headers_are_told_in_a_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Refusal, match="damaged"):
        check_content(tmp_path / name)


@pytest.mark.parametrize(
    "content",
    [NRRD, nifti(), gzip.compress(nifti()), picture(".png"), picture(".jpg")],
    ids=["NRRD", "NIfTI", "NIfTI in gzip", "PNG", "JPEG"],
)
def test_sound_files_pass(tmp_path, content):
    path = tmp_path / f"image{suffix_of(io.BytesIO(content))}"
    path.write_bytes(content)
    check_content(path)
