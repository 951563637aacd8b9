"""Where a person's next correction would teach a network most.

A tile is looked at as it is and turned (the eight symmetries of the square): where the answers differ, the network does
not know (Wang et al. 2019, Neurocomputing 338:34). Its uncertainty at a pixel is the entropy of the mean answer; the
part of it that comes from disagreement is their mutual information (Gal, Islam & Ghahramani 2017, arXiv 1703.02910).
Tiles that look like what was corrected already come later.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from src_models.computing.execution import choose_execution, prepare
from src_models.corrections.correction import Bounds
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import UserError
from src_models.images.axes import AxesReading
from src_models.images.model_image import ModelImage
from src_models.models.architectures import find_architecture
from src_models.models.checkpoint import Model
from src_models.nets.network import Network
from src_models.progress import Progress

__all__ = ["Candidate", "rank_steps", "uncertainty"]

VIEWS = 4  # of the eight symmetries, those that are looked at: as it is, turned by 90, 180 and 270 degrees
NOVELTY = 0.5  # weight of being unlike what was corrected, beside uncertainty


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tile that could be corrected next.

    Parameters
    ----------
    plane
        Index of its plane along the axes before Y and X.
    region
        Its rows and columns.
    score
        What the ranking goes by.
    uncertainty
        Mean over the pixels of entropy and disagreement (nats).
    novelty
        How unlike the corrected tiles it is (cosine distance of the network's features to the nearest, 0 to 2); 0
        where nothing is corrected yet.
    """

    plane: tuple[int, ...]
    region: Bounds
    score: float
    uncertainty: float
    novelty: float


def rank_steps(
    image: Any,
    model: Model,
    *,
    axes: str | AxesReading | None = None,
    corrections: CorrectionSet | None = None,
    source: str | None = None,
    tile: int = 256,
    most: int = 20,
    device: str = "auto",
    name: str = "the image",
) -> Generator[Progress, None, list[Candidate]]:
    """Rank the tiles of an image by what correcting them would teach, one tile after each step.

    Each that is chosen counts as corrected for those after it, so that the list does not show one thing many times.

    Parameters
    ----------
    image
        As for :func:`src_models.segment`.
    model
        A 2D model.
    axes
        The image's axes, or how they were read; None guesses.
    corrections
        What was corrected already.
    source
        What this image's corrections are recorded under (:attr:`src_models.corrections.correction.Source.image`):
        their tiles are left out.
    tile
        Side of a tile (px); of networks that take no image so large, what they take.
    most
        Length of the list.
    device
        As for :func:`src_models.segment`.
    name
        What to call the image in errors.

    Yields
    ------
    Progress
        After each tile.

    Returns
    -------
    list of Candidate
        The one to correct next first.

    Raises
    ------
    ImageError
        If the model cannot take the image.
    UserError
        If the model is 3D or one of clicks.
    """
    ranking = _Ranking(image, model, axes, tile, device, name)
    seen = ranking.corrected(corrections) if corrections is not None else []
    done = _corrected_tiles(corrections, source or name)
    cuts = [(plane, cut) for plane in ranking.planes for cut in ranking.cuts if not done(plane, cut)]
    looked = []
    for number, (plane, cut) in enumerate(cuts, start=1):
        looked.append((plane, cut, *ranking.look(plane, cut)))
        yield Progress(number, len(cuts), f"looking at tile {number} of {len(cuts)}")
    return _chosen(looked, seen, most)


