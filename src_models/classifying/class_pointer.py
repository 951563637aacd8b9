"""Where a model of classes looks from one place of an image that it was run on, as the widget Classify shows it.

The same question as :class:`~src_models.probing.pointer.AttentionPointer` answers of networks that say what each pixel
shows. A place belongs to what has a class there: an object, a tile or a plane; the network is asked about the picture
that it saw of that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.attention.map_table import value_at
from src_models.attention.pointed import POINTED, Pointed, View
from src_models.attention.words import view_words
from src_models.errors import UserError
from src_models.models.architectures import attention_names, find_architecture

if TYPE_CHECKING:
    from src_models.classifying.class_probabilities import Classified
    from src_models.classifying.picture_maps import PictureMaps
    from src_models.models.checkpoint import Model

__all__ = ["ClassPointer", "row_at"]

KEPT = 8  # pictures whose attention is kept, a few megabytes each


class ClassPointer:
    """A run of a model of classes that can be asked about any place of what it told the class of.

    Parameters
    ----------
    image
        What was classified: NumPy, dask or zarr array.
    model
        The model of the run.
    found
        What :func:`src_models.classify` returned for it.
    channels
        Those of the image that the run was given, counted from 0; None for all.
    name
        What to call the image in errors.

    Raises
    ------
    UserError
        If the network has no attention that looks.
    """

    def __init__(
        self,
        image: Any,
        model: Model,
        found: Classified,
        *,
        channels: Sequence[int] | None = None,
        name: str = "the image",
    ) -> None:
        from src_models.images.axes import read_axes
        from src_models.images.grey.grey_range import GreyRange
        from src_models.images.model_image import ModelImage

        header, settings = model.header, found.provenance["settings"]
        self._heads = find_architecture(header.architecture).heads(header.config)
        if not self._heads:
            raise UserError(f"the model {header.name!r} has no attention that could be looked at")
        self._names = attention_names(header.architecture, header.config)
        image = image if hasattr(image, "dtype") else np.asarray(image)
        reading = read_axes(image.shape, dtype=image.dtype, axes=settings["axes"], channel=channels, name=name)
        grey = GreyRange.of(settings["grey_range"])
        self._image = ModelImage(image, header, axes=reading, intensity=grey, name=name)
        self._network, self._found = model.network, found
        self._kept: OrderedDict[int, PictureMaps] = OrderedDict()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image without its channels: the extent in which places lie."""
        return self._image.planes.label_shape

    def views(self) -> list[View]:
        """Return the layers that can be asked where they look, finest first."""
        return [View(name, "block", view_words(name, "block"), heads) for name, heads in self._heads.items()]

    def point(self, position: Sequence[float], view: str, *, head: int | None = None) -> Pointed:
        """Return where a layer looks from a place.

        Parameters
        ----------
        position
            Pixel of the image, along its axes without channels.
        view
            Name of one of :meth:`views`.
        head
            One of the layer's heads, from 0; None takes the mean over them.

        Raises
        ------
        UserError
            If there is no such view or head, the place lies outside of the image, or nothing there has a class.
        """
        known = {each.name: each for each in self.views()}
        if view not in known:
            raise UserError(f"there is nothing called {view!r} to look at; choose from {', '.join(known)}")
        size = " x ".join(map(str, self.shape))
        if len(position) != len(self.shape) or not all(
            -0.5 <= at < length - 0.5 for at, length in zip(position, self.shape, strict=True)
        ):
            raise UserError(f"the place {tuple(position)} lies outside of the image, which has {size}")
        axes = self._image.planes.label_axes
        row = row_at(self._found, axes, position)
        at = dict(zip(axes, (float(each) for each in position), strict=True))
        maps, plane = self._maps(row), tuple(self._found.planes[row].tolist())
        looked, (y, x) = maps.look(view, (at["Y"], at["X"]), head)
        from src_models.classifying.pictures.seen import in_image

        description = f"{known[view].title}, from the marked place"
        shown = in_image(replace(looked, name=POINTED, description=description), axes, plane)
        core = {**dict(zip((each for each in axes if each not in "YX"), plane, strict=True)), "Y": y, "X": x}
        pixel = [round(each) for each in position]
        values = {name: value_at(in_image(maps.recorded(name), axes, plane), pixel) for name in self._names}
        return Pointed(shown, tuple(float(core[letter]) for letter in axes), values, known[view])

    def _maps(self, row: int) -> PictureMaps:
        from src_models.classifying.picture_maps import PictureMaps
        from src_models.classifying.pictures.seen import seen_picture

        if row not in self._kept:
            self._kept[row] = PictureMaps(self._network, seen_picture(self._image, self._found, row))
        self._kept.move_to_end(row)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[row]


def row_at(found: Classified, axes: str, position: Sequence[float]) -> int:
    """Return which object, tile or plane lies at a place: of objects whose boxes overlap, that with the nearest middle.

    Parameters
    ----------
    found
        What a model told.
    axes
        Letters of the image's axes without that of channels.
    position
        A pixel along these.

    Raises
    ------
    UserError
        If there is none.
    """
    if len(position) != len(axes):
        raise UserError(
            f"a place of this image has {len(axes)} numbers, for {', '.join(axes)}, and not {len(position)}"
        )
    at = dict(zip(axes, position, strict=True))
    plane = np.array([round(at[letter]) for letter in axes if letter not in "YX"], np.int64)
    top, left, bottom, right = found.boxes.T
    there = (found.planes == plane).all(axis=1)
    there &= (top - 0.5 <= at["Y"]) & (at["Y"] < bottom - 0.5) & (left - 0.5 <= at["X"]) & (at["X"] < right - 0.5)
    rows = np.flatnonzero(there)
    if not len(rows):
        what = {"objects": "object", "tiles": "tile"}.get(found.kind, "plane")
        raise UserError(f"no {what} with a class lies at {', '.join(f'{letter} {at[letter]:g}' for letter in axes)}")
    middles = found.positions[rows][:, [axes.index("Y"), axes.index("X")]]
    return int(rows[np.hypot(*(middles - (at["Y"], at["X"])).T).argmin()])
