"""Strokes that a person painted over an object and beside it, as models of clicks take them.

All pixels of a stroke are promises: those over the object are in it, those beside it are not. In a plane with strokes
the network is asked anew; the others are left as they are where the segment lies there already, or else the object is
carried to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.serving.answers import Refusal
from napari_medt.serving.monai_label.clicks import click_options, grey_values
from napari_medt.serving.monai_label.learning.submission import check_values, segments_in
from napari_medt.serving.store.served_image import ServedImage

if TYPE_CHECKING:
    from src_models.clicking.answering.network import ClickNetwork
    from src_models.clicking.volume.given import Drawn

__all__ = ["STROKES", "answer_strokes", "stroke_options"]

STROKES = "-scribbles"
OVER, BESIDE = "foreground_scribbles", "background_scribbles"
MOSTLY = 0.5  # share of what lies around a stroke that is the segment, where it was painted over that
_CARRIED, _LEFT = "carried to, where the segment is new", "left as they are"

Mask = NDArray[np.bool_]


def stroke_options() -> dict[str, Any]:
    """Return the options of strokes, as a client shows them."""
    return {"other_slices": [_CARRIED, _LEFT], **click_options()}


def answer_strokes(
    image: ServedImage,
    network: ClickNetwork,
    segments: NDArray[Any],
    params: Mapping[str, Any],
    gone: Event,
    title: str = "the volume",
) -> tuple[NDArray[np.uint8], str]:
    """Return the object that strokes mean.

    Parameters
    ----------
    image
        Where it is.
    network
        What answers.
    segments
        (k, j, i) on the client's grid: all segments, strokes among them, numbered in the order of ``label_info``.
    params
        Names of the segments, the one that is meant, and options (:func:`stroke_options`), as the client sent them.
    gone
        Is set if nobody waits for the result any more.
    title
        What to call the image in errors.

    Returns
    -------
    labels
        (k, j, i) on the client's grid: 1 where the object is.
    name
        Of the segment that is meant.

    Raises
    ------
    Refusal
        If there is no stroke over the object, nor anything of it yet, or values have no names (400); or if nobody waits
        any more.
    """
    from src_models.clicking.volume.interactive import InteractiveVolume

    names = segments_in(params)
    check_values(segments, names)
    wanted = str(params.get("selected_label_name") or "object")
    over, beside, already = (_of(segments, names, name) for name in (OVER, BESIDE, wanted))
    already &= ~(over | beside)
    if not over.any() and not already.any():
        raise Refusal(
            400, "paint over the object first (foreground scribbles); then beside it where too much was found"
        )
    grey = np.asarray(image.to_grid(np.asarray(image.grey())))
    volume = InteractiveVolume(
        grey,
        network,
        spacing=_spacing(image),
        intensity=grey_values(params, image) or network.model.header.intensity,
        carrying=str(params.get("other_slices") or _CARRIED) == _CARRIED and not already.any(),
        name=title,
    )
    volume.begin_with(already | _painted_over(already, beside))
    for positive, painted in ((True, over), (False, beside)):
        for stroke in _strokes(painted, positive):
            if gone.is_set():
                raise Refusal(499, "the client has gone")
            volume.give(stroke)
    return volume.mask.astype(np.uint8), wanted


def _of(segments: NDArray[Any], names: Mapping[int, str], name: str) -> Mask:
    values = [value for value, own in names.items() if own == name]
    return np.asarray(np.isin(segments, values))


def _painted_over(segment: Mask, beside: Mask) -> Mask:
    """Return the strokes beside a segment that were painted over it: it surrounds them in their plane.

    The client has taken out of the segment what they cover. The network is to see what was found, and a stroke on it,
    not a hole where nothing was found.
    """
    from scipy import ndimage

    over = np.zeros_like(segment)
    pieces, _ = ndimage.label(beside, np.ones((3, 3, 3)))
    for number, cuts in enumerate(ndimage.find_objects(pieces), 1):
        around = tuple(slice(max(0, cut.start - 1), cut.stop + 1) for cut in cuts)
        stroke = pieces[around] == number
        in_plane = np.ones((3, 3, 3), bool)
        np.moveaxis(in_plane, int(np.argmin([cut.stop - cut.start for cut in cuts])), 0)[[0, 2]] = False
        beyond = ndimage.binary_dilation(stroke, in_plane) & ~beside[around]
        if beyond.any() and segment[around][beyond].mean() > MOSTLY:
            over[around] |= stroke
    return over


def _strokes(painted: Mask, positive: bool) -> Iterator[Drawn]:
    """Yield what was painted piece by piece: each in one plane, of the view in which it takes the fewest."""
    from scipy import ndimage

    from src_models.clicking.volume.given import Drawn

    pieces, _ = ndimage.label(painted, np.ones((3, 3, 3)))
    for number, around in enumerate(ndimage.find_objects(pieces), 1):
        piece = pieces[around] == number
        axis = int(np.argmin(piece.shape))
        for at in range(piece.shape[axis]):
            cut = (*(slice(None),) * axis, slice(at, at + 1))
            k, j, i = (own.start + (at if own_axis == axis else 0) for own_axis, own in enumerate(around))
            yield Drawn("scribble", (k, j, i), piece[cut], positive)


def _spacing(image: ServedImage) -> tuple[float, float, float]:
    """Return the size (mm) of a voxel along the client's k, j and i."""
    k, j, i = (float(length) for length in np.linalg.norm(image.geometry.grid_affine[:3, :3], axis=0))
    return k, j, i
