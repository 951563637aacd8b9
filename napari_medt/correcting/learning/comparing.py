"""Looking at what learning did: outlines and attention before and after, and what to correct next."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_medt.correcting.context import CorrectContext
from napari_medt.correcting.layers import AFTER, BEFORE, NEXT
from napari_medt.correcting.learning.folder_in_use import FolderInUse
from napari_medt.correcting.learning.kept_outcomes import Compared, compare_steps
from napari_medt.correcting.source import source_of
from napari_medt.preferences import read_preferences
from napari_medt.viewer.result_layers import ResultLayers
from napari_medt.viewer.viewed_image import ViewedImage
from src_models.errors import UserError
from src_models.finetuning.correction_folder import rank

if TYPE_CHECKING:
    from src_models.corrections.correction_set import CorrectionItem

__all__ = ["Comparing"]

_SHOWN = {"off": (), "before": (BEFORE,), "after": (AFTER,), "both": (BEFORE, AFTER)}


class Comparing(QObject):
    """Before and after, and the next place to correct.

    Parameters
    ----------
    correcting
        The state of the widget.
    folder
        Where the versions come from.
    parent
        The widget.
    """

    def __init__(self, correcting: CorrectContext, folder: FolderInUse, parent: QObject) -> None:
        super().__init__(parent)
        self._context = correcting
        self._folder = folder
        self._results = ResultLayers(correcting.viewer)
        self._compared: tuple[Any, ...] = ()  # what the outlines that are there are of
        self._found: Compared | None = None
        self._view = ""  # the part of the plane that they were last drawn for
        controls, trying = correcting.controls, correcting.trying
        controls.versions.outlines_wanted.connect(trying(self.show_outlines))
        controls.versions.attention_wanted.connect(trying(self.compare_attention))
        controls.next.ranking_wanted.connect(trying(self.rank))
        controls.next.shown.connect(trying(self._go_to))
        controls.marked.shown.connect(trying(self._go_to_marked))

    def show_outlines(self, which: str) -> None:
        """Outline what is found in the plane in view "before" learning, "after" it, "both", or nothing ("off")."""
        if which == "off":
            self._switch(which)
            return
        try:
            target = self._context.target()
            before, after = self._files()
            region = self._context.seen(target)
            wanted = (target.layer.unique_id, repr(region), before, after)
            if wanted == self._compared and self._context.layers.find(AFTER) is not None:
                self._switch(which)
                return
            steps = compare_steps(
                self._context.job(target, region, before), self._context.job(target, region, after), self._context.found
            )
            self._context.start(
                steps, "Comparing before and after", partial(self._show_compared, target, which, wanted)
            )
        except UserError:
            self._switch("off")
            raise

    def segment_again(self) -> None:
        """After learning, outline what the new version finds in view, where that is wanted; labels are not touched."""
        if self._context.controls.learning.again.isChecked() and not self._context.run.running:
            with suppress(
                UserError
            ):  # of a view in 3D, or a first model that is not known: then a person can ask for it
                self.show_outlines("after")

    def compare_attention(self) -> None:
        """Show where two versions look in the plane in view, and the difference."""
        from src_models.models.architectures import usual_attention
        from src_models.models.header import read_header

        target = self._context.target()
        before, after = self._files()
        header = read_header(after)
        names = tuple(usual_attention(header.architecture, header.config))[:1]
        if not names:
            raise UserError(f"the model {header.name!r} has no attention that could be compared")
        one, other = (self._context.job(target, target.region, path, attention=names) for path in (before, after))
        self._context.start(
            compare_steps(one, other, self._context.found),
            "Comparing attention before and after",
            partial(self._show_attention, target),
        )

    def rank(self) -> None:
        """Rank the places of the image by what a correction would teach."""
        target, chosen = self._context.target(), read_preferences()
        folder = self._context.folder()
        assert folder is not None  # there is an image
        steps = rank(
            target.data,
            target.reading,
            self._context.model(),
            folder,
            source=source_of(target).image,
            device=chosen.device,
            threads=chosen.threads,
            name=target.name,
        )
        self._context.start(steps, "Looking for what to correct next", self._ranked)

    def forget(self) -> None:
        """Forget what was looked at: the image or the model is another one."""
        self._compared, self._found = (), None
        self._context.controls.next.forget()
        self._context.layers.hide(NEXT)
        self._switch("off")

    def _files(self) -> tuple[Path, Path]:
        """Return the files of the model before the chosen version, and of that."""
        versions, held = self._context.controls.versions, self._folder.held
        version = versions.chosen()
        if version is None or held is None:
            raise UserError("Nothing was learnt yet that could be compared.")
        parent = versions.parent_of(version)
        before = held.base if parent is None else parent.path
        if before is None:
            raise UserError(
                f"the model that {version.name} began with is not known here: open its file in the list Model first"
            )
        return before, version.path

    def _show_compared(self, target: ViewedImage, which: str, wanted: tuple[Any, ...], found: Compared) -> None:
        if target.layer not in self._context.viewer.layers:
            return
        self._found, self._compared, self._view = found, wanted, ""
        self._outline(target)
        self._switch(which)
        self._context.say(f"Before: {found.before.summary} (pink). After: {found.after.summary} (green).")

    def follow_view(self) -> None:
        """Outline what came into view of a large plane, as finely as it is seen."""
        with suppress(UserError):  # of a view in 3D; said when a button is pressed
            target = self._context.target()
            layer = self._context.layers.find(AFTER)
            if self._found is not None and layer is not None and self._context.is_large(target):
                self._outline(target)

    def _outline(self, target: ViewedImage) -> None:
        view = self._context.seen(target)
        if self._found is None or repr(view) == self._view:
            return
        self._view = repr(view)
        for role, outcome in ((BEFORE, self._found.before), (AFTER, self._found.after)):
            shown = self._context.layers.find(role)
            visible = shown is None or shown.visible
            self._context.layers.show_outlines(
                target.layer, role, outcome.job.region, outcome.labels, outcome.model_name, view
            )
            self._context.layers.find(role).visible = visible

    def _switch(self, which: str) -> None:
        self._context.controls.versions.set_shown(which)
        for role in (BEFORE, AFTER):
            layer = self._context.layers.find(role)
            if layer is not None:
                layer.visible = role in _SHOWN[which]

    def _show_attention(self, target: ViewedImage, found: Compared) -> None:
        from src_models.attention.difference import difference
        from src_models.attention.words import map_words

        image = target.layer
        if image not in self._context.viewer.layers:
            return
        before, after = (outcome.segmentation.attention[0] for outcome in (found.before, found.after))
        names = (found.before.model_name, found.after.model_name)
        active = self._context.viewer.layers.selection.active
        self._switch("off")
        less = self._results.show_difference(image, found.after, difference(after, before, models=names[::-1]))
        less.visible = False
        for when, outcome, placed in (("before", found.before, before), ("after", found.after, after)):
            layer = self._results.show_map(image, outcome, placed)
            layer.name = f"{map_words(placed.name, placed.kind).name} {when} ({outcome.model_name}) - {image.name}"
            layer.visible = when == "after"
        if active is not None:
            self._context.viewer.layers.selection.active = active
        self._context.say(
            "Attention before and after learning, and the difference, are layers now: click their eyes to compare."
        )

    def _ranked(self, candidates: Any) -> None:
        self._context.say("Ranked. Press Shift+N for the next place.")
        self._context.controls.next.offer(candidates)

    def _go_to(self, candidate: Any) -> None:
        self._context.layers.show_place(self._context.target(), candidate.plane, candidate.region)

    def _go_to_marked(self, item: CorrectionItem) -> None:
        target, source = self._context.target(), item.record.source
        if source.same_place[:2] != source_of(target).same_place[:2]:
            raise UserError(
                f"this correction is of another image: open {source.file or source.layer}, and choose it as the image"
            )
        self._context.layers.show_place(target, source.plane, item.record.region)
