"""Missing system libraries are named, and installed where that is allowed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_medt.system_libraries import NO_DISPLAY, WINDOW, Requirement, explain, has_display, install

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has its libraries apart from Qt's wheel")


def needed(name: str, package: str = "nothing") -> Requirement:
    return Requirement(name, "a purpose", (package, package, package))


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function that makes programs the only ones on the path; each notes how it was called."""

    def make(**programs: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        for name, script in {"env": 'shift; exec "$@"', **programs}.items():
            path = folder / name.replace("_", "-")
            path.write_text(f'#!/bin/sh\necho "{path.name} $*" >>{tmp_path}/calls\n{script}\n')
            path.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        return tmp_path / "calls"

    return make


def test_a_library_that_is_there_is_found_and_another_is_not() -> None:
    assert needed("libc.so.6").is_met()
    assert not needed("libno-such-thing.so.7").is_met()
    assert needed("sh").is_met()
    assert not needed("no-such-program").is_met()


@pytest.mark.parametrize(
    ("manager", "superuser", "line"),
    [
        ("apt_get", True, "apt-get update && apt-get install -y --no-install-recommends xvfb xauth"),
        ("apt_get", False, "sudo apt-get update && sudo apt-get install -y --no-install-recommends xvfb xauth"),
        ("dnf", False, "sudo dnf install xorg-x11-server-Xvfb xorg-x11-xauth"),
        ("pacman", False, "sudo pacman -S xorg-server-xvfb xorg-xauth"),
    ],
)
def test_what_to_type_is_said_for_the_system_at_hand_with_each_package_once(
    system: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, manager: str, superuser: bool, line: str
) -> None:
    system(**{manager: ""})
    monkeypatch.setattr(os, "geteuid", lambda: 0 if superuser else 1000)
    assert explain(NO_DISPLAY).endswith(f"To install them, type: {line}")


def test_the_explanation_names_the_library_what_it_is_for_and_the_package(system: Callable[..., Path]) -> None:
    system(apt_get="")
    text = explain(WINDOW[:1])
    assert "libGL.so.1" in text
    assert WINDOW[0].purpose in text
    assert text.count("libgl1") == 1


def test_a_superuser_gets_what_is_missing(system: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = system(apt_get='[ "$1" = update ] || /bin/ln -s /bin/sh "${0%/*}/thing"')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert install([needed("thing", "thing-package")])
    assert calls.read_text().splitlines()[-1] == "apt-get install -y --no-install-recommends thing-package"
    assert "apt-get update" in calls.read_text()


def test_who_may_use_sudo_without_a_password_gets_it_too_and_others_install_nothing(
    system: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    calls = system(apt_get='/bin/ln -sf /bin/sh "${0%/*}/thing"', sudo="exit 1")
    assert not install([needed("thing")])
    assert "apt-get" not in calls.read_text()
    system(sudo='shift; [ "$1" = true ] || exec "$@"')
    assert install([needed("thing")])


def test_a_failed_installation_is_no_success_and_shows_why(
    system: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    system(apt_get="echo no such package; exit 100")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not install([needed("thing")])
    assert "no such package" in capsys.readouterr().err


@pytest.mark.parametrize("manager", ["dnf", "pacman", None])
def test_elsewhere_nothing_is_installed_unasked(
    system: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, manager: str | None
) -> None:
    calls = system(**({manager: ""} if manager else {}))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not install([needed("thing")])
    assert not calls.exists()


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


def test_it_runs_as_a_bare_file_and_fails_where_something_is_missing(
    repository: Path, system: Callable[..., Path]
) -> None:
    system(dnf="")  # no Xvfb there
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-I", repository / "napari_medt" / "system_libraries.py"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 1
    assert "Xvfb" in done.stderr
    assert "dnf install" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["demo", "test"])
def test_make_says_that_it_needs_a_newer_python(command: str, repository: Path) -> None:
    done = subprocess.run(["make", command, "PYTHON=/no/python"], capture_output=True, text=True, cwd=repository)
    assert done.returncode != 0
    assert "napari-medt needs Python 3.11 or newer, and /no/python is not that." in done.stderr
    assert f"make {command} PYTHON=" in done.stderr
