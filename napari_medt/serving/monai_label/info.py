"""What the server offers, as 3D Slicer asks for it again and again: from memory alone.

Each model has options (``config``), which come back with a request: a list of words is a choice, the first one unless a
person chose another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from napari_medt import __version__
from napari_medt.serving.monai_label.clicks import THROUGH_SLICES, click_options
from napari_medt.serving.monai_label.learning.choices import learning_options
from napari_medt.serving.monai_label.learning.next_image import STRATEGIES
from napari_medt.serving.monai_label.scribbles import STROKES, stroke_options
from napari_medt.serving.monai_label.segmenting import label_names, segment_options
from src_models.models.header import ModelHeader

if TYPE_CHECKING:
    from napari_medt.serving.app import Server

__all__ = ["info", "routes"]

_NO_LABELS = ("object",)  # something to click for must be there


def routes(server: Server) -> list[Route]:
    """Return the routes."""

    async def tell(_request: Request) -> Response:
        return JSONResponse(info(server))

    return [Route("/info/", tell)]


def info(server: Server) -> dict[str, Any]:
    """Return what the server offers; the disk is not touched."""
    counts = server.store.counts
    segmenting = {name: server.models.header(name) for name in server.models.names("segment")}
    clicking = {name: server.models.header(name) for name in server.models.names("click")}
    models = {name: _segmenting(name, header) for name, header in segmenting.items()}
    for name, header in clicking.items():
        models[name] = _clicking(header, 2, "in the slice in view")
        models[f"{name}{THROUGH_SLICES}"] = _clicking(header, 3, "carried through the slices")
        models[f"{name}{STROKES}"] = _model("scribbles", f"{header.purpose}: by strokes", (), 3, stroke_options())
    labels = dict.fromkeys(label for name, header in segmenting.items() for label in label_names(name, header))
    return {
        "name": "napari-medt",
        "description": "napari-medt: attention networks, clicks and corrections",
        "version": __version__,
        "labels": list(labels or _NO_LABELS),
        "models": models,
        "trainers": {name: _trainer(server.models.header(name)) for name in server.teaching.learners},
        "strategies": STRATEGIES,
        "scoring": {},
        "train_stats": server.teaching.trainer.stats,
        "datastore": {"total": counts.total, "completed": counts.completed, "label_tags": counts.tags},
    }


def _trainer(header: ModelHeader) -> dict[str, Any]:
    return {"description": f"{header.purpose}: learns from the labels", "config": learning_options(header)}


def _segmenting(name: str, header: ModelHeader) -> dict[str, Any]:
    return _model("segmentation", header.purpose, label_names(name, header), header.dimensions, segment_options(header))


def _clicking(header: ModelHeader, dimension: int, how: str) -> dict[str, Any]:
    # Without labels of its own: what is clicked is the segment that a person chose.
    return _model("deepgrow", f"{header.purpose}: {how}", (), dimension, click_options())


def _model(kind: str, purpose: str, labels: Sequence[str], dimension: int, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": kind,
        "labels": list(labels),
        "dimension": dimension,
        "description": purpose,
        "config": options,
    }
