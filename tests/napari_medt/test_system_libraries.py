"""Missing system libraries are named, with the line that installs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_medt.system_libraries import NO_DISPLAY, WINDOW, Requirement, explain, has_display, install_line

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has its libraries apart from Qt's wheel")


def test_a_library_that_is_there_is_found_and_another_is_not() -> None:
    assert Requirement("libc.so.6", "libc6", "").is_met()
    assert not Requirement("libno-such-thing.so.7", "libno", "").is_met()
    assert Requirement("sh", "dash", "").is_met()
    assert not Requirement("no-such-program", "nothing", "").is_met()


def test_each_package_is_named_once() -> None:
    assert install_line(NO_DISPLAY, superuser=True) == "apt-get update && apt-get install -y xvfb xauth"
    assert install_line(NO_DISPLAY, superuser=False) == "sudo apt-get update && sudo apt-get install -y xvfb xauth"


def test_the_explanation_names_the_library_what_it_is_for_and_the_package() -> None:
    text = explain(WINDOW[:1])
    assert "libGL.so.1" in text
    assert WINDOW[0].purpose in text
    assert text.count("libgl1") == 1


@pytest.mark.parametrize(
    ("variables", "expected"), [({}, False), ({"DISPLAY": ":7"}, True), ({"WAYLAND_DISPLAY": "wayland-0"}, True)]
)
def test_a_display_is_known_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: bool
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert has_display() is expected


def test_it_runs_as_a_bare_file_and_fails_where_something_is_missing(repository: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["PATH"] = str(tmp_path)  # no Xvfb there
    done = subprocess.run(
        [sys.executable, "-I", repository / "napari_medt" / "system_libraries.py"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 1
    assert "Xvfb" in done.stderr
    assert "apt-get install" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["demo", "test"])
def test_make_says_that_it_needs_a_newer_python(command: str, repository: Path) -> None:
    done = subprocess.run(["make", command, "PYTHON=/no/python"], capture_output=True, text=True, cwd=repository)
    assert done.returncode != 0
    assert "napari-medt needs Python 3.11 or newer, and /no/python is not that." in done.stderr
    assert f"make {command} PYTHON=" in done.stderr
