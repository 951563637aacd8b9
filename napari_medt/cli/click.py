"""``napari-medt click``: one object of an image, by clicks that are given beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.options import (
    Axes,
    Channels,
    ClickModel,
    Device,
    GreyValues,
    Image,
    Overwrite,
    Series,
    Uneven,
    Window,
)
from src_models.errors import ImageError, OutputError, UserError
from src_models.progress import Progress

if TYPE_CHECKING:
    from src_models.clicking.clicked_object import AcceptedObject
    from src_models.clicking.prompts import Prompt
    from src_models.clicking.session import ClickSession
    from src_models.files.images import ImageFile
    from src_models.images.grey.grey_range import GreyRange
    from src_models.images.planes import Planes
    from src_models.models.header import Intensity

__all__ = ["click"]

SCANS = (".nii.gz", ".nii", ".nrrd", ".mha")
SUFFIXES = (".tif", ".tiff", ".zarr", *SCANS)


def click(
    image: Image,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File for the labels: .tif, .zarr, or .nii.gz or .nrrd of a scan."
        ),
    ],
    at: Annotated[
        list[str] | None, typer.Option(metavar="Y,X", help="Click on the object at this pixel. Repeatable.")
    ] = None,
    beside: Annotated[
        list[str] | None, typer.Option("--not", metavar="Y,X", help="Click beside the object. Repeatable.")
    ] = None,
    box: Annotated[
        str | None, typer.Option(metavar="TOP,LEFT,BOTTOM,RIGHT", help="Draw a box around the object, in pixels.")
    ] = None,
    larger: Annotated[
        int, typer.Option(min=0, metavar="N", help="Then take the next larger object around the clicks, N times.")
    ] = 0,
    smaller: Annotated[
        int, typer.Option(min=0, metavar="N", help="Then take the next smaller object around the clicks, N times.")
    ] = 0,
    plane: Annotated[
        str | None, typer.Option(metavar="N[,M]", help="Slice (or time, or time and slice) of a stack, from 0.")
    ] = None,
    carry: Annotated[bool, typer.Option("--carry", help="Carry the object on to the slices before and after.")] = False,
    ends_at: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="Last slice that holds the object when it is carried, from 0. Once a side."),
    ] = None,
    model: ClickModel = "click",
    overwrite: Overwrite = False,
    window: Window = None,
    axes: Axes = None,
    series: Series = None,
    channels: Channels = None,
    grey_range: GreyValues = None,
    uneven: Uneven = "refuse",
    device: Device = "auto",
) -> None:
    """Segment one object by a box and clicks, given in this order: box, on the object, beside it.

    Beside the labels, NAME.clicks.json tells what the object was made by.
    """
    from src_models.files.clicked_objects import clicks_path, write_clicks
    from src_models.images.grey.grey_range import GreyRange

    prompts = _prompts(at or [], beside or [], box)
    if larger and smaller:
        raise UserError("give --larger or --smaller, not both")
    if ends_at and not carry:
        raise UserError("--ends-at says how far the object is carried: give --carry as well")
    if grey_range is not None and window is not None:
        raise UserError("--window is a range of grey values, too: give --window or --grey-range, not both")
    grey = GreyRange.of(grey_range)
    options.check_window(window)
    options.check_model(model, device)
    options.check_files(image)
    _check_suffix(output)
    source = options.open_image(image, axes, channels, uneven, series)
    _check_scan(output, source)
    options.check_outputs(output, clicks_path(output), overwrite=overwrite)
    console = Console()
    console.say(f"{source.title}: {source.reading.describe()}")
    console.notes(source.notes)
    session = _session(source, model, device, grey or _window(source, window), _plane(plane, source))
    console.say(f"  read as {session.image.read_as}")
    for note in session.image.notes:
        console.say(f"  {note}", style="yellow")
    between = _between(ends_at or [], session)
    _click(session, prompts, larger - smaller)
    if carry:
        _carry(session, between, console)
    accepted = session.accept()
    _write_labels(output, accepted, source, overwrite=overwrite)
    entry = {"value": 1, "image": source.name, "axes": source.reading.axes, **accepted.to_dict()}
    write_clicks(output, [entry], overwrite=overwrite)
    console.say(f"  {_described(accepted)} -> {output}")


def _prompts(at: list[str], beside: list[str], box: str | None) -> list[Prompt]:
    from src_models.clicking.prompts import Box, Click

    prompts: list[Prompt] = []
    if box is not None:
        top, left, bottom, right = _numbers(box, 4, "--box", "TOP,LEFT,BOTTOM,RIGHT, such as 10,20,40,60")
        prompts.append(Box(top, left, bottom, right))
    for places, option, positive in ((at, "--at", True), (beside, "--not", False)):
        for place in places:
            y, x = _numbers(place, 2, option, "Y,X, such as 120,84.5")
            prompts.append(Click(y, x, positive))
    if not at and box is None:
        raise UserError("say where the object is: --at Y,X for a click on it, or --box TOP,LEFT,BOTTOM,RIGHT around it")
    return prompts


def _numbers(text: str, count: int, option: str, form: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise UserError(f"{option} {text!r} is not of the form {form}")
    return numbers


def _plane(text: str | None, source: ImageFile) -> tuple[int, ...] | None:
    """Return the plane that was named; an image with several has no plane that would be meant otherwise."""
    planes = _planes(source)
    if text is None:
        if len(planes) > 1:
            raise UserError(
                f"{source.title} has {len(planes)} planes ({source.reading.describe()}): say which one is clicked in "
                f"with --plane {','.join(planes.leading)}, counted from 0"
            )
        return None
    try:
        plane = tuple(int(part) for part in text.split(","))
    except ValueError:
        plane = ()
    if plane not in planes:
        reading = source.reading.describe()
        raise UserError(
            f"{source.title}: --plane {text!r} is none of its planes ({reading}); "
            + (f"give {','.join(planes.leading)}, counted from 0" if planes.leading else "leave it out")
        )
    return plane


def _window(source: ImageFile, window: str | None) -> Intensity | None:
    return options.window_intensity(window, source.data, source.reading)


def _session(
    source: ImageFile,
    model: str,
    device: str,
    intensity: Intensity | GreyRange | None,
    plane: tuple[int, ...] | None,
) -> ClickSession:
    from src_models.clicking.answering.network import ClickNetwork
    from src_models.clicking.session import ClickSession
    from src_models.models.checkpoint import load

    network = ClickNetwork(load(model), device)
    name = source.title
    return ClickSession(source.data, network, axes=source.reading, plane=plane, intensity=intensity, name=name)


def _between(ends: list[int], session: ClickSession) -> tuple[int, int]:
    """Return the first and the last slice that the object is carried to at the most."""
    depth, begun = session.image.depth, session.plane[-1] if session.plane else 0
    for end in ends:
        if not 0 <= end < depth:
            raise UserError(f"--ends-at {end}: {session.image.name} has slices 0 to {depth - 1}")
    before, after = ([end for end in ends if (end - begun) * side > 0] for side in (-1, 1))
    if len(before) > 1 or len(after) > 1 or begun in ends:
        raise UserError(
            f"--ends-at {', '.join(map(str, ends))}: give a slice, or one before and one after {begun}, where the "
            "object is clicked"
        )
    return min(before, default=0), max(after, default=depth - 1)


def _click(session: ClickSession, prompts: list[Prompt], steps: int) -> None:
    for prompt in prompts:
        session.give(prompt)
    if session.answer is None or not (session.answer.seen and session.mask.any()):
        raise ImageError(
            f"{session.image.name}: nothing was found there; click on the object elsewhere, draw a --box around it, or "
            "choose another --window"
        )
    for _ in range(abs(steps)):
        (session.larger if steps > 0 else session.smaller)()


def _carry(session: ClickSession, between: tuple[int, int], console: Console) -> None:
    with console.bar("carrying") as report:
        for done, plane in session.carry(between=between):
            report(Progress(done, 0, f"{done} slices, now {plane}"))
    for direction, word in ((-1, "backward"), (1, "forward")):
        end = session.state.ends[direction]
        console.say(f"  {word} to plane {','.join(map(str, end.plane))}: {end.why}")


def _write_labels(path: Path, accepted: AcceptedObject, source: ImageFile, *, overwrite: bool) -> None:
    import numpy as np

    from src_models.disk.atomic import atomic_path
    from src_models.files.labels import output_zarr, write_labels
    from src_models.files.volumes.label_files import write_volume_labels

    shape = source.reading.without_channels().shape
    if path.suffix.lower() == ".zarr":
        with atomic_path(path, overwrite=overwrite) as beside:
            _draw(accepted, source, output_zarr(beside, shape, "uint8", reading=source.reading))
        return
    labels = np.zeros(shape, np.uint8)
    _draw(accepted, source, labels)
    if source.geometry is not None and path.name.lower().endswith(SCANS):
        write_volume_labels(path, labels, source.geometry, overwrite=overwrite)
    else:
        write_labels(path, labels, reading=source.reading, overwrite=overwrite)


def _draw(accepted: AcceptedObject, source: ImageFile, labels: Any) -> None:
    """Write 1 into labels of zeros wherever the object is."""
    planes = _planes(source)
    for part in accepted.slices:
        labels[planes.label_index(part.plane, part.region)] = planes.to_label_order(part.mask)


def _check_suffix(path: Path) -> None:
    if not path.name.lower().endswith(SUFFIXES):
        raise OutputError(f"{path}: labels are written as {', '.join(SUFFIXES)}; choose one of these endings")


def _check_scan(path: Path, source: ImageFile) -> None:
    if path.name.lower().endswith(SCANS) and (source.geometry is None or "C" in source.reading.axes):
        raise OutputError(
            f"{path}: labels are written as NIfTI or NRRD for scans alone, which {source.title} is not; "
            "choose .tif or .zarr"
        )


def _described(accepted: AcceptedObject) -> str:
    count = len(accepted.slices)
    return f"{accepted.area} px" + (f" in {count} planes" if count > 1 else "")


def _planes(source: ImageFile) -> Planes:
    from src_models.images.planes import Planes

    return Planes(source.reading, 2, source.title)
