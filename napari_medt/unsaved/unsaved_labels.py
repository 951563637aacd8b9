"""The way back: unfinished labels are offered, read, added to the viewer, kept anew, and only then deleted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from numpy.typing import NDArray

from napari_medt.unsaved.labels_autosave import recover
from napari_medt.unsaved.unfinished_image import place_like
from napari_medt.unsaved.unfinished_labels import UnfinishedLabels
from napari_medt.unsaved.watched_labels import WatchedLabels
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.running.ordered_work import OrderedWork
    from napari_medt.unsaved.recovery_bar import RecoveryBar
    from src_models.journal.journal import Recovered

__all__ = ["UnsavedLabels"]

_OFFER, _READ, _REPLACE = ("unfinished", None), ("recover", None), ("replace", None)

Work = TypeVar("Work", bound=UnfinishedLabels)


class UnsavedLabels(ABC, Generic[Work]):
    """What a widget does about labels of one kind that are not saved; each kind says how work goes on in them.

    Parameters
    ----------
    kind
        The kind of labels.
    viewer
        The viewer.
    work
        Does what waits for the disk.
    bar
        Offers what is unfinished.
    report
        Tells a person what is wrong.
    """

    def __init__(
        self,
        kind: type[Work],
        viewer: napari.viewer.Viewer,
        work: OrderedWork,
        bar: RecoveryBar,
        report: Callable[[str], None],
    ) -> None:
        self._kind = kind
        self._viewer = viewer
        self._work = work
        self._bar = bar
        self._report = report
        self._replaced: list[Work] = []  # gone on with, and to be deleted once it is kept anew
        self.watched = WatchedLabels(kind.home)
        work.done.connect(self._on_done)
        bar.wanted.connect(self.go_on)
        bar.unwanted.connect(self._discard)

    @abstractmethod
    def _take_up(self, labels: napari.layers.Labels, image: napari.layers.Image, work: Work) -> bool:
        """Go on with labels in an image that is chosen; say whether they are kept anew."""

    def _add(self, recovered: Recovered, beside: NDArray[Any] | None) -> napari.layers.Labels:
        """Add labels that were read to the viewer, with what was kept beside them."""
        return recover(self._viewer, recovered)

    def _is_unsaved(self, labels: napari.layers.Labels) -> bool:
        """Whether labels are to be found at the next start."""
        return True

    def offer(self) -> None:
        """Offer what processes that are gone have left."""
        self._work.ask(_OFFER, self._kind.find)

    def go_on(self, work: Work) -> None:
        """Go on with what was not saved when a process ended, once it is read."""
        self._work.ask(_READ, lambda: (work, *work.read()))

    def leave(self) -> None:
        """Stop watching: what is not saved is found when the dock, or napari, is opened again."""
        kept = self.watched.kept()
        self.watched.leave(self._is_unsaved)
        for work in self._replaced if kept() else []:
            with suppress(UserError):  # it is offered at the next start, which does no harm
                work.discard()

    def _on_done(self, asked: Any, result: Any) -> None:
        if asked == _OFFER:
            self._bar.offer(result)
        elif asked == _READ:
            try:
                self._go_on_with(*result)
            except UserError as error:
                self._report(str(error))
        elif asked == _REPLACE and result is not None:
            self._replaced.remove(result)

    def _go_on_with(self, work: Work, recovered: Recovered, beside: NDArray[Any] | None) -> None:
        image = work.image.layer_in(self._viewer)
        opened = work.image.open_in(self._viewer) if image is None else None
        labels = self._add(recovered, beside)
        if opened is not None:
            place_like(opened, labels)
        image = opened if image is None else image
        if image is None:
            name = work.image.name
            raise UserError(f"Open the image {name!r} to go on; what you made in it is in the layer {labels.name!r}.")
        self._viewer.layers.selection.active = image
        if self._take_up(labels, image, work):
            self._replaced.append(work)
            self._work.ask(_REPLACE, self._replace(work))

    def _replace(self, work: Work) -> Callable[[], Work | None]:
        """Return what deletes the old journal, once the new one has it."""
        kept = self.watched.kept()

        def replace() -> Work | None:
            if not kept():
                return None
            work.discard()
            return work

        return replace

    def _discard(self, work: Work) -> None:
        try:
            work.discard()
        except UserError as error:
            self._report(str(error))
