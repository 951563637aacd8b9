"""What is known of how sure a model is of each image: found out in the background, and asked for at any time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from napari_medt.serving.store.opened import file_version
from napari_medt.serving.store.store import StoredImage

__all__ = ["Ranking"]

_PROCESS = "napari_medt.serving.monai_label.learning.ranking_process"
_Looked = tuple[Any, ...]  # at which version of a file, with which version of a model


class Ranking:
    """Scores of images by their keys, the higher the less sure the model is.

    Parameters
    ----------
    model
        Returns the file of the model that is asked; None where there is none.
    """

    def __init__(self, model: Callable[[], Path | None]) -> None:
        self._model = model
        self._lock = Lock()
        self._scores: dict[str, float] = {}
        self._looked: dict[str, _Looked] = {}
        self._process: subprocess.Popen[str] | None = None
        self._closed = False

    def scores(self, images: Sequence[StoredImage]) -> Mapping[str, float]:
        """Return what is known; what is not, or was said by another version of the model, is looked at from now on."""
        path = self._model()
        if path is not None:
            with self._lock:
                if self._process is None and not self._closed:
                    self._look(path, images)
        return dict(self._scores)

    def close(self) -> None:
        """Look at no more images."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def _look(self, model: Path, images: Sequence[StoredImage]) -> None:
        asked = file_version(model)
        wanted = {image.key: (model, asked, file_version(image.path)) for image in images}
        missing = [image for image in images if self._looked.get(image.key) != wanted[image.key]]
        if not missing:
            return
        order = {
            "model": str(model),
            "images": [{"key": each.key, "path": str(each.path), "of_client": each.of_client} for each in missing],
        }
        process = subprocess.Popen(
            [sys.executable, "-m", _PROCESS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # messages of libraries may name files
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self._process = process
        Thread(target=self._read, args=(process, order, wanted), name="ranking", daemon=True).start()

    def _read(self, process: subprocess.Popen[str], order: Mapping[str, Any], wanted: Mapping[str, _Looked]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            with suppress(OSError):
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
            told = set()
            for line in process.stdout:
                found = json.loads(line)
                told.add(found["key"])
                self._note(found["key"], found["score"], wanted[found["key"]])
            with suppress(OSError):
                process.stdin.close()
        with self._lock:
            self._process = None
            if not self._closed and process.returncode:  # the image that it died of is passed over from now on
                first = next((each["key"] for each in order["images"] if each["key"] not in told), None)
                if first is not None:
                    self._looked[first] = wanted[first]

    def _note(self, key: str, score: float | None, looked: _Looked) -> None:
        with self._lock:
            self._looked[key] = looked
            self._scores = {other: known for other, known in self._scores.items() if other != key}
            if score is not None:
                self._scores[key] = score
