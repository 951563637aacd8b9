"""Labels in an OME-Zarr image, at ``image.zarr/labels/NAME``, as NGFF 0.4 and 0.5 want them ("image-label").

They have the levels of the image, each with its own transformations: whoever reads them finds each on the pixels
that it belongs to. Coarser levels take the number at the place of each pixel; numbers are never mixed.
"""

from __future__ import annotations

import itertools
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path, check_new, output_error
from src_models.errors import ImageError, OutputError
from src_models.files.ngff.grid import Grid, letters_of, named_axes
from src_models.files.zarr import ZarrNode, is_zarr, ome_attributes, open_zarr, read_zarr

if TYPE_CHECKING:
    import zarr

__all__ = ["are_labels", "check_labels", "labels_inside", "labels_path", "write_labels_into"]

_FOLDER = "labels"
_HALF = 0.5 - 1e-6  # between two pixels, the first
_UP = 4  # a plate holds rows, which hold columns, which hold fields


def are_labels(path: Path) -> bool:
    """Tell whether a zarr says that its numbers are labels.

    Raises
    ------
    ImageError
        If it is damaged.
    """
    return "image-label" in open_zarr(path, placed=False).attributes


def labels_inside(image: Path) -> list[Path]:
    """Return the labels in an OME-Zarr image, in the order in which it lists them; nothing for other zarrs.

    Raises
    ------
    ImageError
        If the image is damaged.
    """
    import zarr

    node = open_zarr(image, placed=False)
    if node.group is None:
        return []
    folder = node.path / _FOLDER
    labels = zarr.open(str(folder), mode="r") if is_zarr(folder) else None
    if not isinstance(labels, zarr.Group):
        return []
    return [folder / name for name in _listed(labels) if is_zarr(folder / name)]


def labels_path(image: Path, name: str) -> Path:
    """Return where labels of this name lie in an OME-Zarr image; what a name cannot have becomes an underscore.

    Raises
    ------
    OutputError
        If it is no OME-Zarr image that labels can be written into.
    """
    return _image(image).path / _FOLDER / (re.sub(r"[^\w.+-]+", "_", name).strip("_.") or _FOLDER)


def check_labels(image: Path, name: str, *, overwrite: bool = False) -> None:
    """Refuse before the work what could not be written after it.

    Raises
    ------
    OutputError
        If it is no OME-Zarr image, or has labels of this name that may not be replaced.
    """
    check_new(labels_path(image, name), overwrite=overwrite)


def write_labels_into(image: Path, name: str, labels: Any, *, overwrite: bool = False) -> Path:
    """Write labels into an OME-Zarr image, whole or not at all.

    Parameters
    ----------
    image
        The image's folder.
    name
        What to call them.
    labels
        Integers that are not negative, as the image is read (:func:`src_models.files.images.read_image`) less its
        channels; NumPy, dask or zarr, which is read chunk by chunk.
    overwrite
        Whether labels of this name may be replaced.

    Returns
    -------
    Path
        The folder that was made.

    Raises
    ------
    OutputError
        If there are labels of this name that may not be replaced, the image is no OME-Zarr that labels can be written
        into, or the disk refuses.
    ValueError
        If the labels are none of the image.
    """
    import zarr

    node = _image(image)
    target = labels_path(image, name)
    stored, letters = _as_stored(labels, node)
    parent = target.parent
    try:
        with atomic_path(target, overwrite=overwrite) as beside:
            group = zarr.open_group(str(beside), mode="w", zarr_format=_zarr_format(node))
            for level, (array, grid) in enumerate(zip(node.levels, node.grids, strict=True)):
                _write_level(group, str(level), stored, node, array, grid)
            group.attrs.update(_attributes(node, target.name, letters))
        _list(parent, target.name, _zarr_format(node), node)
        _consolidate(node.path)
    except OSError as error:
        raise output_error(target, error) from error
    finally:
        with suppress(OSError):
            parent.rmdir()  # nothing was written: only an empty folder goes
    return target


