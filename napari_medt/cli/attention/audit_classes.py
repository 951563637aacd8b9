"""``napari-medt audit`` of a model of classes: its pictures, from an image with labels or from a set of classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_medt.cli import options
from napari_medt.cli.console import Console
from src_models.errors import DataSetError, UserError

if TYPE_CHECKING:
    from src_models.auditing.classes.audited_pictures import AuditedPicture
    from src_models.auditing.results import Audit
    from src_models.images.grey.grey_range import GreyRange
    from src_models.models.checkpoint import Model as LoadedModel

__all__ = ["ClassAudit"]


class ClassAudit:
    """An audit of a model of classes.

    Parameters
    ----------
    source
        An image, or a set of classes.
    labels
        Of the objects of an image that are audited; None audits its planes.
    limit
        So many pictures; 12 unless given.
    series, channels
        As a person typed them, of an image.
    grey_range
        The range of grey values that counts, of an image.
    device
        Where it runs.

    Raises
    ------
    UserError
        If what was given does not go together.
    """

    def __init__(
        self,
        source: Path,
        *,
        labels: Path | None,
        limit: int | None,
        series: str | None,
        channels: str | None,
        grey_range: GreyRange | None,
        device: str,
    ) -> None:
        from src_models.files.class_sets.opening import truths_of

        self._source, self._labels, self._limit, self._device = source, labels, limit, device
        self._series, self._channels, self._grey_range = series, channels, grey_range
        self._set = source.exists() and "classification" in truths_of(source)
        if self._set:
            given = {"--labels": labels, "--series": series, "--channels": channels, "--grey-range": grey_range}
            wrong = [option for option, value in given.items() if value is not None]
            if wrong:
                raise DataSetError(f"{source} is a set of classes; {wrong[0]} is for one image, leave it out")
        elif source.is_dir():
            raise UserError(f"{source} holds no set of classes; give one, or an image (with --labels for its objects)")

    def run(
        self, console: Console, model: LoadedModel, maps: list[str] | None, seed: int
    ) -> tuple[Audit, list[AuditedPicture]]:
        """Audit behind a progress bar; the pictures are returned beside what was found."""
        from src_models.auditing.classes.class_auditor import pictures_audit_steps
        from src_models.auditing.classes.class_maps import choose_class_maps
        from src_models.progress import finish

        choose_class_maps(model.header, maps)
        with console.bar(str(self._source)) as show:
            pictures = self._pictures_of_set(model) if self._set else self._pictures_of_image(console, model, show)
            what = "pictures" if self._set else "objects" if self._labels else "planes"
            name = str(self._source)
            steps = pictures_audit_steps(
                pictures, model, what=what, maps=maps, device=self._device, seed=seed, name=name
            )
            return finish(steps, show), pictures

    def _pictures_of_set(self, model: LoadedModel) -> list[AuditedPicture]:
        from src_models.auditing.classes.audited_pictures import PICTURES, pictures_of_set
        from src_models.files.class_sets.opening import open_class_set

        data = open_class_set(self._source)
        split = next((word for word in ("test", "val") if word in {each.split for each in data.samples}), "val")
        return pictures_of_set(data, model.header, split=split, limit=self._limit or PICTURES)

    def _pictures_of_image(self, console: Console, model: LoadedModel, show: object) -> list[AuditedPicture]:
        from src_models.auditing.classes.audited_pictures import PICTURES
        from src_models.auditing.classes.image_audit import image_pictures_steps
        from src_models.files.images import read_label_file
        from src_models.files.pairs import pair, say
        from src_models.progress import finish

        image = options.open_image(self._source, None, self._channels, series=self._series)
        labels = None
        if self._labels is not None:
            paired = pair(image, read_label_file(self._labels, like=image.reading, scan=image.geometry))
            say(paired.note)
            labels = paired.labels
        steps = image_pictures_steps(
            image.data,
            model,
            labels=labels,
            axes=image.reading,
            grey_range=self._grey_range,
            device=self._device,
            limit=self._limit or PICTURES,
            name=str(self._source),
        )
        return finish(steps, show)  # type: ignore[arg-type]
