"""Who may ask: whoever has the token, from a program or a page of the server's own, by an address that is the server's.

The token stands in the address (``http://HOST:PORT/TOKEN/...``), which works with every client, or in a header
(``Authorization: Bearer TOKEN``). ``Host`` is checked against DNS rebinding: a page whose name is made to lead to this
machine would else talk to the server as if it were its own. ``Origin`` is checked against pages of others, which may
send requests to any address that the person's machine reaches.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from napari_medt.serving.answers import Refusal
from napari_medt.serving.settings import ServeSettings
from napari_medt.serving.store.ids import Asker

__all__ = ["Access", "asker", "new_token"]

_LONGEST = 200
OPEN = ("/healthz",)  # says that there is a server, and nothing else


class Access:
    """Lets requests pass that may, with the token taken out of their path.

    Parameters
    ----------
    app
        What answers them.
    settings
        Host and token.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self.app = app
        self._token = settings.token
        self._names = _own_names(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on.

        Raises
        ------
        Refusal
            If it may not be answered (401, 403), or is of another protocol than HTTP.
        """
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        self._check_host(headers.getlist("host"))
        _check_page(headers)
        await self.app(self._let_in(scope, headers), receive, send)

    def _check_host(self, hosts: list[str]) -> None:
        if len(hosts) != 1 or not _is_own(_name_of(hosts[0]), self._names):
            raise Refusal(
                403,
                "the server does not go by this name: use its number as the address, such as http://127.0.0.1:8000, or "
                "localhost on its own machine",
            )

    def _let_in(self, scope: Scope, headers: Headers) -> Scope:
        if self._token is None:
            return scope
        root = scope.get("root_path", "")
        first, _, rest = scope["path"].removeprefix(root).removeprefix("/").partition("/")
        if _same(first, self._token):
            return {**scope, "root_path": f"{root}/{first}", "path": scope["path"] if rest else f"{root}/{first}/"}
        kind, _, given = headers.get("authorization", "").partition(" ")
        if (kind.lower() == "bearer" and _same(given.strip(), self._token)) or f"/{first}" in OPEN:
            return scope
        raise Refusal(
            401,
            "the server lets in who has its token: enter its whole address as it was printed where it was started, "
            "http://HOST:PORT/TOKEN",
        )


def asker(request: Request, params: Mapping[str, Any] | None = None) -> Asker:
    """Return who asks: the machine, and what the client calls itself in its parameters."""
    machine = "" if request.client is None else request.client.host
    return Asker(machine, str((params or {}).get("client_id", ""))[:_LONGEST])


def new_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(18)


def _check_page(headers: Headers) -> None:
    origin = headers.get("origin")
    foreign = origin is not None and origin.partition("://")[2] != headers.get("host")
    if foreign or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Refusal(403, "the server answers programs such as 3D Slicer, not pages of other servers in a browser")


def _same(given: str, token: str) -> bool:
    """Compare without telling by the time it takes how much of a token was right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode())


def _name_of(host: str) -> str:
    """Return the name or number in a ``Host`` header, without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _own_names(host: str) -> frozenset[str]:
    names = {"localhost", host.lower()}
    for name in (socket.gethostname(), socket.getfqdn()):
        names |= {name.lower(), f"{name.lower()}.local"}
    return frozenset(names)


def _is_own(name: str, names: frozenset[str]) -> bool:
    """Tell whether a name is the server's; a number always is: whoever rebinds needs a name of their own."""
    name = name.rstrip(".").lower()
    if name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
