"""A volume in which a person clicks, draws and takes back, in axial, coronal and sagittal planes; a mask of all of it.

What is given in a plane is answered as a session of clicks answers it there, and, if that is wanted, carried to the
planes behind and before. A voxel that was clicked is in the object, or out of it, from then on. What was found in other
planes stays, and so does a mask that was there at the beginning, wherever nothing else was said.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.click_image import ClickImage
from src_models.clicking.volume.answered import Answered, answered
from src_models.clicking.volume.carried import carried
from src_models.clicking.volume.changes import Before, Bounds
from src_models.clicking.volume.given import Drawn, InPlane, Point
from src_models.clicking.volume.parts import Part
from src_models.clicking.volume.views import VIEWS, View, coarsest
from src_models.errors import ImageError
from src_models.images.axes import AxesReading, read_axes
from src_models.images.grey.ct_windows import ct_window, shows_ct
from src_models.images.grey.grey_range import GreyRange
from src_models.models.header import Intensity

__all__ = ["InteractiveVolume"]

Mask = NDArray[np.bool_]
MOST_STEPS = 50  # that can be taken back
MOST_REMEMBERED = 8  # objects that can be gone on with
MOST_PLANES = 48  # in which something that goes through many is answered; in the others its voxels alone change


@dataclass(frozen=True, slots=True)
class _Left:
    """What was known of an object that was left for another one."""

    parts: tuple[Part, ...]
    said: tuple[tuple[NDArray[np.intp], bool], ...]
    initial: Before | None


@dataclass(frozen=True, slots=True)
class _Step:
    """How all was before something was given."""

    mask: Before
    parts: tuple[Part, ...]
    said: int
    drawn_in: View | None


class InteractiveVolume:
    """A volume, and what a person gives in it.

    Parameters
    ----------
    image
        (k, j, i), any real type.
    network
        What answers.
    spacing
        Size (mm) of a voxel along k, j and i; None where it is not known.
    intensity
        How grey values are normalised; None takes the window of soft tissue for a CT in HU, and else what the model's
        header says.
    carrying
        Whether what is given in a plane is carried to those behind and before it.
    seconds
        After which an object is carried no further.
    name
        What to call it in errors.

    Raises
    ------
    ImageError
        If it has no three axes, or no value that is a finite number.
    """

    def __init__(
        self,
        image: NDArray[Any],
        network: ClickNetwork,
        *,
        spacing: Sequence[float] | None = None,
        intensity: Intensity | GreyRange | None = None,
        carrying: bool = True,
        seconds: float = 40.0,
        name: str = "the volume",
    ) -> None:
        if image.ndim != 3:
            raise ImageError(f"{name} has {image.ndim} axes, and a volume has three (k, j, i); choose a scalar volume")
        self._reading = read_axes(image.shape, dtype=image.dtype, axes="ZYX", spacing=spacing, unit="mm", name=name)
        if intensity is None and shows_ct(image, self._reading):
            intensity = ct_window("soft tissue").intensity
        self._open = _opening(image, network, self._reading, intensity, name)
        self._images: dict[View, ClickImage] = {}
        self._made_in = coarsest([self._reading.spacing[letter] for letter in "ZYX"])
        self.shape = (image.shape[0], image.shape[1], image.shape[2])
        self.carrying = carrying
        self.seconds = seconds
        self.mask: Mask = np.zeros(self.shape, bool)
        self._initial: Mask | None = None
        self._left: dict[bytes, _Left] = {}  # by the masks
        self._parts: tuple[Part, ...] = ()
        self.reset()
        self.image(self._made_in)  # so that an image without values is refused now, and the first click need not wait

    @property
    def read_as(self) -> str:
        """How the volume is read, in one line."""
        return self.image(self._made_in).read_as

    def image(self, view: View) -> ClickImage:
        """Return the volume as it is clicked in from one side."""
        if view not in self._images:
            self._images[view] = self._open(view)
        return self._images[view]

    def reset(self) -> None:
        """Begin a new object; what is known of the former is remembered, if it is gone on with."""
        if self.mask.any() and self._parts:
            key = _digest(self.mask)
            self._left.pop(key, None)
            self._left[key] = _Left(
                self._parts, tuple(self._said), None if self._initial is None else Before.of(self._initial)
            )
            self._left = dict(list(self._left.items())[-MOST_REMEMBERED:])
        self.mask[:] = False
        self._initial = None
        self._parts = ()
        self._said: list[tuple[NDArray[np.intp], bool]] = []
        self._steps: deque[_Step] = deque(maxlen=MOST_STEPS)
        self._waiting: list[Point | Drawn] = []
        self._drawn_in: View | None = None

    def begin_with(self, mask: NDArray[Any]) -> None:
        """Begin a new object with what was segmented before; it stays where nothing else is said.

        If it is, to the voxel, an object that was left by :meth:`reset`, that is gone on with.

        Parameters
        ----------
        mask
            (k, j, i); what is not 0 is the object.

        Raises
        ------
        ImageError
            If it has not the volume's shape.
        """
        if mask.shape != self.shape:
            raise ImageError(
                f"the segmentation has {'x'.join(map(str, mask.shape))} voxels, and the volume "
                f"{'x'.join(map(str, self.shape))}: make it anew for this volume"
            )
        self.reset()
        self.mask[:] = mask != 0
        left = self._left.get(_digest(self.mask)) if self.mask.any() else None
        if left is not None:
            self._parts, self._said = left.parts, list(left.said)
            if left.initial is not None:
                self._initial = np.zeros(self.shape, bool)
                left.initial.put_back(self._initial)
        elif self.mask.any():
            self._initial = self.mask.copy()

    def give(self, given: Point | Drawn) -> Bounds | None:
        """Give a point, box, lasso or scribble; return the box of voxels in which something changed.

        What lies outside of the volume changes nothing, and nor does what is said where it holds already.
        """
        self.wait(given)
        return self.predict()

    def wait(self, given: Point | Drawn) -> bool:
        """Keep what is given until :meth:`predict`; return whether anything of it lies in the volume."""
        if isinstance(given, Drawn):
            inside = given.clipped(self.shape)
            if inside is None:
                return False
            given = inside
        elif not given.fits(self.shape):
            return False
        self._waiting.append(given)
        return True

    def predict(self) -> Bounds | None:
        """Answer to what was given and waits; return the box of voxels in which something changed."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return None
        before = self.mask.copy()
        step = self._parts, len(self._said), self._drawn_in
        try:
            for given in waiting:
                self._answer(given)
        except BaseException:
            self.mask[:] = before
            self._parts, self._drawn_in = step[0], step[2]
            del self._said[step[1] :]
            raise
        was = Before.of(before, self.mask)
        self._steps.append(_Step(was, *step))
        return was.bounds

    def undo(self) -> tuple[bool, Bounds | None]:
        """Take back what was given last; return whether there was anything, and the box in which something changed."""
        if self._waiting:
            self._waiting.pop()
            return True, None
        if not self._steps:
            return False, None
        step = self._steps.pop()
        step.mask.put_back(self.mask)
        self._parts, self._drawn_in = step.parts, step.drawn_in
        del self._said[step.said :]
        return True, step.mask.bounds

    def _answer(self, given: Point | Drawn) -> None:
        view = self._view_of(given)
        planes = list(given.planes(view, self.shape))
        for each in planes:
            self._said.append((view.voxels(each.index, each.said), each.positive))
        alone = len(planes) == 1 and self.carrying
        until = time.monotonic() + self.seconds
        for each in planes[:: max(1, -(-len(planes) // MOST_PLANES))]:
            self._answer_in(view, each, until if alone else None)
            if time.monotonic() > until:
                break
        self._keep_promises()

    def _answer_in(self, view: View, given: InPlane, until: float | None) -> None:
        """Answer in one plane, and carry what is found there if there is time for it."""
        image = self.image(view)
        content = view.plane(self.mask, given.index)
        found = answered(image, content, self._parts, view, given)
        if found is None:
            return
        content[:] = found.content
        self._keep_promises()
        found = self._as_promised(found, view, given)
        self._parts = found.parts
        if until is not None:
            self._parts = carried(image, self.mask, self._initial, found, view, given, until)
        image.forget(but=(given.index,))

    def _as_promised(self, found: Answered, view: View, given: InPlane) -> Answered:
        """Return what was found with all that was said of its plane before."""
        return found.settled(view.plane(self.mask, given.index) & ~found.aside, given.index)

    def _keep_promises(self) -> None:
        for voxels, positive in self._said:
            self.mask[tuple(voxels.T)] = positive

    def _view_of(self, given: Point | Drawn) -> View:
        """Return the view in whose planes something is answered."""
        carried_along = VIEWS[self._parts[0].axis] if self._parts and self.carrying else None
        if isinstance(given, Point):
            return carried_along or self._drawn_in or self._made_in
        if given.view is None:
            return carried_along or self._made_in
        self._drawn_in = given.view
        across = carried_along is not None and given.view != carried_along and given.kind == "scribble"
        return carried_along if across and carried_along is not None else given.view


def _digest(mask: Mask) -> bytes:
    return hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=16).digest()


def _opening(
    image: NDArray[Any],
    network: ClickNetwork,
    reading: AxesReading,
    intensity: Intensity | GreyRange | None,
    name: str,
) -> Callable[[View], ClickImage]:
    def opened(view: View) -> ClickImage:
        return ClickImage(image, network, axes=view.reading(reading), intensity=intensity, name=name)

    return opened
