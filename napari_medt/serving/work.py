"""One thread that computes, one thing after the other; those who wait are told when there are too many of them.

The loop that takes requests never computes: it must answer at once how far a training is, and that somebody waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any, TypeVar

from starlette.requests import Request

from napari_medt.serving.answers import Refusal

__all__ = ["Work"]

R = TypeVar("R")

_BUSY = "the server is busy: {count} requests wait already; try again in a moment"


class Work:
    """The thread, and who waits for it.

    Parameters
    ----------
    waiting
        How many may wait, besides the one that is computed.
    """

    def __init__(self, waiting: int = 16) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="computing")
        self._most = waiting
        self._asked: set[Future[Any]] = set()

    @property
    def waiting(self) -> int:
        """How many wait, besides the one that is computed."""
        return max(0, len(self._asked) - 1)

    async def run(self, function: Callable[..., R], *arguments: Any, waiting_limit: int | None = None) -> R:
        """Compute something when its turn has come.

        A caller that is cancelled meanwhile is passed over.

        Parameters
        ----------
        function, arguments
            What is computed, in the one thread.
        waiting_limit
            How many may wait before this; None takes the server's limit.

        Raises
        ------
        Refusal
            If too many wait already (503).
        """
        most = self._most if waiting_limit is None else waiting_limit
        if len(self._asked) > most:
            raise Refusal(503, _BUSY.format(count=self.waiting))
        loop = asyncio.get_running_loop()
        future = self._thread.submit(function, *arguments)
        self._asked.add(future)
        future.add_done_callback(lambda _: _soon(loop, self._asked.discard, future))
        return await asyncio.wrap_future(future)

    async def run_for(
        self, request: Request, function: Callable[..., R], *arguments: Any, gone: Event | None = None
    ) -> R:
        """Compute something for a client, unless it has gone before its turn comes.

        Parameters
        ----------
        request
            Of the client; its body must have been read.
        function, arguments
            What is computed, in the one thread.
        gone
            Is set when the client goes or the server ends, for what is computed to look at.

        Raises
        ------
        Refusal
            If too many wait already (503), or the client has gone: nobody hears that.
        """
        asked = asyncio.ensure_future(self.run(function, *arguments))
        left = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait((asked, left), return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise Refusal(499, "the client has gone")
            return await asked
        finally:
            if gone is not None and not asked.done():  # the client has gone, or the server ends
                gone.set()
            for task in (asked, left):
                task.cancel()
            # What waits is taken out of the queue before anything else is done.
            await asyncio.gather(asked, left, return_exceptions=True)

    def close(self) -> None:
        """Drop those who wait, and let what is computed end."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _soon(loop: asyncio.AbstractEventLoop, function: Callable[[Future[Any]], None], future: Future[Any]) -> None:
    """Call a function in the loop's thread, if the loop is still there."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, future)


async def _disconnected(request: Request) -> None:
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return
