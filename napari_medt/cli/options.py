"""The options that several commands share, so that each is called and explained alike; reading and checking them.

What can be checked of an option without torch is checked here: a mistyped name is answered at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from src_models.attention.words import map_words
from src_models.computing.devices import DeviceName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src_models.files.images import ImageFile
    from src_models.models.header import Intensity, ModelHeader

__all__ = [
    "Axes",
    "Channels",
    "ClickModel",
    "DataSetFolder",
    "Device",
    "Devices",
    "Diameter",
    "Drawn",
    "GreyValues",
    "Image",
    "IntoZarr",
    "JsonFile",
    "Licence",
    "Maps",
    "Model",
    "ModelFile",
    "ModelName",
    "Overwrite",
    "Purpose",
    "ResultsFolder",
    "Seed",
    "Series",
    "SeriesOrAll",
    "Uneven",
    "UnevenName",
    "check_files",
    "check_model",
    "check_outputs",
    "check_results_folder",
    "complete_model",
    "open_image",
    "parse_intensity",
]

# Panels of the help of commands with many options.
IMAGES, OBJECTS, RUNNING = "How images are read", "Which objects", "Running"
NETWORK, LEARNING, RESULTS = "The network", "Learning", "Results"


def complete_model(incomplete: str) -> list[tuple[str, str]]:
    """Return the names of models that begin so, each with what it is for; paths are the shell's to complete."""
    from src_models.models.library import local_models, shipped_models

    entries = [*shipped_models(), *local_models()]
    return [(entry.name, entry.header.purpose) for entry in entries if entry.name.startswith(incomplete)]


Image = Annotated[
    Path,
    typer.Argument(metavar="IMAGE", help="TIFF, PNG, JPEG, zarr, OME-Zarr, NIfTI, NRRD, or a folder of DICOM slices."),
]
DataSetFolder = Annotated[
    Path,
    typer.Argument(metavar="DATASET", help="Folder with images/, masks/ (equal names) and perhaps manifest.csv."),
]
MODEL = typer.Option(
    "--model",
    metavar="MODEL",
    help="Name of a shipped model or of one of your own, or a path ending in .safetensors; or a package of the "
    "BioImage Model Zoo, a zip.",
    autocompletion=complete_model,
)
Model = Annotated[str, MODEL]
ClickModel = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="Name of a model of clicks, or a path ending in .safetensors.",
        autocompletion=complete_model,
    ),
]
ResultsFolder = Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the results.")]
IntoZarr = Annotated[
    str | None,
    typer.Option(
        "--into-zarr",
        metavar="NAME",
        help="Write labels of OME-Zarr images into them, as labels/NAME; those of others go to files.",
        rich_help_panel=RESULTS,
    ),
]
# The names of SCAN_FORMATS and ENDINGS (of outlines), which are not imported for the help alone.
ScanFormatName = Literal[
    "nifti", "nrrd", "seg.nrrd", "mha", "dicom-seg", "dicom-labelmap", "tiff", "roi", "geojson", "coco"
]  # fmt: skip
ScanFormat = Annotated[
    ScanFormatName,
    typer.Option(
        "--format",
        help="How labels of scans are written: NIfTI, NRRD, a segmentation of 3D Slicer with the names of classes, "
        "MetaImage, or, of DICOM slices, a DICOM segmentation (of type BINARY, or LABELMAP); or TIFF, which has no "
        "place in the patient. Attention maps of scans are NIfTI on the scan's place, or TIFF with the labels. Of any "
        "image, roi, geojson and coco write outlines besides: regions for ImageJ, objects for QuPath, COCO JSON.",
        rich_help_panel=RESULTS,
    ),
]
MODEL_FILE = typer.Option("--output", "-o", metavar="FILE", help="Model file to write: NAME.safetensors.")
ModelFile = Annotated[Path, MODEL_FILE]
JsonFile = Annotated[Path | None, typer.Option("--json", "-o", metavar="FILE", help="Write all that is found as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]
DEVICE = typer.Option(
    "--device",
    metavar="auto|cpu|cuda|mps",
    help="What to run on; auto is the fastest there is.",
    rich_help_panel=RUNNING,
)
Device = Annotated[DeviceName, DEVICE]
Devices = Annotated[
    int, typer.Option("--devices", metavar="N", help="How many GPUs (or CPU processes).", rich_help_panel=RUNNING)
]
Drawn = Annotated[
    str | None,
    typer.Option(
        "--drawn",
        metavar="COLUMN",
        help="The column of manifest.csv that lists the classes drawn in each image, such as 1 2 5; others are unknown "
        "there, not absent. By default 'drawn', if there is one.", rich_help_panel=IMAGES,
    ),
]  # fmt: skip
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of all that is drawn at random.")]
Axes = Annotated[
    str | None,
    typer.Option(
        "--axes",
        metavar="AXES",
        help="Axes of the image by hand, such as ZYX or CYX.",
        rich_help_panel=IMAGES,
    ),
]
Series = Annotated[
    str | None,
    typer.Option(
        "--series",
        metavar="NUMBER|NAME",
        help="Which of several images in the file, by number (from 0) or name.",
        rich_help_panel=IMAGES,
    ),
]
SeriesOrAll = Annotated[
    str | None,
    typer.Option(
        "--series",
        metavar="NUMBER|NAME|all",
        help="Which of several images in a file, by number (from 0) or name; all unless given.",
        rich_help_panel=IMAGES,
    ),
]
Channels = Annotated[
    str | None,
    typer.Option(
        "--channels",
        metavar="N[,M...]",
        help="Which channels are looked at, counted from 0: one, such as 0 for the first, or several in the order in "
        "which the model gets them, such as 2,0,1. All others are ignored.",
        rich_help_panel=IMAGES,
    ),
]
GreyValues = Annotated[
    str | None,
    typer.Option(
        "--grey-range",
        metavar="LOW:HIGH",
        help="Grey values that count, such as 100:4000, or percentile:0.5:98 of the image; beyond these all is the "
        "same. As the model says unless given, less specks far brighter or darker than all else.",
        rich_help_panel=IMAGES,
    ),
]
Diameter = Annotated[
    float | None,
    typer.Option(
        "--diameter",
        metavar="PX",
        min=0.1,
        help="Size of the objects in pixels; estimated unless given.",
        rich_help_panel=OBJECTS,
    ),
]
Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME",
        help=f"Only this attention map, such as 'gate 2' ({map_words('gate 2').name.lower()}) or 'global 2.1 received' "
        f"({map_words('global 2.1 received').name.lower()}). Repeatable.",
    ),
]
ModelName = Annotated[str, typer.Option("--name", metavar="NAME", help="The model's name; the file's unless given.")]
Purpose = Annotated[str, typer.Option("--purpose", metavar="TEXT", help="One line on what the model is for.")]
Licence = Annotated[str, typer.Option("--licence", metavar="SPDX", help="Licence of the weights.")]

