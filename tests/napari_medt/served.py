"""Scans on grids of all kinds, and servers of them: in this process, and one that listens."""

from __future__ import annotations

import email.parser
import email.policy
import json
import threading
from contextlib import contextmanager
from pathlib import Path

import httpx
import nibabel as nib
import numpy as np
from starlette.testclient import TestClient

from napari_medt.serving.app import make_app
from napari_medt.serving.running import listen, make_server
from napari_medt.serving.settings import ServeSettings

TOKEN = "a-token-of-tests"


def affine(axes="RAS", spacing=(2.0, 0.75, 1.5), origin=(-30.0, 12.0, 5.0)) -> np.ndarray:
    """Return the affine (to RAS, as NIfTI has it) of a grid whose i, j and k run to these sides of the patient."""
    matrix = np.eye(4)
    matrix[:3, :3] = 0
    for column, (side, step) in enumerate(zip(axes, spacing, strict=True)):
        row = next(row for row, pair in enumerate(("RL", "AP", "SI")) if side in pair)
        matrix[row, column] = step if side in "RAS" else -step
    matrix[:3, 3] = origin
    return matrix


def write_nifti(path: Path, values: np.ndarray, matrix: np.ndarray) -> Path:
    """Write values (i, j, k) as NIfTI."""
    image = nib.Nifti1Image(values, matrix)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


def ball(shape=(48, 40, 20), centre=(20, 18, 9), radius=8.0, values=(-100, 60)) -> np.ndarray:
    """Return a volume (i, j, k), int16, of a bright ball that is as wide in voxels along i and j, and half along k."""
    i, j, k = np.ogrid[tuple(map(slice, shape))]
    inside = (i - centre[0]) ** 2 + (j - centre[1]) ** 2 + (2 * (k - centre[2])) ** 2 <= radius**2
    noise = np.random.default_rng(0).integers(-5, 6, shape)
    return (np.where(inside, values[1], values[0]) + noise).astype(np.int16)


@contextmanager
def connected(settings: ServeSettings, **options):
    """Give a client of a server that runs in this process."""
    address = "http://127.0.0.1:8000" + (f"/{settings.token}" if settings.token else "")
    with TestClient(make_app(settings), base_url=address, **options) as client:
        yield client


@contextmanager
def listening(settings: ServeSettings):
    """Give the address of a server that listens, without the token."""
    server = make_server(settings)
    with listen(settings) as taken:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def server_of(client) -> object:
    """Return the server behind a client of :func:`connected`."""
    return client.app.state.server


def infer(client, model: str, image: str, params: dict | None = None, **query) -> httpx.Response:
    """Ask for labels as a file."""
    query = {"image": image, "output": "image", **query}
    return client.post(f"/infer/{model}", params=query, files={"params": (None, json.dumps(params or {}))})


def labels_of(response, tmp_path: Path):
    """Return labels that were answered, (i, j, k), and their affine to RAS."""
    import SimpleITK as sitk

    assert response.status_code == 200, response.text
    file = tmp_path / "answer.nrrd"
    file.write_bytes(response.content)
    image = sitk.ReadImage(str(file))
    return sitk.GetArrayFromImage(image).T, ras_of(image)


def ras_of(image) -> np.ndarray:
    """Return where SimpleITK has an image's voxels, as an affine to RAS."""
    matrix = np.eye(4)
    directions = np.array(image.GetDirection()).reshape(3, 3)
    matrix[:3, :3] = directions * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def parts_of(response) -> dict:
    """Take an answer apart with the standard library's reader of mail, which knows nothing of ours."""
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + response.content)
    assert not message.defects
    return {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}


def write_dicom(folder: Path, count: int, prefix: str = "IM") -> None:
    """Write a series of empty CT slices."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    folder.mkdir(parents=True, exist_ok=True)
    series = generate_uid()
    for number in range(count):
        one = Dataset()
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = CTImageStorage
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = generate_uid()
        one.Modality, one.SeriesInstanceUID = "CT", series
        one.Rows, one.Columns, one.SamplesPerPixel, one.PhotometricInterpretation = 8, 9, 1, "MONOCHROME2"
        one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 16, 15, 1
        one.ImagePositionPatient, one.ImageOrientationPatient = [0, 0, 2 * number], [1, 0, 0, 0, 1, 0]
        one.PixelSpacing, one.RescaleSlope, one.RescaleIntercept = [1, 1], 1, -1024
        one.PixelData = bytes(2 * 8 * 9)
        one.save_as(folder / f"{prefix}{number:04d}.dcm", enforce_file_format=True)
