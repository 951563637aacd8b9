"""COCO JSON: objects by polygons, and those with holes by runs of pixels (RLE), as pycocotools reads both.

The format is that of the data set COCO (https://cocodataset.org/#format-data): images, categories, and annotations with
a segmentation, an area (pixels), a box (x, y, width, height) and a category. Polygons cannot have holes there, so an
object with holes is an uncompressed RLE: lengths of runs outside and inside by turns, down each column. A plane of a
stack is an image of its own, with ``z`` and ``t`` (from 0) besides what COCO has.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path
from src_models.errors import ImageError
from src_models.files.exchange.described import Described, each_plane
from src_models.files.exchange.outlines import Outline
from src_models.files.exchange.painting import Drawing, Drawn, filled

__all__ = ["is_coco", "read_coco", "write_coco"]

_LABEL = "label"
_KIND = "object"  # where there are no classes


def write_coco(path: Path, labels: Any, axes: str, described: Described, *, overwrite: bool = False) -> int:
    """Write labels as COCO JSON.

    Parameters
    ----------
    path
        The file to make, ``NAME.json``.
    labels, axes
        As of :func:`~src_models.files.exchange.described.each_plane`.
    described
        What is known of the objects.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    int
        How many annotations were written: one for each object and plane.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written.
    """
    kinds = described.all_kinds
    categories = {kind: number for number, kind in enumerate(kinds, start=1)}
    images: list[dict[str, Any]] = []
    count = 0
    with atomic_path(path, overwrite=overwrite) as beside, beside.open("w", encoding="utf-8") as file:
        file.write('{"annotations": [')
        for plane in each_plane(labels, axes):
            image = {
                "id": len(images) + 1,
                "file_name": described.image,
                "height": plane.size[0],
                "width": plane.size[1],
            }
            images.append(
                image | {axis: place for axis, place in (("z", plane.z), ("t", plane.t)) if place is not None}
            )
            for outline in plane.outlines:
                count += 1
                category = categories.get(described.kind(outline.number), len(kinds) + 1)
                noted = {
                    "id": count,
                    "image_id": len(images),
                    "category_id": category,
                    **_annotation(outline, plane.size),
                }
                file.write(("," if count > 1 else "") + "\n" + json.dumps(noted))
        named = [*categories.items(), (_KIND, len(kinds) + 1)]
        listed = [{"id": number, "name": kind, "supercategory": ""} for kind, number in named]
        rest = {"images": images, "categories": listed, "licenses": [], "info": {"description": described.image}}
        file.write("\n],\n" + json.dumps(rest, ensure_ascii=False)[1:] + "\n")
    return count


def is_coco(content: Any) -> bool:
    """Tell whether what a JSON file holds is COCO."""
    return isinstance(content, dict) and all(isinstance(content.get(key), list) for key in ("images", "annotations"))


def read_coco(path: Path, image: str = "") -> Drawing:
    """Read the objects of an image in a COCO JSON.

    Parameters
    ----------
    path
        The file.
    image
        Name of the image without its ending, where the file is of several.

    Raises
    ------
    ImageError
        If the file cannot be read, is no COCO, or holds no such image.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ImageError(f"{path}: it cannot be read as JSON ({error}); export it again") from error
    if not is_coco(content):
        raise ImageError(
            f"{path}: it is no COCO JSON (images, annotations, categories), which is the JSON that is read"
        )
    try:
        return _drawing(content, path, image)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise ImageError(f"{path}: it is not as COCO has it ({error!r}); export it again") from error


def _annotation(outline: Outline, size: tuple[int, int]) -> dict[str, Any]:
    top, left, bottom, right = outline.box
    segmentation: Any = [polygon.exterior[:, ::-1].ravel().tolist() for polygon in outline.polygons]
    if outline.has_holes:
        segmentation = {"size": list(size), "counts": _runs(outline, size)}
    return {
        "segmentation": segmentation,
        "area": outline.area,
        "bbox": [left, top, right - left, bottom - top],
        "iscrowd": 0,
        _LABEL: outline.number,
    }


def _runs(outline: Outline, size: tuple[int, int]) -> list[int]:
    """Return lengths of runs of pixels outside and inside by turns, down the columns; the first is outside."""
    mask, (rows, columns) = filled(outline.rings, size)
    across, down = np.nonzero(mask.T)
    places = (across + columns.start) * size[0] + down + rows.start
    breaks = np.flatnonzero(np.diff(places) > 1)
    first = places[np.concatenate([[0], breaks + 1])]
    past = places[np.concatenate([breaks, [len(places) - 1]])] + 1
    turns = np.concatenate([[0], np.stack([first, past], axis=1).ravel(), [size[0] * size[1]]])
    lengths: list[int] = np.diff(turns).tolist()
    return lengths if lengths[-1] else lengths[:-1]


