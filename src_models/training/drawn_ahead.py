"""Drawing what a network learns from in a thread of its own, while the network computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

__all__ = ["drawn_ahead"]

T = TypeVar("T")

_END: Final = object()


def drawn_ahead(items: Iterable[T], ahead: int = 2) -> Generator[T, None, None]:
    """Yield items in their order, the next ones drawn in a thread meanwhile.

    The thread begins with the first item that is asked for. It ends with the items, with an error, or when the
    generator is closed, which waits for the item that is being drawn.

    Parameters
    ----------
    items
        What to yield. They are drawn in that thread one after the other, so nothing here need be safe for several
        threads. A generator is closed at the end.
    ahead
        How many items are drawn before they are asked for, at least 1. That many are held in memory.

    Raises
    ------
    Exception
        What drawing an item raised, when it is this item's turn.
    """
    iterator = iter(items)
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="drawn-ahead")
    coming: deque[Future[T | object]] = deque()
    try:
        while True:
            while len(coming) <= ahead:
                coming.append(thread.submit(next, iterator, _END))
            item = coming.popleft().result()
            if item is _END:
                return
            yield item  # type: ignore[misc]
    finally:
        thread.shutdown(wait=True, cancel_futures=True)
        _close(iterator)


def _close(iterator: Iterator[T]) -> None:
    if isinstance(iterator, Generator):
        iterator.close()
