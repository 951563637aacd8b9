"""An audit of the attention maps of a run that was made on a part of an image layer, step by step."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from src_models.models.loaded import load_model
from src_models.prediction.jobs import RegionRun

if TYPE_CHECKING:
    from src_models.auditing.results import Audit
    from src_models.progress import Progress

__all__ = ["region_audit_steps"]


def region_audit_steps(
    job: RegionRun, maps: Sequence[str], labels: Any = None, plane: tuple[int, ...] | None = None
) -> Generator[Progress, None, Audit]:
    """Audit attention maps on the part of a layer that a run was made on.

    Parameters
    ----------
    job
        The run.
    maps
        Names of the maps; the usual ones if there are none.
    labels
        Objects that people drew, an array that covers the whole layer; None leaves out the pointing game.
    plane
        Position along the axes besides height and width; None takes the first.

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
        If the model has no attention, or labels do not fit.
    """
    from src_models.auditing.auditor import audit_steps
    from src_models.computing.execution import computing_threads

    model = load_model(job.settings.model)
    region = job.region.around(model.header.slices)
    cut, name = region.cut(job.data), f"layer {job.layer_name!r}"
    with computing_threads(job.settings.threads or None):
        return (
            yield from audit_steps(
                cut,
                model,
                labels=None if labels is None else region.cut_labels(labels),
                maps=maps or None,
                axes=region.sub_reading(cut, name),
                grey_range=job.settings.grey_range,
                plane=plane,
                device=job.settings.device,
                name=name,
            )
        )