def uncertainty(probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """Return, per pixel, entropy of the mean answer plus disagreement of the answers (nats).

    Parameters
    ----------
    probabilities
        (views, classes, *S), each view turned back.

    Returns
    -------
    ndarray, shape (*S)
        ``H(mean) + (H(mean) - mean(H))``: the second term is the mutual information of answer and view.
    """
    mean = _entropy(probabilities.mean(axis=0), axis=0)
    return np.asarray(2 * mean - _entropy(probabilities, axis=1).mean(axis=0))


def _entropy(probabilities: NDArray[Any], axis: int) -> NDArray[np.float64]:
    from scipy.special import entr

    return np.asarray(entr(np.asarray(probabilities, np.float64)).sum(axis=axis))


class _Ranking:
    """A model ready to look at the tiles of an image."""

    def __init__(
        self, image: Any, model: Model, axes: str | AxesReading | None, tile: int, device: str, name: str
    ) -> None:
        header = model.header
        if header.use != "segment" or header.dimensions != 2:
            raise UserError(f"the model {header.name!r} does not segment planes by itself; choose another one")
        self._image = ModelImage(image, header, axes=axes, name=name)
        self._image.check_colours()
        self._header = header
        self._tile = min(tile, self._largest() or tile)
        self.planes = self._image.planes
        self._execution = choose_execution(device)
        self._network = prepare(model.network, self._execution)
        self._features: list[NDArray[np.float64]] = []
        if not isinstance(self._network, Network):
            raise UserError(f"the network of {header.name!r} does not tell what an image looks like to it")
        self._network.deepest().register_forward_hook(
            lambda _module, _inputs, output: self._features.append(_pooled(output))
        )

    def _largest(self) -> int | None:
        """Return the side (px of the image) of the largest tile that the network takes, if there is one."""
        most = find_architecture(self._header.architecture).largest(self._header.config)
        zoom = self._image.seen_at.zoom
        return most and max(1, int(most / max(1.0, *(zoom if isinstance(zoom, tuple) else (zoom,)))))

    @property
    def cuts(self) -> list[tuple[slice, slice]]:
        """The tiles of a plane, side by side; the last ones reach back so that all are whole."""
        starts = [_starts(size, self._tile) for size in self.planes.shape]
        return [
            (slice(y, min(y + self._tile, height)), slice(x, min(x + self._tile, width)))
            for (height, width) in [self.planes.shape]
            for y, x in itertools.product(*starts)
        ]

    def look(self, plane: tuple[int, ...], cut: tuple[slice, slice]) -> tuple[float, NDArray[np.float64]]:
        """Return how uncertain the network is of a tile, and what it looks like to it."""
        return self._answer(self._seen(self._image, plane, cut))

    def corrected(self, corrections: CorrectionSet) -> list[NDArray[np.float64]]:
        """Return what the parts of corrections that count look like, one for each."""
        found = []
        for name, correction in corrections.corrections():
            image = ModelImage(correction.image, self._header, axes=correction.reading, name=name)
            rows, columns = (np.flatnonzero(correction.counts.any(axis=axis)) for axis in (1, 0))
            centre = [(int(along[0]) + int(along[-1])) // 2 - self._tile // 2 for along in (rows, columns)]
            cut = [slice(max(0, start), max(0, start) + self._tile) for start in centre]
            found.append(self._answer(self._seen(image, (), cut), views=1)[1])
        return found

    @staticmethod
    def _seen(image: ModelImage, plane: tuple[int, ...], cut: Sequence[slice]) -> NDArray[np.float32]:
        """Return what the network sees of a tile: at its spacing, if it was made for one."""
        seen = image.plane(plane, image.seen_at.zoom)
        scales = [zoomed / own for zoomed, own in zip(seen.shape, image.planes.shape, strict=True)]
        ends = [(part.start * scale, part.stop * scale) for part, scale in zip(cut, scales, strict=True)]
        return seen.read([slice(round(first), max(round(last), round(first) + 1)) for first, last in ends])

    def _answer(self, tile: NDArray[np.float32], views: int = VIEWS) -> tuple[float, NDArray[np.float64]]:
        self._features.clear()
        batch = torch.from_numpy(tile)[None]
        answers = [self._classes(_turned(batch, k), -k) for k in range(views)]
        unsure = float(uncertainty(torch.stack(answers).numpy()).mean())
        return unsure, np.mean(self._features, axis=0)

    def _classes(self, batch: Tensor, back: int) -> Tensor:
        """Return class probabilities (C, H, W) of a tile, turned back."""
        classes = len(self._header.classes)
        return _turned(self._execution(self._network, batch, classes)[:, :classes].cpu(), back)[0]


def _turned(batch: Tensor, quarters: int) -> Tensor:
    return torch.rot90(batch, quarters % 4, (2, 3))


def _starts(size: int, tile: int) -> list[int]:
    count = max(1, -(-size // tile))
    return sorted({min(number * tile, max(0, size - tile)) for number in range(count)})


def _pooled(features: Tensor) -> NDArray[np.float64]:
    pooled = features.detach().float().mean(dim=(0, 2, 3)).cpu().numpy().astype(np.float64)
    return np.asarray(pooled / (np.linalg.norm(pooled) or 1.0))


def _corrected_tiles(
    corrections: CorrectionSet | None, source: str
) -> Callable[[tuple[int, ...], tuple[slice, slice]], bool]:
    """Return a function that tells whether most of a tile is corrected."""
    done: dict[tuple[int, ...], list[tuple[Bounds, NDArray[np.bool_]]]] = {}
    for item in corrections.items if corrections is not None else ():
        place = item.record.source
        if place.image == source and corrections is not None:
            done.setdefault(place.plane, []).append((item.record.region, corrections.read(item.name).counts))

    def is_done(plane: tuple[int, ...], cut: tuple[slice, slice]) -> bool:
        covered = np.zeros([part.stop - part.start for part in cut], bool)
        for ((top, bottom), (left, right)), counts in done.get(plane, []):
            rows = slice(max(top, cut[0].start), min(bottom, cut[0].stop))
            columns = slice(max(left, cut[1].start), min(right, cut[1].stop))
            if rows.start < rows.stop and columns.start < columns.stop:
                covered[
                    rows.start - cut[0].start : rows.stop - cut[0].start,
                    columns.start - cut[1].start : columns.stop - cut[1].start,
                ] |= counts[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        return bool(covered.mean() > 0.5)

    return is_done


def _chosen(
    looked: Sequence[tuple[tuple[int, ...], tuple[slice, slice], float, NDArray[np.float64]]],
    seen: Sequence[NDArray[np.float64]],
    most: int,
) -> list[Candidate]:
    """Choose the tiles one after the other, each as unlike as possible to those before it."""
    if not looked:
        return []
    unsure = np.array([entry[2] for entry in looked])
    features = np.stack([entry[3] for entry in looked])
    likeness = features @ np.stack(seen).T if seen else np.zeros((len(looked), 0))
    distance = 1 - likeness.max(axis=1) if seen else np.zeros(len(looked))
    relative = unsure / (unsure.max() or 1.0)
    spread = float(np.median(1 - features @ features.mean(axis=0))) or 1.0  # what counts as unlike in this image
    left = list(range(len(looked)))
    chosen: list[Candidate] = []
    while left and len(chosen) < most:
        known = bool(seen or chosen)
        scores = relative[left] + (NOVELTY * np.minimum(distance[left] / (4 * spread), 1.0) if known else 0.0)
        best = left.pop(int(np.argmax(scores)))
        plane, (rows, columns), value, _ = looked[best]
        region = ((rows.start, rows.stop), (columns.start, columns.stop))
        chosen.append(Candidate(plane, region, float(scores.max()), value, float(distance[best])))
        nearer = 1 - features @ features[best]
        distance = np.minimum(distance, nearer) if known else nearer
    return chosen
