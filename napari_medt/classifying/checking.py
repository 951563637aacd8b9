"""Measures whether maps of why are true of the run that is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_medt.classifying.panels.check_panel import CheckPanel
from napari_medt.classifying.panels.why_panel import WhyPanel
from napari_medt.classifying.shown import ShownClasses
from src_models.auditing.classes.layer_audit import layer_classes_audit_steps

if TYPE_CHECKING:
    from src_models.auditing.results import Audit

__all__ = ["MapChecking"]


class MapChecking:
    """Checks what speaks for the classes, and the map that is chosen, of one run at a time.

    Parameters
    ----------
    panel
        What is seen of it.
    why
        Says which map is chosen.
    report
        Tells a person what is wrong.
    """

    def __init__(self, panel: CheckPanel, why: WhyPanel, report: Callable[[str], None]) -> None:
        self._panel = panel
        self._why = why
        self._report = report
        self._shown: ShownClasses | None = None
        panel.check.clicked.connect(self.start)
        panel.run.ended.connect(self._on_ended)
        panel.run.refused.connect(self._on_refused)
        panel.setEnabled(False)

    def follow(self, shown: ShownClasses | None) -> None:
        """Check this run from now on; None for none."""
        if shown is self._shown:
            return
        self._shown = shown
        self._panel.run.cancel()
        self._panel.say(())
        self._panel.run_bar.say("")
        self._panel.setEnabled(shown is not None)

    def start(self) -> None:
        """Check the maps of the run that is shown."""
        shown = self._shown
        if shown is None or self._panel.run.running:
            return
        self._panel.set_running(True)
        steps = layer_classes_audit_steps(shown.result, self._why.to_check())
        self._panel.run.start(steps, f"Checking maps of {shown.image.name}")

    def leave(self, *, wait: bool) -> None:
        """End the check: the widget goes."""
        self._panel.run.leave(wait=wait)

    def _on_ended(self, found: Audit | None) -> None:
        self._panel.set_running(False)
        self._panel.run_bar.say("" if found is not None else "Cancelled.")
        if found is not None:
            self._panel.say(found.summary)

    def _on_refused(self, sentence: str) -> None:
        self._panel.set_running(False)
        self._panel.run_bar.say("")
        self._report(sentence)
