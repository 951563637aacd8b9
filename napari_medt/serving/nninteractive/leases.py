"""Who is at work in the server: each client claims a place, says that it is alive, and gives its place back.

A client that nobody uses for long, or that has not said for a while that it is alive, loses its place, and its image is
forgotten; it learns so at its next request, by the status 410.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from napari_medt.serving.answers import Refusal

__all__ = ["Lease", "Leases"]

T = TypeVar("T")
GONE = (
    "the server has forgotten this client: nobody used it for long, or the server was started anew; initialise again "
    "(what was segmented stays with you)"
)


@dataclass(slots=True)
class Lease(Generic[T]):
    """A client's place.

    Parameters
    ----------
    token
        What the client shows with every request.
    held
        What the server keeps for it.
    used, heard
        When a person last did something, and when the client last said anything (s).
    busy
        How many of its requests are being answered: it does not lose its place then.
    """

    token: str
    held: T
    used: float
    heard: float
    busy: int = 0


class Leases(Generic[T]):
    """All places.

    Parameters
    ----------
    most
        How many there are.
    idle, silent
        Seconds after which a place is lost that nobody used, or whose client was not heard of.
    new
        Makes what is kept for a client.
    clock
        Seconds since some moment, which never go back.
    """

    def __init__(
        self,
        most: int,
        idle: float,
        silent: float,
        new: Callable[[], T],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most, self.idle, self.silent = most, idle, silent
        self._new, self._clock = new, clock
        self._leases: dict[str, Lease[T]] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        """Return how many places are taken."""
        with self._lock:
            self._drop_lost()
            return len(self._leases)

    def claim(self) -> Lease[T]:
        """Take a place.

        Raises
        ------
        Refusal
            If all are taken (503).
        """
        with self._lock:
            self._drop_lost()
            if len(self._leases) >= self.most:
                count = "one place, and it is taken" if self.most == 1 else f"{self.most} places, and all are taken"
                raise Refusal(
                    503,
                    f"the server has {count}: disconnect another client, or wait until one that nobody uses loses its "
                    f"place (at most {self._wait():.0f} minutes)",
                )
            now = self._clock()
            lease = Lease(secrets.token_urlsafe(24), self._new(), now, now)
            self._leases[lease.token] = lease
            return lease

    def hear(self, token: str | None) -> Lease[T]:
        """Return a client's place, and note that it is alive; how long nobody used it is counted on.

        Raises
        ------
        Refusal
            If it has none, or no more (410).
        """
        with self._lock:
            self._drop_lost()
            lease = self._leases.get(token or "")
            if lease is None:
                raise Refusal(410, GONE)
            lease.heard = self._clock()
            return lease

    def look(self, token: str | None) -> Lease[T]:
        """Return a client's place, as it is; as :meth:`hear`."""
        with self._lock:
            self._drop_lost()
            lease = self._leases.get(token or "")
        if lease is None:
            raise Refusal(410, GONE)
        return lease

    def begin(self, token: str | None) -> Lease[T]:
        """Return the place of a client that a person uses, and keep it until :meth:`end`; as :meth:`hear`."""
        lease = self.hear(token)
        with self._lock:
            lease.busy += 1
            lease.used = lease.heard
        return lease

    def end(self, lease: Lease[T]) -> None:
        """Note that a request is answered: from now on it is counted how long nobody uses the place."""
        with self._lock:
            lease.busy -= 1
            lease.used = lease.heard = self._clock()

    def release(self, token: str | None) -> None:
        """Give a place back; nothing is said of one that is gone."""
        with self._lock:
            self._leases.pop(token or "", None)

    def kept(self) -> list[T]:
        """Return what is kept for the clients that have a place."""
        with self._lock:
            return [lease.held for lease in self._leases.values()]

    def remaining(self, lease: Lease[T]) -> float:
        """Return after how many seconds a place is lost if nobody uses it."""
        return max(0.0, lease.used + self.idle - self._clock())

    def _drop_lost(self) -> None:
        now = self._clock()
        lost = [
            token
            for token, lease in self._leases.items()
            if not lease.busy and (now - lease.used >= self.idle or now - lease.heard >= self.silent)
        ]
        for token in lost:
            del self._leases[token]

    def _wait(self) -> float:
        """Return after how many minutes at the most a place is free if nobody uses any more."""
        now = self._clock()
        soonest = min(lease.used + self.idle for lease in self._leases.values())
        return max(1.0, (soonest - now) / 60)
