"""What a click changed in one plane is followed through the planes beside it, and nothing else is changed there.

An object that was carried, or that a person began with, is right in most of its planes. So it is not found anew after a
mend: the network looks on from the mended plane, and of what it finds otherwise only the pieces count that go on, from
plane to plane, from what the click added or took away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.answering.known import EIGHT, settled, touching, whole
from src_models.clicking.carrying import carry
from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import End, Front, ObjectInPlane, ObjectState
from src_models.images.planes import Plane

__all__ = ["Content", "Followed", "Following", "follow"]

Mask = NDArray[np.bool_]
# What is found is not written where more than this share of it lies there already, and was not carried there: a mask
# that a person began with, or planes of another view. It goes no further then.
THERE = 0.1
# In planes that a person began with, a change reaches no further than this share of its length (the root of its area)
# from where it was in the plane beside, and at least so many pixels; and it goes no further where little of it is left.
BEYOND, LEAST_BEYOND, LEFT = 0.15, 2.0, 0.4


@dataclass(frozen=True, slots=True)
class Content:
    """What lies in the planes that something is followed through.

    Parameters
    ----------
    lies
        Returns all of it in a plane; what is followed is written into that.
    own
        Returns what of it was carried there, and goes on growing.
    stays
        Returns what is not taken away, whatever is found.
    """

    lies: Callable[[Plane], Mask]
    own: Callable[[Plane], Mask]
    stays: Callable[[Plane], Mask]

    @classmethod
    def of(cls, planes: Mapping[Plane, ObjectInPlane], shape: tuple[int, int]) -> Content:
        """Return that of an object beside which there is nothing, as its planes are now."""

        def lies(plane: Plane) -> Mask:
            return whole(planes[plane].answer) if plane in planes else np.zeros(shape, bool)

        return cls(lies, lies, lambda _: np.zeros(shape, bool))


@dataclass(frozen=True, slots=True)
class Followed:
    """A plane after it was reached; `found` is None where the object is no more, `changed` is what changed there."""

    plane: Plane
    found: ObjectInPlane | None
    changed: Mask


def follow(
    image: ClickImage,
    planes: Mapping[Plane, ObjectInPlane],
    origin: Plane,
    front: Front,
    content: Content,
    last: Plane | None = None,
) -> Iterator[Followed | End]:
    """Follow what changed in a plane to one side.

    What a click added is added on as far as it goes on, and the object with it where it did not lie before. What a
    click took away is taken away as far as it goes on; beyond the plane in which the object ends then, it is dropped.

    Parameters
    ----------
    image
        The image.
    planes
        What is known of the object.
    origin
        The plane in which it was begun.
    front
        What changed, where, and to which side it is followed.
    content
        What lies there.
    last
        The last plane that holds the object, as a person said.

    Yields
    ------
    Followed or End
        Each plane in turn; last, if the object ends there, where and why.
    """
    passing = _Passing(planes, content)
    if planes[front.plane].answer.extent is None:  # it ends before this plane, as was said
        yield from passing.all_taken(front)
        return
    if not front.positive and (*front.plane[:-1], front.plane[-1] + front.side) not in planes:
        return
    reached, changed = front.plane, front.changed
    apart = _apart(planes[reached], front)
    known, begun_in = (planes, origin) if apart is None else ({**planes, reached: apart}, reached)
    for after in carry(image, known, begun_in, reached, front.side, last=last):
        if isinstance(after, End):
            if not front.positive:
                yield from passing.dropped(reached, front.side)
            yield after
            return
        now, changed = (passing.added if front.positive else passing.left)(*after, changed)
        if now is None:
            return
        reached = after[0]
        yield Followed(reached, now, changed)


class Following:
    """Follows all that changed in the planes of an object and was not followed yet.

    Parameters
    ----------
    image
        The image.
    state
        The object.
    """

    def __init__(self, image: ClickImage, state: ObjectState) -> None:
        self._image = image
        self.state = state
        self.done = 0

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to follow."""
        return not self.state.fronts

    def planes(self) -> Iterator[Plane]:
        """Yield each plane that was reached; :attr:`state` is the object then."""
        while self.state.fronts:
            state, (front, *others) = self.state, self.state.fronts
            content = Content.of(state.planes, self._image.shape)
            last = state.said.get(front.side)
            for step in follow(self._image, state.planes, state.origin or front.plane, front, content, last):
                if isinstance(step, End):
                    self._end(front.side, step)
                elif self._reach(front, step, others):
                    self.done += 1
                    yield step.plane
            self.state = replace(self.state, fronts=tuple(others))

    def _reach(self, front: Front, step: Followed, others: Sequence[Front]) -> bool:
        """Keep what is known of a plane; of what a person began with, no plane is dropped."""
        planes = dict(self.state.planes)
        if step.found is None:
            if planes[step.plane].begun:
                return False
            del planes[step.plane]
            self.state = replace(self.state, planes=planes)
            return True
        planes[step.plane] = step.found
        reached = replace(front, plane=step.plane, changed=step.changed)
        self.state = replace(self.state, planes=planes, fronts=(reached, *others))
        return True

    def _end(self, side: int, end: End) -> None:
        """Note where the object ends, if that is its last plane to that side."""
        last = (max if side == 1 else min)(plane[-1] for plane in self.state.planes)
        if end.plane[-1] == last:
            self.state = replace(self.state, ends={**self.state.ends, side: end})


