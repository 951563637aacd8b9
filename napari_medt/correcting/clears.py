"""Taking objects out of the labels that are corrected: those in a box, or all that are in view."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_medt.correcting.box_drag import Box
from napari_medt.correcting.clearing import Cleared, what_to_clear
from napari_medt.correcting.context import CorrectContext
from napari_medt.correcting.labels import write_where_held

if TYPE_CHECKING:
    import napari.layers

__all__ = ["Clears"]


class Clears:
    """Has objects looked for off the GUI thread, and empties their pixels.

    Parameters
    ----------
    correcting
        The state of the widget.
    corrected
        Gives the labels that are corrected, and what was found in them.
    numbers_objects
        Tells whether each object has a number of its own.
    """

    def __init__(
        self,
        correcting: CorrectContext,
        corrected: Callable[[], tuple[napari.layers.Labels, Any]],
        numbers_objects: Callable[[], bool],
    ) -> None:
        self._context = correcting
        self._corrected = corrected
        self._numbers_objects = numbers_objects

    def clear(self, part: Box) -> None:
        """Take what is in a part of the plane in view out of the labels, as one step that can be undone."""
        labels, prediction = self._corrected()
        target = self._context.target()
        plane = target.index(target.plane, slice(None), slice(None))
        work = partial(
            what_to_clear,
            labels.data[plane],
            part,
            background=prediction.background,
            whole_objects=self._numbers_objects(),
        )
        self._context.work.ask(("clear", (labels, plane)), work)

    def clear_view(self) -> None:
        """Clear all that is in view."""
        target = self._context.target()
        region = self._context.region(target, "visible")
        rows, columns = (
            (cut.start, cut.stop)
            for letter, cut in zip(region.letters, region.index, strict=True)
            if isinstance(cut, slice) and letter != "C"
        )
        self.clear((rows, columns))

    def on_cleared(self, asked: tuple[napari.layers.Labels, Any], cleared: Cleared) -> None:
        """Empty the pixels that were found, but for those that a person painted in meanwhile."""
        labels, plane = asked
        if labels not in self._context.viewer.layers:
            return
        if not len(cleared.rows):
            self._context.say("There was no object to clear. One that only reaches into the box stays.")
            return
        write_where_held(labels, plane, (cleared.rows, cleared.columns), cleared.values, 0)
        count = cleared.objects
        what = f"{len(cleared.rows):,} px" if count is None else "1 object" if count == 1 else f"{count:,} objects"
        self._context.viewer.layers.selection.active = labels  # napari undoes in the layer that is selected
        self._context.say(f"Cleared: {what}. Ctrl+Z brings them back.")
