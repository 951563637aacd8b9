"""What a server learns: from which labels, which models, and where it lies on disk.

Each model has a set of corrections of its own below the store, ``corrections/NAME``, which napari's "Correct and learn"
opens as well, and its versions lie in that. Labels come into the set of the model that they were made with as soon as
they are there, in a thread that nobody waits for; whatever else a model can learn from does before it learns.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medt.serving.answers import Refusal
from napari_medt.serving.models import Models
from napari_medt.serving.monai_label.learning.choices import settings_of
from napari_medt.serving.monai_label.learning.learning_process import Order
from napari_medt.serving.monai_label.learning.model_corrections import ModelCorrections
from napari_medt.serving.monai_label.learning.model_volumes import ModelVolumes
from napari_medt.serving.monai_label.learning.next_image import NextImages
from napari_medt.serving.monai_label.learning.ranking import Ranking
from napari_medt.serving.monai_label.learning.submission import segments_in
from napari_medt.serving.monai_label.learning.training import Trainer
from napari_medt.serving.store.labels import FINAL, StoredLabels
from napari_medt.serving.store.store import Store, StoredImage
from src_models.errors import UserError
from src_models.files.images import ImageFile
from src_models.finetuning.correction_folder import versions_folder
from src_models.finetuning.labelled.planes import LabelledImage
from src_models.finetuning.versions import ModelVersions

__all__ = ["Teaching", "labelled"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Line:
    """A model and what was learnt from it: the name that all began with, and the file to go on from."""

    base: str
    path: Path


class Teaching:
    """Models that learn.

    Parameters
    ----------
    folder
        Where the sets of corrections are.
    store
        Images and labels.
    models
        The models that are served; those that were learnt before are added, and those that are learnt.
    """

    def __init__(self, folder: Path, store: Store, models: Models) -> None:
        self._folder, self._store, self._models = folder, store, models
        self._bases = [*models.names("segment"), *models.names("click")]
        self._base_of = {name: name for name in self._bases}
        self._keeping = ThreadPoolExecutor(1, thread_name_prefix="corrections")
        self.trainer = Trainer(self._prepare, self._learnt)
        self._ranking = Ranking(self._ranking_model)
        self.next_images = NextImages(store, self._ranking)
        for base in self._bases:
            for version in ModelVersions(versions_folder(self._set_folder(base))).list():
                self._serve(base, version.path)

    @property
    def learners(self) -> list[str]:
        """Names of the models that can learn; the disk is not touched."""
        return list(self._bases)

    def base(self, model: str) -> str:
        """Return the name of the model that a version goes back to (:class:`Refusal`, 404, if there is none)."""
        self._models.header(model)
        return self._base_of.get(model, model)

    def corrections(self, base: str) -> ModelCorrections:
        """Return the set of a model."""
        header = self._models.header(base)
        kind = ModelVolumes if header.dimensions == 3 else ModelCorrections
        return kind(self._set_folder(base), header)

    def model_for(self, params: Mapping[str, Any]) -> str | None:
        """Return which model labels teach: the one that the client names, or that knows most of the segments.

        Where none segments, a model of clicks; None where nothing is served.
        """
        said = params.get("model")
        if isinstance(said, str) and said in self._base_of:
            return self._base_of[said]
        names = {name.strip().casefold() for name in segments_in(params).values()}
        segmenting = [base for base in self._bases if self._models.header(base).use == "segment"]

        def known(base: str) -> int:
            kind = self.corrections(base).kind
            own = kind.names if kind.meaning == "classes" else (base, *self._versions_of(base))
            return sum(1 for name in own if name.casefold() in names)

        return max(segmenting or self._bases, key=known, default=None)

    def take(self, labels: StoredLabels) -> None:
        """Bring labels into the set of the model that they teach, in a thread that nobody waits for."""
        base = self.model_for(labels.info)
        if labels.tag == FINAL and base is not None:
            self._keeping.submit(self._bring_in, base, labels)

    def wait(self) -> None:
        """Wait until all labels that came are in their sets."""
        self._keeping.submit(lambda: None).result()

    def close(self) -> None:
        """End what learns, and keep the best; labels that came are kept."""
        self._ranking.close()
        self.trainer.close()
        self._keeping.shutdown(wait=True, cancel_futures=True)  # what is left is done before a model learns

    def _prepare(self, model: str, chosen: Mapping[str, Any]) -> Order:
        """Return what a model is to learn, once all that was submitted is in its set."""
        line = self._line(model)
        corrections = self.corrections(line.base)
        settings = settings_of(chosen, self._models.header(line.base))
        coming = [self._keeping.submit(self._bring_in, line.base, labels) for labels in self._submitted(line.base)]
        told = [labels.result() for labels in coming]
        self._keeping.submit(self._forget_deleted, corrections).result()
        kind = corrections.kind
        if not corrections.count:
            why = next((sentence for sentence in told if sentence), "")
            raise Refusal(400, f"no labels were submitted that {line.base} could learn from: submit some first. {why}")
        return Order(
            model=str(line.path),
            folder=str(corrections.folder),
            settings=settings,
            meaning=kind.meaning,
            names=kind.names,
        )

    def _submitted(self, base: str) -> list[StoredLabels]:
        """Return labels that a model can learn from and whose images are there, those that came first at first.

        These are its own; of a model of clicks, and of one that has none of its own yet, all there are.
        """
        every = [self._store.labels.of(image.key).get(FINAL) for image in self._store.images()]
        there = sorted((labels for labels in every if labels is not None), key=lambda one: one.time)
        own = [labels for labels in there if self.model_for(labels.info) == base]
        return own or there if self._models.header(base).use == "segment" else there

    def _bring_in(self, base: str, labels: StoredLabels) -> str | None:
        """Bring labels into a set unless it has them; returns why not, in a sentence."""
        corrections = self.corrections(base)
        try:
            if corrections.knows(labels):
                return None
            image = next((each for each in self._store.images() if each.key == labels.image), None)
            if image is None:
                return "The image of some labels is gone: their corrections stay as they are."
            corrections.bring_in(labelled(self._store, image), labels, self._store.labels.path(labels))
        except (UserError, Refusal) as error:
            _log.warning("labels were kept, but are not learnt from yet: %s", type(error).__name__)
            return str(error)
        return None

    def _forget_deleted(self, corrections: ModelCorrections) -> None:
        """Leave out labels that somebody deleted; those of an image that is gone stay."""
        for image in {image.key for image in self._store.images()} & corrections.images:
            if FINAL not in self._store.labels.of(image):
                corrections.forget(image)

    def _line(self, model: str) -> _Line:
        """Return what a model goes on from: of one that everything began with, the version in use."""
        base = self.base(model)
        if model != base:
            return _Line(base, self._models.path(model))
        versions = ModelVersions(versions_folder(self._set_folder(base)))
        active = versions.active
        return _Line(base, self._models.path(base) if active is None else versions.folder / f"{active}.safetensors")

    def _ranking_model(self) -> Path | None:
        """Return the file of the model whose doubts say what comes next: the first that sees planes, as it is now."""
        for base in self._bases:
            header = self._models.header(base)
            if header.use == "segment" and header.dimensions == 2:
                return self._line(base).path
        return None

    def _learnt(self, model: str, path: Path) -> None:
        self._serve(self._base_of[model], path)

    def _serve(self, base: str, path: Path) -> None:
        try:
            self._models.add(path)
            self._base_of = {**self._base_of, path.stem: base}
        except UserError as error:
            _log.warning("%s", error)

    def _versions_of(self, base: str) -> list[str]:
        return [name for name, own in self._base_of.items() if own == base]

    def _set_folder(self, base: str) -> Path:
        return self._folder / base


def labelled(store: Store, image: StoredImage) -> LabelledImage:
    """Return an image of the store as one whose planes are labelled.

    Raises
    ------
    Refusal
        If it is gone (404).
    ImageError
        If it cannot be read.
    """
    served = store.open(image)
    return LabelledImage(ImageFile(served.data, served.reading, image.path, served.geometry), layer=image.id)
