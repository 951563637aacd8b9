"""What a model learns from: the labels that people submitted, as a set of corrections of its own.

The labels themselves are kept by the store (:mod:`napari_medt.serving.store.labels`), so the set can be brought up to
date at any time: which labels of an image it holds is noted after they were added. A process that is killed between
adds them once more, in place of themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.serving.monai_label.learning.submission import author_in, segments_in
from napari_medt.serving.store.labels import StoredLabels
from src_models.corrections.correction import Correction
from src_models.corrections.correction_set import CorrectionSet
from src_models.disk.atomic import atomic_path
from src_models.errors import UserError
from src_models.files.images import read_label_file
from src_models.finetuning.kinds.label_kind import LabelKind
from src_models.finetuning.labelled.planes import LabelledImage
from src_models.finetuning.labelled.segments import (
    kind_of_set,
    numbered,
    numbers_of,
    objects_in,
    values_in,
    write_names,
)
from src_models.images.planes import Plane
from src_models.models.header import ModelHeader

__all__ = ["ModelCorrections", "labels_on"]


def labels_on(image: LabelledImage, path: Path, called: str) -> tuple[NDArray[Any], str | None]:
    """Read labels onto an image's voxels by the places of both, never by index.

    Parameters
    ----------
    image
        The image.
    path
        The labels' file.
    called
        What to call it, for errors: these are told to clients, who have no business with the server's disk.

    Returns
    -------
    ndarray
        Labels in the axes of the image less its colours.
    str or None
        What a person should know of how they came there.

    Raises
    ------
    ImageError
        If they cannot be read, lie beside the image, or have no place and another shape.
    """
    try:
        file = read_label_file(path)
    except UserError as error:
        raise type(error)(str(error).replace(str(path), called)) from error
    named = LabelledImage(replace(image.image, path=Path(image.layer or image.image.name)))
    paired = named.on_image(replace(file, path=Path(called)))
    return paired.labels, paired.note


@dataclass(frozen=True)
class ModelCorrections:
    """The set of a model.

    Parameters
    ----------
    folder
        Of the set; ``models/`` in it holds what was learnt.
    header
        Of the model that everything began with.
    """

    folder: Path
    header: ModelHeader

    @property
    def kind(self) -> LabelKind:
        """What the numbers of the set mean."""
        known = LabelKind.of(self.header) if self.header.use == "segment" else LabelKind("objects")
        return kind_of_set(self.folder, known)

    @property
    def count(self) -> int:
        """How many corrections there are."""
        return len(CorrectionSet.open(self.folder))

    def knows(self, labels: StoredLabels) -> bool:
        """Whether the set holds these labels of an image."""
        return self._noted().get(labels.image, {}).get("file") == labels.file

    @property
    def images(self) -> set[str]:
        """Keys of the images that it holds labels of."""
        return set(self._noted())

    def check(self, segments: Mapping[int, str]) -> None:
        """Refuse segments that the model cannot learn (:class:`~src_models.errors.UserError`)."""
        if self.kind.meaning == "classes":
            numbers_of(segments, self.kind)

    def bring_in(self, image: LabelledImage, labels: StoredLabels, path: Path) -> list[str]:
        """Keep labels of an image as corrections, in place of those that were submitted of it before.

        Planes count that hold a segment, and those that counted before: if they are empty now, they are rightly empty.

        Parameters
        ----------
        image
            The image.
        labels, path
            What is known of the labels, and their file.

        Returns
        -------
        list of str
            Names of the corrections.

        Raises
        ------
        UserError
            If they do not fit the image or the model, or the disk does not take them; then the set is as it was.
        """
        values, _ = labels_on(image, path, "the labels")
        numbering = self._numbering(values, segments_in(labels.info))
        corrections = CorrectionSet.open(self.folder)
        own = image.source().image
        earlier = [
            item for item in corrections.items if item.record.author is not None and item.record.source.image == own
        ]
        before = {item.record.source.plane for item in earlier}
        made = self._corrections(image, values, numbering, before, labels)
        names = corrections.put(made, {item.name for item in earlier})
        self._note(self._noted() | {labels.image: {"file": labels.file, "corrections": names}})
        return names

    def forget(self, image: str) -> None:
        """Learn no more from labels that somebody deleted; the corrections stay on disk.

        Parameters
        ----------
        image
            Key of their image.
        """
        noted = self._noted()
        gone = set(noted.pop(image, {}).get("corrections", ()))
        corrections = CorrectionSet.open(self.folder)
        for item in corrections.items:
            if item.name in gone:
                corrections.withdraw(item.name)
        self._note(noted)

    def _numbering(
        self, values: NDArray[Any], segments: Mapping[int, str]
    ) -> Callable[[NDArray[Any]], NDArray[np.int32]]:
        """Return what gives a plane of the labels the set's numbers; names that are new are written before."""
        known = self.kind
        present = [value for value in values_in(values) if value]
        if known.meaning == "objects":
            named = segments or {value: f"segment {value}" for value in present}
            return lambda plane: objects_in(plane, named)
        segments = segments or dict(enumerate(known.names, 1))
        numbers, kind = numbers_of({value: segments.get(value, f"class {value}") for value in present}, known)
        if kind != known:
            write_names(self.folder, kind.names)
        return lambda plane: numbered(plane, numbers)

    def _corrections(
        self,
        image: LabelledImage,
        values: NDArray[Any],
        numbering: Callable[[NDArray[Any]], NDArray[np.int32]],
        before: Collection[Plane],
        labels: StoredLabels,
    ) -> Iterator[Correction]:
        author = author_in(labels.info)
        time = datetime.fromtimestamp(labels.time, UTC).isoformat(timespec="seconds")
        if "Z" in image.planes.leading:  # a network of slices learns from each between its neighbours
            image = replace(image, deep=self.header.slices_kept)
        for plane in image.planes:
            now = numbering(image.of(values, plane))
            if (now.any() or plane in before) and np.isfinite(image.pixels(plane)).any():
                yield image.correction(plane, now, model_name=self.header.name, author=author, time=time)

    @property
    def _notes_path(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.json")

    def _noted(self) -> dict[str, dict[str, Any]]:
        """Return which labels the set holds, by image; what cannot be read is made again."""
        try:
            noted = json.loads(self._notes_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(noted, dict):
            return {}
        return {image: labels for image, labels in noted.items() if isinstance(labels, dict)}

    def _note(self, noted: Mapping[str, Any]) -> None:
        with atomic_path(self._notes_path, overwrite=True) as beside:
            beside.write_text(json.dumps(noted, indent=1), encoding="utf-8")
