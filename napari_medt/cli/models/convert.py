"""``napari-medt convert``: checkpoints of papers' code, and packages of other programs, become model files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.models.convert_package import convert_package
from napari_medt.cli.options import Licence, ModelFile, ModelName, Overwrite, Purpose
from src_models.models.packages.description import is_package

if TYPE_CHECKING:
    from src_models.models.header import ModelHeader
    from src_models.models.official import OfficialNetwork

__all__ = ["convert"]


def convert(
    official: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Checkpoint of a paper's own code: .pth, .pt or .safetensors; or a package of the BioImage Model Zoo: "
            "a zip, or a folder with rdf.yaml.",
        ),
    ],
    output: ModelFile,
    architecture: Annotated[
        str,
        typer.Option(metavar="NAME", help="The network you expect, such as medt; by default the one that is found."),
    ] = "",
    name: ModelName = "",
    purpose: Purpose = "",
    classes: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Names of all classes, the background first, separated by commas; of a package, what each channel of "
            "its output is, such as foreground,boundary.",
        ),
    ] = "",
    align_corners: Annotated[
        bool, typer.Option("--align-corners", help="Up-sample as PyTorch before 0.4 did (the papers' 3D networks).")
    ] = False,
    intensity: Annotated[
        str,
        typer.Option(metavar="KIND:LOW:HIGH", help="How grey values are scaled; as its authors did unless given."),
    ] = "",
    licence: Licence = "unknown",
    overwrite: Overwrite = False,
) -> None:
    """Turn a checkpoint of a paper's own code, or a package of the BioImage Model Zoo, into a model file.

    Which network it is and how wide is read off the checkpoint; what a package's network takes and gives, off its
    description. No code in either is ever run: of packages, ONNX weights are taken.
    """
    from dataclasses import replace

    from src_models.disk.atomic import check_new
    from src_models.errors import ModelFileError

    scale = options.parse_intensity(intensity) if intensity else None
    check_new(output, overwrite=overwrite)
    if not official.exists():
        raise ModelFileError(f"{official}: there is no such file; check the name")
    if is_package(official):
        convert_package(
            official,
            output,
            Console(),
            classes=_names(classes),
            name=name,
            purpose=purpose,
            licence=licence,
            intensity=scale,
            architecture=architecture,
            overwrite=overwrite,
        )
        return
    from src_models.models.checkpoint import Model, save
    from src_models.models.official import for_rgb, load_official, with_background

    found = load_official(official, align_corners=align_corners)
    if architecture and architecture != found.architecture:
        raise ModelFileError(
            f"{official}: this is a checkpoint of {found.source}, which is --architecture {found.architecture}, "
            f"not {architecture}"
        )
    try:
        found = for_rgb(with_background(found))
        header = _header(found, official, name or output.stem, purpose, _names(classes), licence)
        if scale is not None:
            header = replace(header, intensity=scale)
    except ModelFileError as error:
        raise ModelFileError(f"{official}: {error}") from error
    save(Model(found.network, header), output, overwrite=overwrite)
    console = Console()
    console.say(f"Read {official} as {found.source}")
    whence = "as given" if intensity else "as its authors trained it"
    console.say(
        f"{header.architecture}, {header.dimensions}D, channels {', '.join(header.channels)}, "
        f"classes {', '.join(header.classes)}; grey values: {header.intensity.kind} "
        f"{header.intensity.low:g} to {header.intensity.high:g}, {whence}"
    )
    console.say(f"Wrote {output}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _header(
    found: OfficialNetwork, file: Path, name: str, purpose: str, classes: tuple[str, ...], licence: str
) -> ModelHeader:
    import hashlib

    from src_models.errors import ModelFileError
    from src_models.models.header import RGB, ModelHeader
    from src_models.training.new_model import tiles_for

    count, dimensions = found.config["classes"], found.config["dimensions"]
    if classes and len(classes) != count:
        raise ModelFileError(
            f"its network has {count} classes with the background, and {len(classes)} are named ({', '.join(classes)})"
        )
    channels = {1: ("grey",), 3: RGB}.get(
        found.config["in_channels"], tuple(f"channel {index + 1}" for index in range(found.config["in_channels"]))
    )
    tile, overlap = tiles_for(found.architecture, found.config, dimensions)
    return ModelHeader(
        name=name,
        purpose=purpose or f"converted from {file.name}",
        architecture=found.architecture,
        config=found.config,
        classes=classes or ("background", *(f"class {index}" for index in range(1, count))),
        channels=channels,
        dimensions=dimensions,
        intensity=found.intensity,
        tile=tile,
        overlap=overlap,
        licence=licence,
        training={
            "converted_from": file.name,
            "converted_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "source": found.source,
        },
    )
