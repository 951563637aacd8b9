"""The folder of corrections of the chosen image, the versions learnt from it, and which of them is in use."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_medt.correcting.context import CorrectContext
from napari_medt.preferences import keep_correct_model
from src_models.errors import UserError
from src_models.finetuning.correction_folder import (
    CorrectionFolder,
    Kept,
    merge,
    parts_of,
    read_folder,
    use_version,
    withdraw,
    write_note,
)
from src_models.models.library import find_model

if TYPE_CHECKING:
    from src_models.corrections.correction_set import CorrectionItem

__all__ = ["FolderInUse"]


class FolderInUse(QObject):
    """Shows what the folder holds, and changes it as a person asks for.

    Parameters
    ----------
    correcting
        The state of the widget.
    parent
        The widget.
    """

    listed = Signal(object)  #: what the folder holds is shown (a CorrectionFolder)

    def __init__(self, correcting: CorrectContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = correcting
        self._controls = correcting.controls
        self.held: CorrectionFolder | None = None
        self._parts_of: Path | None = None  # the model whose parts are offered
        trying, marked, versions = correcting.trying, correcting.controls.marked, correcting.controls.versions
        marked.withdrawn.connect(trying(self.withdraw))
        marked.merged.connect(trying(self.merge))
        versions.wanted.connect(trying(self.use))
        versions.noted.connect(self._note)
        correcting.controls.learning.part.wanted.connect(self._offer_parts)

    def open(self, *, follow: bool = True) -> None:
        """Look at the folder of corrections of the chosen image.

        Parameters
        ----------
        follow
            Whether the version that is in use there is chosen as the model.
        """
        folder = self._context.folder()
        self._controls.folder.set_folder(folder)
        if folder is None:
            self._controls.learning.set_count(0, False)
            self._controls.marked.set_items(())
            self._controls.versions.set_versions((), None, None)
            return
        self._context.work.ask(("folder", follow), partial(read_folder, folder, self._controls.models.paths()))

    def use(self, name: str | None) -> None:
        """Use a version, or the model that they began with."""
        if self.held is None:
            return
        if name is None and self.held.base is None:
            raise UserError(
                "The file of the first model is not known here: choose it in the list Model, or open it there."
            )
        work = partial(use_version, self.held.folder, name, self._controls.models.paths())
        self._context.work.ask(("folder", True), work)
        self._context.say(f"{name or 'The first model'} is in use from now on.")

    def on_kept(self, kept: Kept) -> None:
        """List a correction that was marked."""
        if kept.marked.folder == self._context.folder():
            self._show_items(kept.items)
        self._offer_parts()

    def on_folder(self, held: CorrectionFolder, *, follow: bool) -> None:
        """Show what a folder holds, and use what is in use there."""
        if held.folder != self._context.folder():
            return
        self.held = held
        active = held.version(held.active)
        path = active.path if active is not None else held.base
        if follow and path is not None and path != self._controls.models.path():
            self._controls.models.open_file(path)
        self._show_items(held.items)
        base = held.base.stem if held.base is not None else None
        self._controls.versions.set_versions(held.versions, held.active, base)
        self.listed.emit(held)

    def on_model_changed(self) -> None:
        """Note which model is in use."""
        path = self._controls.models.path()
        if path is None:
            return
        keep_correct_model(_named(path))
        if self._parts_of is not None:  # else no person has looked at them yet
            self._offer_parts()
        held = self.held
        if held is not None and held.folder == self._context.folder():
            version = held.version_at(path)
            name = None if version is None else version.name
            if name != held.active:
                work = partial(use_version, held.folder, name, self._controls.models.paths())
                self._context.work.ask(("folder", False), work)

    def withdraw(self, item: CorrectionItem) -> None:
        """Leave a correction out from now on."""
        folder = self._context.folder()
        if folder is not None:
            self._context.work.ask(
                ("folder", False), partial(withdraw, folder, item.name, self._controls.models.paths())
            )
            self._context.say("That correction is left out from now on; your labels are as they were.")

    def merge(self, other: Path) -> None:
        """Add the corrections of another folder."""
        folder = self._context.folder()
        if folder is None:
            raise UserError("There is no image to correct: open one first (File > Open File(s)...).")
        self._context.work.ask(("merged", other), partial(merge, folder, other, self._controls.models.paths()))

    def on_merged(self, other: Path, held: CorrectionFolder, added: int) -> None:
        """Tell what came of that."""
        corrections = "1 correction was" if added == 1 else f"{added} corrections were"
        self._context.say(
            f"{corrections} added from {other.name}." if added else f"All of {other.name} is here already."
        )
        self.on_folder(held, follow=False)

    def _show_items(self, items: tuple[CorrectionItem, ...]) -> None:
        self._controls.marked.set_items(items)
        self._controls.learning.set_count(len(items), self._controls.models.path() is not None)

    def _offer_parts(self) -> None:
        """Offer the parts of the model that can learn: to tell them, the model is loaded."""
        path = self._controls.models.path()
        if path is not None and path != self._parts_of:
            self._parts_of = path
            self._context.work.ask("parts", partial(parts_of, path))

    def _note(self, name: str, text: str) -> None:
        if self.held is not None:
            self._context.work.ask("note", partial(write_note, self.held.folder, name, text))


def _named(path: Path) -> str:
    """Return a model's name where that finds it, else its file."""
    try:
        return path.stem if find_model(path.stem) == path else str(path)
    except UserError:
        return str(path)
