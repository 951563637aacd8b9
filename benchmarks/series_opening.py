"""How fast a CT series of 512 x 512 x 300 opens and reads a slice, against SimpleITK, which reads all of it at once.

The series is made here: a body of tissue, lung and bone with noise, in files of one slice as they are and compressed by
RLE, in one file of 300 frames (enhanced CT), and as MetaImage. Each is opened lazily as napari and the commands open
it; then slices are read, one after the other. SimpleITK's ``ImageSeriesReader`` and ``ReadImage`` read the same files.
They take turns, and files are in the system's memory for both. CPU times are told too: on a busy machine they alone
compare.

Run as ``python -m benchmarks.series_opening``.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, RLELossless, generate_uid

from benchmarks.machine import report
from src_models.files.volumes.opening import read_volume

SLICES, SIDE, DISTINCT = 300, 512, 4  # of the slices, so many are made, and repeated
STEP, PIXEL = 1.0, 0.75  # mm
READ, REPEATS = 40, 3


def main() -> None:
    """Measure, print and write the table."""
    rows = []
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        planes = [_plane(number) for number in range(DISTINCT)]
        for name, path, theirs in (
            ("300 files", _series(folder / "plain", planes, ExplicitVRLittleEndian), _itk_series),
            ("300 files, RLE", _series(folder / "rle", planes, RLELossless), _itk_series),
            ("one file of 300 frames", _frames(folder / "frames.dcm", planes), _itk_file),
            ("MetaImage", _metaimage(folder / "scan.mha", planes), _itk_file),
        ):
            rows.append(_measured(name, path, theirs))
    columns = [
        "Series of 512 x 512 x 300", "Opens in", "CPU", "Reads a slice in", "slowest of 40", "CPU",
        "SimpleITK opens and reads all in", "CPU", "Opening to SimpleITK's",
    ]  # fmt: skip
    report("series_opening", columns, rows, {"repeats": REPEATS, "slices read": READ, "aims": "3 s, 30 ms"})


def _measured(name: str, path: Path, theirs: Callable[[Path], Any]) -> list[str]:
    opened = read_volume(path)
    assert np.array_equal(np.asarray(opened.data[0]).shape, (SIDE, SIDE))
    theirs(path)
    ours_times, theirs_times = [], []
    for _ in range(REPEATS):
        ours_times.append(_timed(lambda: read_volume(path)))
        theirs_times.append(_timed(lambda: theirs(path)))
    slices = [_timed(lambda z=z: np.asarray(opened.data[z])) for z in range(0, SLICES, SLICES // READ)][:READ]
    ours, other, one = (
        [statistics.median(part) for part in zip(*times, strict=True)] for times in (ours_times, theirs_times, slices)
    )
    return [
        name,
        f"{ours[0]:.2f} s",
        f"{ours[1]:.2f} s",
        f"{one[0] * 1e3:.1f} ms",
        f"{max(wall for wall, _ in slices) * 1e3:.1f} ms",
        f"{one[1] * 1e3:.1f} ms",
        f"{other[0]:.2f} s",
        f"{other[1]:.2f} s",
        f"{ours[0] / other[0]:.2f} ({ours[1] / other[1]:.2f} of CPU)",
    ]


def _timed(call: Callable[[], Any]) -> tuple[float, float]:
    """Return seconds by the clock, and of all processors."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def _itk_series(path: Path) -> Any:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(path)))
    return reader.Execute()


def _itk_file(path: Path) -> Any:
    return sitk.ReadImage(str(path))


def _plane(seed: int) -> NDArray[np.uint16]:
    """A body of soft tissue with lungs and a spine, in HU + 1024, with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    body = (x / 0.9) ** 2 + (y / 0.65) ** 2 < 1
    lungs = ((np.abs(x) - 0.4) / 0.25) ** 2 + (y / (0.4 + 0.01 * seed)) ** 2 < 1
    spine = x**2 + (y - 0.45) ** 2 < 0.01
    values = np.where(body, 40.0, -1000.0) + rng.normal(0, 12, x.shape) * body
    values = np.where(lungs, -800 + rng.normal(0, 20, x.shape), np.where(spine, 500, values))
    return (np.clip(np.rint(values), -1024, 3000) + 1024).astype(np.uint16)


def _series(folder: Path, planes: list[NDArray[np.uint16]], syntax: Any) -> Path:
    folder.mkdir()
    series = generate_uid()
    order = np.random.default_rng(0).permutation(SLICES)
    files = []
    for plane in planes:
        one = _image(plane, CTImageStorage)
        one.SliceThickness, one.SeriesInstanceUID = STEP, series
        one.ImageOrientationPatient, one.PixelSpacing = [1, 0, 0, 0, 1, 0], [PIXEL, PIXEL]
        if syntax == RLELossless:
            one.compress(syntax)
        files.append(one)
    for number in range(SLICES):
        one = files[number % DISTINCT]
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        one.ImagePositionPatient = [-190, -200, -150 + STEP * number]
        one.InstanceNumber = number + 1
        one.save_as(folder / f"IM{order[number]:04}.dcm", enforce_file_format=True)
    return folder


def _frames(path: Path, planes: list[NDArray[np.uint16]]) -> Path:
    one = _image(planes[0], EnhancedCTImageStorage)
    one.NumberOfFrames, one.SeriesInstanceUID = SLICES, generate_uid()
    one.PixelData = b"".join(planes[number % DISTINCT].tobytes() for number in range(SLICES))
    shared = Dataset()
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    shared.PixelMeasuresSequence = [_item(PixelSpacing=[PIXEL, PIXEL], SliceThickness=STEP)]
    shared.PixelValueTransformationSequence = [_item(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")]
    one.SharedFunctionalGroupsSequence = [shared]
    one.PerFrameFunctionalGroupsSequence = []
    for number in range(SLICES):
        own = Dataset()
        own.FrameContentSequence = [_item(StackID="1", InStackPositionNumber=number + 1)]
        own.PlanePositionSequence = [_item(ImagePositionPatient=[-190, -200, -150 + STEP * number])]
        one.PerFrameFunctionalGroupsSequence.append(own)
    one.save_as(path, enforce_file_format=True)
    return path


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return item


def _image(plane: NDArray[np.uint16], kind: Any) -> pydicom.Dataset:
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = kind
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = generate_uid()
    one.Modality, one.SeriesDescription, one.PatientName = "CT", "Chest", "A^B"
    one.Rows, one.Columns = plane.shape
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.RescaleSlope, one.RescaleIntercept = 1, -1024
    one.PixelData = plane.tobytes()
    return one


def _metaimage(path: Path, planes: list[NDArray[np.uint16]]) -> Path:
    values = np.stack([planes[number % DISTINCT].astype(np.int16) - 1024 for number in range(SLICES)])
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((PIXEL, PIXEL, STEP))
    sitk.WriteImage(image, str(path))
    return path


if __name__ == "__main__":
    main()
