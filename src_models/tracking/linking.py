"""Objects linked through time, with divisions, by laptrack.

Objects of neighbouring frames are assigned to each other so that the sum of their squared distances is least, and the
pieces are then joined over frames in which an object was missed, and to the object that they divided from (the linear
assignment problem of Jaqaman et al. 2008, Nature Methods 5, 695-702, https://doi.org/10.1038/nmeth.1237; laptrack:
Fukai & Kawaguchi 2023, Bioinformatics 39, btac799). Labels of any numbering do: only places count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path
from src_models.errors import UserError
from src_models.tracking.objects import FrameObjects, frame_objects

__all__ = ["Tracks", "relabelled", "track_objects", "write_tracks"]

_STILL = 1e-3  # of the farthest way, for each frame
_WORSE = 1.05


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Objects that are followed.

    Parameters
    ----------
    objects
        The objects of all frames.
    track
        (N,) the number of each one's track, from 1 in the order in which tracks begin; a division ends one track and
        begins others.
    parents
        The track that each track divided from; tracks that began otherwise are not in it.
    farthest
        How far an object could go from frame to frame, in units of the spacing.
    """

    objects: FrameObjects
    track: NDArray[np.int64]
    parents: Mapping[int, int]
    farthest: float

    @property
    def count(self) -> int:
        """How many tracks there are."""
        return int(self.track.max(initial=0))

    @property
    def divisions(self) -> int:
        """How many objects divided."""
        return len(set(self.parents.values()))

    def data(self) -> NDArray[np.float64]:
        """Return what a Tracks layer of napari holds: (N, 2 + D) track, frame and place (px), by track and frame."""
        rows = np.column_stack([self.track, self.objects.frame, self.objects.place])
        return np.asarray(rows[np.lexsort((self.objects.frame, self.track))])

    def graph(self) -> dict[int, list[int]]:
        """Return the divisions as a Tracks layer of napari has them: the parents of each track."""
        return {track: [parent] for track, parent in self.parents.items()}


def track_objects(
    labels: Any,
    *,
    spacing: Sequence[float] | None = None,
    farthest: float | None = None,
    gap: int = 1,
    divisions: bool = True,
) -> Tracks:
    """Follow the objects of a time series.

    Parameters
    ----------
    labels
        Integers (t, [z, ]y, x), 0 the background; in memory or lazy.
    spacing
        Size of a pixel along [z, ]y and x; 1 unless given.
    farthest
        How far an object goes at most from frame to frame, in units of `spacing`; the diameter of the objects unless
        given.
    gap
        In how many frames on end an object may be missed.
    divisions
        Whether objects divide.

    Raises
    ------
    ImageError
        If the labels have other axes, or hold no object.
    UserError
        If the package laptrack is missing, or a number makes no sense.
    """
    if (farthest is not None and not farthest > 0) or gap < 0:
        raise UserError(f"the largest distance ({farthest}) must be above 0, and the gap ({gap}) 0 or more frames")
    tracker = _laptrack()
    objects = frame_objects(labels)
    sizes = np.ones(labels.ndim - 1) if spacing is None else np.asarray(spacing, np.float64)
    reach = farthest or objects.diameter(sizes.tolist())
    return _linked(tracker, objects, sizes, reach, gap=gap, divisions=divisions)


def relabelled(labels: NDArray[Any], tracks: Tracks) -> NDArray[np.uint32]:
    """Return labels in which an object has the number of its track in every frame."""
    numbered = np.zeros(labels.shape, np.uint32)
    for frame in range(labels.shape[0]):
        here = tracks.objects.frame == frame
        numbers, own = tracks.objects.number[here], tracks.track[here]  # numbers rise
        if not len(numbers):
            continue
        plane = np.asarray(labels[frame])
        there = plane != 0
        numbered[frame][there] = own[np.searchsorted(numbers, plane[there])]
    return numbered


def write_tracks(path: Path, tracks: Tracks, *, overwrite: bool = False) -> Path:
    """Write a table with a row for each object and frame: track, parent, frame (from 0), number in the labels, place.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written.
    """
    import csv

    letters = "zyx"[-tracks.objects.place.shape[1] :]
    order = np.lexsort((tracks.objects.frame, tracks.track))
    with atomic_path(path, overwrite=overwrite) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["track", "parent", "frame", "id", *(f"{letter} (px)" for letter in letters), "pixels"])
        for row in order.tolist():
            track = int(tracks.track[row])
            place = [f"{value:.12g}" for value in tracks.objects.place[row]]
            known = tracks.objects
            parent = tracks.parents.get(track, "")
            writer.writerow([track, parent, known.frame[row], known.number[row], *place, known.pixels[row]])
    return path


def _laptrack() -> Any:
    try:
        import laptrack
    except ModuleNotFoundError as error:
        raise UserError(
            f"following objects needs the package {error.name}, which is not installed; install it with "
            "pip install 'napari-medt[tracks]'"
        ) from error
    return laptrack


def _linked(
    laptrack: Any, objects: FrameObjects, sizes: NDArray[np.float64], reach: float, *, gap: int, divisions: bool
) -> Tracks:
    import pandas as pd

    names = [f"p{axis}" for axis in range(len(sizes))]
    table = pd.DataFrame(objects.place * sizes, columns=names)
    # Time is a little way, too: laptrack's sparse costs have no link that costs nothing, as of what stands still.
    names.append("time")
    table["time"] = objects.frame * reach * _STILL
    table["frame"], table["row"] = objects.frame, np.arange(len(objects))
    cutoff = reach**2 * (1 + ((gap + 1) * _STILL) ** 2)
    tracker = laptrack.LapTrack(
        metric="sqeuclidean",
        cutoff=cutoff,
        gap_closing_metric="sqeuclidean",
        gap_closing_cutoff=cutoff if gap else False,
        gap_closing_max_frame_count=gap + 1,  # of frames between, theirs included
        splitting_metric="sqeuclidean",
        splitting_cutoff=cutoff if divisions else False,
        merging_cutoff=False,
        # What it costs to begin, end or stay whole: a little more than the farthest way, as between frames. laptrack
        # would else take it from the costs of these few links, and drop divisions where some gaps are short.
        segment_start_cost=_WORSE * cutoff,
        segment_end_cost=_WORSE * cutoff,
        no_splitting_cost=_WORSE * cutoff,
    )
    linked, splits, _ = tracker.predict_dataframe(table, names, frame_col="frame", only_coordinate_cols=False)
    found = np.zeros(len(objects), np.int64)
    found[linked["row"].to_numpy(np.int64)] = linked["track_id"].to_numpy(np.int64)
    # Numbers from 1, in the order in which tracks begin.
    first = np.unique(found, return_index=True)
    order = first[0][np.argsort(first[1])].tolist()
    own = {track: number for number, track in enumerate(order, start=1)}
    pairs = zip(splits["child_track_id"], splits["parent_track_id"], strict=True) if len(splits) else ()
    parents = {own[int(child)]: own[int(parent)] for child, parent in pairs}
    return Tracks(objects, np.array([own[track] for track in found.tolist()]), parents, reach)
