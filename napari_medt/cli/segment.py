"""``napari-medt segment``: labels, and attention maps, of image files, folders and patterns."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_medt.cli import options
from napari_medt.cli.batches.together import ClusterFile, SchedulerAddress, Team, Workers, segment_together
from napari_medt.cli.console import Console, Report
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
)
from napari_medt.cli.segment_batch import Batch, choose, failed, opened, some, succeeded
from src_models.errors import UserError

if TYPE_CHECKING:
    from src_models.files.image_list import ImageList
    from src_models.models.checkpoint import Model as LoadedModel
    from src_models.models.header import ModelHeader
    from src_models.prediction.batches.image_task import ImageTask
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
    glass: Annotated[
        bool,
        typer.Option(
            "--glass",
            help="Look at the whole of a slide, also where there is no tissue.",
            rich_help_panel=options.OBJECTS,
        ),
    ] = False,
    drop_edge: Annotated[
        bool,
        typer.Option(
            "--drop-edge", help="Leave out objects that touch the edge of the image.", rich_help_panel=options.OBJECTS
        ),
    ] = False,
    pieces: Annotated[
        str,
        typer.Option(
            metavar="model|all|N|CLASS[:N],...",
            help="Of classes, keep the largest pieces: as many as the model says, all, N of each, or, such as "
            "'liver,lungs:2', of these alone. Pieces of a volume go through all of its slices.",
            rich_help_panel=options.OBJECTS,
        ),
    ] = "model",
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
    workers: Workers = 1,
    scheduler: SchedulerAddress = None,
    cluster: ClusterFile = None,
) -> None:
    """Segment images.

    Labels go to NAME_labels.tif (.zarr if they are large; of scans .nii.gz, or as --format says), and beside them
    NAME_labels.json says by which model, settings and versions they were made, and what was found. Of a file with
    several images (positions, wells, scenes, pages of several sizes) each is segmented: its name, or number, is added
    to that of the file. With --into-zarr, labels of an OME-Zarr image go into it, with its levels and on its pixels.

    Of a whole slide (SVS, NDPI and other pyramids in colour) only tiles that hold tissue are looked at.

    With --workers, --scheduler or --cluster several images are segmented at a time, and very large ones in blocks.

    An image whose results exist is left alone and the others are segmented; an image that cannot be segmented does not
    stop those after it. The exit status is 0 if all images were segmented, or passed over as asked for with
    --skip-existing, and else 1.
    """
    if skip_existing and overwrite:
        raise UserError("--skip-existing leaves results that are there and --overwrite replaces them; give one of them")
    options.check_results_folder(output)
    team = Team.of(workers, scheduler, cluster, device)
    if channel is not None:  # as it was called before there could be several
        channels = channels or str(channel)
    header = options.check_model(model, device)
    from src_models.disk.atomic import check_writable
    from src_models.files.image_list import each_image, list_images
    from src_models.images.channels import parse_channels
    from src_models.images.grey.grey_range import GreyRange
    from src_models.labels.pieces import pieces_wanted
    from src_models.models.library import model_path
    from src_models.prediction.batches.choosing import Place
    from src_models.prediction.batches.image_task import ImageTask
    from src_models.prediction.settings import RunSettings, check_segments

    check_segments(header)
    wanted_pieces = None if pieces == "model" else pieces
    pieces_wanted(wanted_pieces, header)
    some_channels = None if channels is None else parse_channels(channels)
    grey = GreyRange.of(grey_range)
    listed = list_images(images)
    console = Console()
    _say_passed_over(console, listed)
    maps = _map_names(header) if attention else []
    place = Place(output, maps, into_zarr, scan_format)
    batch = choose(each_image(listed.images, series), place, skip_existing=skip_existing, overwrite=overwrite)
    if batch.chosen:
        check_writable(output)
        chosen = RunSettings(
            attention=attention,
            device=device,
            tile=tile,
            grey_range=grey,
            result=None if instances is None else "instances" if instances else "semantic",
            diameter=diameter,
            sensitivity=sensitivity,
            least_size=least_size,
            drop_edge=drop_edge,
            flips=flips,
            link="" if link == "no" else link,
            pieces=wanted_pieces,
        )
        tasks = [
            ImageTask(
                image=image,
                output=output,
                into=into_zarr,
                scan_format=scan_format,
                overwrite=overwrite,
                axes=axes,
                channels=some_channels,
                uneven=uneven,
                settings=chosen,
                glass=glass,
            )
            for image in batch.chosen
        ]
        if team is None:
            _segment_all(batch, tasks, _load(model), console)
        else:
            segment_together(batch, tasks, model_path(model), team, console)
    if batch.total > 1 or batch.skipped:
        console.say(batch.summary(output))
    if batch.done + batch.skipped < batch.total:
        raise typer.Exit(1)


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


def _segment_all(batch: Batch, tasks: Sequence[ImageTask], model: LoadedModel, console: Console) -> None:
    """Segment one image after the other; one that fails does not stop those after it."""
    from src_models.prediction.batches.image_task import failure_of, segment_image

    noted: set[str] = set()
    for number, task in enumerate(tasks, start=1):
        title = task.image.name if len(tasks) == 1 else f"{task.image.name} ({number} of {len(tasks)})"
        with console.bar(title) as move:

            def report(progress: Progress, move: Report = move) -> None:
                move(progress)
                if "memory" in progress.message and progress.message not in noted:  # worth keeping in a log
                    noted.add(progress.message)
                    console.say(f"  {progress.message}")

            try:
                found = segment_image(task, model, on_open=opened(console), on_progress=report)
            except Exception as error:  # a bug among them: a night's work on the other images is not lost by it
                failed(batch, task, failure_of(task, error))
            else:
                succeeded(batch, found, console)
