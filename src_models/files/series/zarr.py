"""The images in a zarr: fields of a plate, series, entries of ``multiscales``, arrays and groups of a plain group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src_models.errors import ImageError
from src_models.files.series.image_series import Found, ImageSeries, numbered

if TYPE_CHECKING:
    import zarr

__all__ = ["zarr_images"]

_Shape = tuple[tuple[int, ...] | None, str]

_LOOKED_AT = 32  # images whose shapes are looked up; of a plate with more, that would take long
_DEEP = 3  # groups in groups that are looked into
_NO_IMAGES = ("labels", "OME", "tables", "shapes", "points")  # what NGFF and SpatialData keep beside images


def zarr_images(path: Path) -> tuple[ImageSeries, ...]:
    """Return the images in a zarr; the place of each is where it lies inside, and which of its ``multiscales``.

    Raises
    ------
    ImageError
        If it cannot be opened or holds no image.
    """
    import zarr

    try:
        node = zarr.open(str(path), mode="r")
        places = [("", "", 0)] if isinstance(node, zarr.Array) else list(_images(node, "", _DEEP))
        many = len(places) > _LOOKED_AT
        shapes = [(None, "") if many else _shape(node, *place[1:]) for place in places]
    except ImageError:
        raise
    except Exception as error:  # zarr meets damaged metadata with KeyError, TypeError, ValueError and its own
        raise ImageError(f"{path}: the zarr cannot be opened ({error}); copy or export it again") from error
    if not places:
        assert isinstance(node, zarr.Group)
        inside = ", ".join(sorted(name for name, _ in node.members())[:8]) or "nothing"
        raise ImageError(f"{path}: it is a zarr group without an image (inside: {inside}); name one that holds images")
    return numbered(
        [
            Found(name, shape, axes, (inside, multiscale))
            for (name, inside, multiscale), (shape, axes) in zip(places, shapes, strict=True)
        ]
    )


def _images(group: zarr.Group, inside: str, deep: int) -> Iterator[tuple[str, str, int]]:
    """Find name, path inside and number in ``multiscales`` of each image below a group."""
    attributes = _ome(group)
    if "plate" in attributes:
        yield from _wells(group, attributes["plate"]["wells"], inside)
    elif "well" in attributes:
        yield from _fields(group, inside)
    elif "bioformats2raw.layout" in attributes:
        yield from _converted(group, inside)
    elif "multiscales" in attributes:
        yield from _multiscales(attributes["multiscales"], inside)
    elif deep:
        yield from _members(group, inside, deep)


def _members(group: zarr.Group, inside: str, deep: int) -> Iterator[tuple[str, str, int]]:
    """Find the images in a group that says nothing of itself."""
    import zarr

    for name, member in sorted(group.members()):
        if isinstance(member, zarr.Array):
            if member.ndim > 1:
                yield name, _joined(inside, name), 0
        elif name not in _NO_IMAGES:
            for found, place, number in _images(member, _joined(inside, name), deep - 1):
                yield _joined(name, found), place, number


def _wells(plate: zarr.Group, wells: list[Mapping[str, Any]], inside: str) -> Iterator[tuple[str, str, int]]:
    for path in (str(well["path"]) for well in wells):
        place = _joined(inside, path)
        if path in plate:
            yield from _fields(plate[path], place)
        else:  # listed and not there: said when it is opened
            yield place, place, 0


def _fields(well: Any, inside: str) -> Iterator[tuple[str, str, int]]:
    for image in _ome(well)["well"]["images"]:
        place = _joined(inside, str(image["path"]))
        yield place, place, 0


def _converted(group: zarr.Group, inside: str) -> Iterator[tuple[str, str, int]]:
    """Find the series that bioformats2raw writes: those listed in the group OME, else 0, 1, ..."""
    members = dict(group.members())
    listed = _ome(members["OME"]).get("series") if "OME" in members else None
    paths = [str(path) for path in listed] if listed else [str(n) for n in range(len(members)) if str(n) in members]
    for path in paths:
        for name, place, number in _images(members.get(path, group[path]), _joined(inside, path), 1):  # type: ignore[arg-type]
            yield name or path, place, number


def _multiscales(entries: list[Mapping[str, Any]], inside: str) -> Iterator[tuple[str, str, int]]:
    """Find the entries of ``multiscales``; those whose finest level is the same array are one image."""
    if not entries:
        raise ValueError("multiscales list no image")
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        finest = str(entry["datasets"][0]["path"])
        if finest not in seen:
            seen.add(finest)
            yield str(entry.get("name") or ""), inside, number


def _shape(node: zarr.Array[Any] | zarr.Group, inside: str, multiscale: int) -> _Shape:
    """Return the stored shape of an image, None if it is not there, and its axes by their first letters."""
    import zarr

    found = node
    if inside and isinstance(node, zarr.Group):
        if inside not in node:
            return None, ""
        found = node[inside]
    if isinstance(found, zarr.Array):
        return tuple(found.shape), ""
    if "multiscales" not in _ome(found):  # a field that is a group of one array: told when it is opened
        return None, ""
    entry = _ome(found)["multiscales"][multiscale]
    array = found[entry["datasets"][0]["path"]]
    axes = [axis["name"] if isinstance(axis, Mapping) else axis for axis in entry.get("axes", "tczyx")]
    return tuple(array.shape), "".join(str(axis)[:1] for axis in axes).upper()  # type: ignore[union-attr]


def _ome(group: Any) -> dict[str, Any]:
    """Return the OME attributes, which version 0.5 moved under a key of their own."""
    attributes = dict(group.attrs)
    nested = attributes.get("ome")
    return nested if isinstance(nested, dict) else attributes


def _joined(*parts: str) -> str:
    return "/".join(filter(None, parts))
