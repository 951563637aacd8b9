"""Segmenting an image file into files: labels, attention maps, and a record.

Labels are TIFF, zarr for large lazy images, NIfTI, NRRD or DICOM for scans, or lie in an OME-Zarr image itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from src_models.disk.names import fitting
from src_models.progress import Progress, finish

if TYPE_CHECKING:
    from src_models.files.images import ImageFile
    from src_models.files.series.image_series import ImageSeries
    from src_models.files.volumes.geometry import VolumeGeometry
    from src_models.files.volumes.volume import Maker
    from src_models.prediction.segmentation import Segmentation

__all__ = ["LARGE", "SCAN_FORMATS", "Results", "Written", "labels_path", "segment_to_file", "segment_to_file_steps"]

_LONGEST_ENDING = "_labels.nii.gz"  # one for all, so that all labels of an image are called alike

SCAN_FORMATS = {
    "nifti": ".nii.gz", "nrrd": ".nrrd", "seg.nrrd": ".seg.nrrd", "mha": ".mha", "dicom-seg": ".dcm",
    "dicom-labelmap": ".dcm", "tiff": ".tif",
}  # fmt: skip
_LABELMAP = "dicom-labelmap"
TIFF = "tiff"  # of which, and of what is no scan, attention maps are TIFF, too

LARGE = 64 * 2**20  # pixels; labels of larger lazy images are written tile by tile

Run = Callable[..., "Segmentation"]
Steps = Generator[Progress, None, "Segmentation"]
RunSteps = Callable[..., Steps]
Writing = Generator[Progress, None, tuple["Segmentation", Path]]


@dataclass(frozen=True, slots=True)
class Written:
    """What was found, and the files that hold it.

    Parameters
    ----------
    segmentation
        What was found.
    labels
        The file with the labels: a scan's lie on its own grid.
    maps
        The files with attention maps, as they come in `segmentation`.
    record
        The file that says how all of it was made (:mod:`src_models.prediction.record`).
    outlines
        The file with the outlines for another program, where they were asked for.
    """

    segmentation: Segmentation
    labels: Path
    maps: tuple[Path, ...]
    record: Path
    outlines: Path | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """Where the results of an image go, known before it is opened.

    Parameters
    ----------
    labels
        Files that the labels may become: which of them, the size of the image says.
    maps
        Files of attention maps, and of outlines for another program.
    """

    labels: tuple[Path, ...]
    maps: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls,
        image: Path,
        output: Path,
        maps: Sequence[str] = (),
        *,
        series: ImageSeries | None = None,
        into: str | None = None,
        scan_format: str = "nifti",
    ) -> Results:
        """Return where an image's results go in a folder.

        Parameters
        ----------
        image
            The image's path.
        output
            The folder.
        maps
            Names of the attention maps that are recorded.
        series
            Which of several images in the file.
        into
            What labels are called in an OME-Zarr image that they are written into; None writes files.
        scan_format
            How labels of scans are written, one of :data:`SCAN_FORMATS`. Their attention maps are NIfTI, unless labels
            are TIFF: then OME-TIFF.
            One of :data:`src_models.files.exchange.formats.ENDINGS` writes outlines besides.

        Raises
        ------
        OutputError
            If labels cannot be written into the zarr that the image is.
        """
        from src_models.attention.map_files import map_path
        from src_models.files.images import image_stem
        from src_models.files.volumes.opening import is_volume
        from src_models.files.zarr import is_zarr
        from src_models.prediction.maps.map_formats import map_ending

        stem = image_stem(image, series)
        suffixes = (_scan_suffix(scan_format),) if is_volume(image) and scan_format != TIFF else (".tif", ".zarr")
        labels = tuple(labels_path(output, stem, suffix) for suffix in suffixes)
        if into is not None and is_zarr(image):
            labels = (_path_in_zarr(image, series, into),)
        ending = map_ending(_map_format(scan_format), of_scan=is_volume(image), name=str(image))
        outlines = outlines_path(output, stem, scan_format)
        besides = () if outlines is None else (outlines,)
        return cls(labels, (*(map_path(output, stem, name, ending) for name in maps), *besides))

    @property
    def existing(self) -> list[Path]:
        """The files that are there."""
        return [path for path in (*self.labels, *self.maps) if path.exists() or path.is_symlink()]

    @property
    def complete(self) -> bool:
        """Whether the labels are there, and all maps."""
        return any(path.exists() for path in self.labels) and all(path.exists() for path in self.maps)


def labels_path(output: Path, stem: str, suffix: str) -> Path:
    """Return the file for an image's labels; a name that is too long for a file is shortened."""
    return output / f"{fitting(stem, _LONGEST_ENDING)}_labels{suffix}"


