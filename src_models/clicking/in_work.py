"""An image that is clicked in, and the object in work there: as it stands, and what it was before."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src_models.images.planes import Plane
from src_models.models.loaded import load_model

if TYPE_CHECKING:
    from src_models.clicking.answering.network import ClickNetwork
    from src_models.clicking.clicked_object import ObjectSlice, ObjectState
    from src_models.clicking.session import ClickSession
    from src_models.clicking.suggestions import Suggestion
    from src_models.clicking.writing import Again
    from src_models.images.axes import AxesReading
    from src_models.images.grey.grey_range import GreyRange
    from src_models.images.labels_axes import LabelsAxes
    from src_models.models.header import Intensity

__all__ = ["ClickedImage", "InWork", "ObjectAsSeen"]


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
    covering
        How labels cover it.
    name
        What to call it in messages.
    model
        The model file.
    intensity
        A window of CT, or the range of grey values that a person chose; None for what the model is used to.
    device, threads
        As the person prefers.
    """

    key: Hashable
    data: Any
    reading: AxesReading
    covering: LabelsAxes
    name: str
    model: Path
    intensity: Intensity | GreyRange | None = None
    device: str = "auto"
    threads: int = 0

    def like(self, other: ClickedImage) -> bool:
        """Whether what is clicked in another one is answered the same in this one."""
        same = self.data is other.data and self.reading == other.reading and self.intensity == other.intensity
        return same and (self.model, self.device) == (other.model, other.device)

    def computing(self) -> AbstractContextManager[object]:
        """Return a context in which as many threads compute as the person prefers."""
        from src_models.computing.execution import computing_threads

        return computing_threads(self.threads or None)

    def session(self) -> ClickSession:
        """Begin a session of clicks: this loads the model, unless that was done."""
        from src_models.clicking.click_image import ClickImage
        from src_models.clicking.session import ClickSession

        modified = self.model.stat().st_mtime_ns if self.model.exists() else 0
        network = _made_ready(self.model, modified, self.device)
        return ClickSession(ClickImage(self.data, network, axes=self.reading, intensity=self.intensity, name=self.name))


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
        The session as what JSON can hold, with what the object was before.
    again
        What it was before, if it was accepted before.
    """

    key: Hashable
    state: ObjectState
    can_undo: bool
    can_redo: bool
    stored: Mapping[str, Any]
    again: Again | None = None


@dataclass(slots=True)
class InWork:
    """What is known of one image.

    Parameters
    ----------
    subject, session
        The image, and what is clicked in it.
    again
        What the object in work was before, if it was accepted before.
    last
        The object that was accepted last.
    examples
        The largest parts of the objects accepted last.
    waiting
        Suggestions that were not shown yet, all in one plane; None where nothing is suggested.
    plane
        Theirs.
    """

    subject: ClickedImage
    session: ClickSession
    again: Again | None = None
    last: Again | None = None
    examples: list[ObjectSlice] = field(default_factory=list)
    waiting: list[Suggestion] | None = None
    plane: Plane = ()

    def begin(self) -> None:
        """Drop the object."""
        self.again = None
        self.session.reset()

    def seen(self) -> ObjectAsSeen:
        """Return the object as it stands."""
        session, again = self.session, self.again
        stored = session.to_dict()
        if again is not None:
            stored["again"] = {"value": again.value, "time": again.time}
        return ObjectAsSeen(self.subject.key, session.state, session.can_undo, session.can_redo, stored, again)


@lru_cache(maxsize=2)
def _made_ready(path: Path, _modified: int, device: str) -> ClickNetwork:
    from src_models.clicking.answering.network import ClickNetwork

    return ClickNetwork(load_model(path), device)
