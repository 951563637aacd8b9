"""``napari-medt export``: a model for other programs, as ONNX or as a package of the BioImage Model Zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.options import Licence, Overwrite

__all__ = ["export"]


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Name of a shipped model or of one of your own, or a path ending in .safetensors.",
            autocompletion=options.complete_model,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="NAME.onnx or NAME.zip; the model's name unless given."),
    ] = None,
    form: Annotated[
        Literal["onnx", "bioimageio"],
        typer.Option("--format", help="ONNX, or a package for programs that run models of the BioImage Model Zoo."),
    ] = "onnx",
    size: Annotated[
        int | None,
        typer.Option(
            metavar="PX",
            min=16,
            help="Side of images, for networks that are written for one; the model's unless given.",
        ),
    ] = None,
    author: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Who made the model, for a package. Repeatable.")
    ] = None,
    licence: Licence = "",
    overwrite: Overwrite = False,
) -> None:
    """Write a model for other programs.

    The file takes images that are scaled as the model's header says, and gives logits. An ONNX file is run and compared
    with the model before it is kept. A package scales images itself, holds a test, and tells in words what becomes of
    the logits; its licence is the model's unless another is given.
    """
    header = options.check_model(model)
    path = output or Path(f"{header.name}{'.onnx' if form == 'onnx' else '.zip'}")
    options.check_outputs(path, overwrite=overwrite)
    from src_models.exporting.onnx_file import check_onnx_installed, export_onnx
    from src_models.models.checkpoint import load

    console = Console()
    if form == "onnx":
        check_onnx_installed()
        done = export_onnx(load(model), path, size=size, overwrite=overwrite)
        console.say(f"{path}: opset 17, {_sizes(done.size, done.step)}")
        console.say(f"  compared with the model: logits differ by at most {done.difference:.1e} of the largest")
        return
    from src_models.exporting.bioimageio_package import check_package, export_package
    from src_models.models.library import shipped_models

    made_here = any(entry.name == model for entry in shipped_models())
    authors = author or (["The napari-medt developers"] if made_here else [])
    loaded = load(model)
    check_package(loaded, licence or header.licence, authors)
    package = export_package(
        loaded, path, authors=authors, licence=licence or header.licence, size=size, overwrite=overwrite
    )
    console.say(f"{path}: weights as {' and '.join(package.weights)}, {_sizes(package.size, package.step)}")


def _sizes(size: tuple[int, ...], step: int | None) -> str:
    if step is None:
        return f"images of {' x '.join(map(str, size))} px"
    return f"images with sides that are multiples of {step} px"
