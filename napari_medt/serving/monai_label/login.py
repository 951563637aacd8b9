"""Logging in: nobody does, since the token stands in the server's address; 3D Slicer asks before each request."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from napari_medt.serving.answers import in_words

__all__ = ["routes"]


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route("/auth/", _whether),
        Route("/auth/token", _no_login, methods=["POST"]),
        Route("/auth/token/valid", _whether),
    ]


async def _whether(_request: Request) -> Response:
    return JSONResponse({"enabled": False, "client_id": "", "realm": ""})


async def _no_login(_request: Request) -> Response:
    return in_words(
        403, "this server has no names and passwords: enter its whole address with the token, http://HOST:PORT/TOKEN"
    )
