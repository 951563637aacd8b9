"""Say in plain words which system libraries a napari window lacks, and install them where that is allowed.

Qt's own message for a missing library names another one, or none. So the libraries are looked for before Qt is loaded.
This file needs Python's standard library alone: the Makefile runs it before anything is installed.

Examples
--------
>>> MANAGERS[0].commands([WINDOW[0]])[-1]
'apt-get install -y --no-install-recommends libgl1'
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MANAGERS", "PackageManager", "Requirement", "explain", "has_display", "install", "missing"]


@dataclass(frozen=True)
class Requirement:
    """Something of the operating system that a napari window needs.

    Parameters
    ----------
    name
        A shared library (``libGL.so.1``), a program (``Xvfb``) or a module of Python's standard library (``venv``).
    purpose
        What it is for, in words for a person.
    packages
        Those that hold it: of Debian and Ubuntu, of Fedora, and of Arch.
    """

    name: str
    purpose: str
    packages: tuple[str, str, str]

    def is_met(self) -> bool:
        """Whether it is there."""
        if self.name == "venv":
            return importlib.util.find_spec("venv") is not None and importlib.util.find_spec("ensurepip") is not None
        if ".so" not in self.name:
            return shutil.which(self.name) is not None
        try:
            ctypes.CDLL(self.name)
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class PackageManager:
    """A program that installs packages, and how it is called.

    Parameters
    ----------
    program
        Its name.
    calls
        What comes before the names of the packages, in the order of the calls; the names follow the last one.
    system
        Which of :attr:`Requirement.packages` are its names.
    by_itself
        Whether it may be called without asking, by who has the right to.
    """

    program: str
    calls: tuple[str, ...]
    system: int
    by_itself: bool = False

    def commands(self, requirements: Sequence[Requirement]) -> list[str]:
        """Return the commands that install what is required, without ``sudo``."""
        packages = " ".join(dict.fromkeys(requirement.packages[self.system] for requirement in requirements))
        *before, last = self.calls
        return [*before, f"{last} {packages}"]


MANAGERS = (
    PackageManager("apt-get", ("apt-get update", "apt-get install -y --no-install-recommends"), 0, by_itself=True),
    PackageManager("dnf", ("dnf install",), 1),
    PackageManager("pacman", ("pacman -S",), 2),
)

_OPENGL, _X11, _SCREEN = "drawing the images with OpenGL", "windows under X11", "a screen in memory, without a display"
_THIS_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
ENVIRONMENT = (Requirement("venv", "a Python environment of its own", (f"{_THIS_PYTHON}-venv", "python3", "python")),)
WINDOW = (
    Requirement("libGL.so.1", _OPENGL, ("libgl1", "libglvnd-glx", "libglvnd")),
    Requirement("libEGL.so.1", _OPENGL, ("libegl1", "libglvnd-egl", "libglvnd")),
    Requirement("libfontconfig.so.1", "text", ("libfontconfig1", "fontconfig", "fontconfig")),
    Requirement("libglib-2.0.so.0", "Qt", ("libglib2.0-0", "glib2", "glib2")),
    Requirement("libdbus-1.so.3", "Qt", ("libdbus-1-3", "dbus-libs", "dbus")),
    Requirement("libxkbcommon.so.0", "the keyboard", ("libxkbcommon0", "libxkbcommon", "libxkbcommon")),
    Requirement(
        "libxkbcommon-x11.so.0", "the keyboard", ("libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11")
    ),
    Requirement("libxcb-cursor.so.0", _X11, ("libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor")),
    Requirement("libxcb-icccm.so.4", _X11, ("libxcb-icccm4", "xcb-util-wm", "xcb-util-wm")),
    Requirement("libxcb-keysyms.so.1", _X11, ("libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms")),
    Requirement("libxcb-shape.so.0", _X11, ("libxcb-shape0", "libxcb", "libxcb")),
)
NO_DISPLAY = (
    Requirement("Xvfb", _SCREEN, ("xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb")),
    Requirement("xvfb-run", _SCREEN, ("xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb")),
    Requirement("xauth", _SCREEN, ("xauth", "xorg-x11-xauth", "xorg-xauth")),
)


def has_display() -> bool:
    """Whether a window can appear on a screen; only Linux has machines where it cannot."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def missing(*, virtual_screen: bool) -> list[Requirement]:
    """Return what a napari window lacks on this machine.

    Parameters
    ----------
    virtual_screen
        Whether the window is drawn on a screen in memory (Xvfb).
    """
    if sys.platform != "linux":
        return []
    wanted = WINDOW + (NO_DISPLAY if virtual_screen else ())
    return [requirement for requirement in wanted if not requirement.is_met()]


def explain(requirements: Sequence[Requirement]) -> str:
    """Return what is missing and what to type to get it, for a person to read."""
    manager = _manager()
    if manager is None:
        advice = "Install the packages of your system that hold these, then try again."
    else:
        sudo = "" if _superuser() else "sudo "
        line = " && ".join(sudo + command for command in manager.commands(requirements))
        advice = f"To install them, type: {line}"
    return f"{_listed(requirements)}\n{advice}"


def install(requirements: Sequence[Requirement]) -> bool:
    """Install with the system's package manager what is missing, if that may be done without asking.

    Returns
    -------
    bool
        Whether it was allowed, and done.
    """
    manager = _manager()
    if manager is None or not manager.by_itself:
        return False
    sudo = [] if _superuser() else ["sudo", "-n"]
    if sudo and not _works([*sudo, "true"]):
        return False
    print(f"{_listed(requirements)}\nInstalling it with {manager.program}.", flush=True)
    for command in manager.commands(requirements):
        done = subprocess.run(
            [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", *command.split()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"{command}\n{done.stdout}", file=sys.stderr)
            return False
    importlib.invalidate_caches()
    return all(requirement.is_met() for requirement in requirements)


def _works(command: Sequence[str]) -> bool:
    return (
        shutil.which(command[0]) is not None
        and not subprocess.run(command, check=False, capture_output=True).returncode
    )


def _listed(requirements: Sequence[Requirement]) -> str:
    rows = "\n".join(f"  {requirement.name:<24}({requirement.purpose})" for requirement in requirements)
    return f"napari-medt needs what this machine does not have:\n{rows}"


def _manager() -> PackageManager | None:
    return next((manager for manager in MANAGERS if shutil.which(manager.program)), None)


def _superuser() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def main() -> int:
    """Install what is missing, or print it with what to type; the exit status is 1 if anything is missing still."""
    parser = argparse.ArgumentParser(description="See to the system libraries that a napari window needs.")
    parser.add_argument("--virtual-screen", action="store_true", help="look for Xvfb even where there is a display")
    arguments = parser.parse_args()
    lacking = [requirement for requirement in ENVIRONMENT if not requirement.is_met()]
    lacking += missing(virtual_screen=arguments.virtual_screen or not has_display())
    if not lacking or install(lacking):
        return 0
    print(explain(lacking), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
