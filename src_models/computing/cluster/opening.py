"""Opening a cluster: workers of this machine, a scheduler that runs already, or jobs of a batch system."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from src_models.computing.cluster.workers import Workers
from src_models.errors import UserError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["check_distributed", "open_workers"]

_PATIENCE = 10  # s that a scheduler may take to answer


def check_distributed() -> None:
    """Refuse to go on without the package that runs clusters.

    Raises
    ------
    UserError
        If it is not installed.
    """
    if find_spec("distributed") is None:
        raise UserError(
            "several workers need the package distributed: pip install 'napari-medt[cluster]', or leave out --workers, "
            "--scheduler and --cluster to do one image after the other"
        )


@contextmanager
def open_workers(
    count: int, *, scheduler: str | None = None, batch_system: Path | None = None, device: str = "auto"
) -> Iterator[Workers]:
    """Give workers for as long as the block runs; those that were started for it end with it.

    Parameters
    ----------
    count
        How many are started on this machine, or asked of the batch system.
    scheduler
        Address of a scheduler whose workers are taken instead, such as ``"tcp://10.0.0.1:8786"``.
    batch_system
        Description of a batch system that they are jobs of (:mod:`.batch_system`).
    device
        What they run on.

    Raises
    ------
    UserError
        If the packages for it are missing, no scheduler answers, or there are more workers than graphics cards.
    """
    check_distributed()
    with ExitStack() as stack:
        client, name = _connected(stack, count, scheduler, batch_system, device)
        workers = Workers(client, name, here=scheduler is None and batch_system is None)
        stack.callback(workers.close)
        yield workers


def _connected(
    stack: ExitStack, count: int, scheduler: str | None, batch_system: Path | None, device: str
) -> tuple[Client, str]:
    """Connect, and have the stack end what was begun."""
    from distributed import Client

    from src_models.computing.cluster.batch_system import batch_cluster
    from src_models.computing.cluster.local import local_cluster
    from src_models.computing.cluster.plugins import Undisturbed

    # That the scheduler is gone is told in a sentence, and not by the client's traceback.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    # Not the default of this process: lazy images that are read here would be read by the workers.
    if scheduler is not None:
        try:
            client = Client(scheduler, set_as_default=False, timeout=_PATIENCE)
        except (OSError, ValueError) as error:
            raise UserError(
                f"no scheduler answers at {scheduler} ({error}); start one with `dask scheduler`, workers with `dask "
                "worker ADDRESS`, and give the address that it prints"
            ) from error
        stack.callback(client.close)
        return client, f"the scheduler at {scheduler}"
    cluster = batch_cluster(batch_system) if batch_system is not None else local_cluster(count, device=device)
    stack.callback(cluster.close)
    client = Client(cluster, set_as_default=False)
    stack.callback(client.close)
    if batch_system is None:
        client.register_plugin(Undisturbed())
        return client, "the workers"
    cluster.scale(n=count)
    return client, f"the cluster of {batch_system}"
