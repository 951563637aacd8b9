"""Who may import Triton, and how its library is loaded."""

import importlib.util
import os
import subprocess
import sys

import pytest

from src_models.nets.kernels import triton_import
from src_models.nets.kernels.triton_import import guard, interpreted

HERE = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")


@pytest.fixture
def finders(monkeypatch):
    """The finders of this process, which a test may add to."""
    kept = [finder for finder in sys.meta_path if not isinstance(finder, triton_import._Finder)]
    monkeypatch.setattr(sys, "meta_path", kept)
    return kept


def test_one_guard_stands_before_all_finders_however_often_it_is_called(finders):
    before = list(finders)
    guard()
    guard()
    assert finders[1:] == before
    assert isinstance(finders[0], triton_import._Finder)


@pytest.mark.parametrize("name", ["numpy", "triton.language", "tritonclient", "src_models"])
def test_what_is_not_triton_or_its_library_is_left_to_the_others(name):
    assert triton_import._Finder().find_spec(name, None) is None


@pytest.mark.parametrize(
    ("value", "wanted"), [("1", True), ("true", True), ("ON", True), ("yes", True), ("0", False), ("", False)]
)
def test_the_interpreter_is_on_as_triton_reads_it(monkeypatch, value, wanted):
    monkeypatch.setenv("TRITON_INTERPRET", value)
    assert interpreted() is wanted
    monkeypatch.delenv("TRITON_INTERPRET")
    assert interpreted() is False


def imported(**environment):
    """What a new process says that imports Triton behind the guard, on a machine without a card."""
    code = (
        "from src_models.nets.kernels import triton_import\n"
        "triton_import._has_card = lambda: False\n"
        "triton_import.guard()\n"
        "try:\n"
        "    import triton\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error.name, error)\n"
        "else:\n"
        "    print('imported')\n"
    )
    others = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**others, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@HERE
def test_without_a_card_it_is_as_if_it_were_not_installed():
    assert imported() == "triton Triton is not imported, since this machine has no graphics card for it"


@HERE
def test_with_its_interpreter_it_is_imported():
    assert imported(TRITON_INTERPRET="1") == "imported"