@dataclass(frozen=True, slots=True)
class _Passing:
    """Passes through the planes of an object."""

    planes: Mapping[Plane, ObjectInPlane]
    content: Content

    def added(self, plane: Plane, found: ObjectInPlane, added: Mask) -> tuple[ObjectInPlane | None, Mask]:
        """Add what was found in a plane, where the object lay before as far as it goes on from what was added.

        Returns
        -------
        found, added
            What is known of the plane then, and what was added there; None where something else lies there, or nothing
            goes on.
        """
        content, new, stays = self.content.lies(plane), whole(found.answer), self.content.stays(plane)
        own = self.content.own(plane)
        other = (content & ~own) | stays
        if int((new & other).sum()) > THERE * int(new.sum()):
            return None, added
        old = own & content & ~other
        more = new & ~content
        known = self.planes.get(plane)
        if known is not None:
            more = _going_on(ndimage.binary_opening(more, EIGHT), added, known)
            if not more.any():
                return None, more
        content |= more
        return _as_known(found, known, more | old), more

    def left(self, plane: Plane, found: ObjectInPlane, taken: Mask) -> tuple[ObjectInPlane | None, Mask]:
        """Take away what goes on from what was taken away in the plane before, and is not found again.

        Returns
        -------
        found, taken
            What is known of the plane then, and what was taken away there; None where that was nothing.
        """
        content, new = self.content.lies(plane), whole(found.answer)
        known = self.planes.get(plane)
        old = np.zeros_like(content) if known is None else whole(known.answer)
        gone = _going_on(old & ~new, taken, known) & ~self.content.stays(plane)
        if not gone.any():
            return None, gone
        content &= ~gone
        return _as_known(found, known, old & ~gone), gone

    def all_taken(self, front: Front) -> Iterator[Followed]:
        """Take away all that goes on beyond a plane."""
        plane, taken = front.plane, front.changed
        nothing = settled(self.planes[plane].answer, np.zeros_like(taken))
        while taken.any() and (plane := (*plane[:-1], plane[-1] + front.side)) in self.planes:
            now, taken = self.left(plane, replace(self.planes[plane], answer=nothing), taken)
            if now is not None:
                yield Followed(plane, now, taken)

    def dropped(self, last: Plane, side: int) -> Iterator[Followed]:
        """Take all of the object away from the planes beyond one, where it is not found again."""
        for plane in [at for at in self.planes if (at[-1] - last[-1]) * side > 0 and at[:-1] == last[:-1]]:
            content, known = self.content.lies(plane), whole(self.planes[plane].answer)
            content &= ~known | self.content.stays(plane)
            yield Followed(plane, None, known)


def _apart(found: ObjectInPlane, front: Front) -> ObjectInPlane | None:
    """Return what was added if it lies apart from the rest of the object: it is looked for by itself then."""
    content = whole(found.answer)
    piece = touching(content, front.changed)
    if not front.positive or (piece & ~front.changed).any() or not (content & ~piece).any():
        return None
    return replace(found, answer=settled(found.answer, piece))


def _going_on(otherwise: Mask, changed: Mask, known: ObjectInPlane | None) -> Mask:
    """Return what of a plane is otherwise by what changed in the plane beside."""
    if known is None or not known.begun:
        return touching(otherwise, changed)
    reach = max(LEAST_BEYOND, BEYOND * float(np.sqrt(changed.sum())))
    near = otherwise & (ndimage.distance_transform_edt(~changed) <= reach)
    found = touching(ndimage.binary_opening(near, EIGHT), changed)
    return found if found.sum() >= LEFT * changed.sum() else np.zeros_like(found)


def _as_known(found: ObjectInPlane, known: ObjectInPlane | None, pixels: Mask) -> ObjectInPlane:
    """Return what was found as what lies in a plane after all; of planes that a person began with it stays known."""
    return replace(found, answer=settled(found.answer, pixels), begun=known is not None and known.begun)
