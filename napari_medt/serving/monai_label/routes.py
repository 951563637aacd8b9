"""Addresses of MONAI Label's REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from napari_medt.serving.monai_label import datastore, infer, info, login, sessions
from napari_medt.serving.monai_label.learning import routes as learning

if TYPE_CHECKING:
    from napari_medt.serving.app import Server

__all__ = ["routes"]


def routes(server: Server) -> list[Route]:
    """Return the routes of a server."""
    return [
        *login.routes(),
        *info.routes(server),
        *sessions.routes(server),
        *datastore.routes(server),
        *infer.routes(server),
        *learning.routes(server),
    ]
