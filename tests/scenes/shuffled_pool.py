"""A pool of workers that is this process, for tests: it does tasks in any order, and some of them twice."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from src_models.computing.cluster.parcels import forget, keep, key_of
from src_models.computing.cluster.workers import Answer
from src_models.prediction.batches.sent_model import sent_model


class ShuffledPool:
    """Does tasks in an order drawn at random, as they come back from another process; of each fifth, a first try dies.

    Parameters
    ----------
    count
        Of workers that it says it has.
    """

    def __init__(self, count: int = 2) -> None:
        self.count = count
        self.here = True
        self._sent: dict[str, bytes] = {}
        self.done: list[str] = []

    def send(self, content: bytes) -> str:
        """Have tasks find a model by its key, and nobody else."""
        key = key_of(content)
        self._sent[key] = content
        return key

    def run(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Answer[Any, Any]]:
        """Do tasks."""
        order = list(range(len(items)))
        random.Random(len(items)).shuffle(order)
        for place in order:
            item = pickle.loads(pickle.dumps(items[place]))
            if place % 5 == 0:
                self._work(function, item)  # its worker dies before it can say so
            self.done.append(function.__name__)
            yield Answer(items[place], pickle.loads(pickle.dumps(self._work(function, item))))

    def _work(self, function: Callable[[Any], Any], item: Any) -> Any:
        for key, content in self._sent.items():
            keep(key, content)
        try:
            return function(item)
        finally:
            sent_model.cache_clear()
            for key in self._sent:
                forget(key)
