"""What is measured: a Labels layer, and the image layer that it lies on, ready for a thread."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medt.viewer.labels.features import NUMBER
from napari_medt.viewer.labels.labels_layers import lies_on
from napari_medt.viewer.layer_notes import is_own_layer, notes_of
from napari_medt.viewer.placement import grid_of, placement
from napari_medt.viewer.reading import full_resolution, read_layer
from src_models.errors import ImageError, UserError
from src_models.images.axes import unit_symbol
from src_models.images.axis_names import axis_letter
from src_models.labels.measurements.measuring import measure_steps
from src_models.labels.measurements.space import PixelSpace

if TYPE_CHECKING:
    import napari.layers

    from src_models.images.axes import AxesReading
    from src_models.labels.measurements.table import Measurements
    from src_models.progress import Progress

__all__ = ["Subject", "axes_of", "images_for", "is_measured", "subject_of"]

_ORDER = "TZYX"
_COLOURS = ("red", "green", "blue")
_MICROSCOPIC = ("Å", "nm", "µm")
_MICROMETRES = 1000.0  # of a millimetre
_PREVIEWS = ("click ", "correction ")
_NAME, _TOLD = "name", ("probability", "class")  # columns of features


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What a run needs: arrays, and no layers, which people paint in meanwhile.

    Parameters
    ----------
    labels
        ([T, ][Z, ]Y, X), of its own.
    image
        The image along the same axes, channels last; None to measure sizes alone.
    axes
        Letters of `labels`.
    layer_axes
        For each of them, which axis of the layer it is.
    space
        Of Z, Y and X.
    channels
        What they are called; None for one.
    reading
        Of the image.
    names
        What numbers are called, by the layer's features.
    told
        Class and probability by number, where the features have them.
    """

    labels: Any
    image: Any
    axes: str
    layer_axes: tuple[int, ...]
    space: PixelSpace
    channels: tuple[str, ...] | None
    reading: AxesReading | None
    names: Mapping[int, str]
    told: Mapping[str, Mapping[int, Any]]

    def steps(self) -> Generator[Progress, None, Measurements]:
        """Measure, in steps."""
        from src_models.images.grey.ct_windows import value_unit

        one = self.image is not None and self.channels is None
        found = yield from measure_steps(
            self.labels,
            self.image,
            space=self.space,
            axes=self.axes,
            channels=self.channels,
            unit=value_unit(self.image, self.reading) if one else "",
            names=self.names,
        )
        for title, values in self.told.items():
            found = found.with_column(title, [values.get(own) for own in found.ids])
        return found

    def position(self, ndim: int, inside: Any) -> list[float]:
        """Return a place in `labels` as one in the layer, of so many axes."""
        place = [0.0] * ndim
        for axis, at in zip(self.layer_axes, inside, strict=True):
            place[axis] = float(at)
        return place


def is_measured(layer: Any) -> bool:
    """Whether a layer is labels that a person may want to be measured."""
    from napari.layers import Labels

    return isinstance(layer, Labels) and not notes_of(layer).role.startswith(_PREVIEWS)


def images_for(labels: napari.layers.Labels, layers: Any) -> list[napari.layers.Image]:
    """Return the image layers that labels lie on, of some layers."""
    from napari.layers import Image

    return [
        layer for layer in layers if isinstance(layer, Image) and not is_own_layer(layer) and _lies_on(labels, layer)
    ]


def axes_of(labels: napari.layers.Labels) -> str:
    """Return the axes of labels by their own names, or by their number."""
    letters = "".join(axis_letter(name) or "" for name in labels.axis_labels)
    named = len(letters) == labels.ndim == len(set(letters)) and {"Y", "X"} <= set(letters) <= set(_ORDER)
    if not named and labels.ndim > len(_ORDER):
        raise ImageError(f"layer {labels.name!r}: it has {labels.ndim} axes and at most four are measured (T, Z, Y, X)")
    return letters if named else _ORDER[-labels.ndim :]


