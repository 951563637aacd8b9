"""The names that ``src_models`` offers."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import src_models

TYPED = """
from typing import assert_type

import numpy as np

import src_models as sm

found = sm.segment(np.zeros((64, 64)), sm.load("nuclei"), diameter=20)
assert_type(found, sm.Segmentation)
assert_type(found.summary, str)
assert_type(sm.read_header("nuclei.safetensors"), sm.ModelHeader)
sm.segment(np.zeros((64, 64)), "nuclei", diametre=20)
"""


def test_every_public_name_stays_itself_after_its_module_was_imported() -> None:
    for name in set(src_models.__all__) - {"__version__"}:
        first = getattr(src_models, name)
        assert not inspect.ismodule(first)
        assert getattr(src_models, name) is first


def test_importing_the_package_loads_no_torch() -> None:
    code = "import src_models, sys; src_models.architectures(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_type_checkers_are_told_the_same_names_from_the_same_modules(repository: Path) -> None:
    stub = ast.parse((repository / "src_models" / "__init__.pyi").read_text())
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    told = {alias.asname: (node.module, alias.name) for node in imports for alias in node.names}
    homes = {name: (f"src_models.{home}", name) for name, home in src_models._HOME.items()}
    assert told == homes


def test_what_is_offered_is_typed_for_those_who_check_their_types(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "person.py").write_text(TYPED)
    # Our own sources alone: to analyse torch as well would take most of a minute.
    command = [sys.executable, "-m", "mypy", "--no-site-packages", "--ignore-missing-imports"]
    command += ["--follow-imports=silent", f"--cache-dir={tmp_path}", "person.py"]
    environment = {"MYPYPATH": str(repository), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    line = len(TYPED.splitlines())
    assert f'person.py:{line}: error: Unexpected keyword argument "diametre" for "segment"' in done.stdout
    assert (
        f'person.py:{line}: error: Argument 2 to "segment" has incompatible type "str"; expected "Model"' in done.stdout
    )
    assert "Found 2 errors in 1 file" in done.stdout, done.stdout
