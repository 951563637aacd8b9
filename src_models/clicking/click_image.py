"""An image that is clicked in: its planes, and how they are brought to the grey values that a network expects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from src_models.clicking.answering.answers import AnswerMaker
from src_models.clicking.answering.network import ClickNetwork
from src_models.errors import UserError
from src_models.images.axes import AxesReading, read_axes
from src_models.images.channels import check_channels
from src_models.images.plane_source import PlaneSource, normalisations
from src_models.images.planes import Planes
from src_models.models.header import Intensity

__all__ = ["ClickImage"]

Plane = tuple[int, ...]


class ClickImage:
    """An image made ready for clicks in any of its planes.

    Parameters
    ----------
    image
        NumPy, dask or zarr array; only the parts around clicks are read, and a sample for its intensities.
    network
        What answers.
    axes
        Axes of the image, such as ``"ZYX"``; None works them out.
    intensity
        How grey values are normalised, such as a window of CT; None as the model's header says.
    name
        What to call the image in errors.

    Raises
    ------
    UserError
        If image and model do not fit.
    """

    def __init__(
        self,
        image: Any,
        network: ClickNetwork,
        *,
        axes: str | AxesReading | None = None,
        intensity: Intensity | None = None,
        name: str = "the image",
    ) -> None:
        image = image if hasattr(image, "dtype") else np.asarray(image)
        if not isinstance(axes, AxesReading):
            axes = read_axes(image.shape, dtype=image.dtype, axes=axes, name=name)
        header = network.model.header
        self._header = header if intensity is None else replace(header, intensity=intensity)
        check_channels(axes.channels, self._header, name, alpha=axes.rgb)
        self._image = image
        self._planes = Planes(axes, 2, name)
        self._normalisations = normalisations(image, self._planes, self._header, name)
        self._makers: dict[Plane, AnswerMaker] = {}
        self.network = network
        self.name = name
        self.shape = (self._planes.shape[0], self._planes.shape[1])
        self.leading_shape = self._planes.leading_shape

    @property
    def first(self) -> Plane:
        """The first plane's position along the axes besides height and width."""
        return (0,) * len(self.leading_shape)

    @property
    def depth(self) -> int:
        """Number of slices (or times) along the axis that objects are carried along: the last of the leading ones."""
        return self.leading_shape[-1] if self.leading_shape else 1

    def answers(self, plane: Plane) -> AnswerMaker:
        """Return what asks the network about a plane.

        Raises
        ------
        UserError
            If there is no such plane.
        """
        if plane not in self._makers:
            fits = len(plane) == len(self.leading_shape)
            if not fits or any(not 0 <= at < size for at, size in zip(plane, self.leading_shape, strict=True)):
                raise UserError(f"{self.name} has no plane {plane}; it has {self.leading_shape or 1} of them")
            source = PlaneSource(self._image, self._planes, plane, self._header, self._normalisations, 1.0, self.name)
            self._makers[plane] = AnswerMaker(self.network, source.read, self.shape)
        return self._makers[plane]
