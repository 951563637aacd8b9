"""Reading the option ``--window``: which part of the Hounsfield scale a network of clicks is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from src_models.models.header import Intensity

__all__ = ["Window", "window_intensity"]

# The names of src_models.images.ct_windows, which is not imported for the help alone, and none of them.
Window = Literal["soft tissue", "lung", "bone", "brain", "none"]
SAMPLED = 256  # px along each of the last two axes


def window_intensity(name: Window | None, data: Any, *, colours: bool = False) -> Intensity | None:
    """Return how an image's grey values are normalised for a window; None as the model's header says.

    Parameters
    ----------
    name
        The window; None takes that of soft tissue where the middle slice looks like CT, and else none.
    data
        The image, (..., y, x), or (y, x, colours); of it, a part of the middle slice is read.
    colours
        Whether its last axis holds colours: then it is no CT.
    """
    import numpy as np

    from src_models.images.ct_windows import ct_window, looks_like_ct

    if name is not None:
        return None if name == "none" else ct_window(name).intensity
    if colours:
        return None
    middle = (size // 2 for size in data.shape[:-2])
    steps = (slice(None, None, max(1, size // SAMPLED)) for size in data.shape[-2:])
    return ct_window("soft tissue").intensity if looks_like_ct(np.asarray(data[(*middle, *steps)])) else None
