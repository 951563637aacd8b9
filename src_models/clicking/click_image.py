"""An image that is clicked in: its planes, and how they are brought to the grey values that a network expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from src_models.clicking.answering.answers import AnswerMaker
from src_models.clicking.answering.crop import SQUARE, Pixel
from src_models.clicking.answering.network import ClickNetwork
from src_models.images.axes import AxesReading
from src_models.images.grey.grey_range import GreyRange
from src_models.images.grey.intensity import Normalisation
from src_models.images.model_image import ModelImage
from src_models.images.planes import Plane
from src_models.models.header import Intensity

__all__ = ["ClickImage"]

FLAT = 1.25  # ratio of a pixel's sides from which on the network is shown the plane in its true proportions


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
    channels
        The one channel that is clicked in, counted from 0, or several in the order of the model's; None for all.
    intensity
        How grey values are normalised, such as a window of CT, or the range of them that a person chose; None as the
        model's header says.
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
        channels: int | Sequence[int] | None = None,
        intensity: Intensity | GreyRange | None = None,
        name: str = "the image",
    ) -> None:
        self._image = ModelImage(
            image, network.model.header, axes=axes, channels=channels, intensity=intensity, name=name
        )
        self._image.check_colours()
        self._makers: dict[Plane, AnswerMaker] = {}
        self.network = network
        self.name = name
        height, width = self._image.planes.shape
        self.shape = (height, width)
        self.leading_shape = self._image.planes.leading_shape
        self.pixel = _pixel(self._image.planes.reading)
        self._image.plane(self.first)  # measures intensities now, so that the first click need not wait for them

    @property
    def first(self) -> Plane:
        """The first plane's position along the axes besides height and width."""
        return (0,) * len(self.leading_shape)

    @property
    def depth(self) -> int:
        """Number of slices (or times) along the axis that objects are carried along: the last of the leading ones."""
        return self.leading_shape[-1] if self.leading_shape else 1

    def pixels(self, plane: Plane, region: tuple[slice, slice]) -> NDArray[Any]:
        """Return a region of a plane in the image's own values and channels, (C, *region)."""
        return self._image.planes.read(self._image.data, plane, region)

    @property
    def read_as(self) -> str:
        """How the image is read, in one line."""
        return self._image.read_as

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on how the image is read."""
        return tuple(filter(None, (self._image.channel_note, self._image.grey_note)))

    def normalisation(self, plane: Plane) -> Normalisation:
        """Return how grey values of a plane become the network's."""
        return self._image.normalisations[self._image.planes.time_of(plane)]

    def forget(self, *, but: Plane | None = None) -> None:
        """Forget what was read of planes, which is read again when it is needed; of one plane it may be kept."""
        self._makers = {plane: maker for plane, maker in self._makers.items() if plane == but}

    def answers(self, plane: Plane) -> AnswerMaker:
        """Return what asks the network about a plane.

        Raises
        ------
        UserError
            If there is no such plane.
        """
        if plane not in self._makers:
            self._makers[plane] = AnswerMaker(self.network, self._image.plane(plane).read, self.shape, self.pixel)
        return self._makers[plane]


def _pixel(reading: AxesReading) -> Pixel:
    """Return height and width of a pixel, the smaller one 1; 1 for both where they differ by little."""
    height, width = (float(reading.spacing.get(letter, 1.0)) for letter in "YX")
    small, large = sorted((height, width))
    return SQUARE if large < FLAT * small else (height / small, width / small)