def _image(image: Path) -> ZarrNode:
    """Return an image that labels can be written into."""
    try:
        node = open_zarr(image)
    except ImageError as error:
        raise OutputError(f"labels cannot be written into it: {error}") from error
    if node.group is None:
        raise OutputError(f"{image}: it is no OME-Zarr image, so labels have no place in it; write them as a file")
    if not _multiscale(node).get("axes"):
        raise OutputError(
            f"{image}: its OME-Zarr is of a version that does not name axes, and labels could not either; convert it "
            "to version 0.4 or 0.5, or write the labels as a file"
        )
    return node


def _multiscale(node: ZarrNode) -> dict[str, Any]:
    return dict(node.attributes["multiscales"][0])


def _zarr_format(node: ZarrNode) -> Any:
    assert node.group is not None
    return node.group.metadata.zarr_format


def _kept(node: ZarrNode) -> list[int]:
    """Return the axes of an image that its labels have."""
    letters = letters_of(named_axes(_multiscale(node)))
    return [axis for axis, letter in enumerate(letters) if letter != "C"]


def _as_stored(labels: Any, node: ZarrNode) -> tuple[_Stored, list[int]]:
    """Return labels with the axes of length 1 that the image has and its reading leaves out."""
    _, reading = read_zarr(node.path)
    wanted = reading.without_channels()
    if tuple(labels.shape) != wanted.shape or np.dtype(labels.dtype).kind not in "biu":
        raise ValueError(f"labels of shape {tuple(labels.shape)} and type {labels.dtype} are none of {wanted.shape}")
    kept = _kept(node)
    letters = letters_of(named_axes(_multiscale(node)))
    return _Stored(labels, [letters[axis] in wanted.axes for axis in kept]), kept


class _Stored:
    """Labels that are read with axes of length 1 which they do not have."""

    def __init__(self, labels: Any, has: Sequence[bool]) -> None:
        self.labels, self.has = labels, has
        integers = np.dtype(np.uint8) if labels.dtype == bool else np.dtype(labels.dtype)
        if isinstance(labels, np.ndarray):  # else it would have to be read twice
            lowest, highest = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
            if lowest < 0:
                raise ValueError("labels are not negative")
            integers = np.min_scalar_type(highest)
        self.dtype = integers
        sizes = iter(labels.shape)
        self.shape = tuple(int(next(sizes)) if has else 1 for has in self.has)

    def take(self, places: Sequence[NDArray[np.intp]]) -> NDArray[Any]:
        """Return the numbers at places along each axis."""
        own = [place for place, has in zip(places, self.has, strict=True) if has]
        first = [int(place.min()) for place in own]
        region = tuple(slice(low, int(place.max()) + 1) for low, place in zip(first, own, strict=True))
        part = np.asarray(self.labels[region]).astype(self.dtype)
        part = part[np.ix_(*(place - low for low, place in zip(first, own, strict=True)))]
        return part.reshape([len(place) if has else 1 for place, has in zip(places, self.has, strict=True)])


def _write_level(
    group: zarr.Group, path: str, stored: _Stored, node: ZarrNode, image: zarr.Array[Any], grid: Grid | None
) -> None:
    """Write the level of labels that lies on a level of the image, chunk by chunk."""
    finest, kept = node.grids[0], _kept(node)
    assert grid is not None
    assert finest is not None
    shape, chunks = ([numbers[axis] for axis in kept] for numbers in (image.shape, image.chunks))
    version_2 = {"chunk_key_encoding": {"name": "v2", "separator": "/"}}
    version_3 = {"dimension_names": [_axis_name(axis) for axis in _axes(node, kept)]}
    array = group.create_array(
        path,
        shape=tuple(shape),
        chunks=tuple(min(size, chunk) for size, chunk in zip(shape, chunks, strict=True)),
        dtype=stored.dtype,
        **(version_2 if _zarr_format(node) == 2 else version_3),
    )
    places = [
        _nearest(size, grid.starts[axis], grid.steps[axis], finest.starts[axis], finest.steps[axis], length)
        for axis, size, length in zip(kept, shape, stored.shape, strict=True)
    ]
    for region in _regions(array):
        array[region] = stored.take([place[part] for place, part in zip(places, region, strict=True)])