def outlines_path(output: Path, stem: str, scan_format: str) -> Path | None:
    """Return the file for an image's outlines; None if the format has none."""
    from src_models.files.exchange.formats import ENDINGS

    ending = next((ending for form, ending in ENDINGS.items() if form == scan_format), None)
    return None if ending is None else output / f"{fitting(stem, ending)}{ending}"


def _scan_suffix(scan_format: str) -> str:
    """Return what labels of scans end in; those with outlines besides are NIfTI."""
    return SCAN_FORMATS.get(scan_format, SCAN_FORMATS["nifti"])


def _map_format(scan_format: str) -> str | None:
    return TIFF if scan_format == TIFF else None


def _path_in_zarr(image: Path, series: ImageSeries | None, name: str) -> Path:
    """Return where labels lie in a zarr, or in one of several images in it."""
    from src_models.errors import OutputError
    from src_models.files.ngff.labels import labels_path as path_in

    inside, *number = series.place if series is not None else ("",)
    if any(number):
        raise OutputError(
            f"{image}: image {inside or 0} of it shares its folder with another one, so its labels have no place of "
            "their own there; write them as a file"
        )
    return path_in(image / inside, name)


def segment_to_file(
    image: ImageFile,
    run: Run,
    output: Path,
    *,
    overwrite: bool,
    into: str | None = None,
    scan_format: str = "nifti",
) -> Written:
    """Segment an image, and write its labels, attention maps and record, all at once.

    Parameters
    ----------
    image
        The image.
    run
        Segments it; its keyword `labels_out` is an array to write the labels to, or None.
    output
        Folder for the results.
    overwrite
        Whether existing files may be replaced.
    into
        What labels are called in an OME-Zarr image that they are written into; None writes them to `output`.
    scan_format
        How labels of scans are written, one of :data:`SCAN_FORMATS`. Those of classes keep their names in NRRD and
        DICOM. Attention maps of scans are NIfTI, unless labels are TIFF.
        ``"roi"``, ``"geojson"`` and ``"coco"`` write outlines for ImageJ, QuPath and COCO besides.
    """

    def at_once(**options: Any) -> Steps:
        yield from ()
        return run(**options)

    return finish(
        segment_to_file_steps(image, at_once, output, overwrite=overwrite, into=into, scan_format=scan_format)
    )


def segment_to_file_steps(
    image: ImageFile,
    run: RunSteps,
    output: Path,
    *,
    overwrite: bool,
    into: str | None = None,
    scan_format: str = "nifti",
) -> Generator[Progress, None, Written]:
    """Do the same step by step; closing the generator leaves nothing behind.

    Parameters
    ----------
    image, output, overwrite, into, scan_format
        As of :func:`segment_to_file`.
    run
        Segments it: a generator, whose keyword `labels_out` is an array to write the labels to, or None.

    Yields
    ------
    Progress
        What `run` yields.

    Returns
    -------
    Written
        What was found, and the files.
    """
    from src_models.attention.map_files import map_path
    from src_models.files.zarr import is_zarr
    from src_models.prediction.maps.map_formats import map_ending, scan_place, write_placed_map
    from src_models.prediction.record import check_record, write_record

    beside = labels_path(output, image.name, ".tif")
    check_record(beside, overwrite=overwrite)
    begun = time.perf_counter()
    inside = into is not None and is_zarr(image.place)
    outlines = outlines_path(output, image.name, scan_format)
    if outlines is not None:
        run = _with_outlines(run, outlines, image, overwrite)
    geometry = scan_place(image)
    if into is not None and inside:
        segmentation, labels = yield from _labels_into_zarr(image, run, output, into, overwrite)
    elif geometry is not None and scan_format != TIFF:
        place = labels_path(output, image.name, _scan_suffix(scan_format))
        segmentation, labels = yield from _labels_of_scan(
            image, geometry, run, place, overwrite, labelmap=scan_format == _LABELMAP
        )
    else:
        segmentation, labels = yield from _labels_to_image(image, run, output, overwrite)
    ending = map_ending(_map_format(scan_format), of_scan=geometry is not None, name=image.title)
    maps = tuple(
        write_placed_map(
            map_path(output, image.name, placed.name, ending),
            placed,
            reading=image.reading,
            geometry=geometry,
            overwrite=overwrite,
        )
        for placed in segmentation.attention
    )
    seconds = time.perf_counter() - begun
    record = write_record(
        labels, segmentation, image, seconds=seconds, maps=maps, overwrite=overwrite, beside=beside if inside else None
    )
    return Written(segmentation, labels, maps, record, outlines)


