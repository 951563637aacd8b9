"""An image ready for a model: how it is read, and its planes as the network gets to see them.

Examples
--------
>>> from src_models.models.header import Intensity
>>> header = ModelHeader(name="grey", purpose="an example", architecture="unet", config={}, channels=("grey",),
...                      classes=("background", "cell"), intensity=Intensity(kind="window", low=0, high=4))
>>> image = ModelImage(np.arange(6.0).reshape(2, 3), header)
>>> image.plane(()).read((slice(0, 2), slice(1, 3))).tolist()
[[[0.25, 0.5], [1.0, 1.0]]]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError, UserError
from src_models.images.axes import AxesReading, read_axes
from src_models.images.channels import as_channels, channel_note, channel_trouble, check_channels, looks_like_dyes
from src_models.images.grey.ct_windows import is_ct
from src_models.images.grey.grey_range import GreyRange, number
from src_models.images.grey.intensity import Measured, Normalisation
from src_models.images.plane_source import PlaneSource, measured_by_time, sampled_values
from src_models.images.planes import Plane, Planes
from src_models.images.resampling import Zoom
from src_models.images.slides.tissue import Tissue
from src_models.images.spacing import SeenAt, seen_at
from src_models.models.header import RGB, Intensity, ModelHeader

__all__ = ["ModelImage"]

_FAR = 4.0  # times the range that nearly all pixels have


class ModelImage:
    """An image as one model sees it; nothing of it is read before a plane is asked for.

    Parameters
    ----------
    image
        NumPy, dask or zarr array; only the regions that are asked about are read, and a sample for its intensities.
    header
        The model's.
    axes
        Axes of the image, such as ``"ZYX"``, or how they were read; None works them out
        (:func:`~src_models.images.axes.read_axes`).
    channels
        The one channel that is looked at, counted from 0, or several in the order of the model's; None for all, or as
        `axes` say.
    intensity
        How grey values are normalised, such as a window of CT, or the range of them that a person chose; None as the
        model's header says.
    name
        What to call the image in errors.
    measured
        What :attr:`measured` of another opening of the same image is; None measures it on first use.
    tissue
        Where on a slide there is tissue, of which alone grey values are measured; None takes the whole image.

    Attributes
    ----------
    data
        The array.
    reading
        What its axes are.
    planes
        How it divides into what the network sees at a time.
    header
        The model's, with the intensity that counts.

    Raises
    ------
    ImageError
        If the image is empty or complex, or has channels or axes that the model cannot take.
    """

    def __init__(
        self,
        image: Any,
        header: ModelHeader,
        *,
        axes: str | AxesReading | None = None,
        channels: int | Sequence[int] | None = None,
        intensity: Intensity | GreyRange | None = None,
        name: str = "the image",
        measured: Mapping[int, Measured] | None = None,
        tissue: Tissue | None = None,
    ) -> None:
        self.data = image if hasattr(image, "dtype") else np.asarray(image)
        self.header = replace(header, intensity=intensity) if isinstance(intensity, Intensity) else header
        self.grey_range = intensity if isinstance(intensity, GreyRange) else None
        self.name = name
        # What the channels of one slice are taken for, where the network sees it between its neighbours.
        self._one = replace(self.header, channels=self.header.image_channels)
        given = axes.axes if isinstance(axes, AxesReading) else axes
        read = read_axes(self.data.shape, dtype=self.data.dtype, axes=given, dimensions=header.dimensions, name=name)
        self.reading = axes if isinstance(axes, AxesReading) else read
        if channels is not None:
            self.reading = self.reading.with_channel(channels, name)
        count, chosen = self.reading.channels, self.reading.chosen is not None
        if chosen and count == len(header.channels):  # of a network of slices, these were cut out around one
            self._one = self.header
        check_channels(count, self._one, name, alpha=self.reading.rgb, chosen=chosen)
        self.planes = Planes(self.reading, header.dimensions, name)
        self._known, self._tissue = measured, tissue

    @cached_property
    def normalisations(self) -> dict[int, Normalisation]:
        """How grey values become the network's, by time point; measured on first use.

        Raises
        ------
        ImageError
            If no value is a finite number.
        """
        return {time: each.normalisation for time, each in self.measured.items()}

    @cached_property
    def measured(self) -> Mapping[int, Measured]:
        """What was found of the grey values, by time point; measured on first use.

        Raises
        ------
        ImageError
            If no value is a finite number.
        """
        if self._known is not None:
            return self._known
        return measured_by_time(self.data, self.planes, self._one, self.name, self.grey_range, self._tissue)

    @property
    def seen_at(self) -> SeenAt:
        """At which scale the model sees the image, as its spacing or what it learnt from says."""
        return seen_at(self.reading, self.header, self.name)

    @property
    def read_as(self) -> str:
        """How the image is read, in one line: its axes, channels, size of a pixel, and the grey values that count."""
        grey = [each.grey for each in self.measured.values()]
        each = "" if len({(one.low, one.high) for one in grey}) == 1 else " (of the first time; each has its own)"
        return f"{self.reading.describe()}{self._roles}, {grey[0].describe()}{each}"

    @property
    def _roles(self) -> str:
        """What several chosen channels are to the model, such as ``", taken as red, green, blue"``."""
        names = self.header.channels if len(self.header.channels) > 1 else RGB
        return f", taken as {', '.join(names)}" if self.reading.chosen is not None and self.reading.channels > 1 else ""

    @property
    def grey_note(self) -> str | None:
        """What a person should know of grey values that were left out; None where none were."""
        return next((note for each in self.measured.values() if (note := each.grey.note())), None)

    @property
    def far_brighter(self) -> str | None:
        """A sentence on few pixels that set the range of grey values, being far brighter; None where none do."""
        if self.grey_range is not None or self.header.intensity.kind != "percentile":
            return None
        values = sampled_values(self.data, self.planes).astype(np.float64)
        low, most, high = (float(v) for v in np.nanpercentile(values, (0.5, 98, 99.8)))
        if self.grey_note is not None or high - low <= _FAR * (most - low):
            return None
        return (
            f"A few pixels are far brighter than all others, and set the range of grey values (up to {number(high)}, "
            f"where 98 % are below {number(most)}). If they are not what you look for, give the range, such as "
            "percentile:0.5:98 (--grey-range in the shell, grey_range= in Python, Grey values in the window)."
        )

    def check_colours(self) -> None:
        """Refuse channels that would be mixed or left out in silence, before a person has chosen some of them.

        Raises
        ------
        ImageError
            With what to choose.
        """
        if self.reading.channels in (3, 4) and self.reading.chosen is None:
            values = sampled_values(self.data, self.planes)
            trouble = channel_trouble(self.reading, self._one, values, self.name)
            if trouble is not None:
                raise ImageError(trouble)

    @property
    def channel_note(self) -> str | None:
        """What a person should know of how the channels are used; None where it is plain."""
        dyes = self.reading.channels in (3, 4) and looks_like_dyes(sampled_values(self.data, self.planes))
        return channel_note(self.reading, self._one, dyes)

    @property
    def shows_ct(self) -> bool:
        """Whether the image is a CT scan: by its file's word, or else by a sample of its middle plane."""
        return is_ct(sampled_values(self.data, self.planes), self.reading)

    @property
    def blank(self) -> bool:
        """Whether all values of a sample of its middle plane are the same."""
        sampled = sampled_values(self.data, self.planes)
        return bool((sampled == sampled.flat[0]).all())

    def plane(self, plane: Plane, zoom: Zoom = 1.0) -> PlaneSource:
        """Return a plane as the network sees it.

        Parameters
        ----------
        plane
            Its position along the axes besides those that the network sees.
        zoom
            Factor by which it is resized, or one for each axis; :attr:`seen_at` has the model's.

        Raises
        ------
        UserError
            If there is no such plane.
        ImageError
            If no value of the image is a finite number.
        """
        if plane not in self.planes:
            raise UserError(f"{self.name} has no plane {plane}; it is read as {self.reading.describe()}")
        return PlaneSource(
            read_own=partial(self._read, plane),
            own_shape=self.planes.shape,
            plane=plane,
            normalisation=self.normalisations[self.planes.time_of(plane)],
        ).zoomed(zoom)

    def _read(self, plane: Plane, region: tuple[slice, ...]) -> NDArray[Any]:
        """Return a region of a plane in the image's own pixels and values, with the model's channels: (C, *region)."""
        offsets = (0,) if self._one.channels == self.header.channels else self.header.slices
        planes = [self.planes.neighbour(plane, offset) for offset in offsets]
        read = {each: as_channels(self.planes.read(self.data, each, region), self._one, self.name) for each in planes}
        return read[plane] if len(planes) == 1 else np.concatenate([read[each] for each in planes])
