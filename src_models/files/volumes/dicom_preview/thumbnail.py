"""A small picture of a series: its middle slice, in a window that shows something of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom.pixels import check_pixels, read_frame
from src_models.files.volumes.dicom_preview.series_preview import SeriesPreview
from src_models.files.volumes.values.dicom_values import HU
from src_models.images.grey.ct_windows import ct_window

__all__ = ["SIZE", "thumbnail"]

SIZE = 96  # px
_PERCENTILES = (1.0, 99.5)


def thumbnail(preview: SeriesPreview, size: int = SIZE) -> NDArray[np.uint8] | None:
    """Draw the middle slice of a series; that one file is read.

    Parameters
    ----------
    preview
        The series.
    size
        Pixels along the longer side.

    Returns
    -------
    NDArray or None
        (y, x), grey, with square pixels: rows and columns as the file has them, which is as a radiologist looks at an
        axial, coronal or sagittal slice. The window is the file's own; without one, of CT that of soft tissue, and of
        other scans the range that most pixels lie in. None where the file cannot be read.
    """
    middle = preview.middle
    try:
        check_pixels(middle.pixels)
        values = middle.rescaling(read_frame(middle.pixels, middle.frame), np.dtype(np.float32))
    except ImageError:  # said when the series is opened
        return None
    low, high = _window(preview, values)
    grey = np.clip((values - low) / (high - low), 0, 1)
    down, across = middle.spacing
    tall, wide = values.shape[0] * down, values.shape[1] * across
    scale = size / max(tall, wide)
    return _resized((255 * grey).astype(np.uint8), max(1, round(tall * scale)), max(1, round(wide * scale)))


def _window(preview: SeriesPreview, values: NDArray[np.float32]) -> tuple[float, float]:
    """Return what is black and what is white."""
    if preview.header.windows:
        return preview.header.windows[0].low, preview.header.windows[0].high
    if preview.middle.modality == "CT" and preview.middle.unit == HU:
        return ct_window("soft tissue").limits
    known = values[np.isfinite(values)]
    low, high = (float(end) for end in np.percentile(known, _PERCENTILES)) if known.size else (0.0, 1.0)
    return low, high if high > low else low + 1.0


def _resized(grey: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    from PIL import Image

    # Each pixel is the mean of those that it covers, so that nothing thin is missed.
    return np.asarray(Image.fromarray(grey).resize((columns, rows), Image.Resampling.BOX))
