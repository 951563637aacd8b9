"""The image layer that is clicked in, as it is viewed: which plane a place in the world is in, and where in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_medt.viewer.layer_notes import notes_of
from napari_medt.viewer.placement import placement
from napari_medt.viewer.reading import full_resolution, read_layer
from napari_medt.viewer.regions import region_in_viewer
from src_models.corrections.correction import Source
from src_models.errors import ImageError
from src_models.images.labels_axes import LabelsAxes
from src_models.images.planes import Plane

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from src_models.images.axes import AxesReading
    from src_models.images.region import Region

__all__ = ["Place", "ViewedImage", "bring_into_view", "target_as_viewed", "target_in_viewer"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an image: the plane, by its position along the axes besides height and width, and px in it."""

    plane: Plane
    y: float
    x: float


@dataclass(frozen=True, slots=True)
class ViewedImage:
    """An image layer as it is viewed in 2D; from the side, other axes are its height and width.

    Parameters
    ----------
    layer
        The layer.
    data
        Its array at full resolution.
    reading
        What its axes mean, as viewed.
    region
        The plane in view.
    """

    layer: napari.layers.Image
    data: Any
    reading: AxesReading
    region: Region

    @property
    def axes(self) -> str:
        """The axes as viewed; an image that is viewed from another side is another one for a network."""
        return self.reading.axes

    @property
    def plane(self) -> Plane:
        """The plane in view."""
        return tuple(cut for letter, cut in zip(self.axes, self.region.index, strict=True) if isinstance(cut, int))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of labels that cover the layer."""
        return self.region.layer_shape

    @property
    def name(self) -> str:
        """What to call the layer in messages."""
        return f"layer {self.layer.name!r}"

    @property
    def source(self) -> Source:
        """What a record keeps of the plane in view."""
        path, reading = self.layer.source.path, self.reading
        return Source(
            layer=self.layer.name,
            file=None if path is None else str(path),
            axes=reading.axes.replace("C", ""),
            plane=self.plane,
            spacing=(float(reading.spacing.get("Y", 1.0)), float(reading.spacing.get("X", 1.0))),
            unit=reading.unit,
            slice_spacing=reading.spacing.get("Z") if reading.unit != "pixel" else None,
            series=notes_of(self.layer).series,
            modality=reading.modality,
            padding=reading.padding,
        )

    @property
    def covering(self) -> LabelsAxes:
        """How labels cover the layer."""
        return LabelsAxes(self.axes[:-1] if self.layer.rgb else self.axes, self.shape)

    @property
    def core(self) -> list[int]:
        """The layer's axes that are height and width in view."""
        return self.covering.core

    def locate(self, world: Sequence[float]) -> Place | None:
        """Return the place in the plane in view; None outside of the image."""
        inside = self.region.locate(self._in_data(world))
        return None if inside is None else Place(self.plane, *inside)

    def corner(self, world: Sequence[float]) -> tuple[float, float]:
        """Return row and column (px), which may lie outside of the image."""
        position = self._in_data(world)
        row, column = (position[axis] for axis in self.core)
        return float(row), float(column)

    def position(self, plane: Plane, y: float, x: float) -> tuple[float, ...]:
        """Return a place as a position in pixels of the layer."""
        return self.covering.position(plane, y, x)

    def index(self, plane: Plane, rows: slice, columns: slice) -> tuple[int | slice, ...]:
        """Return the index of a part of a plane in labels of :attr:`shape`."""
        return self.covering.index(plane, rows, columns)

    def place(self) -> dict[str, Any]:
        """Return the placement of labels of :attr:`shape`: keywords of napari's layers."""
        return placement(self.layer, *self.region.place_canvas())

    def _in_data(self, world: Sequence[float]) -> tuple[float, ...]:
        return tuple(float(at) for at in self.layer.world_to_data(world))


def target_in_viewer(viewer: napari.viewer.Viewer, layer: napari.layers.Image) -> ViewedImage:
    """Return an image layer as it is viewed now.

    Raises
    ------
    ImageError
        If it is viewed in 3D, is hidden, or has no axes that can be read.
    """
    if viewer.dims.ndisplay != 2:
        raise ImageError("clicks need a flat view: press the 2D/3D button below the layer list first")
    if not layer.visible:
        raise ImageError(f"layer {layer.name!r} is hidden: click its eye in the layer list to see what you click on")
    return target_as_viewed(viewer, layer)


def target_as_viewed(viewer: napari.viewer.Viewer, layer: napari.layers.Image) -> ViewedImage:
    """Return an image layer as it is viewed now, hidden or not.

    Raises
    ------
    ImageError
        If it is viewed in 3D, or has no axes that can be read.
    """
    if viewer.dims.ndisplay != 2:
        raise ImageError("this needs a flat view: press the 2D/3D button below the layer list first")
    reading = read_layer(layer)
    region = region_in_viewer(viewer, layer, reading, 2, "plane")
    if "".join(region.letters) != reading.axes:
        reading = read_layer(layer, _axes_as_viewed(region, reading.axes))
    return ViewedImage(layer, full_resolution(layer), reading, region)


def bring_into_view(viewer: napari.viewer.Viewer, layer: napari.layers.Layer, position: Sequence[float]) -> None:
    """Move the sliders and the middle of the view to a place in a layer; how near it is seen stays.

    Parameters
    ----------
    viewer
        The viewer.
    layer
        One of its layers.
    position
        The place, in pixels of the layer.
    """
    world = layer.data_to_world(position)
    dims, missing = viewer.dims, viewer.dims.ndim - layer.ndim
    for axis in range(layer.ndim):
        if axis + missing not in dims.displayed:
            dims.set_point(axis + missing, world[axis])
    viewer.scene.camera.center = tuple(world[axis - missing] for axis in dims.displayed)


def _axes_as_viewed(region: Region, axes: str) -> str:
    """Return the axes with those in view as height and width, and every letter once."""
    core = [isinstance(cut, slice) and letter != "C" for letter, cut in zip(region.letters, region.index, strict=True)]
    spare = [letter for letter in "ZT" if letter not in _others(axes, core)]
    named = ""
    for viewed, letter, original in zip(core, region.letters, axes, strict=True):
        if viewed or original not in "YX":
            named += letter if viewed else original
        else:
            named += spare.pop(0)
    return named


def _others(axes: str, core: Sequence[bool]) -> str:
    return "".join(letter for letter, viewed in zip(axes, core, strict=True) if not viewed and letter not in "YX")
