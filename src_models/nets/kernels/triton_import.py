"""Triton beside a window that is drawn in software: not imported without a card, and kept to itself with one.

Triton's library holds an LLVM of its own, and exports it. Mesa's software renderer loads another one before it, as soon
as a window with a canvas opens. The linker then answers Triton's look-ups by name with Mesa's functions, and the
process dies. Nobody has to want Triton for that: PyTorch imports it with ``torch._dynamo``, as soon as an optimiser is
made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

__all__ = ["guard", "interpreted"]

LIBRARY = "triton._C.libtriton"


def guard() -> None:
    """Watch over imports of Triton in this process, from here on.

    Without a graphics card, and with its interpreter off, ``import triton`` raises ModuleNotFoundError, which PyTorch
    takes for "not installed". Otherwise its library looks for symbols in itself first.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in ("triton", LIBRARY):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None:
            return None
        if fullname == "triton" and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _WithCard(spec.loader.name, spec.loader.path)
        if fullname == LIBRARY and isinstance(spec.loader, ExtensionFileLoader) and hasattr(os, "RTLD_DEEPBIND"):
            spec.loader = _Apart(spec.loader.name, spec.loader.path)
        return spec


class _WithCard(SourceFileLoader):
    """Loads Triton where it has something to run on."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        if not (interpreted() or _has_card()):
            raise ModuleNotFoundError(
                "Triton is not imported, since this machine has no graphics card for it", name=spec.name
            )
        return super().create_module(spec)


class _Apart(ExtensionFileLoader):
    """Loads a library whose symbols are looked up in itself before those that the process has already."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        flags = sys.getdlopenflags()
        sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
        try:
            return super().create_module(spec)
        finally:
            sys.setdlopenflags(flags)


def interpreted() -> bool:
    """Return whether kernels run in Triton's interpreter, on any device: this must be set before they are imported."""
    return os.environ.get("TRITON_INTERPRET", "").lower() in {"1", "true", "on", "yes"}


def _has_card() -> bool:
    import torch

    return torch.cuda.is_available() or torch.xpu.is_available()
