"""Cellpose's ``NAME_seg.npy``: its masks, read without running anything that the file asks for.

Cellpose saves a dictionary with :func:`numpy.save`, which pickles it, and a pickle can name any function to call. Here
nothing is called but stand-ins for what makes up NumPy arrays: these note shape, type and bytes, and only arrays of
plain numbers are made of them. A file that asks for anything else is refused.
"""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError

__all__ = ["SUFFIX", "read_cellpose"]

SUFFIX = "_seg.npy"
_PLAIN = re.compile(r"[<>=|]?[biuf?][0-9]*$")  # types of plain numbers; objects and records are none
_TEXT = re.compile(r"[<>=|]?[US][0-9]*$")


def read_cellpose(path: Path) -> NDArray[Any]:
    """Read the masks in a file of Cellpose.

    Returns
    -------
    NDArray
        Integers ([z, ]y, x), 0 the background.

    Raises
    ------
    ImageError
        If it cannot be read, asks for more than arrays of numbers, or holds no masks.
    """
    try:
        with path.open("rb") as file:
            content = _content(file)
    except _RefusedError as error:
        raise ImageError(
            f"{path}: this is no plain file of Cellpose: it asks for {error} to be run when it is "
            "opened, which was not done. Open it in other programs only if you trust who made it"
        ) from error
    except (OSError, EOFError, MemoryError, RecursionError, *_DAMAGED) as error:
        raise ImageError(f"{path}: it cannot be read as a file of Cellpose ({error}); save it again there") from error
    masks = content.get("masks") if isinstance(content, dict) else content
    if not isinstance(masks, np.ndarray) or masks.dtype.kind not in "biu" or masks.ndim not in (2, 3):
        raise ImageError(f"{path}: it holds no masks of integers, as Cellpose saves them; save the masks as TIFF")
    return masks


class _RefusedError(Exception):
    """What a pickle asks for and does not get."""


_DAMAGED = (
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    KeyError,
    ImportError,
    pickle.UnpicklingError,
    UnicodeError,
)


class _Type:
    """Stands in for a type of NumPy's: its name, and the order of its bytes."""

    def __init__(self, name: Any = "", *_: Any) -> None:
        self.name = str(name)
        self.order = "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = str(state[1])

    def numpy(self) -> np.dtype[Any] | None:
        """Return the type itself; None for what is no plain number or text."""
        if not _PLAIN.match(self.name) and not _TEXT.match(self.name):
            return None
        return np.dtype(self.name).newbyteorder(cast("Any", self.order if self.order in "<>" else "="))


class _Array:
    """Stands in for an array until its bytes come."""

    def __init__(self) -> None:
        self.value: Any = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, content = state
        if isinstance(content, list) and len(content) == 1:  # of objects, such as the dictionary
            self.value = content[0]
        else:
            self.value = _made(content, kind, shape, "F" if by_columns else "C")


def _made(content: Any, kind: _Type, shape: Any, order: Any) -> NDArray[Any] | None:
    dtype = kind.numpy()
    if dtype is None or not isinstance(content, bytes | bytearray):
        return None  # of objects, which masks are not
    return np.frombuffer(bytes(content), dtype).reshape(tuple(map(int, shape)), order="F" if order == "F" else "C")


def _array(*_: Any) -> _Array:
    return _Array()


def _array_of(content: Any, kind: _Type, shape: Any, order: Any = "C") -> NDArray[Any] | None:
    return _made(content, kind, shape, order)


def _scalar(kind: _Type, content: Any = b"") -> Any:
    made = _made(content, kind, (1,), "C") if isinstance(content, bytes) and content else None
    return None if made is None else made[0]


def _encoded(text: str, _: str = "latin1") -> bytes:
    """Stand in for how old pickles hold bytes."""
    return text.encode("latin1")


_STANDS_IN: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): _Array,
    ("_codecs", "encode"): _encoded,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _array_of for core in ("core", "_core")},
}


class _Unpickler(pickle.Unpickler):
    """Reads plain values, and arrays by their stand-ins."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for what a pickle names; anything without one is refused."""
        try:
            return _STANDS_IN[module, name]
        except KeyError:
            raise _RefusedError(f"{module}.{name}") from None


def _content(file: BinaryIO) -> Any:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(file)
    if not dtype.hasobject:
        order: Any = "F" if by_columns else "C"
        return np.frombuffer(file.read(), dtype).reshape(shape, order=order)
    return _plain(_Unpickler(io.BytesIO(file.read())).load())


def _plain(value: Any) -> Any:
    """Bring what was unpickled to plain values: the array around the dictionary holds it as its one element."""
    if isinstance(value, _Array):
        return _plain(value.value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if isinstance(key, str)}
    return value