def _drawing(content: Mapping[str, Any], path: Path, image: str) -> Drawing:
    chosen = _chosen(content["images"], path, image)
    kinds = {one["id"]: str(one["name"]) for one in content.get("categories") or ()}
    if set(kinds.values()) == {_KIND}:
        kinds = {}
    sizes = {(int(one["height"]), int(one["width"])) for one in chosen.values()}
    if len(sizes) > 1:
        raise ImageError(f"{path}: the planes of its image have different sizes, and labels are one array")
    shapes = [
        drawn
        for order, noted in enumerate(content["annotations"])
        if noted["image_id"] in chosen
        for drawn in _drawn(noted, order, chosen[noted["image_id"]], kinds)
    ]
    return Drawing(tuple(_by_order(shapes)), sizes.pop())


def _chosen(images: list[dict[str, Any]], path: Path, image: str) -> dict[int, dict[str, Any]]:
    """Return the planes of one image, by their id."""
    names = list(dict.fromkeys(str(one["file_name"]) for one in images))
    if not names:
        raise ImageError(f"{path}: it lists no image")
    fitting = names
    if len(names) > 1:
        fitting = [name for name in names if Path(name).stem.split(".")[0] == image.split(".")[0]]
        if len(fitting) != 1:
            some = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
            raise ImageError(
                f"{path}: it is of {len(names)} images ({some}) and none is called {image!r}; name the image"
            )
    return {one["id"]: one for one in images if str(one["file_name"]) == fitting[0]}


def _drawn(noted: dict[str, Any], order: int, plane: dict[str, Any], kinds: Mapping[int, str]) -> Iterator[Drawn]:
    """Return the parts of an annotation; they are of one number, which is a negative one where the file tells none."""
    number = noted.get(_LABEL)
    own = number if isinstance(number, int) and 0 < number < 2**31 else -order - 1
    kind, z, t = kinds.get(noted["category_id"], ""), plane.get("z"), plane.get("t")
    for rings in _parts(noted["segmentation"], int(plane["height"]), int(plane["width"])):
        yield Drawn(rings, own, "", "" if kind == _KIND else kind, z, t)


def _by_order(shapes: list[Drawn]) -> Iterator[Drawn]:
    """Give numbers to annotations that have none, after those that have one."""
    from dataclasses import replace

    highest = max((each.number or 0 for each in shapes), default=0)
    fresh = itertools.count(max(highest, 0) + 1)
    given: dict[int, int] = {}
    for each in shapes:
        assert each.number is not None
        if each.number < 0 and each.number not in given:
            given[each.number] = next(fresh)
        yield replace(each, number=given.get(each.number, each.number))


def _parts(segmentation: Any, height: int, width: int) -> Iterator[tuple[NDArray[np.float64], ...]]:
    """Return the polygons of an annotation, (y, x), each of one ring; of runs, the runs of each column."""
    if isinstance(segmentation, list):
        for polygon in segmentation:
            corners = np.asarray(polygon, np.float64).reshape(-1, 2)
            if not np.isfinite(corners).all():
                raise ValueError("a coordinate is no number")
            if len(corners) > 2:
                yield (corners[:, ::-1],)
        return
    counts = segmentation["counts"]
    lengths = np.array(_unpacked(counts) if isinstance(counts, str) else counts, np.int64)
    ends = np.cumsum(lengths)
    if (lengths < 0).any() or ends[-1] > height * width or tuple(segmentation["size"]) != (height, width):
        raise ValueError("its runs of pixels do not fit the image")
    rings: list[NDArray[np.float64]] = []
    for first, past in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=False):
        rings += _boxes(first, past, height)
    if rings:
        yield tuple(rings)


def _boxes(first: int, past: int, height: int) -> Iterator[NDArray[np.float64]]:
    """Return a run down the columns as boxes: a part of a column, whole columns, and a part of a column."""
    while first < past:
        column, row = divmod(first, height)
        whole = (past - first) // height if row == 0 else 0
        columns = max(whole, 1)
        last = height if whole else min(height, row + past - first)
        yield np.array([(row, column), (row, column + columns), (last, column + columns), (last, column)], np.float64)
        first += columns * height if whole else last - row


def _unpacked(text: str) -> list[int]:
    """Return the lengths that pycocotools' compressed RLE holds: 5 bits a character, the third on as differences."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    return counts
