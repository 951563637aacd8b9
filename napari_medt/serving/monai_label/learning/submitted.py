"""Labels that come: looked at before they are kept, so that what cannot belong to the image is said at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from napari_medt.serving.monai_label.learning.model_corrections import labels_on
from napari_medt.serving.monai_label.learning.submission import check_values, segments_in
from napari_medt.serving.monai_label.learning.teaching import Teaching, labelled
from napari_medt.serving.store.incoming import check_content, keep, suffix_of
from napari_medt.serving.store.labels import StoredLabels
from napari_medt.serving.store.store import Store, StoredImage

__all__ = ["submit"]


def submit(
    store: Store, teaching: Teaching, image: StoredImage, tag: str, params: Mapping[str, Any], file: IO[bytes]
) -> tuple[StoredLabels, str | None]:
    """Keep labels of an image as they came, and let the model that they belong to learn from them.

    Parameters
    ----------
    store, teaching
        Where they go.
    image
        The image.
    tag
        Whose they are.
    params
        What the client told of them.
    file
        Their content.

    Returns
    -------
    StoredLabels
        What is kept.
    str or None
        What a person should know of how they lie on the image.

    Raises
    ------
    Refusal
        If it is no volume, or holds values that no segment stands for (400); if the image is gone (404).
    UserError
        If it lies beside the image or has another shape without a place, or the model cannot learn its segments.
    OutputError
        If the disk is full; then the labels before count.
    """
    segments = segments_in(params)
    suffix = suffix_of(file)
    looked_at = store.settings.store / f".{secrets.token_hex(8)}.part{suffix}"
    try:
        keep(file, looked_at)
        check_content(looked_at)
        note = _check(teaching, labelled_path=looked_at, image=image, store=store, params=params, segments=segments)
    finally:
        looked_at.unlink(missing_ok=True)
    labels = store.labels.add(image.key, image.id, tag, file, suffix, params)
    teaching.take(labels)
    return labels, note


def _check(
    teaching: Teaching,
    *,
    labelled_path: Path,
    image: StoredImage,
    store: Store,
    params: Mapping[str, Any],
    segments: Mapping[int, str],
) -> str | None:
    values, note = labels_on(labelled(store, image), labelled_path, "the labels")
    check_values(values, segments)
    base = teaching.model_for(params)
    if base is not None:
        present = set(np.unique(values).tolist())
        teaching.corrections(base).check({value: name for value, name in segments.items() if value in present})
    return note
