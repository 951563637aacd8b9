"""What each worker does as it joins: take what is sent to all, and leave Ctrl-C to the process that started it.

The package distributed is imported here, so this is imported where there are workers alone.
"""

from __future__ import annotations

import signal
import threading

from distributed import Worker, WorkerPlugin

from src_models.computing.cluster.parcels import forget, keep

__all__ = ["Parcel", "Undisturbed"]


class Parcel(WorkerPlugin):
    """Bytes for every worker, also for those that join later."""

    def __init__(self, key: str, content: bytes) -> None:
        self.name = f"napari-medt-{key}"
        self._key, self._content = key, content

    def setup(self, worker: Worker) -> None:
        """Keep them in the worker's process."""
        keep(self._key, self._content)

    def teardown(self, worker: Worker) -> None:
        """Let go of them."""
        forget(self._key)


class Undisturbed(WorkerPlugin):
    """Ctrl-C reaches all processes of a terminal; who started these workers ends them in order."""

    name = "napari-medt-undisturbed"

    def setup(self, worker: Worker) -> None:
        """Ignore it in the worker's process."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
