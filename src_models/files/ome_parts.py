"""An OME-TIFF that is one file of several: which of the others are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tifffile

from src_models.errors import ImageError

__all__ = ["check_parts", "companion"]

_LISTED = 5


def check_parts(xml: str, path: Path) -> None:
    """Check that the files of an image lie beside the one that is opened.

    Parameters
    ----------
    xml
        Its OME-XML.
    path
        The file.

    Raises
    ------
    ImageError
        If some are missing; the message names them.
    """
    ome = _metadata(xml)
    own = ome.get("UUID")
    names: dict[str, Any] = {}
    for part in _found(ome, "UUID"):
        if isinstance(part, Mapping) and part.get("FileName"):
            names.setdefault(str(part["FileName"]), part.get("value"))
    missing = [
        name
        for name, uuid in names.items()
        if uuid != own and name.lower() != path.name.lower() and not (path.parent / name).exists()
    ]
    if not missing:
        return
    listed = ", ".join(missing[:_LISTED]) + (f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else "")
    if len(names) == 1:
        raise ImageError(f"{path}: its own OME metadata call this file {listed}; give it that name again")
    raise ImageError(
        f"{path}: it is one of the {len(names)} files of an image, and of the others these are missing beside it: "
        f"{listed}; copy all files of the image to one folder"
    )


def companion(xml: str) -> str | None:
    """Return the file that describes an image of which this one is a part without a description; None for others."""
    binary_only = next(_found(_metadata(xml), "BinaryOnly"), None)
    return str(binary_only.get("MetadataFile")) if isinstance(binary_only, Mapping) else None


def _metadata(xml: str) -> Mapping[str, Any]:
    """Return the content of OME-XML; nothing of what is none, which tifffile then reads as a plain file."""
    try:
        content = tifffile.xml2dict(xml).get("OME")
    except Exception:  # the parser's own kinds of error
        return {}
    return content if isinstance(content, Mapping) else {}


def _found(content: Any, name: str) -> Iterator[Any]:
    """Find what has a name, however deep."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key == name:
                yield from value if isinstance(value, list) else [value]
            yield from _found(value, name)
    elif isinstance(content, list):
        for one in content:
            yield from _found(one, name)
