"""Addresses of what learns: labels, rounds of learning, the next image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from napari_medt.serving.access import asker
from napari_medt.serving.answers import Refusal
from napari_medt.serving.bodies import read_form, read_json
from napari_medt.serving.monai_label.learning.submission import author_in, check_values, segments_in
from napari_medt.serving.monai_label.learning.submitted import check_fits
from napari_medt.serving.store.labels import FINAL, StoredLabels
from napari_medt.serving.store.store import StoredImage

if TYPE_CHECKING:
    from napari_medt.serving.app import Server

__all__ = ["routes"]


def routes(server: Server) -> list[Route]:
    """Return the routes."""
    training = _Training(server)
    return [
        Route("/datastore/label", _Submitting(server).take, methods=["PUT"]),
        Route("/train/", training.tell, methods=["GET"]),
        Route("/train/", training.start, methods=["POST"]),
        Route("/train/", training.stop, methods=["DELETE"]),
        Route("/train/{model}", training.start, methods=["POST"]),
    ]
