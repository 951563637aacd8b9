"""Journals of labels that were left unfinished: finding, reading and deleting them."""

from __future__ import annotations

import logging
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import platformdirs
from numpy.typing import NDArray

from src_models.journal.folder import LOG, in_use, remove
from src_models.journal.log import JournalError, read_contents, whole_box

__all__ = ["PENDING", "Recovered", "Unfinished", "discard", "journals_folder", "read_journal", "unfinished"]

PENDING = "session"  # notes of this name are worth going on with, even where no labels were made yet

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a journal holds.

    Parameters
    ----------
    labels
        The labels as they were last, integers or booleans of any shape.
    notes
        The last notes.
    time
        When the last record was written, in UTC.
    """

    labels: NDArray[Any]
    notes: dict[str, Any]
    time: datetime


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A journal whose process is gone.

    Parameters
    ----------
    folder
        Where it is.
    notes
        Its last notes.
    time
        When its last record was written, in UTC.
    """

    folder: Path
    notes: dict[str, Any]
    time: datetime


def journals_folder() -> Path:
    """Return the folder of this person's journals; it need not exist."""
    return platformdirs.user_state_path("napari-medt", appauthor=False) / "unfinished"


def read_journal(folder: Path) -> Recovered:
    """Read what a journal holds; what is damaged at its end is left out.

    Parameters
    ----------
    folder
        The journal's folder.

    Returns
    -------
    Recovered
        The labels and notes as they were last.

    Raises
    ------
    JournalError
        If there is no journal, it cannot be read, or a newer version wrote it.
    """
    try:
        with (Path(folder) / LOG).open("rb") as file:
            contents = read_contents(file)
            return Recovered(contents.labels(file, whole_box(contents.shape)), contents.notes, contents.time)
    except (OSError, zlib.error) as error:
        raise JournalError(f"the labels kept in {folder} cannot be read: {error}") from error


def unfinished(parent: Path) -> list[Unfinished]:
    """Find the journals in a folder that hold labels, or notes named ``PENDING``, and whose process is gone.

    Parameters
    ----------
    parent
        The folder that the journals' folders are in; it need not exist.

    Returns
    -------
    list of Unfinished
        Newest first. Unreadable ones are left where they are, with a line in the log.
    """
    found = []
    for path in Path(parent).glob(f"*/{LOG}"):
        try:
            if in_use(path.parent):
                continue
            with path.open("rb") as file:
                contents = read_contents(file)
        except (OSError, JournalError) as error:
            _logger.warning("left out, but not deleted: %s", error)
            continue
        if contents.blocks or contents.notes.get(PENDING):
            found.append(Unfinished(path.parent, contents.notes, contents.time))
    return sorted(found, key=lambda journal: journal.time, reverse=True)


def discard(folder: Path) -> None:
    """Delete a journal.

    Parameters
    ----------
    folder
        The journal's folder. Files that are not the journal's stay, and so does the folder then.

    Raises
    ------
    JournalError
        If its process still lives, or it cannot be deleted.
    """
    try:
        if in_use(folder):
            raise JournalError(f"the labels kept in {folder} are in use; close the viewer that they are shown in first")
        remove(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalError(f"{folder} cannot be deleted: {error.strerror or error}; delete it by hand") from error
