"""``napari-medt segment``: labels, and attention maps, of image files, folders and patterns."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console, Report, complain
from napari_medt.cli.options import (
    Axes,
    Channels,
    Device,
    Diameter,
    GreyValues,
    IntoZarr,
    Model,
    Overwrite,
    ResultsFolder,
    ScanFormat,
    SeriesOrAll,
    Uneven,
    UnevenName,
)
from napari_medt.cli.segment_batch import Batch, Place, choose, some
from src_models.errors import OutputError, UserError

if TYPE_CHECKING:
    from src_models.files.image_list import ImageList, OneImage
    from src_models.files.images import ImageFile
    from src_models.models.checkpoint import Model as LoadedModel
    from src_models.models.header import ModelHeader
    from src_models.prediction.segmentation import Segmentation
    from src_models.progress import Progress

__all__ = ["segment"]

_log = logging.getLogger(__name__)


def segment(
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE",
            help="Images (TIFF, PNG, JPEG, zarr, OME-Zarr, NIfTI, NRRD, folders of DICOM slices), folders of images, "
            "and quoted patterns such as 'plate/*.tif', mixed as you like.",
        ),
    ],
    model: Model = "nuclei",
    output: ResultsFolder = Path("results"),
    attention: Annotated[
        bool, typer.Option("--attention", help="Write every attention map as well.", rich_help_panel=options.RESULTS)
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", help="Pass over images whose results are there, to go on with a batch."),
    ] = False,
    overwrite: Overwrite = False,
    into_zarr: IntoZarr = None,
    scan_format: ScanFormat = "nifti",
    instances: Annotated[
        bool | None,
        typer.Option(
            "--instances/--classes",
            help="Number the objects, or write class numbers; as the model says.",
            rich_help_panel=options.RESULTS,
        ),
    ] = None,
    link: Annotated[
        str,
        typer.Option(
            metavar="z|t|zt|no",
            help="Link the outlines of an object through depth (z), time (t), both (zt), or not at all (no).",
            rich_help_panel=options.RESULTS,
        ),
    ] = "z",
    diameter: Diameter = None,
    sensitivity: Annotated[
        float,
        typer.Option(
            metavar="S",
            min=-1,
            max=1,
            help="Above 0 finds fainter objects, below 0 only the surest; 0 is as the model was made.",
            rich_help_panel=options.OBJECTS,
        ),
    ] = 0.0,
    least_size: Annotated[
        float,
        typer.Option(
            metavar="PX",
            min=0,
            help="Leave out objects smaller than this across, in pixels.",
            rich_help_panel=options.OBJECTS,
        ),
    ] = 0.0,
    drop_edge: Annotated[
        bool,
        typer.Option(
            "--drop-edge", help="Leave out objects that touch the edge of the image.", rich_help_panel=options.OBJECTS
        ),
    ] = False,
    flips: Annotated[
        bool,
        typer.Option(
            "--flips",
            help="Look from four sides, four times slower: a little better where images have no up and down.",
            rich_help_panel=options.OBJECTS,
        ),
    ] = False,
    axes: Axes = None,
    channels: Channels = None,
    channel: Annotated[int | None, typer.Option("--channel", min=0, hidden=True)] = None,
    grey_range: GreyValues = None,
    series: SeriesOrAll = None,
    uneven: Uneven = "refuse",
    device: Device = "auto",
    tile: Annotated[
        int | None,
        typer.Option(
            metavar="PX",
            min=1,
            help="Tile size in pixels; the model's own unless given.",
            rich_help_panel=options.RUNNING,
        ),
    ] = None,
) -> None:
    """Segment images.

    Labels go to NAME_labels.tif (.zarr if they are large; of scans .nii.gz, or as --format says), and beside them
    NAME_labels.json says by which model, settings and versions they were made, and what was found. Of a file with
    several images (positions, wells, scenes, pages of several sizes) each is segmented: its name, or number, is added
    to that of the file. With --into-zarr, labels of an OME-Zarr image go into it, with its levels and on its pixels.

    An image whose results exist is left alone and the others are segmented; an image that cannot be segmented does not
    stop those after it. The exit status is 0 if all images were segmented, or passed over as asked for with
    --skip-existing, and else 1.
    """
    if skip_existing and overwrite:
        raise UserError("--skip-existing leaves results that are there and --overwrite replaces them; give one of them")
    options.check_results_folder(output)
    if channel is not None:  # as it was called before there could be several
        channels = channels or str(channel)
    header = options.check_model(model, device)
    from src_models.disk.atomic import check_writable
    from src_models.files.image_list import each_image, list_images
    from src_models.images.channels import parse_channels
    from src_models.images.grey.grey_range import GreyRange
    from src_models.prediction.settings import check_segments

    check_segments(header)
    if channels is not None:
        parse_channels(channels)
    grey = GreyRange.of(grey_range)
    listed = list_images(images)
    console = Console()
    _say_passed_over(console, listed)
    maps = _map_names(header) if attention else []
    place = Place(output, maps, into_zarr, scan_format)
    batch = choose(each_image(listed.images, series), place, skip_existing=skip_existing, overwrite=overwrite)
    if batch.chosen:
        check_writable(output)
        result = None if instances is None else "instances" if instances else "semantic"
        settings = {
            "attention": attention,
            "device": device,
            "tile": tile,
            "grey_range": grey,
            "result": result,
            "diameter": diameter,
            "sensitivity": sensitivity,
            "least_size": least_size,
            "drop_edge": drop_edge,
            "flips": flips,
            "link": "" if link == "no" else link,
        }
        _segment_all(batch, _Wanted(_load(model), place, axes, channels, uneven, overwrite, settings), console)
    if batch.total > 1 or batch.skipped:
        console.say(batch.summary(output))
    if batch.done + batch.skipped < batch.total:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a person asked for, for all images: where results go, how images are read, and how they are segmented."""

    model: LoadedModel
    place: Place
    axes: str | None
    channels: str | None
    uneven: UnevenName
    overwrite: bool
    settings: Mapping[str, Any]


