"""What a model that sees in 3D learns from: the volumes that people labelled, as a data set of its own.

Any tool can train on it (``images/``, ``masks/``, ``marked/``, a manifest). A volume counts in the slices that hold a
segment, and in those that held one before: nobody said what is in the others.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_medt.serving.monai_label.learning.model_corrections import ModelCorrections, labels_on
from napari_medt.serving.monai_label.learning.submission import author_in, segments_in
from napari_medt.serving.store.labels import StoredLabels
from src_models.disk.atomic import atomic_path
from src_models.disk.folder_lock import locked
from src_models.errors import ImageError
from src_models.files.images import read_label_file
from src_models.finetuning.labelled.planes import LabelledImage

__all__ = ["ModelVolumes"]

_ASIDE = "deleted"


@dataclass(frozen=True)
class ModelVolumes(ModelCorrections):
    """The data set of a model that sees in 3D.

    Parameters
    ----------
    folder
        Of the set; ``models/`` in it holds what was learnt.
    header
        Of the model that everything began with.
    """

    @property
    def count(self) -> int:
        """How many volumes there are."""
        return len(self._listed())

    def bring_in(self, image: LabelledImage, labels: StoredLabels, path: Path) -> list[str]:
        """Keep a volume with its labels, in place of those that were submitted of it before.

        Returns
        -------
        list of str
            Its name; nothing where it holds no segment and never held one.

        Raises
        ------
        UserError
            If they do not fit the image or the model, or the disk does not take them.
        """
        from src_models.files.volumes.nrrd_labels import write_nrrd, write_nrrd_labels

        geometry = image.image.geometry
        if geometry is None or image.image.reading.axes != "ZYX":
            raise ImageError(f"{image.layer}: a 3D model learns from volumes of grey values, and this is none")
        values, _ = labels_on(image, path, "the labels")
        numbers = self._numbering(values, segments_in(labels.info))(values)
        name = f"{labels.image}.nrrd"
        marked = np.zeros(numbers.shape, np.uint8)
        marked[numbers.any(axis=(1, 2)) | self._counted(name, len(numbers))] = 1
        names = [name] if marked.any() else []
        if names:
            with locked(self.folder):
                listed = self._listed()
                self._list([other for other in listed if other != name])  # not while its files are of two versions
                write_nrrd(self.folder / "images" / name, np.asarray(image.image.data), geometry, overwrite=True)
                write_nrrd_labels(self.folder / "masks" / name, numbers, geometry, overwrite=True)
                write_nrrd_labels(self.folder / "marked" / name, marked, geometry, overwrite=True)
                self._list(sorted({*listed, name}))
        told = {"file": labels.file, "corrections": names, "author": author_in(labels.info), "time": labels.time}
        self._note(self._noted() | {labels.image: told})
        return names

    def forget(self, image: str) -> None:
        """Learn no more from labels that somebody deleted; their files stay on disk, aside."""
        name = f"{image}.nrrd"
        with locked(self.folder):
            self._list([other for other in self._listed() if other != name])
            for part in ("images", "masks", "marked"):
                file = self.folder / part / name
                if file.is_file():
                    aside = self.folder / _ASIDE / part / name
                    aside.parent.mkdir(parents=True, exist_ok=True)
                    file.replace(aside)
        self._note({key: told for key, told in self._noted().items() if key != image})

    def _counted(self, name: str, depth: int) -> NDArray[np.bool_]:
        """Return which slices counted before."""
        if name in self._listed():
            before = np.asarray(np.asarray(read_label_file(self.folder / "marked" / name).data).any(axis=(1, 2)))
            if before.size == depth:
                return before
        return np.zeros(depth, bool)

    def _listed(self) -> list[str]:
        try:
            with (self.folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
                return [row["file"] for row in csv.DictReader(file)]
        except FileNotFoundError:
            return []

    def _list(self, names: Collection[str]) -> None:
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerows([("file", "split"), *((name, "") for name in names)])
        with atomic_path(self.folder / "manifest.csv", overwrite=True) as beside:
            beside.write_text(text.getvalue(), encoding="utf-8", newline="")
