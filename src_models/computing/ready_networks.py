"""Networks made ready once: in a batch of images each would otherwise copy and fold the same network anew."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import nn

from src_models.computing.execution import Execution, prepare

__all__ = ["ready_network"]

_lock = threading.Lock()
#: By network: what its weights were, and the copy of it for an execution that nobody uses now.
_kept: WeakKeyDictionary[nn.Module, tuple[bytes, Execution, nn.Module]] = WeakKeyDictionary()


@contextmanager
def ready_network(network: nn.Module, execution: Execution) -> Iterator[nn.Module]:
    """Lend, inside the ``with`` block, what :func:`.prepare` makes of a network.

    It is kept for the next block, as long as the network lives and its weights stay the same. Nobody else has it
    meanwhile, since maps of attention are recorded in it; one in which a block ended early is let go.

    Parameters
    ----------
    network
        The network, which is untouched.
    execution
        Where and how it runs.
    """
    weights = _checksum(network)
    with _lock:
        kept = _kept.pop(network, None)
    ready = kept[2] if kept is not None and kept[:2] == (weights, execution) else prepare(network, execution)
    yield ready
    with _lock:
        _kept[network] = weights, execution, ready


def _checksum(network: nn.Module) -> bytes:
    """Return what tells apart whatever values the weights and buffers of a network may have."""
    found = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.digest()
