"""Which image a person is to label next.

Images that nobody has labelled come first, of these what the model is least sure of; then those that were labelled, the
oldest labels first, so that a finished case can be opened again. An image that was given out already comes after those
that were not: asking again goes on, and two people get different ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from napari_medt.serving.answers import Refusal
from napari_medt.serving.monai_label.learning.ranking import Ranking
from napari_medt.serving.store.labels import FINAL
from napari_medt.serving.store.store import Store, StoredImage
from src_models.errors import UserError
from src_models.models.loaded import file_sha256

__all__ = ["STRATEGIES", "NextImages"]

LEAST_SURE, FIRST = "least_sure", "first"
STRATEGIES = {
    LEAST_SURE: {"description": "What the model is least sure of, as far as it has looked; meanwhile the first"},
    FIRST: {"description": "The first in the list that nobody has labelled"},
}
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class _Given:
    """An image that is given out: what is told of it."""

    image: StoredImage
    path: Path

    def to_json(self) -> dict[str, Any]:
        sha256 = file_sha256(self.path)
        if sha256 is None:
            raise Refusal(404, f"the image {self.image.id[:_LONGEST]!r} is no longer on the server's disk")
        return {
            "id": self.image.id,
            "name": _name(self.image.id, sha256, self.path),
            "checksum": f"SHA256:{sha256}",
        }


class NextImages:
    """Gives images out.

    Parameters
    ----------
    store
        Images and labels.
    ranking
        What is known of how sure the model is.
    """

    def __init__(self, store: Store, ranking: Ranking) -> None:
        self._store, self._ranking = store, ranking
        self._lock = Lock()
        self._given: Counter[str] = Counter()

    def next(self, strategy: str) -> dict[str, Any]:
        """Return the next image; nothing where there is none that can be opened.

        Parameters
        ----------
        strategy
            One of :data:`STRATEGIES`.

        Raises
        ------
        Refusal
            If there is no such strategy (404).
        OutputError
            If the disk is full.
        """
        if strategy not in STRATEGIES:
            raise Refusal(404, f"there is no such strategy; there are {', '.join(STRATEGIES)}")
        images = self._store.images()
        scores: Mapping[str, float] = {}
        if strategy == LEAST_SURE:
            scores = self._ranking.scores(images)
        for image in self._in_order(images, scores):
            with self._lock:
                self._given[image.key] += 1
            try:
                return _Given(image, self._store.handed_out(image)).to_json()
            except Refusal:
                continue  # it has gone meanwhile
            except UserError as error:
                if isinstance(error, OSError):  # of the disk, which will not take the next one either
                    raise
        return {}

    def _in_order(self, images: Sequence[StoredImage], scores: Mapping[str, float]) -> list[StoredImage]:
        labels = {image.key: self._store.labels.of(image.key).get(FINAL) for image in images}

        def place(at: int) -> tuple[float, ...]:
            image = images[at]
            own = labels[image.key]
            if own is not None:
                return (1, own.time, self._given[image.key], at)
            score = scores.get(image.key)
            return (0, self._given[image.key], 0 if score is not None else 1, -(score or 0.0), at)

        return [images[at] for at in sorted(range(len(images)), key=place)]


def _name(image: str, sha256: str, path: Path) -> str:
    """Return a name for the client's disk, where a file of the same name is taken for the same file."""
    suffix = ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix
    stem = re.sub(r"[^\w-]+", "_", Path(image).name.partition(".")[0]).strip("_")[:_LONGEST] or "image"
    return f"{stem}-{sha256[:8]}{suffix}"
