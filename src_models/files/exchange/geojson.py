"""GeoJSON as QuPath (0.5 and later) writes and reads it: objects with holes, classes and measurements.

A collection of features (RFC 7946), whose geometry is a Polygon or MultiPolygon in pixels of the full image, from the
corner of the first one. Their properties are those of QuPath's ``PathObjectTypeAdapter`` and ``ROITypeAdapter``
(qupath-core, package ``qupath.lib.io``): ``objectType`` ("detection" or "annotation"), ``name``, ``classification``
with ``name`` and ``color``, ``measurements`` by title, and since 0.5 ``metadata``, which holds the object's number
here. The slice and frame are in the geometry's ``plane``, from 0, with the channel -1 for all.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path
from src_models.errors import ImageError
from src_models.files.exchange.described import Described, Plane, each_plane
from src_models.files.exchange.outlines import Outline, Polygon
from src_models.files.exchange.painting import Drawing, Drawn

__all__ = ["ObjectType", "read_geojson", "write_geojson"]

ObjectType = Literal["detection", "annotation"]

_LABEL = "label"


def write_geojson(
    path: Path,
    labels: Any,
    axes: str,
    described: Described,
    *,
    kind: ObjectType = "detection",
    overwrite: bool = False,
) -> int:
    """Write the outlines of labels for QuPath.

    Parameters
    ----------
    path
        The file to make, ``NAME.geojson``.
    labels, axes
        As of :func:`~src_models.files.exchange.described.each_plane`.
    described
        What is known of the objects.
    kind
        What they become in QuPath: detections, of which it shows a million, or annotations, which can be edited.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    int
        How many features were written: one for each object and plane.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written.
    """
    count = 0
    with atomic_path(path, overwrite=overwrite) as beside, beside.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for plane in each_plane(labels, axes):
            for outline in plane.outlines:
                file.write(",\n" if count else "\n")
                file.write(json.dumps(_feature(outline, plane, described, kind), ensure_ascii=False, allow_nan=False))
                count += 1
        file.write("\n]}\n")
    return count


def read_geojson(path: Path) -> Drawing:
    """Read the areas in a file of QuPath, or another GeoJSON in pixels; lines and points are passed over.

    Raises
    ------
    ImageError
        If it cannot be read, or holds no areas.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ImageError(f"{path}: it cannot be read as GeoJSON ({error}); export it again") from error
    shapes: list[Drawn] = []
    passed = 0
    try:
        for feature in _features(content):
            geometry = feature.get("geometry") or {}
            rings = tuple(_rings(geometry))
            if rings:
                shapes.append(_drawn(feature, geometry, rings))
            else:
                passed += 1
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise ImageError(f"{path}: a feature of it is not as GeoJSON has them ({error}); export it again") from error
    if not shapes:
        raise ImageError(f"{path}: it holds no polygons, and labels are made of them")
    notes = (f"{path}: {passed} of its features are lines, points or empty and were left out",) if passed else ()
    return Drawing(tuple(shapes), None, notes)


def _feature(outline: Outline, plane: Plane, described: Described, kind: ObjectType) -> dict[str, Any]:
    number = outline.number
    properties: dict[str, Any] = {"objectType": kind, "name": described.title(number)}
    if described.kind(number):
        properties["classification"] = {"name": described.kind(number), "color": _colour(described, number)}
    measured = described.measured(number)
    if measured:
        properties["measurements"] = measured
    properties["metadata"] = {_LABEL: str(number)}
    parts = [_closed(polygon) for polygon in outline.polygons]
    geometry: dict[str, Any] = {"type": "Polygon", "coordinates": parts[0]}
    if len(parts) > 1:
        geometry = {"type": "MultiPolygon", "coordinates": parts}
    if plane.t is not None or plane.z is not None:
        geometry["plane"] = {"c": -1, "z": plane.z or 0, "t": plane.t or 0}
    # The same for the same object, so that what is exported again replaces it.
    own = uuid.uuid5(uuid.NAMESPACE_OID, f"{described.image}/{plane.t}/{plane.z}/{number}")
    return {"type": "Feature", "id": str(own), "geometry": geometry, "properties": properties}


def _closed(polygon: Polygon) -> list[list[list[int]]]:
    """Return rings of (x, y), the first corner repeated."""
    return [np.concatenate([ring, ring[:1]])[:, ::-1].tolist() for ring in polygon.rings]


def _colour(described: Described, number: int) -> list[int]:
    """Return a colour for a class: hues apart by the golden angle."""
    import colorsys

    place = described.all_kinds.index(described.kind(number))
    return [round(255 * part) for part in colorsys.hsv_to_rgb(place * 0.381966 % 1, 0.8, 0.9)]


def _features(content: Any) -> Iterator[dict[str, Any]]:
    """Return the features of a collection, of a list of them, or of one, and those inside others."""
    if isinstance(content, list):
        for one in content:
            yield from _features(one)
    elif content.get("type") == "FeatureCollection":
        yield from _features(content["features"])
    elif content.get("type") == "Feature":
        yield content
        yield from _features((content.get("properties") or {}).get("childObjects") or [])
    else:
        yield {"geometry": content}


def _rings(geometry: dict[str, Any]) -> Iterator[NDArray[np.float64]]:
    kind = geometry.get("type")
    if kind == "Polygon":
        for ring in geometry["coordinates"]:
            corners = np.array([corner[:2] for corner in ring], np.float64)
            if len(corners) and not np.isfinite(corners).all():
                raise ValueError("a coordinate is no number")
            if len(corners) > 2:
                yield corners[:, ::-1]
    elif kind == "MultiPolygon":
        for part in geometry["coordinates"]:
            yield from _rings({"type": "Polygon", "coordinates": part})
    elif kind == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from _rings(part)


def _drawn(feature: dict[str, Any], geometry: dict[str, Any], rings: tuple[NDArray[np.float64], ...]) -> Drawn:
    properties = feature.get("properties") or {}
    kind = properties.get("classification") or {}
    named = kind.get("name") or ": ".join(kind.get("names") or ())
    plane = geometry.get("plane") or {}
    z, t = (max(int(plane.get(axis, 0)), 0) for axis in "zt")
    told = str((properties.get("metadata") or {}).get(_LABEL, ""))
    number = int(told) if told.isdecimal() and 0 < int(told) < 2**31 else None
    return Drawn(rings, number, str(properties.get("name") or ""), str(named), z, t)
