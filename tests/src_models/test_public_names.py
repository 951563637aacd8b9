"""The names that ``src_models`` offers."""

from __future__ import annotations

import inspect
import subprocess
import sys

import src_models


def test_every_public_name_stays_itself_after_its_module_was_imported() -> None:
    for name in set(src_models.__all__) - {"__version__"}:
        first = getattr(src_models, name)
        assert not inspect.ismodule(first)
        assert getattr(src_models, name) is first


def test_importing_the_package_loads_no_torch() -> None:
    code = "import src_models, sys; src_models.architectures(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
