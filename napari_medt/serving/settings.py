"""What a server was told when it was started, checked once."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path

from src_models.errors import UserError

__all__ = ["Limits", "ServeSettings", "is_loopback"]

_WORD = re.compile(r"[A-Za-z0-9._~-]{8,200}")  # what stands in an address as it is (RFC 3986, unreserved)
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much clients may ask for.

    Parameters
    ----------
    body_bytes
        Of one request.
    sessions
        Images of people who did not add them to the store, each on disk until it expires; and leases of clients that
        hold an image in memory.
    disk_bytes
        Of all that clients have sent, labels excepted: these are never refused for it.
    idle_seconds
        After which a session that nobody uses is dropped.
    waiting
        Requests that may wait for the one that is computed.
    """

    body_bytes: int = 2 * 2**30
    sessions: int = 16
    disk_bytes: int = 50 * 2**30
    idle_seconds: float = 3600.0
    waiting: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """What is served, where, and to whom.

    Parameters
    ----------
    folder
        Images that are offered; None for those alone that clients send.
    models
        Names or files of models; empty for all that ship and a person's own.
    host, port
        Where requests are taken.
    token
        What a request must carry, in its address or as a bearer; None lets anybody in who reaches the port.
    store
        Folder for what clients send and people make.
    limits
        How much clients may ask for.

    Raises
    ------
    UserError
        If other machines could get in without a token, or a token cannot stand in an address.
    """

    store: Path
    folder: Path | None = None
    models: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.token is None and not is_loopback(self.host):
            raise UserError(
                f"with --host {self.host} other machines reach the server, and without a token anybody on the network "
                "could read the images and write labels: leave --no-token out, or serve this machine alone (--host "
                "127.0.0.1)"
            )
        if self.token is not None and not _WORD.fullmatch(self.token):
            raise UserError(
                "the token must be 8 to 200 letters, digits or any of . _ ~ - so that it can stand in an address; "
                "leave --token out to have one made"
            )
        if not 0 <= self.port <= _LAST_PORT:
            raise UserError(f"--port {self.port}: ports are numbered 0 to {_LAST_PORT}")


def is_loopback(host: str) -> bool:
    """Tell whether what listens on a host is reached from this machine alone.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "", "example.org")]
    [True, True, True, False, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
