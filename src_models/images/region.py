"""Which part of an image is worked on, and where what comes out of it lies in the whole.

Examples
--------
>>> region = Region(letters="ZYX", index=(3, slice(0, 8), slice(4, 8)), shape=(5, 8, 8), rgb=False)
>>> region.sub_axes, region.layer_shape
('YX', (5, 8, 8))
>>> region.place(scale=(2.0, 2.0), translate=(0.5, 0.5))
((1.0, 2.0, 2.0), (3.0, 0.5, 4.5))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.images.axes import AxesReading, read_axes

__all__ = ["Region"]


@dataclass(frozen=True, slots=True)
class Region:
    """A box of a layer's array.

    Parameters
    ----------
    letters
        What each array axis is to the network ("TZCYX"), in order.
    index
        Per array axis a position (that axis is gone in what the network gets) or a slice with start and stop.
    shape
        Shape of the whole array.
    rgb
        Whether the last axis holds the colours of an RGB layer, which is no axis of the layer.
    chosen
        The channels that a person chose, of the array's, in the order in which a network gets them; None for all that
        lie in the box.
    modality, padding
        What the file says of the whole; see :class:`~src_models.images.axes.AxesReading`.
    spacing, unit
        Physical size of a pixel along each array axis (whatever stands for channels or time), and its unit; None where
        it is not known.
    slices
        Of a plane for a network of slices: which of those around it the network sees, counted from it. The cut-out then
        has an axis of channels more, the first, along which they lie.
    """

    letters: str
    index: tuple[int | slice, ...]
    shape: tuple[int, ...]
    rgb: bool
    chosen: tuple[int, ...] | None = None
    modality: str | None = None
    padding: tuple[tuple[float, float], ...] = ()
    spacing: tuple[float, ...] | None = None
    unit: str = "pixel"
    slices: tuple[int, ...] = ()

    @property
    def sub_axes(self) -> str:
        """Axes of the cut-out array."""
        axes = "".join(letter for letter, cut in zip(self.letters, self.index, strict=True) if isinstance(cut, slice))
        return axes if self._across is None else f"C{axes}"

    @property
    def _across(self) -> int | None:
        """The array axis along which slices around the plane are cut out; None where none are."""
        axes = enumerate(zip(self.letters, self.index, strict=True))
        across = [axis for axis, (letter, cut) in axes if letter in "ZYX" and isinstance(cut, int)]
        return across[0] if len(self.slices) > 1 and "C" not in self.letters and len(across) == 1 else None

    def sub_reading(self, cut: Any, name: str = "the image") -> AxesReading:
        """Return how the cut-out array is read: its axes, the size of its pixels, and what the file says of its values.

        Parameters
        ----------
        cut
            What :meth:`cut` returned.
        name
            What to call the image in errors.

        Raises
        ------
        ImageError
            As :func:`~src_models.images.axes.read_axes` does.
        """
        axes = zip(self.letters, self.index, self.spacing or (1.0,) * len(self.letters), strict=True)
        sizes = {letter: size for letter, cut_at, size in axes if isinstance(cut_at, slice)}
        reading = read_axes(cut.shape, dtype=cut.dtype, axes=self.sub_axes, spacing=sizes, unit=self.unit, name=name)
        if self._across is not None:
            reading = reading.with_channel(self.sub_chosen, name)
        return replace(reading, modality=self.modality, padding=self.padding)

    def around(self, slices: Sequence[int]) -> Region:
        """Return the same box for a network that sees these slices around a plane, counted from it."""
        return replace(self, slices=tuple(slices))

    @property
    def whole(self) -> bool:
        """Whether this is all of the image, be it of one channel alone."""
        return _all(self.without_channels())

    @property
    def whole_space(self) -> bool:
        """Whether height, width and depth are all in it, be it of one channel or point in time."""
        axes = zip(self.letters, self.index, self.shape, strict=True)
        return all(cut == slice(0, size) for letter, cut, size in axes if letter in "ZYX")

    @property
    def channels(self) -> tuple[int, ...] | None:
        """The channels that are cut out, counted from 0, in the order of the cut-out; None where all are."""
        if self.chosen is not None:
            return self.chosen
        for letter, cut, size in zip(self.letters, self.index, self.shape, strict=True):
            if letter == "C" and cut != slice(0, size):
                return tuple(range(cut.start, cut.stop)) if isinstance(cut, slice) else (cut,)
        return None

    @property
    def sub_chosen(self) -> tuple[int, ...] | None:
        """Which channels of the cut-out a person chose: all, where they chose several, and None for one or nothing.

        Slices around a plane are such channels.
        """
        if self._across is not None:
            return tuple(range(len(self.slices)))
        return tuple(range(len(self.chosen))) if self.chosen is not None and len(self.chosen) > 1 else None

    @property
    def layer_shape(self) -> tuple[int, ...]:
        """Shape of labels that cover the whole layer: a channel axis that is an axis of the layer has length 1."""
        axes = self._layer_axes()
        return tuple(1 if letter == "C" else size for letter, _, size in axes)

    @property
    def layer_index(self) -> tuple[slice, ...]:
        """The box inside an array of `layer_shape`."""
        return tuple(slice(start, start + size) for start, size in zip(*self._box(), strict=True))

    @property
    def flat_shape(self) -> tuple[int, ...]:
        """Shape of the cut-out without channels, such as its labels have."""
        sizes = zip(self.letters, self.index, strict=True)
        return tuple(cut.stop - cut.start for letter, cut in sizes if isinstance(cut, slice) and letter != "C")

    def without_channels(self) -> Region:
        """Return the box in an array of the same axes less the channels, such as labels."""
        kept = [axis for axis in zip(self.letters, self.index, self.shape, strict=True) if axis[0] != "C"]
        letters, index, shape = zip(*kept, strict=True)
        return Region("".join(letters), index, shape, rgb=False)

    def cut(self, data: Any) -> Any:
        """Cut the box out of the layer's array; anything but NumPy stays lazy."""
        if self._across is not None:
            return self._slices(data, self._across)
        if isinstance(data, np.ndarray):
            return self._pick(data[self.index])
        from dask import array

        lazy = data if isinstance(data, array.Array) else array.from_array(data)  # type: ignore[no-untyped-call]
        return self._pick(lazy if _all(self) else lazy[self.index])

    def _slices(self, data: Any, across: int) -> Any:
        """Cut out a plane and those around it, one after the other; beyond the ends, the outermost are repeated."""
        place = self.index[across]
        assert isinstance(place, int)
        numbers = [min(max(place + offset, 0), self.shape[across] - 1) for offset in self.slices]
        boxes = [(*self.index[:across], number, *self.index[across + 1 :]) for number in numbers]
        if isinstance(data, np.ndarray):
            return np.stack([data[box] for box in boxes])
        from dask import array

        lazy = data if isinstance(data, array.Array) else array.from_array(data)  # type: ignore[no-untyped-call]
        return array.stack([lazy[box] for box in boxes])  # type: ignore[no-untyped-call]

    def _pick(self, box: Any) -> Any:
        """Bring the channels of a box, which begins with the first that was chosen, into the order of the choice."""
        if self.chosen is None or self.chosen == tuple(range(min(self.chosen), max(self.chosen) + 1)):
            return box
        picked = [each - min(self.chosen) for each in self.chosen]
        return box[(slice(None),) * self.sub_axes.index("C") + (picked,)]

    def cut_labels(self, labels: Any) -> Any:
        """Cut the box out of labels of `layer_shape`: what is left has the axes of the cut-out without channels."""
        kept = tuple(
            0 if letter == "C" else cut - start if isinstance(cut, int) else slice(None)
            for (letter, cut, _), start in zip(self._layer_axes(), self._box()[0], strict=True)
        )
        return labels[self.layer_index][kept]

    def expand(self, result: Any) -> Any:
        """Give a result (axes of the cut-out without channels) one axis for every axis of the layer."""
        index = tuple(
            slice(None) if isinstance(cut, slice) and letter != "C" else np.newaxis
            for letter, cut, _ in self._layer_axes()
        )
        if all(i == slice(None) for i in index):
            return result
        if not isinstance(result, np.ndarray):
            from dask import array

            result = array.from_array(result)  # type: ignore[no-untyped-call]  # zarr cannot add an axis
        return result[index]

    def flat(self, result: NDArray[Any]) -> NDArray[Any]:
        """Undo :meth:`expand`: give a result the axes of the cut-out without channels."""
        return result.reshape(self.flat_shape)

    def place(
        self, scale: Sequence[float] | None = None, translate: Sequence[float] | None = None
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Turn a placement in pixels of the cut-out (without channels) into one in pixels of the layer.

        Parameters
        ----------
        scale, translate
            Cell size, and position of the first cell's centre, per axis of the cut-out; left out, its own pixels.
        """
        kept = len(self.sub_axes.replace("C", ""))
        given = iter(zip(scale or (1.0,) * kept, translate or (0.0,) * kept, strict=True))
        placed = [self._place_axis(letter, cut, size, given) for letter, cut, size in self._layer_axes()]
        return tuple(s for s, _ in placed), tuple(t for _, t in placed)

    def locate(self, position: Sequence[float]) -> tuple[float, ...] | None:
        """Turn a position in pixels of the layer into one in the cut-out (without channels); None outside of it.

        Parameters
        ----------
        position
            One number for each axis of the layer.
        """
        inside = []
        for (letter, cut, _), place in zip(self._layer_axes(), position, strict=True):
            start, stop = (cut.start, cut.stop) if isinstance(cut, slice) else (cut, cut + 1)
            if not -0.5 <= place - start < stop - start - 0.5:
                return None
            if isinstance(cut, slice) and letter != "C":
                inside.append(float(place) - start)
        return tuple(inside)

    def position(self, inside: Sequence[float]) -> tuple[float, ...]:
        """Turn a position in the cut-out (without channels) into one in pixels of the layer, as undoes :meth:`locate`.

        Parameters
        ----------
        inside
            One number for each axis of the cut-out but the channels.
        """
        given = iter(inside)
        return tuple(
            0.0 if letter == "C" else next(given) + cut.start if isinstance(cut, slice) else float(cut)
            for letter, cut, _ in self._layer_axes()
        )

    def place_canvas(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the placement of an array of `layer_shape` in pixels of the layer."""
        axes = [(float(size), (size - 1) / 2) if c == "C" else (1.0, 0.0) for c, _, size in self._layer_axes()]
        return tuple(s for s, _ in axes), tuple(t for _, t in axes)

    @staticmethod
    def _place_axis(letter: str, cut: int | slice, size: int, given: Any) -> tuple[float, float]:
        if letter == "C":  # one cell that covers all channels
            return float(size), (size - 1) / 2
        if isinstance(cut, slice):
            scale, translate = next(given)
            return float(scale), float(translate + cut.start)
        return 1.0, float(cut)

    def _layer_axes(self) -> list[tuple[str, int | slice, int]]:
        axes = list(zip(self.letters, self.index, self.shape, strict=True))
        return axes[:-1] if self.rgb else axes

    def _box(self) -> tuple[list[int], list[int]]:
        starts, sizes = [], []
        for letter, cut, _ in self._layer_axes():
            if letter == "C":
                start, size = 0, 1
            elif isinstance(cut, slice):
                start, size = cut.start, cut.stop - cut.start
            else:
                start, size = cut, 1
            starts.append(start)
            sizes.append(size)
        return starts, sizes


def _all(region: Region) -> bool:
    return all(cut == slice(0, size) for cut, size in zip(region.index, region.shape, strict=True))
