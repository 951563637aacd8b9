"""What of the object in work is drawn in the viewer, and said of it."""

from __future__ import annotations

from collections.abc import Sequence

from napari_medt.clicking.context import Clicking
from napari_medt.clicking.writing import free_part
from src_models.clicking.clicked_object import ObjectSlice
from src_models.clicking.sessions import ObjectAsSeen

__all__ = ["ClickDrawing", "found_words"]


class ClickDrawing:
    """Draws the object, what was given for it, and the drag that goes on.

    Parameters
    ----------
    clicking
        The state of the widget.
    """

    def __init__(self, clicking: Clicking) -> None:
        self._at = clicking

    def draw_object(self) -> None:
        """Outline the pixels that accepting would write."""
        key = self._at.subjects.key()
        seen = self._at.seen_of(key)
        if seen is None or key not in self._at.subjects.targets:
            return
        target, labels = self._at.subjects.targets[key], self._at.subjects.labels()
        overwrite, own = self._at.controls.accepting.overwrite.isChecked(), self._at.own(key)
        parts = {}
        for plane, found in seen.state.planes.items():
            part = ObjectSlice(plane, found.answer.region, found.answer.mask, ())
            parts[plane] = part.region, free_part(labels, target, part, own=own, overwrite=overwrite)
        self._at.layers.show_object(target, parts)

    def draw_given(self) -> None:
        """Draw the clicks, boxes and scribbles, those that are not answered yet included."""
        key = self._at.subjects.key()
        if key is None or key not in self._at.subjects.targets:
            return
        given = [(plane, prompt) for of, plane, prompt in self._at.pending if of == key]
        seen = self._at.seen_of(key)
        if seen is not None:
            answered = [(plane, prompt) for plane, found in seen.state.planes.items() for prompt in found.prompts]
            given = [*answered, *given]
        self._at.layers.show_given(self._at.subjects.targets[key], given)

    def draw_drag(self, line: Sequence[Sequence[float]]) -> None:
        """Draw a drag that goes on, through world positions."""
        target = self._at.target(quiet=True)
        if target is None:
            return
        corners = [target.corner(world) for world in line]
        if self._at.controls.draws_scribbles():
            places = corners
        else:
            (y0, x0), (y1, x1) = corners[0], corners[-1]
            places = [(y0, x0), (y0, x1), (y1, x1), (y1, x0), (y0, x0)]
        shown = [target.position(target.plane, *place) for place in places]
        self._at.layers.show_drag(target, shown, not self._at.controls.flip.isChecked())


def found_words(seen: ObjectAsSeen) -> str:
    """Say what was found, and what to do next."""
    if not seen.state.planes:
        return "Click on an object."
    pixels = sum(int(found.answer.mask.sum()) for found in seen.state.planes.values())
    if not pixels:
        return "Nothing was found there: click on the object again, or drag a box around it."
    slices = f" in {len(seen.state.planes)} slices" if len(seen.state.planes) > 1 else ""
    return f"{pixels} px{slices}. Mend it with more clicks, or press A to accept it."
