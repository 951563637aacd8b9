"""The models there are: those that ship with the package, and a person's own in the user data folder.

Only headers are read, so the list is there at once and torch is not loaded. A model is called by its file name without
suffix. To add a model, put its file into :func:`local_folder`.

Examples
--------
>>> sorted(entry.path.suffix for entry in shipped_models())[:1] in ([], [".safetensors"])
True
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import platformdirs

from src_models.errors import ModelFileError
from src_models.models.header import ModelHeader, read_header
from src_models.models.packages.description import is_package

__all__ = [
    "ModelEntry",
    "find_model",
    "local_folder",
    "local_models",
    "local_problems",
    "model_path",
    "only_classifier",
    "shipped_models",
]

_SHIPPED = Path(str(resources.files("src_models"))) / "shipped"
_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model in the library.

    Parameters
    ----------
    name
        What it is called by: the file's name without suffix.
    path
        The file.
    header
        What the model is and expects.
    size_bytes
        Size of the file.
    shipped
        Whether it came with the package.
    """

    name: str
    path: Path
    header: ModelHeader
    size_bytes: int
    shipped: bool


def local_folder() -> Path:
    """Return the folder of a person's own models; it need not exist."""
    return platformdirs.user_data_path("napari-medt", appauthor=False) / "models"


def shipped_models() -> list[ModelEntry]:
    """List the models that ship with the package, by name.

    Raises
    ------
    ModelFileError
        If one is damaged: then the installation is.
    """
    return [_entry(path, shipped=True) for path in _files(_SHIPPED)]


def local_models() -> list[ModelEntry]:
    """List the readable models in the user data folder, by name."""
    return _read_local()[0]


def local_problems() -> list[str]:
    """Say in a sentence each what is wrong with the files in the user data folder that cannot be used."""
    return _read_local()[1]


def find_model(name: str) -> Path:
    """Find a model's file by its name.

    Parameters
    ----------
    name
        Of a shipped or local model.

    Raises
    ------
    ModelFileError
        If there is none of that name; the message lists the names there are.
    """
    paths = {path.stem: path for path in (*_files(local_folder()), *_files(_SHIPPED))}
    if name in paths:
        return paths[name]
    names = sorted(paths)
    close = difflib.get_close_matches(name, names, n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    there = f"there are {', '.join(names)}" if names else f"there are none yet, neither shipped nor in {local_folder()}"
    raise ModelFileError(
        f"There is no model {name!r}; {there}.{meant} A model file elsewhere is named by its path, ending in {_SUFFIX}"
    )


def model_path(name_or_path: str | Path) -> Path:
    """Return a model's file: a path ends in ``.safetensors``, is a package or has a ``/``; all else is a name.

    Raises
    ------
    ModelFileError
        If there is no model of that name; whether a path is there is not looked at.
    """
    text = str(name_or_path)
    path = Path(name_or_path)
    return path if text.endswith(_SUFFIX) or "/" in text or is_package(path) else find_model(text)


def only_classifier() -> str:
    """Return the name of the model that says what objects are, where nobody named one and there is one alone.

    Raises
    ------
    ModelFileError
        If there is none, or there are several.
    """
    names = sorted({entry.name for entry in [*local_models(), *shipped_models()] if entry.header.use == "classify"})
    if len(names) == 1:
        return names[0]
    if names:
        raise ModelFileError(f"there are several models of classes: {', '.join(names)}; name one with --model")
    raise ModelFileError(
        "there is no model of classes here yet: train one on pictures that are sorted into folders (napari-medt train "
        "FOLDER --architecture med-former -o mine.safetensors), and name it with --model mine.safetensors"
    )


def _read_local() -> tuple[list[ModelEntry], list[str]]:
    shipped = {path.stem for path in _files(_SHIPPED)}
    entries, problems = [], []
    for path in _files(local_folder()):
        if path.stem in shipped:
            problems.append(f"{path}: a model of this name ships with napari-medt and is used instead; rename the file")
            continue
        try:
            entries.append(_entry(path, shipped=False))
        except ModelFileError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{path}: it cannot be read ({error.strerror})")
    return entries, problems


def _entry(path: Path, *, shipped: bool) -> ModelEntry:
    return ModelEntry(path.stem, path, read_header(path), path.stat().st_size, shipped)


def _files(folder: Path) -> list[Path]:
    """Return the model files of a folder by name; hidden ones are files being written."""
    return sorted(path for path in folder.glob(f"*{_SUFFIX}") if not path.name.startswith("."))
