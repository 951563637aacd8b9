"""A person and a network at one object: clicks in, mask out, undo and redo of any depth, carried on through a stack.

A session is a list of what was done and a place in it. Every answer follows from the ones before, so a session that was
stored is the same again when what was done is done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.answering.answer import Answer
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.carrying import Carrying, ended
from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import AcceptedObject, ObjectInPlane, ObjectSlice, ObjectState
from src_models.clicking.history import BEGIN, CARRY, END_HERE, FOLLOW, LARGER, SMALLER, History, Step, stored_steps
from src_models.clicking.mends.beginning import begun, planes_of, to_stored
from src_models.clicking.mends.following import Following
from src_models.clicking.mends.prompted import prompted
from src_models.clicking.prompts import Box, Click, Prompt, Scribble
from src_models.clicking.replaying import do_again
from src_models.errors import UserError
from src_models.images.axes import AxesReading
from src_models.images.grey.grey_range import GreyRange
from src_models.images.planes import Plane
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity

__all__ = ["ClickSession"]


class ClickSession:
    """An image, and what a person clicks in it.

    Parameters
    ----------
    image
        NumPy, dask or zarr array, of which only the parts around clicks are read, and a sample for its intensities; or
        one that was made ready with a network before.
    network
        A model of clicks; made ready before, it need not be made ready for every image.
    axes
        Axes of the image, such as ``"ZYX"``; None works them out.
    plane
        Position along the axes besides height and width at which clicks are meant unless they say otherwise.
    intensity
        How grey values are normalised, such as a window of CT, or the range of them that a person chose; None as the
        model's header says.
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
        network: ClickNetwork | Model | None = None,
        *,
        axes: str | AxesReading | None = None,
        channels: int | Sequence[int] | None = None,
        plane: Plane | None = None,
        intensity: Intensity | GreyRange | None = None,
        name: str = "the image",
    ) -> None:
        if not isinstance(image, ClickImage):
            if network is None:
                raise UserError("give a model of clicks, such as the one that ships")
            network = ClickNetwork(network) if isinstance(network, Model) else network
            image = ClickImage(image, network, axes=axes, channels=channels, intensity=intensity, name=name)
        self.image: ClickImage = image
        self.shape = image.shape
        self.plane = image.first if plane is None else plane
        self._history = History()

    @property
    def state(self) -> ObjectState:
        """The object as it stands."""
        return self._history.state

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """What has been given and not been undone, in the order of the planes and of time."""
        planes = self.state.planes
        return tuple(prompt for plane in sorted(planes) for prompt in planes[plane].prompts)

    @property
    def answer(self) -> Answer | None:
        """The present answer in the session's plane; None where there is none."""
        found = self.state.planes.get(self.plane)
        return found.answer if found is not None else None

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The object's pixels in the session's plane, of its shape."""
        whole = np.zeros(self.shape, bool)
        if self.answer is not None:
            whole[self.answer.region] = self.answer.mask
        return whole

    @property
    def first_state(self) -> ObjectState:
        """The object after the first step; of one that was begun with a mask, that mask."""
        return self._history.steps[0].state if self._history.steps else ObjectState()

    @property
    def can_undo(self) -> bool:
        """Whether there is anything to undo."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is anything to do again."""
        return self._history.can_redo

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

    def give(self, prompt: Prompt, plane: Plane | None = None) -> None:
        """Give a click, scribble or box; what was undone before cannot be done again afterwards.

        Parameters
        ----------
        prompt
            What is given.
        plane
            Where; None takes the session's plane. An object lies in one plane until it is carried to others.

        Raises
        ------
        UserError
            If the place lies outside of the plane, or the object is one of another plane.
        """
        plane = self.plane if plane is None else plane
        state = self.state
        self._check(prompt, plane)
        known = state.planes.get(plane)
        if known is None and not isinstance(prompt, Box) and not prompt.positive:
            raise UserError("begin with a click on the object; then click beside it where too much was found")
        self._do({"plane": list(plane), **prompt.to_dict()}, prompted(self.image, state, plane, prompt))

    def begin_with(self, mask: NDArray[Any] | Mapping[Plane, NDArray[Any]], plane: Plane | None = None) -> None:
        """Begin with a mask of the object, such as what a model of organs found: what clicks do not reach of it stays.

        A click changes the piece that it lies in or next to, as far as what is found there reaches the click;
        :meth:`follow` goes on with that in the slices on both sides, and :meth:`carry` beyond both ends.

        Parameters
        ----------
        mask
            As large as the image without its channels, height and width last, or the masks of its planes; what is not
            0 is the object.
        plane
            In whose stack it lies; None takes the session's plane.

        Raises
        ------
        UserError
            If there is an object already, the mask has another shape, or nothing lies there.
        """
        if self.state.planes:
            raise UserError("accept the object, or drop it, before you begin with another one")
        plane = self.plane if plane is None else plane
        masks = planes_of(mask, self.image, plane) if isinstance(mask, np.ndarray) else dict(mask)
        state = begun(self.image, masks, plane)
        self._do({"kind": BEGIN, "plane": list(plane), "masks": to_stored(masks)}, state)

    def take(self, prompt: Click, answer: Answer, plane: Plane | None = None) -> None:
        """Begin an object with a click whose answer is known, as that of a suggestion.

        Raises
        ------
        UserError
            If there is an object already.
        """
        if self.state.planes:
            raise UserError("accept the object, or drop it, before you take another one")
        plane = self.plane if plane is None else plane
        crop = [answer.crop.top, answer.crop.left, answer.crop.side]
        self._do(
            {"plane": list(plane), "crop": crop, **prompt.to_dict()},
            ObjectState({plane: ObjectInPlane(answer, (prompt,))}, plane),
        )

    def larger(self, plane: Plane | None = None) -> None:
        """Take the next larger object around the same clicks; its own step, which can be undone.

        Parameters
        ----------
        plane
            Where; None takes the session's plane.

        Raises
        ------
        UserError
            If nothing has been found there yet, or there is no larger object around the clicks.
        """
        self._resize(LARGER, plane)

    def smaller(self, plane: Plane | None = None) -> None:
        """Take the next smaller object around the same clicks; as :meth:`larger`."""
        self._resize(SMALLER, plane)

    def end_here(self, plane: Plane | None = None) -> None:
        """Say that the object ends in a plane: it is dropped from those beyond, and is not carried there again.

        Parameters
        ----------
        plane
            The last one that holds the object, as seen from its first; None takes the session's plane.

        Raises
        ------
        UserError
            If the object does not lie there, or lies on both sides of where it was begun, so that it is not clear
            which one is meant.
        """
        plane = self.plane if plane is None else plane
        self._do({"kind": END_HERE, "plane": list(plane)}, ended(self.state, plane))

    def carry(
        self, plane: Plane | None = None, *, between: tuple[int, int] | None = None
    ) -> Iterator[tuple[int, Plane]]:
        """Carry the object to the slices (or times) after and before, until it ends there.

        From a plane besides the one of the first click, the object is carried on away from that one alone, anew: so
        what a click mended in one slice is mended in those after it. Leaving the iteration early keeps what there is.

        Parameters
        ----------
        plane
            Where from; None takes the session's plane.
        between
            The first and the last slice to go to at the most.

        Yields
        ------
        tuple
            Slices done so far, and the plane that was found last.

        Raises
        ------
        UserError
            If the object does not lie in that plane, or the image has one plane alone.
        """
        plane = self.plane if plane is None else plane
        state = self.state
        if plane not in state.planes or state.planes[plane].answer.extent is None:
            raise UserError("there is no object to carry from here: click on one first")
        if self.image.depth == 1:
            raise UserError(f"{self.image.name} has one plane alone: there is no other to carry the object to")
        before = self._history.at
        through = Carrying(self.image, state, plane, between)
        try:
            for found in through.planes():
                yield through.done, found
        finally:
            if self._history.at == before:
                # What goes on by itself after a mend is undone with it; what was asked for again is not.
                mends = state.carried and self._history.last_kind not in (BEGIN, CARRY, END_HERE, FOLLOW)
                after, (low, high) = through.left()
                self._do({"kind": CARRY, "plane": list(plane), "between": [low, high]}, after, mends=mends)

    def follow(self, steps: int | None = None) -> Iterator[tuple[int, Plane]]:
        """Follow through the slices beside what clicks changed in one of them, and change nothing else there.

        It is undone with the click. Leaving the iteration early keeps what there is; the next one goes on from there.

        Parameters
        ----------
        steps
            Slices after which it is left early; None for none.

        Yields
        ------
        tuple
            Slices done so far, and the plane that was reached last.
        """
        before, state = self._history.at, self.state
        through = Following(self.image, state)
        try:
            for plane in through.planes():
                yield through.done, plane
                if through.done == steps:
                    break
        finally:
            if self._history.at == before and (through.done or through.state != state):
                early = {} if through.finished else {"steps": through.done}
                start = state.fronts[0].plane
                self._do({"kind": FOLLOW, "plane": list(start), **early}, through.state, mends=True)

    def undo(self) -> bool:
        """Take the last thing back, with what followed from it by itself; False if there is none."""
        return self._history.undo()

    def redo(self) -> bool:
        """Do again what was taken back last; False if there is none."""
        return self._history.redo()

    def reset(self) -> None:
        """Begin a new object."""
        self._history = History()

    def accept(self) -> AcceptedObject:
        """Return the object, and begin a new one.

        Raises
        ------
        UserError
            If nothing has been found.
        """
        planes = self.state.planes
        slices = tuple(
            ObjectSlice(plane, found.answer.region, found.answer.mask, found.prompts)
            for plane, found in sorted(planes.items())
            if found.answer.mask.any()
        )
        if not slices:
            raise UserError("there is no object to accept: click on one first")
        accepted = AcceptedObject(slices, self.image.network.model.sha256, datetime.now(UTC))
        self.reset()
        return accepted

    def to_dict(self) -> dict[str, Any]:
        """Return the session as what JSON can hold; its answers are found again."""
        return {
            "model_sha256": self.image.network.model.sha256,
            **self._history.to_dict(),
        }

    def restore(self, stored: Mapping[str, Any]) -> None:
        """Go on with a session that was stored; what was undone can be done again.

        Raises
        ------
        UserError
            If this is no stored session, or it comes from a newer version.
        """
        done, at = stored_steps(stored)
        self.reset()
        for what in done:
            do_again(self, what)
        self._history.at = min(max(at, 0), len(self._history.steps))

    def _resize(self, kind: str, plane: Plane | None) -> None:
        plane = self.plane if plane is None else plane
        known = self.state.planes.get(plane)
        if known is None or known.answer.extent is None:
            raise UserError("there is no object here yet: click on one first")
        prompts = (*known.carried, *known.prompts)
        answer = self.image.answers(plane).resized(prompts, known.answer, larger=kind == LARGER)
        if answer is None:
            raise UserError(f"there is no {kind} object to be seen around these clicks: click where it should end")
        planes = {**self.state.planes, plane: replace(known, answer=answer)}
        self._do({"kind": kind, "plane": list(plane)}, replace(self.state, planes=planes))

    def _do(self, what: dict[str, Any], state: ObjectState, *, mends: bool = False) -> None:
        self._history.add(Step(what, state, mends))

    def _check(self, prompt: Prompt, plane: Plane) -> None:
        if not prompt.lies_in(self.shape):
            raise UserError(
                f"{prompt} lies outside of {self.image.name}, which has {self.shape[0]} x {self.shape[1]} px here"
            )
        self.state.check_reaches(plane)
