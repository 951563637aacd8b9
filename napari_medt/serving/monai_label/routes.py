"""Addresses of MONAI Label's REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

if TYPE_CHECKING:
    from napari_medt.serving.app import Server

__all__ = ["routes"]


def routes(server: Server) -> list[Route]:
    """Return the routes of a server."""
    return []
