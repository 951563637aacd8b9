"""Attention maps as OME-TIFF: values at the map's own resolution, and where its cells lie on the image.

Programs that read OME-TIFF find the size of a cell and the place of each plane in its metadata. The place in pixels of
the image, which no field of OME has room for, stands beside it as key-value pairs (a MapAnnotation), and
:func:`read_map` brings both back.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from src_models.disk.atomic import atomic_path
from src_models.disk.names import fitting
from src_models.errors import ImageError
from src_models.images.axes import AXES, SPATIAL, AxesReading

if TYPE_CHECKING:
    from src_models.attention.placed_map import PlacedMap

__all__ = ["map_path", "read_map", "write_map"]

NAMESPACE = "napari-medt/attention-map"
_MICROMETRES = {"nm": 1e-3, "µm": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}
_OME_UNITS = {**{unit: unit for unit in (*_MICROMETRES, "Å", "pixel")}, "inch": "in"}


def map_path(folder: Path, stem: str, name: str, ending: str = ".ome.tif") -> Path:
    """Return where the attention map `name` of the image `stem` goes: ``STEM_attention_gate_2.ome.tif``.

    The `ending` may be another. Characters that a file name cannot have everywhere become underscores, and a name that
    is too long is shortened.
    """
    safe = re.sub(r"[^\w.,+-]+", "_", name)
    rest = f"_attention_{safe}{ending}"
    return folder / (fitting(stem, rest) + rest)


def write_map(path: str | Path, placed: PlacedMap, *, reading: AxesReading, overwrite: bool = False) -> Path:
    """Write an attention map as a float32 OME-TIFF with its place on the image.

    Parameters
    ----------
    path
        The file to make; its name ends in ``.ome.tif``, by which many programs know such files.
    placed
        The map, at its own resolution.
    reading
        How the image is read.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written; nothing half-written is left.

    Notes
    -----
    Axes are in the order T, Z, Y, X. ``PhysicalSizeX`` (Y, Z) is the size of a cell. ``PositionX`` (Y, Z) of each plane
    is where the **centre** of its first cell lies, from the centre of the image's first pixel; OME leaves open which of
    both is meant. Both are in the image's unit, or in pixels of the image where OME has no such unit.

    The key-value pairs are ``name``, ``kind``, ``level``, ``axes``, ``scale`` and ``translate`` (size of a cell and
    centre of the first cell, in pixels of the image, in the order of ``axes``), and ``unit``. The resolution tags hold
    the size of a cell too.
    """
    axes = reading.without_channels().axes
    order = sorted(range(len(axes)), key=lambda axis: AXES.index(axes[axis]))
    letters = "".join(axes[axis] for axis in order)
    scale, translate = ([float(numbers[axis]) for axis in order] for numbers in (placed.scale, placed.translate))
    known = reading.unit in _OME_UNITS
    pixel = [float(reading.spacing.get(letter, 1.0)) if known else 1.0 for letter in letters]
    cell = {letter: size * step for letter, size, step in zip(letters, scale, pixel, strict=True)}
    first = {letter: place * step for letter, place, step in zip(letters, translate, pixel, strict=True)}
    unit = _OME_UNITS.get(reading.unit, "pixel")
    data = np.asarray(placed.data, dtype=np.float32).transpose(order)
    metadata: dict[str, Any] = {
        "axes": letters,
        "Name": placed.name,
        "Description": placed.description,
        "Plane": _planes(dict(zip(letters, data.shape, strict=True)), first, cell, unit),
        "MapAnnotation": {
            "Namespace": NAMESPACE,
            "name": placed.name,
            "kind": placed.kind,
            "level": placed.level,
            "axes": letters,
            "scale": json.dumps(scale),
            "translate": json.dumps(translate),
            "unit": reading.unit,
        },
    }
    for letter in SPATIAL:
        if letter in cell:
            metadata |= {f"PhysicalSize{letter}": cell[letter], f"PhysicalSize{letter}Unit": unit}
    with atomic_path(path, overwrite=overwrite) as beside:
        tifffile.imwrite(
            beside, data, ome=True, photometric="minisblack", metadata=metadata, **_resolution(cell, reading.unit)
        )
    return Path(path)


def read_map(path: str | Path) -> PlacedMap:
    """Read a map that :func:`write_map` wrote.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    PlacedMap
        With its axes in the order T, Z, Y, X.

    Raises
    ------
    ImageError
        If the file is missing or damaged, or holds no attention map.
    """
    from src_models.attention.placed_map import PlacedMap

    try:
        with tifffile.TiffFile(path) as tiff:
            root = tifffile.xml2dict(tiff.ome_metadata or "<OME/>")["OME"] or {}
            data = tiff.asarray()
    except Exception as error:  # tifffile meets damage with whatever its parsers raise: struct.error, zlib.error, ...
        raise ImageError(f"{path}: it cannot be read as OME-TIFF ({error}); write the map again") from error
    notes = _notes(root)
    if not {"name", "kind", "level", "axes", "scale", "translate"} <= set(notes):
        raise ImageError(f"{path}: it holds no attention map; open one that `napari-medt attention` wrote")
    scale, translate = json.loads(notes["scale"]), json.loads(notes["translate"])
    sizes = root["Image"]["Pixels"]
    return PlacedMap(
        name=notes["name"],
        kind=notes["kind"],
        description=str(root["Image"].get("Description", "")),
        level=int(notes["level"]),
        data=data.reshape([int(sizes[f"Size{letter}"]) for letter in notes["axes"]]),
        scale=tuple(scale),
        translate=tuple(translate),
    )


def _planes(
    shape: Mapping[str, int], first: Mapping[str, float], cell: Mapping[str, float], unit: str
) -> dict[str, list[Any]]:
    """Return the position of every plane, in the order of the file: T the slowest, then Z."""
    depths = [depth for _, depth in itertools.product(range(shape.get("T", 1)), range(shape.get("Z", 1)))]
    places = {letter: [first[letter]] * len(depths) for letter in "XY"}
    if "Z" in shape:
        places["Z"] = [first["Z"] + depth * cell["Z"] for depth in depths]
    positions: dict[str, list[Any]] = {}
    for letter, along in places.items():
        positions |= {f"Position{letter}": along, f"Position{letter}Unit": [unit] * len(depths)}
    return positions


def _resolution(cell: Mapping[str, float], unit: str) -> dict[str, Any]:
    """Return tifffile's arguments for the size of a cell: per centimetre where the unit is known, else per pixel."""
    factor = _MICROMETRES.get(unit)
    if factor is None:
        return {"resolution": (1 / cell["X"], 1 / cell["Y"]), "resolutionunit": "NONE"}
    return {"resolution": tuple(1e4 / (cell[letter] * factor) for letter in "XY"), "resolutionunit": "CENTIMETER"}


def _notes(root: Mapping[str, Any]) -> dict[str, str]:
    """Return the key-value pairs of a map; {} where there are none."""
    annotations = (root.get("StructuredAnnotations") or {}).get("MapAnnotation", [])
    for annotation in annotations if isinstance(annotations, list) else [annotations]:
        if annotation.get("Namespace") == NAMESPACE:
            return {str(pair["K"]): str(pair.get("value", "")) for pair in annotation["Value"]["M"]}
    return {}
