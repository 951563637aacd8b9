"""A volume with its labels and attention maps in 3D, seen as a person stands before the patient; and back to 2D.

Labels show as surfaces, attention as a cloud through which they are seen, and the image faintly behind both, so that no
layer hides another. Where layers lie is left alone: scale, translation and affine, an oblique one too, count in 3D as
they are. What is changed for it (which layers are seen, how opaque they are, how the camera stands) is as it was when
2D comes back, but for what a person has changed meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from napari_medt.viewer.layer_notes import notes_of, own_notes
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

__all__ = ["has_depth", "show_in_2d", "show_in_3d", "switch_3d"]

_MAPS = ("attention", "kept", "difference")
# Blending without depth: what lies within or behind a surface is seen through it, whatever is drawn first.
_SURFACES = {"rendering": "iso_categorical", "opacity": 0.6, "blending": "translucent"}
# Of the largest along the line of sight: the colours are those of the colour bar.
_CLOUD = {"rendering": "mip", "opacity": 0.6, "blending": "translucent_no_depth"}
_BACKDROP = {"rendering": "mip", "opacity": 0.25, "blending": "translucent_no_depth"}
_MOST_READ = 2**26  # voxels of a scan on disk: the window would wait while more are read
_FRONT, _HEAD_UP = (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)  # (z, y, x): looking to the back, the head up
_UNMIRRORED = ("away", "down", "right")


@dataclass
class _Flat:
    """What was seen in 2D."""

    point: tuple[float, ...]
    order: tuple[int, ...]
    orientation: tuple[Any, ...]
    center: tuple[float, ...]
    zoom: float
    looks: WeakKeyDictionary[Any, dict[str, tuple[Any, Any]]] = field(default_factory=WeakKeyDictionary)

    def change(self, layer: Any, **look: Any) -> None:
        """Give a layer another look, and keep that which it had."""
        had = self.looks.setdefault(layer, {})
        for name, value in look.items():
            before = getattr(layer, name)
            setattr(layer, name, value)
            had[name] = (had[name][0] if name in had else before, getattr(layer, name))

    def restore_looks(self, layers: Any) -> None:
        """Give layers back what they looked like, where nobody has changed that since."""
        for layer in layers:
            for name, (before, made) in self.looks.get(layer, {}).items():
                if getattr(layer, name) == made:
                    setattr(layer, name, before)


_flat: dict[int, tuple[ref[Any], _Flat]] = {}


def switch_3d() -> None:
    """Show the window's volume in 3D, or the slice again that was seen before: a command of the palette and the menu.

    Raises
    ------
    UserError
        If there is no window, or no volume in it.
    """
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is None:
        raise UserError("There is no window to show a volume in: open napari first.")
    if viewer.dims.ndisplay == 3:
        show_in_2d(viewer)
    else:
        show_in_3d(viewer)


def has_depth(layer: napari.layers.Layer) -> bool:
    """Whether a layer has three axes in space, each with more than one pixel."""
    shape = layer.data.shapes[0] if getattr(layer, "multiscale", False) else layer.data.shape
    return layer.ndim >= 3 and not getattr(layer, "rgb", False) and all(size > 1 for size in shape[-3:])


def show_in_3d(viewer: napari.viewer.Viewer, image: napari.layers.Image | None = None) -> None:
    """Show a volume in 3D, with its labels and its attention.

    Labels and maps that are seen stay so. Of those that are hidden, the newest labels and the topmost map of the image
    are shown where none are seen. A large scan that is read from disk stays hidden behind them.

    Parameters
    ----------
    viewer
        The viewer.
    image
        The volume; None takes the image of the active layer, else the topmost one with a depth.

    Raises
    ------
    UserError
        If there is none.
    """
    from napari.layers import Image, Labels

    viewer = _unwrapped(viewer)
    image = _image(viewer) if image is None else _unwrapped(image)
    if image is None or not has_depth(image):
        raise UserError("There is no volume to show in 3D: open a scan or a stack of several slices first.")
    camera, dims = viewer.scene.camera, viewer.dims
    flat = _Flat(dims.point, dims.order, camera.orientation, camera.center, camera.zoom)
    kept = own_notes(image, "").image
    labels = [one for one in viewer.layers if isinstance(one, Labels) and has_depth(one)]
    maps = [one for one in viewer.layers if isinstance(one, Image) and _is_map(one, kept) and has_depth(one)]
    for group in (labels, maps):
        if not any(one.visible for one in group):
            own = [one for one in group if notes_of(one).image == kept]
            for one in own[-1:]:
                flat.change(one, visible=True)
    for layer in viewer.layers:
        if layer in labels:
            flat.change(layer, **_SURFACES)
        elif layer in maps:
            flat.change(layer, **_CLOUD)
        elif isinstance(layer, Image) and has_depth(layer):
            flat.change(layer, **_BACKDROP)
            if not isinstance(layer.data, np.ndarray) and layer.data.size > _MOST_READ:
                flat.change(layer, visible=False)
    dims.order = tuple(range(dims.ndim))
    dims.ndisplay = 3
    camera.orientation = _UNMIRRORED
    camera.set_view_direction(_FRONT, _HEAD_UP)
    viewer.fit_to_view(layers=[image])
    _flat[id(dims)] = (ref(viewer), flat)
    dims.events.ndisplay.connect(_on_flat, position="last")  # after napari's own: its button leads back, too


def show_in_2d(viewer: napari.viewer.Viewer) -> None:
    """Show the slice again that was seen before 3D was."""
    _unwrapped(viewer).dims.ndisplay = 2


def _on_flat(event: Any) -> None:
    dims = event.source
    if dims.ndisplay != 2:
        return
    dims.events.ndisplay.disconnect(_on_flat)
    whose, flat = _flat.pop(id(dims), (None, None))
    viewer = None if whose is None else whose()
    if flat is None or viewer is None or viewer.dims is not dims:
        return
    flat.restore_looks(viewer.layers)
    camera = viewer.scene.camera
    camera.orientation = flat.orientation
    if len(flat.order) != dims.ndim:
        return

    def look(_: Any = None) -> None:
        camera.center, camera.zoom = flat.center, flat.zoom
        dims.events.order.disconnect(look)

    dims.events.order.connect(look, position="last")  # on which napari fits the view, once this event is over
    turned = dims.order != flat.order
    dims.order, dims.point = flat.order, flat.point
    if not turned:
        look()


def _unwrapped(public: Any) -> Any:
    """Return what napari hands to plugins behind a proxy, which is another object each time."""
    return getattr(public, "__wrapped__", public)


def _is_map(layer: napari.layers.Layer, image: str | None) -> bool:
    notes = notes_of(layer)
    return notes.role in _MAPS and notes.image == image


def _image(viewer: napari.viewer.Viewer) -> Any:
    """Return the volume that a person looks at: the active layer's, else the topmost that no other was made from."""
    from napari.layers import Image

    volumes = [one for one in viewer.layers if isinstance(one, Image) and has_depth(one) and not notes_of(one).image]
    active = viewer.layers.selection.active
    if active is not None:
        of_active = notes_of(active).image or str(active.unique_id)
        found = [one for one in volumes if str(one.unique_id) == of_active]
        volumes = found or volumes
    return volumes[-1] if volumes else None
