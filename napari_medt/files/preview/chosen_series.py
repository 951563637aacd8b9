"""The series in a folder that a person chooses, opened; where nobody can be asked, all that can be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medt.files.preview.preview_dialog import ask_which_series
from napari_medt.running.waiting import has_window, waited
from src_models.errors import ImageError

if TYPE_CHECKING:
    from src_models.files.volumes.dicom_preview.series_preview import SeriesPreview
    from src_models.files.volumes.volume import Volume

__all__ = ["chosen_series"]


def chosen_series(folder: Path) -> list[tuple[str, Volume]]:
    """Open the series in a folder; of several, those that a person chooses.

    Returns
    -------
    list
        For each a name, and the scan. Nothing, if a person cancels.

    Raises
    ------
    ImageError
        If there is no slice in the folder, or none of the series that are wanted is a whole volume; of several, the
        others are opened, and the errors are shown as warnings.
    """
    from napari.utils.notifications import show_warning

    from src_models.files.images import image_stem
    from src_models.files.volumes.dicom_preview.series_preview import preview_series

    previews = waited(partial(preview_series, folder), f"Looking for series in {folder.name}...")
    wanted = _wanted(folder, previews)
    opened, errors = [], []
    for one in wanted:
        try:
            volume = _open(one, folder)
        except ImageError as error:
            errors.append(error)
            continue
        several = len(previews) > 1 and volume.description
        opened.append((f"{image_stem(folder)} - {volume.description}" if several else image_stem(folder), volume))
    if errors and not opened:
        raise errors[0]
    for refusal in errors:
        show_warning(str(refusal))
    return opened


def _wanted(folder: Path, previews: Sequence[SeriesPreview]) -> Sequence[SeriesPreview]:
    from src_models.files.volumes.dicom_preview.series_preview import no_series

    if len(previews) == 1 or not has_window():
        return previews
    return ask_which_series(folder, previews, no_series(previews))


def _open(one: SeriesPreview, folder: Path) -> Volume:
    """Open a series; ask what becomes of slices at uneven distances."""
    from napari_medt.files.uneven_slices import ask_to_resample
    from src_models.files.volumes.dicom.spacing import UnevenSlicesError
    from src_models.files.volumes.dicom_volume import read_series

    try:
        return read_series(one.series, folder)
    except UnevenSlicesError as error:
        if not ask_to_resample(error):
            raise
    return read_series(one.series, folder, uneven="resample")
