"""The server as a program that listens."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_medt.serving.settings import ServeSettings
from src_models.errors import UserError

if TYPE_CHECKING:
    import uvicorn

__all__ = ["address", "listen", "make_server", "serve"]

_GRACE = 5  # s that requests have to end when the server is stopped
_SWITCH = 1e-3  # s after which the thread that computes lets the one that answers run, where Python has 5 ms


def address(settings: ServeSettings, port: int | None = None) -> str:
    """Return what is entered at a client on this machine, or on another where the server is for these, too.

    Examples
    --------
    >>> from pathlib import Path
    >>> address(ServeSettings(store=Path("store"), token="abcdefgh"))
    'http://127.0.0.1:8000/abcdefgh'
    """
    host = settings.host
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 (all of this machine's addresses, which is nothing to enter)
        host = _own_address()
    host = f"[{host}]" if ":" in host else host
    token = "" if settings.token is None else f"/{settings.token}"
    return f"http://{host}:{port or settings.port}{token}"


def listen(settings: ServeSettings) -> socket.socket:
    """Take a port.

    Raises
    ------
    UserError
        If it is taken already, or the host is none of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on, and a short answer waits for 40 ms.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # a port is free again at once; Windows would share it with another program
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((settings.host, settings.port))
        taken.listen(128)
    except (OSError, UnicodeError) as error:
        taken.close()
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"the server cannot listen at {settings.host}, port {settings.port} ({reason}): another program may have "
            "this port; choose another one with --port"
        ) from error
    return taken


def make_server(settings: ServeSettings) -> uvicorn.Server:
    """Return a server that is ready to run.

    Raises
    ------
    UserError
        If a model is missing, the folder is none, or the store cannot be written to.
    """
    import uvicorn

    from napari_medt.serving.app import make_app

    config = uvicorn.Config(
        make_app(settings),
        access_log=False,  # addresses hold the token, and names of images those of patients
        log_level="warning",
        server_header=False,
        date_header=False,
        lifespan="on",
        timeout_graceful_shutdown=_GRACE,
        limit_concurrency=256,
    )
    return uvicorn.Server(config)


def serve(settings: ServeSettings, on_start: Callable[[str], None]) -> None:
    """Serve until the process is told to end.

    Parameters
    ----------
    settings
        What is served.
    on_start
        Is told the address.

    Raises
    ------
    UserError
        As :func:`listen` and :func:`make_server`.
    """
    server = make_server(settings)
    _import_what_computes()
    sys.setswitchinterval(_SWITCH)
    with listen(settings) as taken, _unheard("src_models.files"):
        on_start(address(settings, taken.getsockname()[1]))
        server.run(sockets=[taken])


def _import_what_computes() -> None:
    """Import before anybody waits: while torch is imported, nothing is answered for seconds."""
    import src_models.clicking.answering.network
    import src_models.prediction.segment  # noqa: F401


@contextmanager
def _unheard(name: str) -> Iterator[None]:
    """Keep what readers of files say out of the log: it begins with the file's name, which may be a patient's."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _own_address() -> str:
    """Return the address by which this machine reaches others: nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737)
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
