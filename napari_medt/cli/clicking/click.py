"""``napari-medt click``: one object of an image, by clicks that are given beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_medt.cli import options, windows
from napari_medt.cli.clicking.clicked_labels import check_output, given_labels, planes_of, write_clicked
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
)
from napari_medt.cli.windows import Window
from src_models.errors import ImageError, OutputError, UserError
from src_models.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from src_models.clicking.clicked_object import AcceptedObject
    from src_models.clicking.prompts import Prompt
    from src_models.clicking.session import ClickSession
    from src_models.files.images import ImageFile
    from src_models.images.grey.grey_range import GreyRange
    from src_models.images.planes import Plane
    from src_models.models.header import Intensity

__all__ = ["click"]

SUFFIXES = (".tif", ".tiff", ".zarr", ".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".mha", ".dcm")
Placed = tuple["Plane | None", "Prompt"]  # None: in the plane of --plane


def click(
    image: Image,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File for the labels: .tif, .zarr; of a scan .nii.gz, .nrrd, .seg.nrrd, or, of DICOM slices, .dcm.",
        ),
    ],
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="[N,]Y,X", help="Click on the object at this pixel, of slice N if given. Repeatable."),
    ] = None,
    beside: Annotated[
        list[str] | None, typer.Option("--not", metavar="[N,]Y,X", help="Click beside the object. Repeatable.")
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
    begin_with: Annotated[
        Path | None,
        typer.Option(
            metavar="LABELS",
            help="Begin with an object of these labels, such as what segment found: clicks mend it, and it is written "
            "in its place among them.",
        ),
    ] = None,
    number: Annotated[
        int | None, typer.Option("--object", min=1, metavar="N", help="Which object of --begin-with, by its number.")
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

    Those with a slice of their own are given after --carry, or mend the object of --begin-with; what they change is
    followed through the slices beside. Beside the labels, NAME.clicks.json tells what the object was made by.
    """
    from src_models.files.clicked_objects import clicks_path, write_clicks
    from src_models.files.volumes.volume import Maker
    from src_models.images.grey.grey_range import GreyRange

    prompts = _prompts(at or [], beside or [], box)
    _check_asked(prompts, begin_with, number, carry=carry, larger=larger, smaller=smaller, ends_at=ends_at)
    if grey_range is not None and window is not None:
        raise UserError("--window is a range of grey values, too: give --window or --grey-range, not both")
    grey = GreyRange.of(grey_range)
    windows.check_window(window)
    options.check_model(model, device)
    options.check_files(image, begin_with)
    _check_suffix(output)
    source = options.open_image(image, axes, channels, uneven, series)
    check_output(output, source)
    options.check_outputs(output, clicks_path(output), overwrite=overwrite)
    console = Console()
    console.say(f"{source.title}: {source.reading.describe()}")
    console.notes(source.notes)
    given = None if begin_with is None else given_labels(begin_with, number, source, console)
    begun = None if given is None else given.mask(source)
    here = _plane(plane, source, prompts, begun)
    session = _session(source, model, device, grey or _window(source, window), here)
    console.say(f"  read as {session.image.read_as}")
    for note in session.image.notes:
        console.say(f"  {note}", style="yellow")
    between = _between(ends_at or [], session)
    if begun is not None:
        session.begin_with(begun)
    _click(session, [prompt for place, prompt in prompts if place is None], larger - smaller)
    if carry:
        _carry(session, between, console)
    _mend(session, [(place, prompt) for place, prompt in prompts if place is not None], console)
    accepted = session.accept()
    header, sha256 = session.image.network.model.header, session.image.network.model.sha256
    maker = Maker(header.name, f"SHA-256 {sha256[:16]}" if sha256 else "unknown", True)
    write_clicked(output, accepted, source, overwrite=overwrite, given=given, maker=maker)
    value = 1 if given is None else given.value
    entry = {"value": value, "image": source.name, "axes": source.reading.axes, **accepted.to_dict()}
    write_clicks(output, [entry], overwrite=overwrite)
    console.say(f"  {_described(accepted)} -> {output}")


