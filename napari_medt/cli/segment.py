"""``napari-medt segment``: labels, and attention maps, of image files."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from src_models.errors import OutputError, UserError
from src_models.prediction.to_file import labels_path, segment_to_file

if TYPE_CHECKING:
    from src_models.files.images import ImageFile
    from src_models.models.checkpoint import Model
    from src_models.prediction.segmentation import Segmentation
    from src_models.progress import Progress

__all__ = ["segment"]

Device = Literal["auto", "cpu", "cuda", "mps"]
Report = Callable[["Progress"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a person asked for, for all images."""

    model: Model
    output: Path
    attention: bool
    device: str
    tile: int | None
    result: Literal["semantic", "instances"] | None
    diameter: float | None
    sensitivity: float
    least_size: float
    drop_edge: bool
    link: str
    axes: str | None
    channel: int | None
    overwrite: bool


def segment(
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE...", help="TIFF, OME-TIFF, PNG, JPEG, zarr, OME-Zarr, NIfTI, or a folder of DICOM slices."
        ),
    ],
    model: Annotated[str, typer.Option(help="Name of a shipped or local model, or a path.")],
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; made if it is missing.")],
    attention: Annotated[bool, typer.Option("--attention", help="Write every attention map as well.")] = False,
    device: Annotated[Device, typer.Option(help="What to run on.")] = "auto",
    tile: Annotated[int | None, typer.Option(min=1, help="Tile size in pixels; the model's own unless given.")] = None,
    instances: Annotated[
        bool | None,
        typer.Option("--instances/--classes", help="Number the objects, or write class numbers; as the model says."),
    ] = None,
    diameter: Annotated[
        float | None, typer.Option(min=0.1, help="Size of the objects in pixels; estimated unless given.")
    ] = None,
    sensitivity: Annotated[
        float,
        typer.Option(
            min=-1, max=1, help="Above 0 finds fainter objects, below 0 only the surest; 0 is as the model was made."
        ),
    ] = 0.0,
    least_size: Annotated[
        float, typer.Option(min=0, metavar="PX", help="Leave out objects smaller than this across, in pixels.")
    ] = 0.0,
    drop_edge: Annotated[
        bool, typer.Option("--drop-edge", help="Leave out objects that touch the edge of the image.")
    ] = False,
    link: Annotated[
        str,
        typer.Option(help="Link the outlines of an object through depth (z), time (t), both (zt), or not at all (no)."),
    ] = "z",
    axes: Annotated[str | None, typer.Option(help="Axes of the images by hand, such as ZYX or CYX.")] = None,
    channel: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Segment this channel alone, counted from 0: the first one is 0."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Segment image files."""
    from src_models.disk.atomic import check_writable
    from src_models.models.header import read_header

    header = read_header(_model_path(model))
    _check_outputs(images, output, _map_names(header) if attention else [], overwrite=overwrite)
    check_writable(output)
    from src_models.models.checkpoint import load

    result: Literal["semantic", "instances"] | None = None
    if instances is not None:
        result = "instances" if instances else "semantic"
    wanted = _Wanted(
        model=load(model),
        output=output,
        attention=attention,
        device=device,
        tile=tile,
        result=result,
        diameter=diameter,
        sensitivity=sensitivity,
        least_size=least_size,
        drop_edge=drop_edge,
        link="" if link == "no" else link,
        axes=axes,
        channel=channel,
        overwrite=overwrite,
    )
    _segment_all(images, wanted)


def _model_path(model: str) -> Path:
    from src_models.models.library import find_model

    return Path(model) if model.endswith(".safetensors") or "/" in model else find_model(model)


def _map_names(header: Any) -> list[str]:
    from src_models.models.architectures import attention_names

    return attention_names(header.architecture, header.config)


def _check_outputs(images: list[Path], output: Path, maps: list[str], *, overwrite: bool) -> None:
    """Refuse before the work what could not be written after it."""
    from src_models.attention.map_files import map_path
    from src_models.disk.atomic import check_new
    from src_models.files.images import image_stem
    from src_models.files.volumes.opening import is_volume

    stems = Counter(image_stem(image) for image in images)
    stem, count = stems.most_common(1)[0]
    if count > 1:
        raise OutputError(
            f"{count} of the images are called {stem!r} and their results would have the same name; "
            "segment them into different folders"
        )
    for image in images:
        stem = image_stem(image)
        suffixes = (".nii.gz",) if is_volume(image) else (".tif", ".zarr")
        paths = [labels_path(output, stem, suffix) for suffix in suffixes]
        for path in paths + [map_path(output, stem, name) for name in maps]:
            check_new(path, overwrite=overwrite)


def _segment_all(images: list[Path], wanted: _Wanted) -> None:
    """Segment one image after the other; one that fails does not stop those after it."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(soft_wrap=True, highlight=False, markup=False)
    failed = 0
    noted: set[str] = set()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        for number, path in enumerate(images, start=1):
            title = f"{path.name} ({number} of {len(images)})"
            task = bar.add_task(title, total=None)

            def report(progress: Progress, task: Any = task, title: str = title) -> None:
                description = f"{title}: {progress.message}"
                bar.update(task, completed=progress.done, total=progress.total or None, description=description)
                if "memory" in progress.message and progress.message not in noted:  # worth keeping in a log
                    noted.add(progress.message)
                    console.print(f"  {progress.message}")

            try:
                for line in _segment_one(path, wanted, report, console.print):
                    console.print(f"  {line}")
            except OutputError:
                raise  # the images after it would fail in the same way
            except UserError as error:
                failed += 1
                message = str(error) if str(path) in str(error) else f"{path}: {error}"
                typer.echo(f"Error: {' '.join(message.split())}", err=True)
            finally:
                bar.remove_task(task)
    if len(images) > 1:
        console.print(f"{len(images) - failed} of {len(images)} images segmented into {wanted.output}")
    if failed:
        raise typer.Exit(1)


def _segment_one(path: Path, wanted: _Wanted, report: Report, say: Callable[[str], None]) -> list[str]:
    """Segment an image, write the results, and say in lines what was written."""
    from src_models.attention.map_files import map_path, write_map
    from src_models.files.images import read_image

    image = read_image(path, axes=wanted.axes)
    image = replace(image, reading=image.reading.with_channel(wanted.channel, str(path)))
    say(f"{path}: {image.reading.describe()}")
    run = functools.partial(_run, image, wanted, report)
    segmentation, labels_file = segment_to_file(image, run, wanted.output, overwrite=wanted.overwrite)
    found = segmentation.summary
    share = " of the image" if found.endswith("%") else ""
    lines = [
        f"{found}{share} -> {labels_file}",
        *filter(None, [segmentation.size, *segmentation.advice, *segmentation.notes]),
    ]
    for placed in segmentation.attention:
        path = map_path(wanted.output, image.name, placed.name)
        write_map(path, placed, reading=image.reading, overwrite=wanted.overwrite)
        lines.append(f"{placed.description} -> {path}")
    return lines


def _run(image: ImageFile, wanted: _Wanted, report: Report, *, labels_out: Any) -> Segmentation:
    from src_models.prediction.segment import segment as predict

    return predict(
        image.data,
        wanted.model,
        axes=image.reading,
        attention=wanted.attention,
        diameter=wanted.diameter,
        sensitivity=wanted.sensitivity,
        least_size=wanted.least_size,
        drop_edge=wanted.drop_edge,
        tile=wanted.tile,
        result=wanted.result,
        link=wanted.link,
        device=wanted.device,
        labels_out=labels_out,
        name=str(image.path),
        on_progress=report,
    )
