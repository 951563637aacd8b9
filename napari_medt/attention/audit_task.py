"""An audit of a run's attention maps, without viewer or Qt: the generator that a worker thread steps through."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from src_models.errors import UserError
from src_models.models.loaded import load_model
from src_models.prediction.jobs import Failure, RegionRun

if TYPE_CHECKING:
    from src_models.auditing.results import Audit
    from src_models.progress import Progress

__all__ = ["auditing_steps"]

_log = logging.getLogger(__name__)


def auditing_steps(
    job: RegionRun, maps: Sequence[str], labels: Any = None, plane: tuple[int, ...] | None = None
) -> Generator[Progress, None, Audit | Failure]:
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
    Audit or Failure
        What was found, or a sentence on why nothing could be.
    """
    try:
        return (yield from _audit(job, maps, labels, plane))
    except UserError as error:
        return Failure(str(error))
    except Exception as error:
        _log.exception("auditing the attention on layer %r failed", job.layer_name)
        return Failure(
            f"Auditing the attention on layer {job.layer_name!r} failed in a way that was not foreseen "
            f"({type(error).__name__}: {error}). The log has the details for a bug report."
        )


def _audit(
    job: RegionRun, maps: Sequence[str], labels: Any, plane: tuple[int, ...] | None
) -> Generator[Progress, None, Audit]:
    from src_models.auditing.auditor import audit_steps
    from src_models.computing.execution import computing_threads

    region = job.region
    with computing_threads(job.settings.threads or None):
        return (
            yield from audit_steps(
                region.cut(job.data),
                load_model(job.settings.model),
                labels=None if labels is None else region.cut_labels(labels),
                maps=maps or None,
                axes=region.sub_axes,
                plane=plane,
                device=job.settings.device,
                name=f"layer {job.layer_name!r}",
            )
        )
