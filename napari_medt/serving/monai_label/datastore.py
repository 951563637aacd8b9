"""The data set: which images there are, what labels they have, and the files of both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from napari_medt.serving.access import asker
from napari_medt.serving.answers import Refusal
from napari_medt.serving.bodies import read_form, read_json
from napari_medt.serving.monai_label.info import info
from napari_medt.serving.store.labels import FINAL, StoredLabels
from napari_medt.serving.store.store import StoredImage

if TYPE_CHECKING:
    from napari_medt.serving.app import Server

__all__ = ["file_answer", "required", "routes"]


def routes(server: Server) -> list[Route]:
    """Return the routes."""
    images, labels = _Images(server), _Labels(server)
    return [
        Route("/datastore/", images.all, methods=["GET"]),
        Route("/datastore/", images.add, methods=["PUT"]),
        Route("/datastore/image", images.give, methods=["GET"]),
        Route("/datastore/image", images.add, methods=["PUT"]),
        Route("/datastore/image", images.remove, methods=["DELETE"]),
        Route("/datastore/image/info", images.tell, methods=["GET"]),
        Route("/datastore/image/info", images.told, methods=["PUT"]),
        Route("/datastore/label", labels.give, methods=["GET"]),
        Route("/datastore/label", labels.remove, methods=["DELETE"]),
        Route("/datastore/label/info", labels.tell, methods=["GET"]),
        Route("/datastore/label/info", labels.told, methods=["PUT"]),
    ]


def required(request: Request, name: str) -> str:
    """Return a parameter of an address that must be there (:class:`Refusal`, 400)."""
    value = request.query_params.get(name, "")
    if not value:
        raise Refusal(400, f"this request must say which {name} it is about: ...?{name}=NAME")
    return value


class _Images:
    def __init__(self, server: Server) -> None:
        self._server, self._store = server, server.store

    async def all(self, request: Request) -> Response:
        output = request.query_params.get("output", "")
        if output == "stats":
            return JSONResponse(info(self._server)["datastore"])
        images = await run_in_threadpool(self._store.images)
        if output == "train":
            finished = self._store.labels.images(FINAL)
            return JSONResponse([{"image": image.id, "label": image.id} for image in images if image.key in finished])
        return JSONResponse(
            {
                "name": "napari-medt",
                "description": "images of the server's folder, and those that clients sent",
                "images_dir": "",
                "labels_dir": "",
                "objects": {image.id: self._object(image) for image in images},
            }
        )

    async def add(self, request: Request) -> Response:
        name = required(request, "image")
        async with read_form(request) as form:
            who, file = asker(request, form.params()), form.file("file", "image")
            image = await run_in_threadpool(self._store.add, name, who, file.file)
        return JSONResponse({"image": image.id})

    async def give(self, request: Request) -> Response:
        image = await self._find(request, "image")
        if request.method == "HEAD":  # who asks whether it is there has not got it yet
            path = await run_in_threadpool(self._store.handed_out, image)
        else:
            path = await run_in_threadpool(self._store.give, image, asker(request))
        return file_answer(path)

    async def remove(self, request: Request) -> Response:
        image = await self._find(request, "id")
        await run_in_threadpool(self._store.remove, image)
        return JSONResponse({})

    async def tell(self, request: Request) -> Response:
        image = await self._find(request, "image")
        return JSONResponse(self._object(image)["image"]["info"])

    async def told(self, request: Request) -> Response:
        """Take note that a client says something of an image, which nothing here needs."""
        await self._find(request, "image")
        await read_json(request)
        return JSONResponse({})

    async def _find(self, request: Request, name: str) -> StoredImage:
        return await run_in_threadpool(self._store.find, required(request, name), asker(request))

    def _object(self, image: StoredImage) -> dict[str, Any]:
        upload = image.upload
        told = {} if upload is None else {"ts": int(upload.time), "checksum": f"SHA256:{upload.sha256}"}
        labels = {
            tag: {"ext": _suffix(one.file), "info": {"ts": int(one.time), **one.info}}
            for tag, one in self._store.labels.of(image.key).items()
        }
        return {"image": {"ext": _suffix(image.path.name), "info": {"name": image.id, **told}}, "labels": labels}


class _Labels:
    def __init__(self, server: Server) -> None:
        self._store = server.store

    async def give(self, request: Request) -> Response:
        labels = await self._find(request, "label")
        return file_answer(self._store.labels.path(labels))

    async def tell(self, request: Request) -> Response:
        labels = await self._find(request, "label")
        return JSONResponse(dict(labels.info))

    async def told(self, request: Request) -> Response:
        labels = await self._find(request, "label")
        async with read_form(request) as form:
            params = form.params()
        await run_in_threadpool(self._store.labels.change_info, labels, {**labels.info, **params})
        return JSONResponse({})

    async def remove(self, request: Request) -> Response:
        """Let labels count no more; the server keeps their file."""
        labels = await self._find(request, "id")
        await run_in_threadpool(self._store.labels.take_away, labels)
        return JSONResponse({})

    async def _find(self, request: Request, name: str) -> StoredLabels:
        tag = request.query_params.get("tag") or FINAL
        image = await run_in_threadpool(self._store.find, required(request, name), asker(request))
        labels = self._store.labels.of(image.key).get(tag)
        if labels is None:
            raise Refusal(404, "there are no labels of this kind of that image")
        return labels


def file_answer(path: Path) -> Response:
    """Return a file under a name that is the server's own."""
    return FileResponse(path, filename=path.name, media_type="application/octet-stream")


def _suffix(name: str) -> str:
    return ".nii.gz" if name.lower().endswith(".nii.gz") else Path(name).suffix
