"""Say that a DICOM file is damaged, without a word of what stands in it.

Errors, warnings and the log of pydicom quote the value that they are about, which may be a patient's name or number. So
nothing of them is passed on but of what kind an error is.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src_models.errors import ImageError

__all__ = ["damaged", "silent_pydicom", "told_as_damage"]


def damaged(path: Path, subject: str, error: Exception) -> ImageError:
    """Return the error that says of a file that it is damaged.

    Parameters
    ----------
    path
        The file.
    subject
        What is damaged, with its verb, such as ``"the pixels are"``.
    error
        What went wrong; of its words, only those of the file system are told.
    """
    reason = getattr(error, "strerror", None) or type(error).__name__
    return ImageError(f"{path}: {subject} cut off or damaged ({reason}); copy or export the file again")


@contextmanager
def told_as_damage(path: Path, subject: str) -> Iterator[None]:
    """Turn whatever goes wrong within into an error about a file, and keep pydicom silent meanwhile.

    Raises
    ------
    ImageError
        As it is raised within, or as :func:`damaged` words it.
    """
    try:
        with silent_pydicom():
            yield
    except ImageError:
        raise
    except Exception as error:  # each kind of value has its own way to be damaged
        raise damaged(path, subject, error) from None  # a traceback would quote it as well


@contextmanager
def silent_pydicom() -> Iterator[None]:
    """Let pydicom neither warn nor log."""
    log, muting = logging.getLogger("pydicom"), _Muting()
    log.addFilter(muting)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.removeFilter(muting)


class _Muting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return False
