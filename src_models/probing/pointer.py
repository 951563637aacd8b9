"""What a network attends to at one place of an image: the same question for every network that has attention.

Of axial and of position attention the answer is where the output at that place looks. Of attention gates it is how
much each gate lets through there. A pointer is made of a run that recorded maps, and follows a person's pointer over
the image. Of a run of a model of classes, :class:`~src_models.classifying.class_pointer.ClassPointer` answers alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.attention.map_table import cell_at, value_at
from src_models.attention.placed_map import PlacedMap
from src_models.attention.pointed import POINTED, Pointed, View
from src_models.attention.words import view_words
from src_models.errors import UserError
from src_models.images.axes import read_axes
from src_models.images.grey.grey_range import GreyRange
from src_models.images.planes import Planes
from src_models.images.resampling import given_zoom
from src_models.models.checkpoint import Model
from src_models.prediction.segmentation import Segmentation
from src_models.probing.look_probe import Heads, PointedMap
from src_models.probing.probes import open_probe
from src_models.probing.tile_probe import BUDGET

__all__ = ["AttentionPointer", "Pointed", "View"]


class AttentionPointer:
    """A run that can be asked about any place of its image.

    Parameters
    ----------
    image
        What was segmented: NumPy, dask or zarr array.
    model
        The model of the run.
    found
        What :func:`src_models.segment` returned for it; its maps are looked at, and its axes, zoom and range of grey
        values are taken over.
    channels
        Those of the image that the run was given, counted from 0; None for all.
    device
        Where networks that look are run again, tile by tile, as places are asked about.
    budget
        Bytes that may be kept of tiles.
    name
        What to call the image in errors.

    Raises
    ------
    UserError
        If the network has no attention, or tells classes, which a
        :class:`~src_models.classifying.class_pointer.ClassPointer` is for.
    """

    def __init__(
        self,
        image: Any,
        model: Model,
        found: Segmentation,
        *,
        channels: Sequence[int] | None = None,
        device: str = "auto",
        budget: int = BUDGET,
        name: str = "the image",
    ) -> None:
        if model.header.use == "classify":
            raise UserError(f"the model {model.header.name!r} tells classes: a ClassPointer is asked where it looks")
        image = image if hasattr(image, "dtype") else np.asarray(image)
        settings = found.provenance["settings"]
        dimensions = model.header.dimensions
        axes = settings["axes"]
        reading = read_axes(
            image.shape, dtype=image.dtype, axes=axes, dimensions=dimensions, channel=channels, name=name
        )
        padding = tuple((low, high) for low, high in settings.get("padding", ()))
        reading = replace(reading, modality=settings.get("modality"), padding=padding)
        self._planes = Planes(reading, dimensions, name)
        self._run = replace(found, labels=None, probabilities=None)  # maps that are large are files, which go with it
        self._probe = open_probe(
            image,
            model,
            axes=reading,
            grey_range=GreyRange.of(settings.get("grey_range")),
            zoom=given_zoom(settings["zoom"]),
            device=device,
            budget=budget,
            name=name,
        )
        if self._probe is None and not self._run.attention:
            raise UserError(f"the model {model.header.name!r} has no attention that could be looked at")
        self._last: tuple[tuple[str, tuple[int, ...]], NDArray[np.float32]] | None = None

    @property
    def maps(self) -> list[PlacedMap]:
        """The recorded maps, finest first."""
        return list(self._run.attention)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the labels: the extent in which places lie."""
        return self._planes.label_shape

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept of tiles."""
        return self._probe.kept_bytes if self._probe else 0

    def set_budget(self, budget: int) -> None:
        """Set the bytes that may be kept of tiles; what does not fit goes at the next question."""
        if self._probe:
            self._probe.budget = budget

    def views(self) -> list[View]:
        """Return the ways to look, the most telling first."""
        if self._probe is None:
            return [View(placed.name, "gate", view_words(placed.name, "gate")) for placed in self._run.attention]
        probe = self._probe
        blocks = [View(name, "block", view_words(name, "block"), probe.heads(name)) for name in probe.blocks]
        rollouts = [View(branch, "rollout", view_words(branch, "rollout")) for branch in probe.branches]
        return [*blocks, *rollouts]

    def point(self, position: Sequence[float], view: str, *, heads: Heads = None) -> Pointed:
        """Return what the network attends to at a place.

        Parameters
        ----------
        position
            Pixel of the image, along the axes of the labels; fractions are rounded to the pixel they lie in.
        view
            Name of one of :meth:`views`.
        heads
            For a block: a head of its attention along the height and one of that along the width; None, for either or
            both, takes the mean over heads.

        Raises
        ------
        UserError
            If the place lies outside of the image, or there is no such view or head.
        """
        where = self._inside(position)
        known = {each.name: each for each in self.views()}
        if view not in known:
            raise UserError(f"there is nothing called {view!r} to look at; choose from {', '.join(known)}")
        plane = tuple(int(where[letter]) for letter in self._planes.leading)
        if self._probe is None:
            shown, query = self._gate(view, where, plane)
        else:
            pixel = (where["Y"], where["X"])
            if known[view].kind == "rollout":
                found = self._probe.rollout(pixel, view, plane=plane)
            else:
                found = self._probe.look(pixel, view, heads=heads, plane=plane)
            shown, query = self._placed(found, known[view], plane), self._in_label_order(found.query, plane)
        pixels = [where[letter] for letter in self._planes.label_axes]
        values = {placed.name: value_at(placed, pixels) for placed in self._run.attention}
        return Pointed(shown, query, values, known[view])

    def _inside(self, position: Sequence[float]) -> dict[str, int]:
        """Return the pixel by axis."""
        pixel = [int(np.floor(place + 0.5)) for place in position]
        if len(pixel) != len(self.shape) or not all(0 <= p < n for p, n in zip(pixel, self.shape, strict=True)):
            size = " x ".join(map(str, self.shape))
            raise UserError(f"the place {tuple(pixel)} lies outside of the image that was looked at, which has {size}")
        return dict(zip(self._planes.label_axes, pixel, strict=True))

    def _gate(self, name: str, where: dict[str, int], plane: tuple[int, ...]) -> tuple[PlacedMap, tuple[float, ...]]:
        """Return one plane of a gate's map; as long as that is asked for again, the same array."""
        placed = next(each for each in self._run.attention if each.name == name)
        axes = self._planes.label_axes
        if self._last is None or self._last[0] != (name, plane):
            leading = self._planes.leading
            index = tuple(
                slice(where[letter], where[letter] + 1) if letter in leading else slice(None) for letter in axes
            )
            self._last = ((name, plane), np.asarray(placed.data[index], np.float32))
        starts = [
            where[letter] if letter in self._planes.leading else t
            for letter, t in zip(axes, placed.translate, strict=True)
        ]
        shown = PlacedMap(
            POINTED,
            placed.kind,
            placed.description,
            placed.level,
            self._last[1],
            placed.scale,
            tuple(map(float, starts)),
        )
        cells = cell_at(placed, [where[letter] for letter in axes])
        return shown, tuple(c * s + t for c, s, t in zip(cells, placed.scale, placed.translate, strict=True))

    def _placed(self, found: PointedMap, view: View, plane: tuple[int, ...]) -> PlacedMap:
        assert self._probe is not None
        axes = self._planes.label_axes
        weights = self._planes.to_label_order(found.weights)
        weights = weights[tuple(np.newaxis if letter in self._planes.leading else slice(None) for letter in axes)]
        return PlacedMap(
            name=POINTED,
            kind=self._probe.kind,
            description=f"{view.kind} {view.name}: where the output at the marked place looks",
            level=1,
            data=weights,
            scale=self._in_label_order(found.scale, (1,) * len(plane)),
            translate=self._in_label_order(found.translate, plane),
        )

    def _in_label_order(self, numbers: Sequence[float], plane: Sequence[float]) -> tuple[float, ...]:
        by_axis = dict(zip(self._planes.spatial, numbers, strict=True))
        by_axis.update(zip(self._planes.leading, plane, strict=True))
        return tuple(float(by_axis[letter]) for letter in self._planes.label_axes)
