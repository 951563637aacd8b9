"""A package of the BioImage Model Zoo becomes a model file; see ``napari-medt convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from src_models.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_medt.cli.console import Console
    from src_models.models.checkpoint import Model
    from src_models.models.header import Intensity

__all__ = ["convert_package"]


def convert_package(
    package: Path,
    output: Path,
    console: Console,
    *,
    classes: Sequence[str],
    name: str,
    purpose: str,
    licence: str,
    intensity: Intensity | None,
    architecture: str,
    overwrite: bool,
) -> None:
    """Convert a package; what is given counts in place of what its description says.

    Raises
    ------
    UserError
        If an architecture is asked for: a package tells which network it has.
    ModelFileError
        If it is damaged, or no network with one input that segments, or does not say enough.
    """
    from dataclasses import replace

    from src_models.models.checkpoint import save

    if architecture:
        raise UserError(f"{package}: a package tells which network it has; leave --architecture out")
    model = _loaded(package, classes)
    header = replace(
        model.header,
        name=name or model.header.name,
        purpose=purpose or model.header.purpose,
        licence=model.header.licence if licence == "unknown" else licence,
    )
    if intensity is not None:
        header = replace(header, intensity=intensity)
    save(replace(model, header=header), output, overwrite=overwrite)
    console.say(f"Read {package} as a package of the BioImage Model Zoo: {header.name}")
    scaled = header.intensity
    range_ = "" if scaled.kind == "unscaled" else f" {scaled.low:g} to {scaled.high:g}"
    console.say(
        f"{header.architecture}, {header.dimensions}D, channels {', '.join(header.channels)}, "
        f"classes {', '.join(header.classes)}; grey values: {scaled.kind}{range_}"
    )
    console.say(f"Wrote {output}")


def _loaded(package: Path, classes: Sequence[str]) -> Model:
    from src_models.models.packages.importing import load_package
    from src_models.models.packages.state_dict import load_known_network

    known = load_known_network(package, classes)
    return load_package(package, classes) if known is None else known