def _prompts(at: list[str], beside: list[str], box: str | None) -> list[Placed]:
    from src_models.clicking.prompts import Box, Click

    prompts: list[Placed] = []
    if box is not None:
        top, left, bottom, right = _numbers(box, (4,), "--box", "TOP,LEFT,BOTTOM,RIGHT, such as 10,20,40,60")
        prompts.append((None, Box(top, left, bottom, right)))
    for places, option, positive in ((at, "--at", True), (beside, "--not", False)):
        for place in places:
            form = "Y,X, such as 120,84.5, or, with a slice before them, 31,120,84.5"
            *plane, y, x = _numbers(place, (2, 3, 4), option, form)
            if any(number != int(number) for number in plane):
                raise UserError(f"{option} {place!r}: a slice is a whole number, counted from 0")
            prompts.append((tuple(map(int, plane)) or None, Click(y, x, positive)))
    return prompts


def _check_asked(
    prompts: list[Placed],
    begin_with: Path | None,
    number: int | None,
    *,
    carry: bool,
    larger: int,
    smaller: int,
    ends_at: list[int] | None,
) -> None:
    """Refuse what cannot be meant together."""
    from src_models.clicking.prompts import Box

    begins = any(place is None and (isinstance(prompt, Box) or prompt.positive) for place, prompt in prompts)
    if begin_with is None and not begins:
        raise UserError("say where the object is: --at Y,X for a click on it, or --box TOP,LEFT,BOTTOM,RIGHT around it")
    if begin_with is None and number is not None:
        raise UserError("--object says which object of labels is begun with: give --begin-with LABELS as well")
    if begin_with is not None and not prompts and not carry:
        raise UserError("say what is to be mended: --at where the object misses something, --not where it is too much")
    if begin_with is None and not carry and any(place is not None for place, _ in prompts):
        raise UserError("a click in a slice of its own mends what was found there: give --carry, or --begin-with")
    if larger and smaller:
        raise UserError("give --larger or --smaller, not both")
    if ends_at and not carry:
        raise UserError("--ends-at says how far the object is carried: give --carry as well")


def _numbers(text: str, counts: tuple[int, ...], option: str, form: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in counts:
        raise UserError(f"{option} {text!r} is not of the form {form}")
    return numbers


def _plane(
    text: str | None, source: ImageFile, prompts: list[Placed], begun: NDArray[np.bool_] | None
) -> tuple[int, ...] | None:
    """Return the plane that was named; an image with several has no plane that would be meant otherwise.

    What is begun with needs none where all clicks have a slice of their own: it lies in the stack of the first.
    """
    planes = planes_of(source)
    for place, prompt in prompts:
        if place is not None and place not in planes:
            raise UserError(f"{source.title}: {prompt} is in none of its planes ({source.reading.describe()})")
    if text is None and begun is not None and all(place is not None for place, _ in prompts):
        held = [plane for plane in planes if begun[plane].any()]
        same = [plane for plane in held if not prompts or plane[:-1] == (prompts[0][0] or ())[:-1]]
        return (same or held)[0]
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
    return windows.window_intensity(window, source.data, source.reading)


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
    if session.state.begun:
        for _ in session.follow():
            pass
    elif session.answer is None or not (session.answer.seen and session.mask.any()):
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


def _mend(session: ClickSession, prompts: list[Placed], console: Console) -> None:
    """Give what is given in planes of its own, and follow what that, or a click before, changed."""
    with console.bar("mending") as report:
        for plane, prompt in prompts:
            session.give(prompt, plane)
            for done, reached in session.follow():
                report(Progress(done, 0, f"{done} slices, now {reached}"))


def _check_suffix(path: Path) -> None:
    if not path.name.lower().endswith(SUFFIXES):
        raise OutputError(f"{path}: labels are written as {', '.join(SUFFIXES)}; choose one of these endings")


def _described(accepted: AcceptedObject) -> str:
    count = len(accepted.slices)
    return f"{accepted.area} px" + (f" in {count} planes" if count > 1 else "")
