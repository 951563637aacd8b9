"""Say in plain words which system libraries a napari window lacks, and how to get them.

Qt's own message for a missing library names another one, or none. So the libraries are looked for before Qt is loaded.
This file needs Python's standard library alone: the Makefile runs it before anything is installed.

Examples
--------
>>> install_line([Requirement("libGL.so.1", "libgl1", "drawing the images")], superuser=True)
'apt-get update && apt-get install -y libgl1'
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Requirement", "explain", "has_display", "install_line", "missing"]


@dataclass(frozen=True)
class Requirement:
    """Something of the operating system that a napari window needs.

    Parameters
    ----------
    name
        A shared library (``libGL.so.1``), a program (``Xvfb``) or a module of Python's standard library (``venv``).
    package
        The Debian and Ubuntu package that holds it.
    purpose
        What it is for, in words for a person.
    """

    name: str
    package: str
    purpose: str

    def is_met(self) -> bool:
        """Whether it is there."""
        if ".so" not in self.name:
            return shutil.which(self.name) is not None
        try:
            ctypes.CDLL(self.name)
        except OSError:
            return False
        return True


WINDOW = (
    Requirement("libGL.so.1", "libgl1", "drawing the images with OpenGL"),
    Requirement("libEGL.so.1", "libegl1", "drawing the images with OpenGL"),
    Requirement("libfontconfig.so.1", "libfontconfig1", "text"),
    Requirement("libglib-2.0.so.0", "libglib2.0-0", "Qt"),
    Requirement("libdbus-1.so.3", "libdbus-1-3", "Qt"),
    Requirement("libxkbcommon.so.0", "libxkbcommon0", "the keyboard"),
    Requirement("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "the keyboard"),
    Requirement("libxcb-cursor.so.0", "libxcb-cursor0", "windows under X11"),
    Requirement("libxcb-icccm.so.4", "libxcb-icccm4", "windows under X11"),
    Requirement("libxcb-keysyms.so.1", "libxcb-keysyms1", "windows under X11"),
    Requirement("libxcb-shape.so.0", "libxcb-shape0", "windows under X11"),
)
NO_DISPLAY = (
    Requirement("Xvfb", "xvfb", "a screen in memory, where there is no display"),
    Requirement("xvfb-run", "xvfb", "a screen in memory, where there is no display"),
    Requirement("xauth", "xauth", "a screen in memory, where there is no display"),
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


def install_line(requirements: Sequence[Requirement], *, superuser: bool) -> str:
    """Return the command that installs the requirements on Debian and Ubuntu."""
    packages = " ".join(dict.fromkeys(requirement.package for requirement in requirements))
    sudo = "" if superuser else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y {packages}"


def explain(requirements: Sequence[Requirement]) -> str:
    """Return what is missing and how to get it, for a person to read."""
    rows = "\n".join(f"  {requirement.name:<24}({requirement.purpose})" for requirement in requirements)
    line = install_line(requirements, superuser=hasattr(os, "geteuid") and os.geteuid() == 0)
    return (
        f"napari's window needs system libraries that this machine does not have:\n{rows}\n"
        f"On Debian and Ubuntu this installs them:\n  {line}\n"
        "On another system, install the packages that hold these files, then try again."
    )


def _venv_problem() -> str | None:
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return None
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    line = install_line([Requirement("venv", f"python{version}-venv", "")], superuser=os.geteuid() == 0)
    return f"Python {version} on this machine cannot make virtual environments. On Debian and Ubuntu:\n  {line}"


def main() -> int:
    """Print what is missing; the exit status is 1 if anything is."""
    parser = argparse.ArgumentParser(description="Look for the system libraries that a napari window needs.")
    parser.add_argument("--virtual-screen", action="store_true", help="look for Xvfb even where there is a display")
    parser.add_argument("--packages", action="store_true", help="print the Debian packages that are missing, no more")
    arguments = parser.parse_args()
    lacking = missing(virtual_screen=arguments.virtual_screen or not has_display())
    if arguments.packages:
        print(*dict.fromkeys(requirement.package for requirement in lacking))
        return 0
    problems = [problem for problem in (_venv_problem(), explain(lacking) if lacking else None) if problem]
    print("\n\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
