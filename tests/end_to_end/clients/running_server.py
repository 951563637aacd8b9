"""A server as a process of its own, as a person starts it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from pathlib import Path

__all__ = ["COMMAND", "Serving"]

_REPOSITORY = Path(__file__).resolve().parents[3]
_PATIENCE = 120  # s
COMMAND = os.environ.get("NAPARI_MEDT", str(_REPOSITORY / ".venv/bin/napari-medt"))


class Serving:
    """A server that runs: its address, folder and store.

    Parameters
    ----------
    folder, store
        Of images, and of what people make.
    options
        Further arguments.
    """

    def __init__(self, folder: Path | None, store: Path, *options: str) -> None:
        self.folder, self.store, self.log = folder, store, store.with_suffix(".log")
        arguments = [*([] if folder is None else [str(folder)]), "--port", "0", "--store", str(store), *options]
        environment = {**os.environ, "COLUMNS": "200"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*shlex.split(COMMAND), "serve", *arguments], stdout=log, stderr=log, env=environment, cwd=store.parent
            )
        self.address = self._address()

    def _address(self) -> str:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            found = re.search(r"http://127\.0\.0\.1:\d+\S*", self.log.read_text("utf-8", "replace"))
            if found:
                return found[0]
            assert self.process.poll() is None, f"the server ended: {self.log.read_text()}"
            time.sleep(0.1)
        raise AssertionError(f"the server does not say its address: {self.log.read_text()}")

    def close(self) -> None:
        """End the server as Ctrl+C does."""
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
