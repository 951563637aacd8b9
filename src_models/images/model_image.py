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

from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError
from src_models.images.axes import AxesReading, read_axes
from src_models.images.channels import as_channels, channel_note, check_channels, looks_like_dyes
from src_models.images.ct_windows import is_ct
from src_models.images.intensity import Normalisation
from src_models.images.plane_source import PlaneSource, normalisations, sampled_values
from src_models.images.planes import Plane, Planes
from src_models.models.header import Intensity, ModelHeader

__all__ = ["ModelImage"]


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
    channel
        The one channel that is looked at, counted from 0; None for all, or as `axes` say.
    intensity
        How grey values are normalised, such as a window of CT; None as the model's header says.
    name
        What to call the image in errors.

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
        channel: int | None = None,
        intensity: Intensity | None = None,
        name: str = "the image",
    ) -> None:
        self.data = image if hasattr(image, "dtype") else np.asarray(image)
        self.header = header if intensity is None else replace(header, intensity=intensity)
        self.name = name
        given = axes.axes if isinstance(axes, AxesReading) else axes
        read = read_axes(self.data.shape, dtype=self.data.dtype, axes=given, dimensions=header.dimensions, name=name)
        self.reading = axes if isinstance(axes, AxesReading) else read
        if channel is not None:
            self.reading = self.reading.with_channel(channel, name)
        check_channels(self.reading.channels, header, name, alpha=self.reading.rgb)
        self.planes = Planes(self.reading, header.dimensions, name)

    @cached_property
    def normalisations(self) -> dict[int, Normalisation]:
        """How grey values become the network's, by time point; measured on first use.

        Raises
        ------
        ImageError
            If no value is a finite number.
        """
        return normalisations(self.data, self.planes, self.header, self.name)

    @property
    def channel_note(self) -> str | None:
        """What a person should know of how the channels are used; None where it is plain."""
        dyes = self.reading.channels in (3, 4) and looks_like_dyes(sampled_values(self.data, self.planes))
        return channel_note(self.reading, self.header, dyes)

    @property
    def shows_ct(self) -> bool:
        """Whether the image is a CT scan: by its file's word, or else by a sample of its middle plane."""
        return is_ct(sampled_values(self.data, self.planes), self.reading)

    @property
    def blank(self) -> bool:
        """Whether all values of a sample of its middle plane are the same."""
        sampled = sampled_values(self.data, self.planes)
        return bool((sampled == sampled.flat[0]).all())

    def plane(self, plane: Plane, zoom: float = 1.0) -> PlaneSource:
        """Return a plane as the network sees it.

        Parameters
        ----------
        plane
            Its position along the axes besides those that the network sees.
        zoom
            Factor by which it is resized.

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
        return as_channels(self.planes.read(self.data, plane, region), self.header, self.name)
