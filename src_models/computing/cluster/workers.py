"""Handing tasks to workers, one at a time to each, until all are done.

A worker that dies hands its task to another one; one task that cannot be done does not stop the others.
"""

from __future__ import annotations

import itertools
import queue
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from src_models.computing.cluster.parcels import key_of
from src_models.errors import UserError

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Answer", "ClusterLostError", "Pool", "Workers"]

Item = TypeVar("Item")
Result = TypeVar("Result")

RETRIES = 2  # of a task that fails for no reason that a person can act on, such as a file system that was away
_LOOK_AGAIN = 0.5  # s between looks at how many workers there are


class ClusterLostError(UserError):
    """The scheduler is gone, and with it what was not done yet."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[Item, Result]):
    """What became of a task: its result, or why there is none."""

    item: Item
    result: Result | None
    error: BaseException | None = None

    def get(self) -> Result:
        """Return the result, or raise why there is none."""
        if self.error is not None:
            raise self.error
        result: Any = self.result
        return result  # type: ignore[no-any-return]


class Pool(Protocol):
    """What does many tasks."""

    @property
    def count(self) -> int:
        """How many are done at a time."""
        ...

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Answer[Item, Result]]:
        """Call a function with each item, and yield what became of each, in the order in which they end."""
        ...


class Workers:
    """The workers of a cluster.

    Parameters
    ----------
    client
        Connected to the scheduler.
    name
        What to call the cluster in messages.
    here
        Whether they are processes of this machine, with the working folder of this one.
    """

    def __init__(self, client: Client, name: str, *, here: bool = False) -> None:
        self._client, self._name = client, name
        self.here = here
        self._sent: list[str] = []
        self._left = False
        self._looked, self._count = 0.0, 0

    @property
    def count(self) -> int:
        """How many workers there are now; jobs that wait in a queue are none yet."""
        if time.monotonic() - self._looked > _LOOK_AGAIN:
            with self._connected():
                self._count = len(self._client.nthreads())
            self._looked = time.monotonic()
        return self._count

    def send(self, content: bytes) -> str:
        """Send bytes to every worker, once, and return the key by which tasks get them (:func:`.parcel`)."""
        from src_models.computing.cluster.plugins import Parcel

        key = key_of(content)
        plugin = Parcel(key, content)
        if plugin.name not in self._sent:
            self._client.register_plugin(plugin)
            self._sent.append(plugin.name)
        return key

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Answer[Item, Result]]:
        """Call a function in the workers with each item, and yield what became of each as it is done.

        Parameters
        ----------
        function
            Of a module; it and the items are sent.
        items
            Each is a task. A worker has one at a time: its threads compute together. What is not begun when the
            iterator is closed, or :meth:`leave` is called, is never begun.

        Raises
        ------
        ClusterLostError
            If the scheduler is gone.
        """
        waiting = iter(items)
        ended: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        running: dict[Future[Any], Item] = {}
        prefix = f"{function.__name__}-{secrets.token_hex(4)}"
        numbers = itertools.count()
        left = len(items)
        try:
            while left and not self._left:
                for item in itertools.islice(waiting, max(0, max(1, self.count) - len(running))):
                    key = f"{prefix}-{next(numbers)}"
                    with self._connected():
                        future = self._client.submit(function, item, key=key, pure=False, retries=RETRIES)
                    running[future] = item
                    future.add_done_callback(ended.put)
                try:
                    future = ended.get(timeout=_LOOK_AGAIN)
                except queue.Empty:
                    continue
                left -= 1
                yield self._answer(future, running.pop(future))
        finally:
            if running and self._client.status == "running":
                self._client.cancel(list(running), force=True)

    def leave(self) -> None:
        """Have :meth:`run`, which another thread goes through, end early: within a second nothing is asked any more."""
        self._left = True

    def close(self) -> None:
        """Have the workers let go of what they were sent."""
        if self._client.status == "running":
            for name in self._sent:
                self._client.unregister_worker_plugin(name)

    def _answer(self, future: Future[Any], item: Item) -> Answer[Item, Any]:
        from distributed import KilledWorker

        if future.status == "finished":
            return Answer(item, future.result())
        if future.status != "error":  # cancelled, or lost: not by us
            raise self._lost()
        error = future.exception()
        if isinstance(error, KilledWorker):
            error = UserError(
                "the worker ended while it was at it, and so did others that tried again: there may be too little "
                "memory for it on one worker; try fewer workers, or smaller tiles (--tile)"
            )
        return Answer(item, None, error)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Say in a sentence that the scheduler is gone, if that is why the block fails."""
        try:
            yield
        except Exception as error:  # what the client raises then is of several kinds
            if isinstance(error, OSError) or self._client.status != "running":
                raise self._lost() from error
            raise

    def _lost(self) -> ClusterLostError:
        return ClusterLostError(
            f"the connection to {self._name} was lost. What was done until then is kept: when it runs again, the same "
            "command with --skip-existing does the rest"
        )
