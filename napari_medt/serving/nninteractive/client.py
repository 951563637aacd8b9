"""What the server keeps for a client and does for it in the thread that computes: one volume, what is given in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_medt.serving.answers import Refusal
from napari_medt.serving.nninteractive.packing import PackingError, pack, unpack
from napari_medt.serving.nninteractive.prompts import box_of, drawn_of, point_of, spacing_of
from src_models.errors import UserError

if TYPE_CHECKING:
    from src_models.clicking.answering.network import ClickNetwork
    from src_models.clicking.volume.given import Drawn, Point
    from src_models.clicking.volume.interactive import InteractiveVolume

__all__ = ["Client", "Prediction"]

Bounds = tuple[tuple[int, int], ...]
Given = Callable[[], "Point | Drawn | None"]
NO_IMAGE = "the server has no volume of this client yet: initialise again, which sends it"
WIDEST = 8  # bytes of a voxel of what is painted, at the most


@dataclass(frozen=True, slots=True)
class Prediction:
    """What changed.

    Parameters
    ----------
    ran
        Whether anything was done.
    bounds
        The box of voxels in which something changed; None where nothing did.
    packed
        What is in the box now, uint8; empty without one.
    """

    ran: bool
    bounds: Bounds | None = None
    packed: bytes = b""

    @property
    def meta(self) -> dict[str, Any]:
        """What the header ``X-Meta`` says of it."""
        bounds = None if self.bounds is None else [list(pair) for pair in self.bounds]
        return {"ran_prediction": self.ran, "bbox": bounds}


class Client:
    """A client's volume.

    Parameters
    ----------
    network
        Returns the network that answers.
    seconds
        After which an object is carried no further.
    """

    def __init__(self, network: Callable[[], ClickNetwork], seconds: float = 40.0) -> None:
        self._network = network
        self._seconds = seconds
        self._volume: InteractiveVolume | None = None
        self._unsent: Bounds | None = None
        self.carrying = True
        self.nbytes = 0

    def set_image(self, body: bytes, meta: Mapping[str, Any], most: int) -> list[int]:
        """Take a volume (1, k, j, i), and return its shape.

        Raises
        ------
        UserError
            If it is none, or has more than so many bytes.
        """
        from src_models.clicking.volume.interactive import InteractiveVolume

        self._volume, self.nbytes = None, 0  # two volumes at a time might not fit
        self._unsent = None
        image = unpack(body, most)
        if image.ndim == 4 and image.shape[0] == 1:
            image = image[0]
        elif image.ndim != 3:
            raise PackingError(f"a volume of one channel is needed, (1, k, j, i); this is {image.shape}")
        volume = InteractiveVolume(
            image, self._network(), spacing=spacing_of(meta), seconds=self._seconds, name="the volume"
        )
        self._volume, self.nbytes = volume, image.nbytes
        return [1, *volume.shape]

    def check_buffer(self, shape: Any) -> None:
        """Check that the client keeps a segmentation of the volume's shape.

        Raises
        ------
        Refusal
            If it does not (400), or there is no volume (409).
        """
        own = list(self._here().shape)
        if shape != own:
            raise Refusal(400, f"the segmentation must have the volume's shape {own} (k, j, i)")

    def reset(self) -> None:
        """Begin a new object."""
        self._unsent = None
        if self._volume is not None:
            self._volume.reset()

    def begin_with(self, body: bytes) -> Prediction:
        """Begin a new object with what was segmented before; the client has that already.

        Raises
        ------
        UserError
            If it is not of the volume's shape.
        """
        volume = self._here()
        self._unsent = None
        volume.begin_with(unpack(body, WIDEST * volume.mask.size))
        return Prediction(ran=False)

    def point(self, body: Mapping[str, Any]) -> Prediction:
        """Answer to a point."""
        return self._given(body, partial(point_of, body))

    def box(self, body: Mapping[str, Any]) -> Prediction:
        """Answer to a box."""
        return self._given(body, partial(box_of, body, self._here().shape))

    def drawn(self, kind: Literal["lasso", "scribble"], meta: Mapping[str, Any], body: bytes) -> Prediction:
        """Answer to a lasso or scribble."""
        volume = self._here()

        def read() -> Drawn | None:
            return drawn_of(kind, meta, unpack(body, WIDEST * volume.mask.size), volume.shape)

        return self._given(meta, read)

    def predict(self) -> Prediction:
        """Answer to what was given and not answered yet."""
        return self._told(self._here().predict())

    def undo(self) -> Prediction:
        """Take back what was given last."""
        done, bounds = self._here().undo()
        return self._told(bounds) if done else Prediction(ran=False)

    def sent(self) -> None:
        """Note that the client has what was found last."""
        self._unsent = None

    def _given(self, said: Mapping[str, Any], read: Given) -> Prediction:
        """Answer to what is given; what cannot be used changes nothing, since clients show no error here."""
        volume = self._here()
        try:
            given = read()
            if given is not None:
                volume.carrying = self.carrying
                volume.wait(given)
            if said.get("run_prediction") is False:
                return Prediction(ran=False)
            return self._told(volume.predict())
        except UserError:
            return self._told(None)

    def _told(self, bounds: Bounds | None) -> Prediction:
        """Return what changed, with what changed before and did not reach the client."""
        if bounds is not None:
            self._unsent = bounds if self._unsent is None else _around(bounds, self._unsent)
        if self._unsent is None:
            return Prediction(ran=True)
        part = self._here().mask[tuple(slice(first, last) for first, last in self._unsent)]
        return Prediction(True, self._unsent, pack(np.ascontiguousarray(part, np.uint8)))

    def _here(self) -> InteractiveVolume:
        if self._volume is None:
            raise Refusal(409, NO_IMAGE)
        return self._volume


def _around(one: Bounds, other: Bounds) -> Bounds:
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))
