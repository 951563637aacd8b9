"""Addresses of what learns: labels, rounds of learning, the next image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from napari_medt.serving.access import asker
from napari_medt.serving.answers import Refusal
from napari_medt.serving.bodies import read_form, read_json
from napari_medt.serving.monai_label.learning.submission import author_in
from napari_medt.serving.monai_label.learning.submitted import submit
from napari_medt.serving.store.labels import FINAL

if TYPE_CHECKING:
    from napari_medt.serving.app import Server

__all__ = ["routes"]

_LONGEST_TAG = 100


def routes(server: Server) -> list[Route]:
    """Return the routes."""
    training, labels = _Training(server), _Labels(server)
    return [
        Route("/datastore/label", labels.take, methods=["PUT"]),
        Route("/train/", training.tell, methods=["GET"]),
        Route("/train/", training.start, methods=["POST"]),
        Route("/train/", training.stop, methods=["DELETE"]),
        Route("/train/{model}", training.start, methods=["POST"]),
        Route("/activelearning/{strategy}", labels.next, methods=["POST"]),
    ]


class _Labels:
    def __init__(self, server: Server) -> None:
        self._server = server

    async def take(self, request: Request) -> Response:
        """Take labels of an image."""
        name = request.query_params.get("image", "")
        tag = request.query_params.get("tag") or FINAL
        if not name or len(tag) > _LONGEST_TAG:
            raise Refusal(400, "this request must say which image the labels are of (...?image=NAME), by a short tag")
        store, teaching = self._server.store, self._server.teaching
        async with read_form(request) as form:
            params, file = form.params(), form.file("label", "file")
            image = await run_in_threadpool(store.find, name, asker(request, params))
            labels, note = await run_in_threadpool(submit, store, teaching, image, tag, params, file.file)
        told = {"image": image.id, "label": image.id, "tag": labels.tag, "author": author_in(params)}
        return JSONResponse(told if note is None else {**told, "note": note})

    async def next(self, request: Request) -> Response:
        """Say which image comes next."""
        await read_json(request)
        return JSONResponse(
            await run_in_threadpool(self._server.teaching.next_images.next, request.path_params["strategy"])
        )


class _Training:
    def __init__(self, server: Server) -> None:
        self._teaching, self._trainer = server.teaching, server.teaching.trainer

    async def tell(self, request: Request) -> Response:
        """Tell of the last order; where a client asks whether something learns, 404 says no."""
        task = self._trainer.task
        asked = request.query_params.get("check_if_running", "").lower() in ("true", "1")
        if task is None or (asked and not self._trainer.running):
            raise Refusal(404, "nothing learns at present")
        return JSONResponse(task)

    async def start(self, request: Request) -> Response:
        """Let a model learn, or all of them."""
        chosen = await read_json(request)
        model = request.path_params.get("model")
        if model is not None:
            self._teaching.base(model)  # or there is none
        models = self._teaching.learners if model is None else [model]
        return JSONResponse(self._trainer.start(models, chosen))

    async def stop(self, _request: Request) -> Response:
        """End what learns; the best is kept."""
        return JSONResponse(self._trainer.stop())
