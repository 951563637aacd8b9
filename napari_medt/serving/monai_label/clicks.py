"""Objects by clicks: what clients ask is without memory, what answers remembers.

Each request has all points of a segment. An object that was answered with fewer of the same points goes on from there,
so that a further click costs one run of the network, and its answer builds on the one that the person saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.serving.answers import Refusal
from napari_medt.serving.monai_label.click_request import ClickRequest, Voxel
from napari_medt.serving.store.opened import Kept
from napari_medt.serving.store.served_image import ServedImage, SliceView
from src_models.images.grey.ct_windows import ct_window, ct_windows, shows_ct

if TYPE_CHECKING:
    from src_models.clicking.answering.network import ClickNetwork
    from src_models.clicking.click_image import ClickImage
    from src_models.clicking.prompts import Click
    from src_models.clicking.session import ClickSession
    from src_models.models.header import Intensity

__all__ = ["THROUGH_SLICES", "ClickedImages", "click_options", "grey_values"]

THROUGH_SLICES = "-through-slices"
_AUTOMATIC, _AS_TRAINED = "soft tissue of a CT, else as the model was trained", "as the model was trained"
_OBJECTS = 32  # that are remembered, of an image


def click_options() -> dict[str, Any]:
    """Return the options of models of clicks, as a client shows them."""
    return {"grey_values": [_AUTOMATIC, _AS_TRAINED, *(f"CT: {window.name}" for window in ct_windows())]}


class ClickedImages:
    """The images that were clicked in last; for the computing thread alone."""

    def __init__(self) -> None:
        self._images: Kept[_ClickedImage] = Kept()

    def answer(
        self,
        image: ServedImage,
        network: ClickNetwork,
        request: ClickRequest,
        params: Mapping[str, Any],
        gone: Event,
        *,
        through_slices: bool = False,
        title: str = "the volume",
    ) -> NDArray[np.uint8]:
        """Return an object.

        Parameters
        ----------
        image
            Where it is.
        network
            What answers.
        request
            All points of it.
        params
            Options (:func:`click_options`), as the client sent them.
        gone
            Is set if nobody waits for the result any more.
        through_slices
            Whether it is carried to the slices before and after.
        title
            What to call the image in errors.

        Returns
        -------
        ndarray, shape (k, j, i)
            1 where the object is, on the client's grid.

        Raises
        ------
        Refusal
            If there is no point on the object but some beside it (400), or nobody waits any more.
        """
        values = str(params.get("grey_values") or _AUTOMATIC)
        clicked = self._images.get(
            (id(image), id(network), values), lambda: _ClickedImage(image, network, values, title)
        )
        if through_slices and not image.flat:
            return clicked.volume(request, gone)
        return clicked.slice(request.in_slice())


class _ClickedImage:
    """An image made ready for clicks, and the objects that were clicked in it last."""

    def __init__(self, image: ServedImage, network: ClickNetwork, values: str, title: str) -> None:
        from src_models.clicking.click_image import ClickImage

        self.keeps = (image, network)  # as long as they are there, nothing else has their ids
        self._view: SliceView = image.slices()
        reading, data = self._view.reading, self._view.data
        intensity = _intensity(values, image)
        self._image: ClickImage = ClickImage(data, network, axes=reading, intensity=intensity, name=title)
        self._objects: list[ClickSession] = []
        self._volumes: Kept[NDArray[np.uint8]] = Kept(2)

    def slice(self, request: ClickRequest) -> NDArray[np.uint8]:
        """Return an object in one slice."""
        labels = self._view.empty()
        if request.foreground or request.background:
            self._draw(self._object(request.foreground, request.background), labels)
        return np.asarray(self._view.to_grid(labels))

    def volume(self, request: ClickRequest, gone: Event) -> NDArray[np.uint8]:
        """Return an object that is carried from the slice of its first point to those before and after.

        Points in further slices mend it there, and it is carried on from them; points on the object in a slice that it
        does not reach begin a further part of it.
        """
        if not (request.foreground or request.background):
            return np.asarray(self._view.to_grid(self._view.empty()))
        labels = self._volumes.get((request.foreground, request.background), lambda: self._carried(request, gone))
        return np.asarray(self._view.to_grid(labels))

    def _carried(self, request: ClickRequest, gone: Event) -> NDArray[np.uint8]:
        _check_begins(request.foreground)
        labels = self._view.empty()
        slices = _by_slice(request)
        while slices:
            first = next(k for k in slices if slices[k][0])
            session = self._begun(*slices.pop(first))
            _carry(session, None, gone)
            for k in sorted(slices, key=lambda k: abs(k - first)):
                on, beside = slices[k]
                plane = self._view.place((*((on or beside)[0][:2]), k))[0]
                if plane in session.state.planes:
                    for click in self._clicks(on, beside):
                        session.give(click, plane)
                    _carry(session, plane, gone)
                    del slices[k]
            self._draw(session, labels)
            slices = {k: points for k, points in slices.items() if points[0]}
        return labels

    def _object(self, on: tuple[Voxel, ...], beside: tuple[Voxel, ...]) -> ClickSession:
        """Return the object of some points in a slice: gone on with, or begun."""
        _check_begins(on)
        plane = self._view.place(on[0])[0]
        clicks = self._clicks(on, beside)
        found = self._known(clicks, plane)
        if found is None:
            return self._begun(on, beside)
        given = found.prompts
        for click in clicks:
            if click not in given:
                found.give(click)
        return found

    def _known(self, clicks: list[Click], plane: tuple[int, ...]) -> ClickSession | None:
        """Return the object in a slice that has most of some clicks in order; what else it was given is undone."""
        most: tuple[int, ClickSession] | None = None
        for session in self._objects:
            if session.plane == plane:
                count = _in_common(session.prompts, clicks)
                if count and (most is None or count > most[0]):
                    most = (count, session)
        if most is None:
            return None
        count, session = most
        while len(session.prompts) > count:
            session.undo()
        self._objects.remove(session)
        self._objects.append(session)
        return session

    def _begun(self, on: tuple[Voxel, ...], beside: tuple[Voxel, ...]) -> ClickSession:
        from src_models.clicking.session import ClickSession

        session = ClickSession(self._image, plane=self._view.place(on[0])[0])
        for click in self._clicks(on, beside):
            session.give(click)
        self._objects = [*self._objects[1 - _OBJECTS :], session]
        return session

    def _clicks(self, on: Iterable[Voxel], beside: Iterable[Voxel]) -> list[Click]:
        from src_models.clicking.prompts import Click

        return [
            Click(float(y), float(x), positive)
            for voxels, positive in ((on, True), (beside, False))
            for _, y, x in map(self._view.place, voxels)
        ]

    def _draw(self, session: ClickSession, labels: NDArray[np.uint8]) -> None:
        for plane, found in session.state.planes.items():
            labels[plane[0] if plane else 0][found.answer.region] |= found.answer.mask


def _check_begins(on: tuple[Voxel, ...]) -> None:
    if not on:
        raise Refusal(400, "begin with a point on the object (foreground); then place points beside it")


def _by_slice(request: ClickRequest) -> dict[int, tuple[tuple[Voxel, ...], tuple[Voxel, ...]]]:
    """Return points on the object and beside it by their slice, those with points on it in the order of placing."""
    order = dict.fromkeys(voxel[2] for voxel in (*request.foreground, *request.background))
    return {
        k: (
            tuple(voxel for voxel in request.foreground if voxel[2] == k),
            tuple(voxel for voxel in request.background if voxel[2] == k),
        )
        for k in order
    }


def _carry(session: ClickSession, plane: tuple[int, ...] | None, gone: Event) -> None:
    start = session.plane if plane is None else plane
    if session.state.planes[start].answer.extent is None or session.image.depth == 1:
        return  # nothing was found there
    for _ in session.carry(start):
        if gone.is_set():
            raise Refusal(499, "the client has gone")


def _in_common(given: Iterable[Any], clicks: list[Click]) -> int:
    """Return how many of the clicks that an object was given come first, each kind in order, among those wanted."""
    wanted = {kind: iter([click for click in clicks if click.positive is kind]) for kind in (True, False)}
    count = 0
    for prompt in given:
        if next(wanted[prompt.positive], None) != prompt:
            break
        count += 1
    return count


def grey_values(params: Mapping[str, Any], image: ServedImage) -> Intensity | None:
    """Return how grey values are to be normalised, as a client chose; None as the model was trained."""
    return _intensity(str(params.get("grey_values") or _AUTOMATIC), image)


def _intensity(values: str, image: ServedImage) -> Intensity | None:
    kind, _, window = values.partition(": ")
    if kind == "CT":
        return ct_window(window).intensity
    automatic = values != _AS_TRAINED and "C" not in image.reading.axes
    return ct_window("soft tissue").intensity if automatic and shows_ct(image.data, image.reading) else None