UnevenName = Literal["refuse", "resample"]
Uneven = Annotated[
    UnevenName,
    typer.Option(
        "--uneven",
        help="Where DICOM slices lie at uneven distances, or some are missing: refuse the scan, or resample it "
        "linearly to even slices.",
        rich_help_panel=IMAGES,
    ),
]
# The names of src_models.images.grey.ct_windows, which is not imported for the help alone, and none of them.
KINDS = ("percentile", "zscore", "window", "signed-window")


def check_model(model: str, device: str = "auto") -> ModelHeader:
    """Return the header of a model by its name or path, once model and device are known to be there.

    Raises
    ------
    UserError
        If there is no such model or no such device, or the file is none of ours.
    """
    from src_models.computing.devices import check_device
    from src_models.models.header import read_header
    from src_models.models.library import model_path

    header = read_header(model_path(model))
    check_device(device)
    return header


def check_files(*paths: Path | None) -> None:
    """Refuse files and folders that should be read and are not there.

    Raises
    ------
    ImageError
        If one is missing.
    """
    from src_models.errors import ImageError

    for path in paths:
        if path is not None and not path.exists():
            raise ImageError(f"{path}: there is no such file; check the name")


def check_results_folder(folder: Path) -> None:
    """Refuse a zarr as the folder for results: files in it would be no part of it.

    Raises
    ------
    OutputError
        If it is one.
    """
    from src_models.errors import OutputError
    from src_models.files.zarr import is_zarr

    if is_zarr(folder):
        raise OutputError(
            f"{folder}: it is a zarr and no folder for results; give another --output, or --into-zarr NAME to write "
            "labels of OME-Zarr images into them"
        )


def check_outputs(*paths: Path | None, folders: Sequence[Path] = (), overwrite: bool) -> None:
    """Refuse before the work what could not be written after it: files that exist, and folders that are read-only.

    Called when all else is known to be right: folders that are missing are made.

    Raises
    ------
    OutputError
        If a file exists that may not be replaced, or a folder cannot be written to.
    """
    from src_models.disk.atomic import check_new, check_writable

    files = [path for path in paths if path is not None]
    for path in files:
        check_new(path, overwrite=overwrite)
    for folder in dict.fromkeys([*folders, *(path.parent for path in files)]):
        check_writable(folder)


def open_image(
    path: Path,
    axes: str | None,
    channels: str | None,
    uneven: UnevenName = "refuse",
    series: int | str | None = None,
) -> ImageFile:
    """Open an image, and read it as a person said.

    Raises
    ------
    UserError
        If it cannot be opened, or has no such axes, channels or series.
    """
    from dataclasses import replace

    from src_models.files.images import read_image
    from src_models.images.channels import parse_channels

    chosen = None if channels is None else parse_channels(channels)
    image = read_image(path, axes=axes, series=series, uneven=uneven)
    return replace(image, reading=image.reading.with_channel(chosen, image.title))


def parse_intensity(text: str) -> Intensity:
    """Read KIND:LOW:HIGH, such as ``percentile:0.5:99.8`` or ``window:-160:240``.

    Raises
    ------
    UserError
        If it is of another form, or of a kind that there is not.
    """
    from src_models.errors import UserError
    from src_models.models.header import Intensity

    kind, *numbers = text.split(":")
    try:
        low, high = (float(number) for number in numbers)
    except ValueError:
        raise UserError(
            f"--intensity {text!r} is not of the form KIND:LOW:HIGH, such as percentile:0.5:99.8 or window:-160:240"
        ) from None
    if kind not in KINDS:
        raise UserError(f"--intensity {kind!r} is not one of {', '.join(KINDS)}")
    return Intensity(kind=cast("Any", kind), low=low, high=high)