def _with_outlines(run: RunSteps, path: Path, image: ImageFile, overwrite: bool) -> RunSteps:
    """Have outlines written as soon as labels are there, which of large images may be for a while only."""
    from src_models.disk.atomic import check_new
    from src_models.files.exchange.export import write_outlines

    check_new(path, overwrite=overwrite)

    def run_and_write(**options: Any) -> Steps:
        segmentation = yield from run(**options)
        classes = tuple(segmentation.found.get("pixels", ()))
        write_outlines(path, segmentation.labels, image, classes, overwrite=overwrite)
        return segmentation

    return run_and_write


def _labels_to_image(image: ImageFile, run: RunSteps, output: Path, overwrite: bool) -> Writing:
    """Write labels as TIFF; of a large lazy image as zarr, tile by tile."""
    from src_models.disk.atomic import atomic_path
    from src_models.files.labels import output_zarr, write_labels

    if not _is_large(image):
        segmentation = yield from run(labels_out=None)
        path = labels_path(output, image.name, ".tif")
        write_labels(path, segmentation.labels, reading=image.reading, overwrite=overwrite)
        return segmentation, path
    path = labels_path(output, image.name, ".zarr")
    with atomic_path(path, overwrite=overwrite) as beside:
        out = output_zarr(beside, image.reading.without_channels().shape, "int32", reading=image.reading)
        return (yield from run(labels_out=out)), path


def _labels_of_scan(
    image: ImageFile, geometry: VolumeGeometry, run: RunSteps, path: Path, overwrite: bool, *, labelmap: bool
) -> Writing:
    """Write labels of a scan onto its own grid; those of a large lazy one wait on disk until they are complete."""
    from src_models.files.volumes.label_files import check_volume_labels, write_volume_labels
    from src_models.files.volumes.volume import Segment

    check_volume_labels(path, geometry)
    with _room_for_labels(image, path) as labels_out:
        segmentation = yield from run(labels_out=labels_out)
        names = enumerate(segmentation.found.get("pixels", ()))  # of classes, by their numbers
        segments = [Segment(number, name) for number, name in names if number] or None
        write_volume_labels(
            path,
            segmentation.labels,
            geometry,
            overwrite=overwrite,
            segments=segments,
            maker=_maker(segmentation),
            labelmap=labelmap,
        )
    return segmentation, path


def _maker(segmentation: Segmentation) -> Maker:
    from src_models.files.volumes.volume import Maker

    noted = segmentation.provenance
    return Maker(noted["header"]["name"], f"SHA-256 {noted['model_sha256'][:16]}")


def _labels_into_zarr(image: ImageFile, run: RunSteps, output: Path, into: str, overwrite: bool) -> Writing:
    """Write labels into the OME-Zarr that the image is; those of a large one wait on disk until they are complete."""
    from src_models.files.ngff.labels import check_labels, write_labels_into

    check_labels(image.place, into, overwrite=overwrite)
    with _room_for_labels(image, labels_path(output, image.name, ".zarr")) as labels_out:
        segmentation = yield from run(labels_out=labels_out)
        return segmentation, write_labels_into(image.place, into, segmentation.labels, overwrite=overwrite)


@contextmanager
def _room_for_labels(image: ImageFile, path: Path) -> Iterator[Any]:
    """Give a zarr beside `path` for the labels of a large lazy image, for as long as the block runs; else None."""
    from src_models.disk.atomic import output_error
    from src_models.errors import OutputError
    from src_models.files.labels import output_zarr

    if not _is_large(image):
        yield None
        return
    try:
        with TemporaryDirectory(dir=path.parent, prefix=".") as folder:
            yield output_zarr(Path(folder) / "labels.zarr", image.reading.without_channels().shape, "int32")
    except OutputError:
        raise
    except OSError as error:
        raise output_error(path, error) from error


def _is_large(image: ImageFile) -> bool:
    import math

    import numpy as np

    return not isinstance(image.data, np.ndarray) and math.prod(image.reading.without_channels().shape) > LARGE