def subject_of(labels: napari.layers.Labels, image: napari.layers.Image | None) -> Subject:
    """Return what is measured, as it is now.

    Raises
    ------
    UserError
        If the axes cannot be read, or labels and image do not lie on each other.
    """
    data, letters = full_resolution(labels), axes_of(labels)
    values, channels, reading = None, None, None
    if image is not None:
        reading = read_layer(image)
        values, channels = _values(image, reading)
        named = reading.axes.replace("C", "")
        if image.ndim == labels.ndim and not image.rgb and "C" in reading.axes:
            letters = reading.axes  # labels of an image with channels along an axis, of which they have one
        elif len(named) == labels.ndim:
            letters = named
        if not _lies_on(labels, image):
            raise ImageError(f"the labels {labels.name!r} do not lie on the layer {image.name!r}; choose another image")
    order = [letters.index(letter) for letter in _ORDER if letter in letters]
    if "Z" in letters and data.shape[letters.index("Z")] == 1:
        order.remove(letters.index("Z"))
    there = tuple(slice(None) if axis in order else 0 for axis in range(len(letters)))
    kept = [axis for axis in range(len(letters)) if axis in order]
    cut = np.array(data[there]) if isinstance(data, np.ndarray) else data[there]
    cut = cut.transpose([kept.index(axis) for axis in order])
    if values is not None and values.ndim > cut.ndim + (channels is not None):
        values = values[(slice(None), 0) if "T" in letters else 0]  # the one slice
    axes = "".join(letters[axis] for axis in order)
    placed = image if image is not None and image.ndim == labels.ndim and _placeless(labels) else labels
    told = {title: column for title in _TOLD if (column := _column(labels, title))}
    space, names = _space(placed, letters, axes), _column(labels, _NAME)
    return Subject(cut, values, axes, tuple(order), space, channels, reading, names, told)


def _values(image: napari.layers.Image, reading: AxesReading) -> tuple[Any, tuple[str, ...] | None]:
    data = full_resolution(image)
    if not hasattr(data, "transpose"):
        import dask.array as da

        data = da.from_array(data)
    order = [reading.axes.index(letter) for letter in _ORDER if letter in reading.axes]
    if "C" not in reading.axes:
        return data.transpose(order), None
    data = data.transpose([*order, reading.axes.index("C")])
    if reading.rgb:
        return data[..., :3], _COLOURS
    return data, tuple(f"channel {place}" for place in range(reading.size("C")))


def _lies_on(labels: napari.layers.Labels, image: napari.layers.Image) -> bool:
    """Whether the pixels of labels are those of an image; of channels along an axis, labels have one or no axis."""
    shape = tuple(full_resolution(labels).shape)
    own = tuple(full_resolution(image).shape)
    if image.rgb:
        own = own[:-1]
    if shape == own:
        return lies_on(labels, placement(image), own) or _placeless(labels)
    try:
        reading = read_layer(image)
    except UserError:
        return False
    if "C" not in reading.axes or image.rgb:
        return False
    at = reading.axes.index("C")
    return shape in (own[:at] + own[at + 1 :], (*own[:at], 1, *own[at + 1 :]))


def _placeless(layer: napari.layers.Labels) -> bool:
    matrix = grid_of(placement(layer), full_resolution(layer).shape).to_world
    return bool(np.array_equal(matrix, np.eye(len(matrix))))


def _space(layer: napari.layers.Layer, letters: str, axes: str) -> PixelSpace:
    """Return the space of the axes that are measured; lengths of the viewer's world, in its units.

    Parameters
    ----------
    layer
        What lies there.
    letters, axes
        All its axes, and those that are measured.
    """
    matrix = grid_of(placement(layer), (1,) * len(letters)).to_world
    world = [letters.index(letter) for letter in "ZYX" if letter in letters]
    within = [letters.index(letter) for letter in axes if letter != "T"]
    linear, origin = matrix[np.ix_(world, within)], matrix[world, -1]
    units = [layer.units[axis] for axis in world]
    if not all(unit.is_compatible_with("mm") for unit in units):
        return PixelSpace.of(linear, origin)
    if unit_symbol(str(units[-1])) in _MICROSCOPIC:
        return PixelSpace.of(linear * _MICROMETRES, origin * _MICROMETRES, "µm")
    return PixelSpace.of(linear, origin, "mm")


def _column(labels: napari.layers.Labels, title: str) -> dict[int, Any]:
    """Return what a column of the features says of each number."""
    features = labels.features
    if NUMBER not in features or title not in features:
        return {}
    pairs = zip(features[NUMBER].tolist(), features[title].tolist(), strict=True)
    return {int(number): value for number, value in pairs if value is not None and value == value}  # NaN is no value
