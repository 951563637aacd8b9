"""A person and a network at one object: clicks in, mask out, undo and redo of any depth.

A session is a list of what was given and a place in it. Every answer follows from the ones before, so a session that
was stored is the same again when what was given is given again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.axes import AxesReading, read_axes
from src_models.channels import check_channels
from src_models.checkpoint import Model
from src_models.clicking.answers import Answer, AnswerMaker
from src_models.clicking.network import ClickNetwork
from src_models.clicking.prompts import Box, Click, Prompt, Scribble, prompt_from_dict
from src_models.errors import UserError
from src_models.plane_source import PlaneSource, normalisations
from src_models.planes import Planes

__all__ = ["AcceptedObject", "ClickSession"]

VERSION = 1


@dataclass(frozen=True, slots=True)
class AcceptedObject:
    """An object that a person accepted.

    Parameters
    ----------
    region
        Rows and columns of the image that it takes.
    mask
        Its pixels there.
    prompts
        What was given for it, in order.
    model_sha256
        The model that answered.
    time
        When it was accepted, in UTC.
    """

    region: tuple[slice, slice]
    mask: NDArray[np.bool_]
    prompts: tuple[Prompt, ...]
    model_sha256: str | None
    time: datetime

    def to_dict(self) -> dict[str, Any]:
        """Return all but the pixels, as what JSON can hold."""
        return {
            "region": [[part.start, part.stop] for part in self.region],
            "prompts": [prompt.to_dict() for prompt in self.prompts],
            "model_sha256": self.model_sha256,
            "time": self.time.isoformat(),
        }


class ClickSession:
    """One plane of an image, and what a person clicks in it.

    Parameters
    ----------
    image
        NumPy, dask or zarr array; only the parts around clicks are read, and a sample for its intensities.
    network
        A model of clicks; made ready before, it need not be made ready for every image.
    axes
        Axes of the image, such as ``"ZYX"``; None works them out.
    plane
        Position along the axes besides height and width.
    name
        What to call the image in errors.

    Raises
    ------
    UserError
        If image and model do not fit.

    Examples
    --------
    >>> session = ClickSession(image, load("click"))  # doctest: +SKIP
    >>> session.click(40, 52)  # doctest: +SKIP
    >>> session.mask.sum()  # doctest: +SKIP
    """

    def __init__(
        self,
        image: Any,
        network: ClickNetwork | Model,
        *,
        axes: str | AxesReading | None = None,
        plane: tuple[int, ...] | None = None,
        name: str = "the image",
    ) -> None:
        image = image if hasattr(image, "dtype") else np.asarray(image)
        reading = (
            axes if isinstance(axes, AxesReading) else read_axes(image.shape, dtype=image.dtype, axes=axes, name=name)
        )
        network = ClickNetwork(network) if isinstance(network, Model) else network
        header = network.model.header
        check_channels(reading.channels, header, name)
        planes = Planes(reading, 2, name)
        here = (0,) * len(planes.leading) if plane is None else plane
        source = PlaneSource(image, planes, here, header, normalisations(image, planes, header, name), 1.0, name)
        self.shape = (planes.shape[0], planes.shape[1])
        self.name = name
        self._network = network
        self._answers = AnswerMaker(network, source.read, self.shape)
        self._given: list[Prompt] = []
        self._found: list[Answer] = []
        self._at = 0

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """What has been given and not been undone."""
        return tuple(self._given[: self._at])

    @property
    def answer(self) -> Answer | None:
        """The present answer; None before the first click."""
        return self._found[self._at - 1] if self._at else None

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The object's pixels, of the shape of the plane."""
        whole = np.zeros(self.shape, bool)
        if self.answer is not None:
            whole[self.answer.region] = self.answer.mask
        return whole

    @property
    def can_undo(self) -> bool:
        """Whether there is anything to undo."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is anything to do again."""
        return self._at < len(self._given)

    def click(self, y: float, x: float, positive: bool = True) -> None:
        """Click on the object, or (not positive) beside it; px of the plane.

        Raises
        ------
        UserError
            If the place lies outside of the plane.
        """
        self.give(Click(float(y), float(x), positive))

    def scribble(self, line: Sequence[tuple[float, float]], positive: bool = True) -> None:
        """Draw a stroke over the object, or (not positive) beside it."""
        self.give(Scribble(tuple((float(y), float(x)) for y, x in line), positive))

    def box(self, top: float, left: float, bottom: float, right: float) -> None:
        """Draw a box around the object."""
        self.give(Box(float(top), float(left), float(bottom), float(right)))

    def give(self, prompt: Prompt) -> None:
        """Give a click, scribble or box; what was undone before cannot be done again afterwards."""
        self._check(prompt)
        if self._at == 0 and not isinstance(prompt, Box) and not prompt.positive:
            raise UserError("begin with a click on the object; then click beside it where too much was found")
        answer = self._answers.next((*self.prompts, prompt), self.answer)
        del self._given[self._at :], self._found[self._at :]
        self._given.append(prompt)
        self._found.append(answer)
        self._at += 1

    def undo(self) -> bool:
        """Take the last thing back; False if there is none."""
        if not self.can_undo:
            return False
        self._at -= 1
        return True

    def redo(self) -> bool:
        """Give again what was taken back last; False if there is none."""
        if not self.can_redo:
            return False
        self._at += 1
        return True

    def reset(self) -> None:
        """Begin a new object."""
        self._given, self._found, self._at = [], [], 0

    def accept(self) -> AcceptedObject:
        """Return the object, and begin a new one.

        Raises
        ------
        UserError
            If nothing has been found.
        """
        answer = self.answer
        if answer is None or not answer.mask.any():
            raise UserError("there is no object to accept: click on one first")
        accepted = AcceptedObject(
            answer.region, answer.mask, self.prompts, self._network.model.sha256, datetime.now(UTC)
        )
        self.reset()
        return accepted

    def to_dict(self) -> dict[str, Any]:
        """Return the session as what JSON can hold; its answers are found again."""
        return {
            "version": VERSION,
            "model_sha256": self._network.model.sha256,
            "prompts": [prompt.to_dict() for prompt in self._given],
            "at": self._at,
        }

    def restore(self, stored: Mapping[str, Any]) -> None:
        """Go on with a session that was stored; what was undone can be done again.

        Raises
        ------
        UserError
            If this is no stored session, or it comes from a newer version.
        """
        try:
            version, given, at = int(stored["version"]), list(stored["prompts"]), int(stored["at"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError("this is not a stored session of clicks") from error
        if version > VERSION:
            raise UserError(f"this session of clicks was stored by a newer napari-medt (version {version}): update it")
        self.reset()
        for prompt in given:
            self.give(prompt_from_dict(prompt))
        self._at = min(max(at, 0), len(given))

    def _check(self, prompt: Prompt) -> None:
        if isinstance(prompt, Box):
            inside = prompt.bottom >= -0.5 and prompt.right >= -0.5
            inside &= prompt.top <= self.shape[0] - 0.5 and prompt.left <= self.shape[1] - 0.5
        else:
            inside = all(
                -0.5 <= y <= self.shape[0] - 0.5 and -0.5 <= x <= self.shape[1] - 0.5 for y, x in prompt.points()
            )
        if not inside:
            raise UserError(
                f"{prompt} lies outside of {self.name}, which has {self.shape[0]} x {self.shape[1]} px here"
            )
