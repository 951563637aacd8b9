"""The versions of what a result was computed with, as headers of models and notes of results keep them.

>>> sorted(package_versions("numpy", "no such package"))
['numpy', 'python']
"""

from __future__ import annotations

import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

__all__ = ["package_versions"]


def package_versions(*names: str) -> dict[str, str]:
    """Return the version of Python and of each of these packages that is installed under its name."""
    versions = {"python": platform.python_version()}
    for name in names:
        with suppress(PackageNotFoundError):  # a copy of the source runs without being installed
            versions[name] = version(name)
    return versions
