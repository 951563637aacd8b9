"""The server, put together: what all protocols share, and the routes of each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from napari_medt.serving.access import Access
from napari_medt.serving.answers import HANDLERS, Unforeseen
from napari_medt.serving.bodies import Limited
from napari_medt.serving.models import Models
from napari_medt.serving.monai_label import routes as monai_label
from napari_medt.serving.monai_label.learning.teaching import Teaching
from napari_medt.serving.nninteractive import routes as nninteractive
from napari_medt.serving.settings import ServeSettings
from napari_medt.serving.store.store import Store
from napari_medt.serving.work import Work

__all__ = ["Server", "make_app"]


@dataclass(frozen=True, slots=True)
class Server:
    """What the routes of all protocols share.

    Parameters
    ----------
    settings
        What the server was told.
    work
        The thread that computes.
    store
        Images and labels.
    models
        Models by name.
    teaching
        What models learn from, and their learning.
    """

    settings: ServeSettings
    work: Work
    store: Store
    models: Models
    teaching: Teaching

    @classmethod
    def start(cls, settings: ServeSettings) -> Server:
        """Get a server ready.

        Raises
        ------
        UserError
            If a model is missing, the folder is none, or the store cannot be written to.
        """
        store, models = Store(settings), Models(settings.models)
        teaching = Teaching(settings.store / "corrections", store, models)
        return cls(settings, Work(settings.limits.waiting), store, models, teaching)


def make_app(settings: ServeSettings) -> Starlette:
    """Return the application; its ``state.server`` is the server.

    Raises
    ------
    UserError
        As :meth:`Server.start`.
    """
    server = Server.start(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        server.work.close()
        await run_in_threadpool(server.teaching.close)

    app = Starlette(
        routes=[*monai_label.routes(server), *nninteractive.routes(server)],
        middleware=[
            Middleware(Unforeseen),
            Middleware(Access, settings),
            Middleware(Limited, settings.limits.body_bytes),
        ],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.state.server = server
    return app
