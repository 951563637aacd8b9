"""Volumes that are lent for a while: 3D Slicer does so before somebody clicks in one that the server does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from napari_medt.serving.answers import Refusal
from napari_medt.serving.bodies import read_form

if TYPE_CHECKING:
    from napari_medt.serving.app import Server

__all__ = ["routes"]


def routes(server: Server) -> list[Route]:
    """Return the routes."""
    sessions = server.store.sessions

    async def begin(request: Request) -> Response:
        async with read_form(request) as form:
            file = form.file("files", "file")
            lasts = _seconds(request.query_params.get("expiry", ""))
            session = await run_in_threadpool(sessions.begin, file.file, lasts)
        return JSONResponse({"session_id": session.id, "session_info": session.told()})

    async def tell(request: Request) -> Response:
        used = request.query_params.get("update_ts", "").lower() == "true"
        session = await run_in_threadpool(sessions.find, request.path_params["session"], used=used)
        if session is None:
            # With 404 the client of 3D Slicer raises an error and stays stuck; with nothing it sends the volume again.
            return JSONResponse({})
        if request.query_params.get("image", "").lower() == "true":
            return FileResponse(session.path, filename=session.path.name)
        return JSONResponse(session.told())

    async def end(request: Request) -> Response:
        session = await run_in_threadpool(sessions.end, request.path_params["session"])
        if session is None:
            raise Refusal(404, "the server has no such session any more")
        return JSONResponse(session.told())

    return [
        Route("/session/", begin, methods=["PUT"]),
        Route("/session/{session}", tell),
        Route("/session/{session}", end, methods=["DELETE"]),
    ]


def _seconds(text: str) -> float | None:
    """Return a number of seconds; None for nothing that is one."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
