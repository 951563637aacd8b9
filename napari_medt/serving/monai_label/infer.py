"""Answers of models: labels of a volume, or of the object that was clicked."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from napari_medt.serving.access import asker
from napari_medt.serving.answers import Refusal
from napari_medt.serving.bodies import read_form
from napari_medt.serving.monai_label.click_request import ClickRequest
from napari_medt.serving.monai_label.clicks import THROUGH_SLICES, ClickedImages
from napari_medt.serving.monai_label.learning.submitted import read_sent
from napari_medt.serving.monai_label.multipart import two_parts
from napari_medt.serving.monai_label.scribbles import STROKES, answer_strokes
from napari_medt.serving.monai_label.segmenting import segment_image
from napari_medt.serving.store.served_image import ServedImage
from napari_medt.serving.store.store import StoredImage

if TYPE_CHECKING:
    from napari_medt.serving.app import Server

__all__ = ["Answered", "packed_labels", "routes"]

SUFFIX = ".nrrd"
_OUTPUTS = ("", "all", "image", "json")


@dataclass(frozen=True, slots=True)
class Answered:
    """Labels that were found.

    Parameters
    ----------
    content
        The file.
    names
        The value of each name.
    seconds
        How long it took, by part.
    """

    content: bytes
    names: Mapping[str, int]
    seconds: Mapping[str, float]


def routes(server: Server) -> list[Route]:
    """Return the routes."""
    inference = _Inference(server)
    return [Route("/infer/{model}", inference.answer, methods=["POST"])]


class _Inference:
    """Answers requests of a server, one at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._clicked = ClickedImages()

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        output = request.query_params.get("output", "")
        if output not in _OUTPUTS:
            raise Refusal(400, f"labels are given as NRRD; the output {output[:20]!r} is not to be had here")
        async with read_form(request) as form:
            params, label = form.params(), form.files.get("label")
            strokes = None if label is None else await label.read()
        stored = await run_in_threadpool(
            self._server.store.find,
            request.query_params.get("image", ""),
            asker(request, params),
            request.query_params.get("session_id"),
        )
        gone = Event()
        found = await self._server.work.run_for(
            request, self._run, request.path_params["model"], stored, params, strokes, gone, gone=gone
        )
        told = {"label_names": found.names, "latencies": found.seconds}
        if output == "json":
            return JSONResponse(told)
        if output == "image":
            return Response(found.content, media_type="application/octet-stream")
        return two_parts(told, found.content, SUFFIX)

    def _run(
        self, model: str, stored: StoredImage, params: Mapping[str, Any], strokes: bytes | None, gone: Event
    ) -> Answered:
        begun = time.perf_counter()
        models, store = self._server.models, self._server.store
        if model in models.names("segment"):
            image = store.open(stored)
            labels, names = segment_image(image, models.load(model), model, params, gone, repr(stored.id))
        elif model.endswith(STROKES) and model not in models.names("click"):
            image = store.open(stored)
            labels, meant = self._stroked(model.removesuffix(STROKES), image, stored, params, strokes, gone)
            names = {meant: 1}
        else:
            carried = model.endswith(THROUGH_SLICES) and model not in models.names("click")
            name = model.removesuffix(THROUGH_SLICES) if carried else model
            models.header(name, "click")
            image = store.open(stored)
            asked = ClickRequest.of(params, image)
            network = models.click_network(name)
            labels = self._clicked.answer(
                image, network, asked, params, gone, through_slices=carried, title=repr(stored.id)
            )
            names = {asked.label: 1}
        answered = time.perf_counter()
        content = packed_labels(labels, image)
        seconds = {"infer": answered - begun, "write": time.perf_counter() - answered}
        return Answered(content, names, {**seconds, "total": sum(seconds.values())})

    def _stroked(
        self,
        model: str,
        image: ServedImage,
        stored: StoredImage,
        params: Mapping[str, Any],
        strokes: bytes | None,
        gone: Event,
    ) -> tuple[NDArray[Any], str]:
        """Return the object that strokes mean, and its name."""
        self._server.models.header(model, "click")
        if strokes is None:
            raise Refusal(400, "the strokes are missing in this request: they belong into the field 'label'")
        segments, _, _ = read_sent(self._server.store, stored, io.BytesIO(strokes))
        network = self._server.models.click_network(model)
        return answer_strokes(image, network, image.to_grid(segments), params, gone, repr(stored.id))


def packed_labels(labels: NDArray[Any], image: ServedImage) -> bytes:
    """Return labels (k, j, i) on a client's grid as an NRRD file."""
    from src_models.files.volumes.nrrd_labels import write_nrrd_to

    file = io.BytesIO()
    write_nrrd_to(file, labels, image.geometry, dtype=np.dtype(labels.dtype), content="labels")
    return file.getvalue()
