"""Workers as jobs of a batch system (Slurm, PBS, SGE, LSF, ...), described in a file as dask-jobqueue has it.

.. code-block:: yaml

    jobqueue:
      slurm:
        cores: 8
        memory: 16GB
        queue: normal
        walltime: "02:00:00"
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src_models.errors import UserError

if TYPE_CHECKING:
    from dask_jobqueue.core import JobQueueCluster

__all__ = ["SYSTEMS", "batch_cluster", "read_system"]

SYSTEMS = {
    "htcondor": "HTCondorCluster",
    "lsf": "LSFCluster",
    "moab": "MoabCluster",
    "oar": "OARCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "slurm": "SLURMCluster",
}


def read_system(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the batch system that a file describes, and its options.

    Raises
    ------
    UserError
        If it is missing or no such description.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: this description of a cluster cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: this description of a cluster is no YAML ({' '.join(str(error).split())})") from error
    described = content.get("jobqueue", content) if isinstance(content, Mapping) else {}
    named = [name for name in described if name in SYSTEMS] if isinstance(described, Mapping) else []
    if len(named) != 1 or not isinstance(described[named[0]], Mapping):
        raise UserError(
            f"{path}: a description of a cluster has one of {', '.join(SYSTEMS)} under 'jobqueue', with its options "
            "below it, such as cores, memory, queue and walltime"
        )
    return named[0], dict(described[named[0]])


def batch_cluster(path: Path) -> JobQueueCluster:
    """Return a cluster whose workers are jobs, of which none is asked for yet.

    Parameters
    ----------
    path
        A file with dask-jobqueue's configuration of one batch system.

    Raises
    ------
    UserError
        If dask-jobqueue is not installed, or the file does not describe a cluster.
    """
    kind, options = read_system(path)
    try:
        import dask_jobqueue
    except ImportError as error:
        raise UserError(
            "workers as jobs of a batch system need the package dask-jobqueue: pip install 'napari-medt[cluster]'"
        ) from error
    import dask

    section = f"jobqueue.{kind}"
    known = dask.config.get(section)
    given = {name.replace("_", "-"): value for name, value in options.items()}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise UserError(f"{path}: {kind} has no option {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    dask.config.set({section: {**known, "processes": 1, **given}})  # to stay: each job that is asked for reads it
    try:
        cluster: JobQueueCluster = getattr(dask_jobqueue, SYSTEMS[kind])()
        cluster.job_script()  # says what is missing before anything waits for it
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error
    return cluster