def _nearest(size: int, start: float, step: float, finest_start: float, finest_step: float, length: int) -> Any:
    """Return for each pixel of a level along an axis which of the finest level lies at its centre."""
    places = start + step * np.arange(size)
    found = np.floor((places - finest_start) / finest_step + _HALF).astype(np.intp)
    return np.clip(found, 0, length - 1)


def _regions(array: zarr.Array[Any]) -> Iterator[tuple[slice, ...]]:
    along = [range(0, size, chunk) for size, chunk in zip(array.shape, array.chunks, strict=True)]
    for corner in itertools.product(*along):
        yield tuple(slice(start, start + chunk) for start, chunk in zip(corner, array.chunks, strict=True))


def _axes(node: ZarrNode, kept: Sequence[int]) -> list[Any]:
    axes = _multiscale(node)["axes"]
    return [axes[axis] for axis in kept]


def _axis_name(axis: Any) -> str:
    return str(axis["name"] if isinstance(axis, Mapping) else axis)


def _attributes(node: ZarrNode, name: str, kept: Sequence[int]) -> dict[str, Any]:
    """Return the attributes of labels: the image's own axes and transformations, less those of its channels."""
    multiscale = _multiscale(node)
    levels = [{"path": str(n), **_placed(dataset, kept)} for n, dataset in enumerate(multiscale["datasets"])]
    described = {"name": name, "axes": _axes(node, kept), "datasets": levels, **_placed(multiscale, kept)}
    image_label: dict[str, Any] = {"source": {"image": "../../"}}
    if _zarr_format(node) == 3:
        version = node.attributes.get("version", "0.5")
        return {"ome": {"version": version, "multiscales": [described], "image-label": image_label}}
    version = multiscale.get("version", "0.4")
    return {
        "multiscales": [{"version": version, **described}],
        "image-label": {"version": version, **image_label},
    }


def _placed(part: Mapping[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """Return the transformations of a level or an image along some of its axes."""
    given = part.get("coordinateTransformations")
    if not given:
        return {}
    less = [
        {**one, **{kind: [one[kind][axis] for axis in kept] for kind in ("scale", "translation") if kind in one}}
        for one in given
    ]
    return {"coordinateTransformations": less}


def _listed(labels: zarr.Group) -> list[str]:
    """Return the names of labels that a group lists, and those it has without listing them."""
    listed = [str(name) for name in ome_attributes(labels).get("labels") or ()]
    others = sorted(name for name, group in labels.groups() if "image-label" in ome_attributes(group))
    return list(dict.fromkeys([*listed, *others]))


def _list(folder: Path, name: str, zarr_format: Any, node: ZarrNode) -> None:
    """Add a name to the list of an image's labels."""
    import zarr

    group = zarr.open_group(str(folder), mode="a", zarr_format=zarr_format)
    names = list(dict.fromkeys([*_listed(group), name]))
    if zarr_format == 3:
        earlier = group.attrs.get("ome")
        kept = dict(earlier) if isinstance(earlier, Mapping) else {"version": node.attributes.get("version", "0.5")}
        group.attrs["ome"] = {**kept, "labels": names}
    else:
        group.attrs["labels"] = names


def _consolidate(image: Path) -> None:
    """Bring metadata up to date that an image, or the plate around it, keeps of all that is in it at one place."""
    import zarr

    for folder in (image, *list(image.absolute().parents)[:_UP]):
        if not is_zarr(folder):
            return
        if _keeps_all_metadata(folder):
            with warnings.catch_warnings():  # of format 3, which does not have this yet, though zarr does
                warnings.simplefilter("ignore")
                zarr.consolidate_metadata(str(folder))


def _keeps_all_metadata(folder: Path) -> bool:
    if (folder / ".zmetadata").is_file():
        return True
    described = folder / "zarr.json"
    return described.is_file() and bool(json.loads(described.read_text(encoding="utf-8")).get("consolidated_metadata"))
