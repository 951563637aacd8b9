"""SimpleITK, which not everybody has installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from src_models.errors import UserError

__all__ = ["check_simple_itk", "simple_itk"]


def check_simple_itk(path: Path, error: type[UserError]) -> None:
    """Refuse a file where SimpleITK is not installed.

    Parameters
    ----------
    path
        The file that is to be read or written.
    error
        What is raised.
    """
    if find_spec("SimpleITK") is None:
        raise error(
            f"{path}: MetaImage files are read and written with SimpleITK, which is not installed; run pip install "
            '"napari-medt[itk]", or use NIfTI (.nii.gz) or NRRD (.nrrd)'
        )


def simple_itk(path: Path, error: type[UserError]) -> Any:
    """Return the module SimpleITK; see :func:`check_simple_itk`."""
    check_simple_itk(path, error)
    import SimpleITK

    return SimpleITK
