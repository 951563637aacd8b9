"""Several images at a time: by processes of this machine, or by a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.segment_batch import Batch, failed, opened, succeeded
from src_models.errors import UserError
from src_models.progress import Progress

if TYPE_CHECKING:
    from src_models.prediction.batches.image_task import ImageTask

__all__ = ["ClusterFile", "SchedulerAddress", "Team", "Workers", "segment_together"]

Workers = Annotated[
    int,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        help="Segment so many images at a time; the cores, or graphics cards, are divided among them.",
        rich_help_panel=options.RUNNING,
    ),
]
SchedulerAddress = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Have the workers of a dask scheduler that runs already do it, such as tcp://node1:8786.",
        rich_help_panel=options.RUNNING,
    ),
]
ClusterFile = Annotated[
    Path | None,
    typer.Option(
        "--cluster",
        metavar="FILE.yaml",
        help="Have --workers jobs of Slurm or another batch system do it, described as dask-jobqueue has it.",
        rich_help_panel=options.RUNNING,
    ),
]


@dataclass(frozen=True, slots=True)
class Team:
    """Who segments: workers of this machine, of a scheduler, or of a batch system."""

    workers: int
    scheduler: str | None
    cluster: Path | None
    device: str

    @classmethod
    def of(cls, workers: int, scheduler: str | None, cluster: Path | None, device: str) -> Team | None:
        """Return who a person asked for; None where this process does it alone.

        Raises
        ------
        UserError
            If the options exclude each other, or a package is missing.
        """
        if scheduler is not None and cluster is not None:
            raise UserError("--scheduler takes workers that run already and --cluster starts some; give one of them")
        if workers == 1 and scheduler is None and cluster is None:
            return None
        from src_models.computing.cluster.batch_system import read_system
        from src_models.computing.cluster.opening import check_distributed

        check_distributed()
        if cluster is not None:
            read_system(cluster)
        return cls(workers, scheduler, cluster, device)


def segment_together(batch: Batch, tasks: Sequence[ImageTask], model: Path, team: Team, console: Console) -> None:
    """Segment images by several workers; one that fails does not stop the others.

    Raises
    ------
    UserError
        If the workers cannot be had, are lost, or nothing can be written.
    """
    from src_models.computing.cluster.opening import open_workers
    from src_models.prediction.batches.cluster_batch import segment_batch
    from src_models.prediction.batches.image_task import Failure

    total = len(tasks)
    with console.bar(f"{total} images" if total > 1 else tasks[0].image.name) as move:

        def at_large(task: ImageTask, progress: Progress) -> None:
            named = f"{task.image.name}: {progress.message}" if total > 1 else progress.message
            move(Progress(progress.done, progress.total, named))

        move(Progress(0, total, "starting workers"))
        try:
            with open_workers(
                team.workers, scheduler=team.scheduler, batch_system=team.cluster, device=team.device
            ) as workers:
                move(Progress(0, total, "segmenting"))
                count = max(team.workers, workers.count)
                outcomes = segment_batch(tasks, model, workers, count, on_large=at_large)
                for done, (task, outcome) in enumerate(outcomes, start=1):
                    if isinstance(outcome, Failure):
                        failed(batch, task, outcome)
                    else:
                        opened(console)(outcome.read, outcome.notes)
                        succeeded(batch, outcome, console)
                    move(Progress(done, total, "segmenting"))
        except KeyboardInterrupt:
            console.say(
                f"Stopped: {batch.done} of {total} images are done, and the workers have ended; the same command with "
                "--skip-existing does the rest"
            )
            raise