def _say_passed_over(console: Console, listed: ImageList) -> None:
    """Say what lay in folders, or matched patterns, and is not segmented."""
    for paths, why in ((listed.passed_over, "no image"), (listed.results, "labels or attention of other images")):
        if paths:
            console.say(f"Passed over, {why}: {some([str(path) for path in paths])}")


def _map_names(header: ModelHeader) -> list[str]:
    from src_models.models.architectures import attention_names

    return attention_names(header.architecture, header.config)


def _load(model: str) -> LoadedModel:
    from src_models.models.checkpoint import load

    loaded = load(model)
    _log.info("model %s from %s, SHA-256 %s", loaded.header.name, loaded.path, loaded.sha256)
    return loaded


def _segment_all(batch: Batch, wanted: _Wanted, console: Console) -> None:
    """Segment one image after the other; one that fails does not stop those after it."""
    noted: set[str] = set()
    for number, image in enumerate(batch.chosen, start=1):
        title = image.name if len(batch.chosen) == 1 else f"{image.name} ({number} of {len(batch.chosen)})"
        with console.bar(title) as move:

            def report(progress: Progress, move: Report = move) -> None:
                move(progress)
                if "memory" in progress.message and progress.message not in noted:  # worth keeping in a log
                    noted.add(progress.message)
                    console.say(f"  {progress.message}")

            try:
                found = _segment_one(image, wanted, report, console)
            except UserError as error:
                if isinstance(error, OutputError) and not _written_meanwhile(image, wanted):
                    raise  # the images after it would fail in the same way
                batch.failed.append(image.title)
                complain(str(error) if str(image.path) in str(error) else f"{image.title}: {error}")
            except Exception as error:  # a bug, or no memory: a night's work on the other images is not lost by it
                batch.failed.append(image.title)
                _log.exception("not foreseen")
                complain(f"{image.title}: it failed in a way that was not foreseen ({error!r}); please report it")
            else:
                batch.done += 1
                batch.empty += _is_empty(found)


def _written_meanwhile(image: OneImage, wanted: _Wanted) -> bool:
    """Tell whether another process has written the results of an image since this one looked."""
    return not wanted.overwrite and bool(replace(wanted.place, maps=[]).results(image).existing)


def _is_empty(found: Segmentation) -> bool:
    pixels = dict(found.found.get("pixels", {}))
    pixels.pop("background", None)
    return found.found.get("objects") == 0 or (bool(pixels) and not any(pixels.values()))


def _segment_one(one: OneImage, wanted: _Wanted, report: Report, console: Console) -> Segmentation:
    """Segment an image, write the results, and say what was written."""
    from src_models.prediction.to_file import segment_to_file

    series = None if one.series is None else one.series.number
    image = options.open_image(one.path, wanted.axes, wanted.channels, wanted.uneven, series)
    console.say(f"{image.title}: {image.reading.describe()}")
    console.notes(image.notes)
    begun = time.perf_counter()
    run = functools.partial(_run, image, wanted, report)
    place = wanted.place
    written = segment_to_file(
        image, run, place.output, overwrite=wanted.overwrite, into=place.into, scan_format=place.scan_format
    )
    found = written.segmentation
    if not all(file.name.startswith(f"{image.name}_") for file in (written.labels, *written.maps)):
        console.say("  its name is too long to be continued in a file's name, so results have a shorter one")
    share = " of the image" if found.summary.endswith("%") else ""
    console.say(f"  {found.summary}{share} -> {written.labels}")
    console.say(f"  read as {found.read_as}")
    if found.size:
        console.say(f"  {found.size}")
    for line in (*found.advice, *found.notes):
        console.say(f"  {line}", style="yellow")
    for placed, file in zip(found.attention, written.maps, strict=True):
        console.say(f"  {placed.description} -> {file}")
    if written.outlines is not None:
        console.say(f"  outlines -> {written.outlines}")
    settings = found.provenance["settings"]
    _log.info(
        "%s took %.2f s (%s, %s, tiles of %s px), record in %s",
        image.title, time.perf_counter() - begun, settings["device"], settings["precision"],
        " x ".join(map(str, settings["tile"])), written.record,
    )  # fmt: skip
    return found


def _run(image: ImageFile, wanted: _Wanted, report: Report, *, labels_out: Any) -> Segmentation:
    from src_models.prediction.segment import segment as predict

    return predict(
        image.data,
        wanted.model,
        axes=image.reading,
        labels_out=labels_out,
        name=image.title,
        on_progress=report,
        **wanted.settings,
    )
