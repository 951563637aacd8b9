"""Labels that come: looked at before they are kept, so that what cannot belong to the image is said at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import IO, Any

from numpy.typing import NDArray

from napari_medt.serving.monai_label.learning.model_corrections import labels_on
from napari_medt.serving.monai_label.learning.submission import check_values, named_in, segments_in
from napari_medt.serving.monai_label.learning.teaching import Teaching, labelled
from napari_medt.serving.store.incoming import check_content, keep, suffix_of
from napari_medt.serving.store.labels import StoredLabels
from napari_medt.serving.store.store import Store, StoredImage
from src_models.finetuning.labelled.segments import values_in

__all__ = ["read_sent", "submit"]


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
    values, note, suffix = read_sent(store, image, file)
    params = {**params, **named_in(file)}
    segments = segments_in(params)
    check_values(values, segments)
    base = teaching.model_for(params)
    if base is not None:
        present = values_in(values)
        teaching.corrections(base).check({value: name for value, name in segments.items() if value in present})
    labels = store.labels.add(image.key, image.id, tag, file, suffix, params)
    teaching.take(labels)
    return labels, note


def read_sent(store: Store, image: StoredImage, file: IO[bytes]) -> tuple[NDArray[Any], str | None, str]:
    """Read labels that a client sent onto an image's voxels.

    Returns
    -------
    ndarray
        Labels in the axes of the image less its colours.
    str or None
        What a person should know of how they came there.
    str
        How the name of such a file ends.

    Raises
    ------
    Refusal, UserError
        As for :func:`submit`.
    """
    suffix = suffix_of(file)
    looked_at = store.settings.store / f".{secrets.token_hex(8)}.part{suffix}"
    try:
        keep(file, looked_at)
        check_content(looked_at)
        values, note = labels_on(labelled(store, image), looked_at, "the labels")
    finally:
        looked_at.unlink(missing_ok=True)
    return values, note, suffix
