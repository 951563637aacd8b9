"""A package of the BioImage Model Zoo: its description, and the files in it.

A package is a zip or a folder with ``rdf.yaml`` or ``bioimageio.yaml``; bioimageio.spec reads that. Nothing is fetched
from anywhere, and no code in a package is run.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src_models.errors import ModelFileError, UserError

__all__ = ["Package", "is_package", "open_package"]

_NAMES = ("rdf.yaml", "bioimageio.yaml", "model.yaml")
_MOST_BYTES = 4 * 2**30


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was opened.

    Parameters
    ----------
    path
        The zip or folder.
    described
        Its description, a ``bioimageio.spec.model.v0_5.ModelDescr``.
    """

    path: Path
    described: Any

    def read(self, file: Any) -> bytes:
        """Return what is in a file that the description names.

        Parameters
        ----------
        file
            A ``FileDescr``.

        Raises
        ------
        ModelFileError
            If it is not in the package, or is another one than was described.
        """
        if str(file.source).startswith(("http:", "https:")):
            raise ModelFileError(
                f"{self.path}: the file {file.source} is not in this package but elsewhere; download the whole package "
                "(a zip)"
            )
        name = str(getattr(file.source, "path", file.source)).replace("\\", "/")
        content = self._content(name)
        if file.sha256 is not None and hashlib.sha256(content).hexdigest() != str(file.sha256):
            raise ModelFileError(f"{self.path}: the file {name} in it is damaged or was changed; get the package again")
        return content

    def _content(self, name: str) -> bytes:
        missing = ModelFileError(f"{self.path}: the file {name} is missing in this package; get it again")
        if self.path.is_dir():
            file = (self.path / name).resolve()
            if not file.is_relative_to(self.path.resolve()) or not file.is_file():
                raise missing
            return file.read_bytes()
        with zipfile.ZipFile(self.path) as archive:
            try:
                entry = archive.getinfo(name)
            except KeyError:
                raise missing from None
            if entry.file_size > _MOST_BYTES:
                raise ModelFileError(f"{self.path}: the file {name} in it would be larger than 4 GiB")
            return archive.read(entry)


def is_package(path: Path) -> bool:
    """Tell whether a path is called as a package is: a zip, a folder with a description, or a description itself."""
    return path.suffix.lower() == ".zip" or path.name in _NAMES or any((path / name).is_file() for name in _NAMES)


def open_package(path: Path) -> Package:
    """Open a package.

    Raises
    ------
    ModelFileError
        If it is missing or damaged, or describes no model.
    UserError
        If the package bioimageio.spec is missing.
    """
    if path.name in _NAMES and path.is_file():
        path = path.parent
    if not path.exists():
        raise ModelFileError(f"{path}: there is no such package; check the name")
    described = _described(path, _description_in(path))
    if getattr(described, "type", None) != "model":
        what = getattr(described, "type", "nothing")
        raise ModelFileError(f"{path}: this package holds no model ({what}); choose one of a model")
    return Package(path, described)


def _description_in(path: Path) -> Path:
    """Return what is handed on: the zip, or the description in a folder."""
    if path.is_dir():
        return next(path / name for name in _NAMES if (path / name).is_file())
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelFileError(f"{path}: this is no whole zip file ({error}); get it again") from error
    if not any(name in _NAMES for name in names):
        raise ModelFileError(
            f"{path}: this zip is no package of the BioImage Model Zoo, which has a file rdf.yaml; open a model file "
            "(.safetensors) or such a package"
        )
    return path


def _described(path: Path, source: Path) -> Any:
    try:
        import bioimageio.spec as spec
        from loguru import logger
    except ModuleNotFoundError as error:
        raise UserError(
            f"{path}: packages need {error.name}, which is not installed; install it with pip install "
            "'napari-medt[export]'"
        ) from error
    logger.disable("bioimageio.spec")  # which would tell of every link that it does not follow
    try:
        described = spec.load_description(source, perform_io_checks=False, format_version="latest")
    except Exception as error:  # of a description that is no YAML, or of anything else
        raise ModelFileError(f"{path}: its description cannot be read ({_first_line(error)}); get it again") from error
    finally:
        logger.enable("bioimageio.spec")
    if isinstance(described, spec.InvalidDescr):
        faults = [fault for detail in described.validation_summary.details for fault in detail.errors]
        told = "; ".join(f"{'.'.join(map(str, fault.loc))}: {fault.msg}" for fault in faults[:3])
        raise ModelFileError(f"{path}: its description is not valid ({told}); get it again, or tell its makers")
    return described


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
