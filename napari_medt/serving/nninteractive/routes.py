"""Addresses of nnInteractive's remote protocol, as 3D Slicer's extension 1.0.0 and napari-nninteractive use them.

Errors are JSON with one sentence under ``detail``, which is what the clients look for. A request that is answered in
the thread that computes keeps its client's place until then.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from napari_medt.serving.answers import Refusal
from napari_medt.serving.bodies import read_json
from napari_medt.serving.nninteractive.client import Client, Prediction
from napari_medt.serving.nninteractive.leases import Lease, Leases
from napari_medt.serving.nninteractive.prompts import meta_of
from src_models.errors import UserError

if TYPE_CHECKING:
    from napari_medt.serving.app import Server
    from src_models.clicking.answering.network import ClickNetwork

__all__ = ["Protocol", "routes"]

Endpoint = Callable[[Request], Awaitable[Response]]
LEASE, META = "X-Lease-Token", "X-Meta"
SILENT = 120.0  # s; clients say every 30 to 60 that they are alive
MOST_MEMORY = 4  # volumes of the largest size that all clients together may have in memory


def routes(server: Server) -> list[Route]:
    """Return the routes of a server."""
    return Protocol(server).routes()


class Protocol:
    """The protocol, as one server speaks it."""

    def __init__(self, server: Server) -> None:
        limits = server.settings.limits
        self._server = server
        self.leases: Leases[Client] = Leases(
            limits.sessions, limits.idle_seconds, SILENT, lambda: Client(self._network)
        )

    def routes(self) -> list[Route]:
        """Return the routes."""
        drawn: tuple[tuple[str, Literal["scribble", "lasso"]], ...] = (
            ("/add_scribble_interaction", "scribble"),
            ("/add_lasso_interaction", "lasso"),
        )
        posted: dict[str, Endpoint] = {
            "/claim": self.claim,
            "/release": self.release,
            "/heartbeat": self.heartbeat,
            "/set_image": self.set_image,
            "/set_target_buffer": self.set_target_buffer,
            "/set_do_autozoom": self.set_do_autozoom,
            "/reset_interactions": self.reset,
            "/add_point_interaction": partial(self.asked, Client.point),
            "/add_bbox_interaction": partial(self.asked, Client.box),
            "/add_initial_seg_interaction": self.begin_with,
            "/predict": partial(self.asked, lambda client, _: client.predict()),
            "/undo": partial(self.asked, lambda client, _: client.undo()),
            **{path: partial(self.drawn, kind) for path, kind in drawn},
        }
        got: dict[str, Endpoint] = {
            "/healthz": self.healthz,
            "/capabilities": self.capabilities,
            "/lease_status": self.lease_status,
        }
        return [
            *(Route(path, _in_words(endpoint), methods=["POST"]) for path, endpoint in posted.items()),
            *(Route(path, _in_words(endpoint), methods=["GET"]) for path, endpoint in got.items()),
        ]

    async def healthz(self, _request: Request) -> Response:
        """Say that there is a server."""
        return JSONResponse({"ok": True})

    async def claim(self, _request: Request) -> Response:
        """Give a client a place."""
        self._model()
        lease = self.leases.claim()
        return JSONResponse(
            {
                "lease_token": lease.token,
                "idle_timeout_seconds": self.leases.idle,
                "liveness_timeout_seconds": self.leases.silent,
                "max_sessions": self.leases.most,
            }
        )

    async def release(self, request: Request) -> Response:
        """Take a client's place back."""
        self.leases.release(request.headers.get(LEASE))
        return JSONResponse({"released": True})

    async def heartbeat(self, request: Request) -> Response:
        """Note that a client is alive."""
        lease = self._heard(request)
        return JSONResponse({"remaining_seconds": self.leases.remaining(lease)})

    async def lease_status(self, request: Request) -> Response:
        """Say how long a client keeps its place."""
        lease = self.leases.look(request.headers.get(LEASE))
        return JSONResponse(
            {"remaining_seconds": self.leases.remaining(lease), "idle_timeout_seconds": self.leases.idle}
        )

    async def capabilities(self, request: Request) -> Response:
        """Say what can be given, and how."""
        lease = self._heard(request)
        header = self._server.models.header(self._model(), "click")
        return JSONResponse(
            {
                "supported_interactions": {
                    "points": True,
                    "scribble": True,
                    "lasso": True,
                    "bbox2d": True,
                    "bbox3d": False,
                },
                "channel_mapping": {},
                "num_interaction_channels": 3,
                "supports_initial_label": True,
                "supports_zero_shot_label_refinement": False,
                "preferred_scribble_thickness": [1, 1, 1],
                "interaction_decay": 1.0,
                "patch_size": [1, *header.tile[-2:]],
                "do_autozoom": lease.held.carrying,
                "inference_session_version": f"napari-medt {_version()}",
                "license": f"napari-medt, model {header.name}: {header.licence}",
                "supports_undo": True,
            }
        )

    async def set_image(self, request: Request) -> Response:
        """Take a client's volume."""
        self._heard(request)
        meta, most = meta_of(request.headers.get(META)), self._server.settings.limits.body_bytes

        def taken(client: Client, body: bytes) -> list[int]:
            # Counted in the thread that computes, one client after the other.
            others = sum(each.nbytes for each in self.leases.kept() if each is not client)
            left = MOST_MEMORY * most - others
            return client.set_image(body, meta, max(0, min(most, left)))

        shape = await self._computed(request, taken, await request.body())
        return JSONResponse({"original_image_shape": shape})

    async def set_target_buffer(self, request: Request) -> Response:
        """Check what a client writes its segmentation into."""
        shape = (await read_json(request)).get("shape")
        await self._computed(request, Client.check_buffer, shape)
        return JSONResponse({})

    async def set_do_autozoom(self, request: Request) -> Response:
        """Choose whether objects are carried through slices."""
        chosen = (await read_json(request)).get("do_autozoom", True)
        self._heard(request).held.carrying = bool(chosen)
        return JSONResponse({})

    async def reset(self, request: Request) -> Response:
        """Begin a new object."""
        await self._computed(request, lambda client, _: client.reset(), None)
        return JSONResponse({})

    async def begin_with(self, request: Request) -> Response:
        """Begin a new object with what was segmented before."""
        self._heard(request)
        return await self._predicted(request, Client.begin_with, await request.body())

    async def asked(self, act: Callable[[Client, dict[str, Any]], Prediction], request: Request) -> Response:
        """Answer to what is given in JSON."""
        return await self._predicted(request, act, await _json(request))

    async def drawn(self, kind: Literal["scribble", "lasso"], request: Request) -> Response:
        """Answer to what was drawn."""
        self._heard(request)
        meta, body = meta_of(request.headers.get(META)), await request.body()
        return await self._predicted(request, lambda client, _: client.drawn(kind, meta, body), None)

    async def _predicted(self, request: Request, act: Callable[[Client, Any], Prediction], given: Any) -> Response:
        done = await self._computed(request, lambda client, what: (client, act(client, what)), given)
        client, prediction = done
        client.sent()
        headers = {META: json.dumps(prediction.meta, separators=(",", ":"))}
        return Response(prediction.packed, media_type="application/octet-stream", headers=headers)

    async def _computed(self, request: Request, act: Callable[[Client, Any], Any], given: Any) -> Any:
        """Do something for a client in the thread that computes."""
        lease: Lease[Client] = self.leases.begin(request.headers.get(LEASE))
        try:
            return await self._server.work.run_for(request, act, lease.held, given)
        finally:
            self.leases.end(lease)

    def _heard(self, request: Request) -> Lease[Client]:
        """Return the place of who asks; before anything large is read."""
        return self.leases.hear(request.headers.get(LEASE))

    def _model(self) -> str:
        """Return the model that answers: the first of those that were chosen."""
        names = self._server.models.names("click")
        if not names:
            raise Refusal(503, "the server has no model of clicks: start it again with --model click")
        return names[0]

    def _network(self) -> ClickNetwork:
        return self._server.models.click_network(self._model())


def _in_words(endpoint: Endpoint) -> Endpoint:
    """Answer errors as these clients read them."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refused:
            return JSONResponse({"detail": refused.sentence}, refused.status)
        except UserError as error:
            return JSONResponse({"detail": str(error)}, 400)

    return answered


async def _json(request: Request) -> dict[str, Any]:
    """Return what is given in JSON; of what cannot be read nothing is said, since clients show no error here."""
    with suppress(Refusal):
        return await read_json(request)
    return {}


def _version() -> str:
    try:
        return version("napari-medt")
    except PackageNotFoundError:
        return "0"
