"""Auditing a run of a model of classes that was made on an image layer."""

from __future__ import annotations

from collections.abc import Collection, Generator
from typing import TYPE_CHECKING

from src_models.models.loaded import load_model

if TYPE_CHECKING:
    from src_models.auditing.results import Audit
    from src_models.classifying.layer.layer_run import ClassResult
    from src_models.progress import Progress

__all__ = ["layer_classes_audit_steps"]


def layer_classes_audit_steps(
    result: ClassResult, maps: Collection[str] | None = None
) -> Generator[Progress, None, Audit]:
    """Measure whether maps are true of at most 12 of the objects, tiles or planes that a run told the classes of.

    Parameters
    ----------
    result
        The run.
    maps
        Names of maps; None takes what speaks for the class, and the usual ones.

    Yields
    ------
    Progress
        After each pass of the network, or a few.

    Returns
    -------
    Audit
        What was found.

    Raises
    ------
    UserError
        If the model is gone, or there is nothing to audit.
    """
    from src_models.auditing.classes.audited_pictures import pictures_of_run
    from src_models.auditing.classes.class_auditor import pictures_audit_steps
    from src_models.auditing.classes.image_audit import WHAT
    from src_models.computing.execution import computing_threads
    from src_models.images.model_image import ModelImage

    run, model = result.run, load_model(result.run.model)
    region, name = run.region, f"layer {run.layer_name!r}"
    cut = region.cut(run.data)
    image = ModelImage(
        cut,
        model.header,
        axes=region.sub_reading(cut, name),
        channels=region.sub_chosen,
        intensity=run.grey_range,
        name=name,
    )
    labels = None if run.labels is None else region.cut_labels(run.labels)
    with computing_threads(run.threads or None):
        pictures = pictures_of_run(image, result.found, labels)
        what = WHAT[run.looked_at]
        return (yield from pictures_audit_steps(pictures, model, what=what, maps=maps, device=run.device, name=name))
