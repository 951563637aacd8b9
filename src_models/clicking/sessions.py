"""The objects that are being clicked, one for each image and view of it: what the Click widget's worker thread does.

No viewer and no Qt. Every method is called in one thread, in the order of what a person did.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from src_models.errors import UserError
from src_models.models.loaded import load_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from src_models.attention.placed_map import PlacedMap
    from src_models.clicking.answering.network import ClickNetwork
    from src_models.clicking.clicked_object import AcceptedObject, ObjectState
    from src_models.clicking.prompts import Prompt
    from src_models.clicking.session import ClickSession
    from src_models.clicking.suggestions import Suggestion
    from src_models.images.axes import AxesReading
    from src_models.models.header import Intensity

__all__ = ["ClickSessions", "ClickedImage", "ObjectAsSeen"]

Plane = tuple[int, ...]
Found = tuple["AcceptedObject", Mapping[str, Any]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickedImage:
    """What is clicked in, and how it is looked at.

    Parameters
    ----------
    key
        Which image, viewed from which side; an object that is begun there waits while others are clicked in.
    data
        The array.
    reading
        What its axes mean.
    name
        What to call it in messages.
    model
        The model file.
    intensity
        A window of CT; None for what the model is used to.
    device, threads
        As the person prefers.
    """

    key: Hashable
    data: Any
    reading: AxesReading
    name: str
    model: Path
    intensity: Intensity | None = None
    device: str = "auto"
    threads: int = 0


@dataclass(frozen=True, slots=True)
class ObjectAsSeen:
    """An object as it stands.

    Parameters
    ----------
    key
        Of the subject.
    state
        What is known of it, plane by plane.
    can_undo, can_redo
        Whether there is anything to undo, or to do again.
    stored
        The session as what JSON can hold.
    """

    key: Hashable
    state: ObjectState
    can_undo: bool
    can_redo: bool
    stored: Mapping[str, Any]


class ClickSessions:
    """Everything that is being clicked."""

    def __init__(self) -> None:
        self._sessions: dict[Hashable, tuple[ClickedImage, ClickSession]] = {}

    def open(self, subject: ClickedImage) -> ObjectAsSeen:
        """Get ready for clicks; an object that was begun in this image goes on, answered anew if anything changed."""
        session = self._session(subject)
        return _seen(subject, session)

    def give(self, subject: ClickedImage, plane: Plane, prompt: Prompt) -> ObjectAsSeen:
        """Give a click, scribble or box."""
        return self._act(subject, lambda session: session.give(prompt, plane))

    def take(self, subject: ClickedImage, plane: Plane, suggestion: Any) -> ObjectAsSeen:
        """Begin with a suggestion: its click and its answer."""
        return self._act(subject, lambda session: session.take(suggestion.click, suggestion.answer, plane))

    def undo(self, subject: ClickedImage) -> ObjectAsSeen:
        """Take the last thing back."""
        return self._act(subject, lambda session: session.undo())

    def redo(self, subject: ClickedImage) -> ObjectAsSeen:
        """Do again what was taken back last."""
        return self._act(subject, lambda session: session.redo())

    def reset(self, subject: ClickedImage) -> ObjectAsSeen:
        """Drop the object."""
        return self._act(subject, lambda session: session.reset())

    def restore(self, subject: ClickedImage, stored: Mapping[str, Any]) -> ObjectAsSeen:
        """Go on with a stored session."""
        return self._act(subject, lambda session: session.restore(stored))

    def carry(
        self, subject: ClickedImage, plane: Plane
    ) -> Generator[tuple[int, Plane, ObjectAsSeen], None, ObjectAsSeen]:
        """Carry the object to other slices, yielding after each."""
        session = self._session(subject)
        with _threads(subject):
            steps = session.carry(plane)
            try:
                for count, reached in steps:
                    yield count, reached, _seen(subject, session)
            finally:
                steps.close()  # type: ignore[attr-defined]
        return _seen(subject, session)

    def larger(self, subject: ClickedImage, plane: Plane) -> ObjectAsSeen:
        """Take the next larger object around the same clicks."""
        return self._act(subject, lambda session: session.larger(plane))

    def smaller(self, subject: ClickedImage, plane: Plane) -> ObjectAsSeen:
        """Take the next smaller object around the same clicks."""
        return self._act(subject, lambda session: session.smaller(plane))

    def end_here(self, subject: ClickedImage, plane: Plane) -> ObjectAsSeen:
        """Let the object end in a plane."""
        return self._act(subject, lambda session: session.end_here(plane))

    def accept(self, subject: ClickedImage, plan: Callable[[Sequence[Found]], T]) -> tuple[T, ObjectAsSeen]:
        """Take the object, and begin a new one.

        Parameters
        ----------
        subject
            The image.
        plan
            Gets the object, with the session that it came from, and works out where it is put; it raises an error if
            it cannot be put there, and then the object stays.

        Returns
        -------
        planned, seen
            What `plan` gave, and the new object.
        """
        return self.accept_all(subject, (), (), plan)

    def accept_all(
        self,
        subject: ClickedImage,
        plane: Plane,
        suggestions: Sequence[Suggestion],
        plan: Callable[[Sequence[Found]], T],
    ) -> tuple[T, ObjectAsSeen]:
        """Take the object, and after it suggestions in a plane as they are; as :meth:`accept`."""
        session = self._session(subject)
        stored = session.to_dict()
        found: list[Found] = []
        if session.state.planes or not suggestions:
            found.append((session.accept(), stored))
        try:
            for suggestion in suggestions:
                session.take(suggestion.click, suggestion.answer, plane)
                taken = session.to_dict()
                found.append((session.accept(), taken))
            planned = plan(found)
        except UserError:
            session.restore(stored)
            raise
        return planned, _seen(subject, session)

    def attention(self, subject: ClickedImage, plane: Plane) -> list[PlacedMap]:
        """Return the attention with which the present answer in a plane was found, finest first."""
        session = self._session(subject)
        found = session.state.planes.get(plane)
        if found is None:
            raise UserError("there is no answer in this plane yet whose attention could be shown: click first")
        with _threads(subject):
            return session.image.answers(plane).attention(found.answer)

    def suggest(
        self,
        subject: ClickedImage,
        plane: Plane,
        examples: list[Any],
        view: tuple[slice, slice],
        taken: Callable[[], NDArray[np.bool_]],
    ) -> Generator[Any, None, list[Suggestion]]:
        """Look for objects in view that are like examples, and not `taken`: pixels of the plane."""
        from src_models.clicking.suggestions import suggest

        session = self._session(subject)
        with _threads(subject):
            return (yield from suggest(session.image, plane, examples, view, taken()))

    def forget(self, keep: Callable[[Hashable], bool]) -> None:
        """Drop the objects of images that are gone."""
        self._sessions = {key: held for key, held in self._sessions.items() if keep(key)}

    def _act(self, subject: ClickedImage, act: Callable[[ClickSession], Any]) -> ObjectAsSeen:
        session = self._session(subject)
        with _threads(subject):
            act(session)
        return _seen(subject, session)

    def _session(self, subject: ClickedImage) -> ClickSession:
        held = self._sessions.get(subject.key)
        if held is not None and _alike(held[0], subject):
            return held[1]
        from src_models.clicking.click_image import ClickImage
        from src_models.clicking.session import ClickSession

        with _threads(subject):
            network = _network(subject.model, subject.device)
            image = ClickImage(
                subject.data, network, axes=subject.reading, intensity=subject.intensity, name=subject.name
            )
            session = ClickSession(image)
            if held is not None and held[0].data.shape == subject.data.shape:
                session.restore(held[1].to_dict())
        self._sessions[subject.key] = subject, session
        return session


def _alike(one: ClickedImage, other: ClickedImage) -> bool:
    same = one.data is other.data and one.reading == other.reading and one.intensity == other.intensity
    return same and (one.model, one.device) == (other.model, other.device)


def _seen(subject: ClickedImage, session: ClickSession) -> ObjectAsSeen:
    return ObjectAsSeen(subject.key, session.state, session.can_undo, session.can_redo, session.to_dict())


def _threads(subject: ClickedImage) -> AbstractContextManager[object]:
    from src_models.computing.execution import computing_threads

    return computing_threads(subject.threads or None)


def _network(path: Path, device: str) -> ClickNetwork:
    return _made_ready(path, path.stat().st_mtime_ns if path.exists() else 0, device)


@lru_cache(maxsize=2)
def _made_ready(path: Path, _modified: int, device: str) -> ClickNetwork:
    from src_models.clicking.answering.network import ClickNetwork

    return ClickNetwork(load_model(path), device)
